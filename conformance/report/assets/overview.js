// SPDX-License-Identifier: Apache-2.0
'use strict';
(() => {
  const app = iovalid;
  const { el } = app;
  const kClasses = ['intended', 'undocumented', 'bug'];

  const figure = (value, label, href, extra) => el(href ? 'a' : 'div',
    { class: `figure ${extra || ''}`, href },
    el('b', {}, typeof value === 'number' ? app.number(value) : value), el('span', {}, label));

  // A bar of parts with a legend.
  const stackedBar = (parts, label) => {
    const total = parts.reduce((sum, part) => sum + part.value, 0) || 1;
    return el('figure', { class: 'stack' },
      el('div', { class: 'bar', role: 'img', 'aria-label': label },
        parts.filter((part) => part.value > 0).map((part) => el('i', {
          class: part.class, style: `flex-grow:${part.value / total}`,
          title: `${part.name}: ${app.number(part.value)}`,
        }))),
      el('figcaption', {}, parts.map((part) => el('span', {},
        el('i', { class: `dot ${part.class}` }), ` ${part.name} ${app.number(part.value)}`))));
  };

  const searches = () => {
    if (app.data.searches.length === 0) return null;
    return el('section', {}, el('h2', {}, 'Search'),
      el('div', { class: 'scroll' }, el('table', {},
        el('thead', {}, el('tr', {}, ['output', 'sequences', 'distinct divergences', 'explained',
          'unexplained', 'median calls'].map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', {}, app.data.searches.map((search) => el('tr', {},
          el('th', { scope: 'row' }, search.name),
          [search.sequences, search.distinct, search.explained, search.unexplained].map(
            (value) => el('td', { class: 'n' }, app.number(value))),
          el('td', { class: 'n' }, search.median ?? '')))))));
  };

  app.pages.set('', () => {
    const corpus = app.corpus();
    const sum = (key) => corpus.reduce((total, file) => total + file[key], 0);
    const rows = app.data.rows;
    const seen = rows.map((row, index) => ({ row, index })).filter(({ row }) => row.steps);
    const unexplained = sum('unexplained');
    const byClass = kClasses.map((name) => ({
      name, class: `class-${name}`,
      value: seen.filter(({ row }) => row.class === name).length,
    }));
    const top = [...seen].sort((a, b) => b.row.steps - a.row.steps || a.index - b.index).slice(0, 12);
    const most = top.length ? top[0].row.steps : 1;
    app.page('Overview',
      el('h1', {}, 'Does it behave the same on VFIO type1 and on iommufd?'),
      el('p', { class: 'lead' },
        `${app.plural(corpus.length, 'trace')} were run on models of `,
        'type1 (6.1, 6.12, 7.3), of iommufd’s compatibility layer and of its own calls (6.12, 7.3), ',
        'call by call, and compared in answer and state.'),
      el('div', { class: 'figures' },
        figure(corpus.length, 'traces', '#/traces'),
        figure(sum('sequences'), 'sequences'),
        figure(sum('calls'), 'calls'),
        figure(sum('differing'), 'steps that differ', '#/matrix'),
        figure(`${seen.length} / ${rows.length}`, 'known divergences seen', '#/rows'),
        figure(unexplained, unexplained === 1 ? 'step unexplained' : 'steps unexplained',
          '#/matrix/unexplained', unexplained ? 'bad' : 'fine')),
      el('section', {}, el('h2', {}, 'Divergences seen, by class'),
        stackedBar(byClass, byClass.map((part) => `${part.name} ${part.value}`).join(', ')),
        el('p', { class: 'dim' },
          'intended: the compatibility layer does so on purpose; undocumented: nobody says so; ',
          'bug: the maintainers would rather it did not.')),
      top.length > 0 && el('section', {}, el('h2', {}, 'Met most often'),
        el('ol', { class: 'bars' }, top.map(({ row }) => el('li', {},
          el('a', { href: `#/row/${row.id}` },
            el('span', { class: 'what' }, row.title),
            el('span', { class: 'length', 'aria-hidden': 'true' },
              el('i', { class: `class-${row.class}`, style: `width:${100 * row.steps / most}%` })),
            el('span', { class: 'n' }, app.number(row.steps))))))),
      searches());
  });
})();
