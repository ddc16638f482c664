// SPDX-License-Identifier: Apache-2.0
// The divergence catalogue: the list, and a page for each row.
'use strict';
(() => {
  const app = iovalid;
  const { el } = app;
  const filter = { text: '', class: '', seen: false };

  const textOf = (row) => row.search ??= [row.id, row.title, row.class, row.left, row.right,
    ...row.problems, ...row.calls, row.advice].join(' ').toLowerCase();

  const draw = (body, status) => {
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = app.data.rows.filter((row) => (!filter.class || row.class === filter.class) &&
      (!filter.seen || row.steps) && words.every((word) => textOf(row).includes(word)));
    status.textContent = app.plural(rows.length, 'divergence');
    body.replaceChildren(...rows.map((row) => el('li', {},
      el('a', { class: `card class-${row.class}`, href: `#/row/${row.id}` },
        el('span', { class: 'title' }, row.title),
        el('span', { class: 'tags' }, app.classBadge(row.class),
          el('code', {}, row.id),
          row.problems.map((problem) => el('span', { class: 'badge' }, problem)),
          el('span', { class: 'dim' },
            row.steps ? `seen in ${app.plural(row.steps, 'step')}` : 'not seen in these traces'))))));
  };

  app.pages.set('rows', () => {
    const body = el('ul', { class: 'cards' });
    const status = el('p', { class: 'dim', role: 'status' });
    const redraw = () => draw(body, status);
    app.page('Divergences', el('h1', {}, 'Known divergences'),
      el('p', { class: 'lead' }, 'Each is a row of the catalogue: what differs, why, and what to do about it.'),
      el('form', { class: 'filters', role: 'search', 'aria-label': 'Filters',
        onsubmit: (event) => event.preventDefault() },
      el('input', { type: 'search', placeholder: 'Filter  ( / )', 'aria-label': 'Filter text', value: filter.text,
        oninput: (event) => { filter.text = event.target.value; redraw(); } }),
      el('label', {}, 'class ', el('select', { 'aria-label': 'Class',
        onchange: (event) => { filter.class = event.target.value; redraw(); } },
      ['', 'intended', 'undocumented', 'bug'].map((name) => el('option',
        { value: name, selected: filter.class === name }, name || 'any')))),
      el('label', { class: 'check' }, el('input', { type: 'checkbox', checked: filter.seen,
        onchange: (event) => { filter.seen = event.target.checked; redraw(); } }), 'seen in these traces')),
      status, body);
    redraw();
  });

  const trace = (title, number, text) => {
    if (number === undefined) return null;
    const body = el('div', { class: 'call-list' }, el('p', { class: 'dim' }, 'Loading…'));
    app.loadTrace(number).then(({ timeline }) => {
      const found = timeline.seqs[0];
      body.replaceChildren(app.callList(timeline, found, -1));
    }).catch((error) => body.replaceChildren(el('p', { class: 'note' }, error.message)));
    return el('section', {}, el('h2', {}, title), el('p', { class: 'dim' }, text, ' ',
      el('a', { class: 'button', href: `#/trace/${number}/0/0` }, 'Open the timeline')), body);
  };

  app.pages.set('row', ([id]) => {
    const index = app.data.rows.findIndex((row) => row.id === id);
    if (index < 0) {
      app.page('Not found', el('p', { class: 'note' }, `There is no divergence "${id}".`));
      return;
    }
    const row = app.data.rows[index];
    const seen = app.corpus().map((file) => ({
      file, number: app.data.files.indexOf(file),
      steps: (file.rows.find(([other]) => other === index) || [0, 0])[1],
    })).filter(({ steps }) => steps > 0);
    const item = (name, value) => value && value.length !== 0 ? [el('dt', {}, name), el('dd', {}, value)] : [];
    app.page(row.id,
      el('p', { class: 'crumbs' }, el('a', { href: '#/rows' }, 'Divergences')),
      el('h1', {}, row.title),
      el('p', { class: 'tags' }, app.classBadge(row.class), ' ', el('code', {}, row.id), ' ',
        row.problems.map((problem) => el('span', { class: 'badge' }, problem))),
      el('p', { class: 'advice' }, el('b', {}, 'What to do: '), row.advice),
      el('dl', { class: 'facts' },
        item('compares', `${row.left} (left) with ${row.right} (right)`),
        item('calls', row.calls.map((call) => el('code', {}, `${call} `))),
        item('left answers', row.answers[0]), item('right answers', row.answers[1]),
        item('where', row.tests.map((test) => el('code', { class: 'block' }, test))),
        item('what differs', row.explains.join(', ')),
        item('sources', row.sources.map((source) => el('div', {}, source))),
        item('reported by users', row.problems.length ? `${row.problems.join(', ')} (docs/problems.md)` : ''),
        item('shows with', row.with.map((other) => [el('a', { href: `#/row/${other}` }, other), ' '])),
        item('needs', row.universe)),
      trace('Minimal trace', row.minimal, 'The last call that differs shows it.'),
      trace('Near miss', row.near, 'It comes close, and must not be taken for it.'),
      el('section', {}, el('h2', {}, 'Seen in these traces'),
        row.first ? el('p', {}, el('a', { class: 'button', href: app.placeHref(row.first) },
          'Open the shortest place'), ` ${app.plural(row.steps, 'step')} over all kernels`)
          : el('p', { class: 'dim' }, 'Nowhere.'),
        seen.length > 0 && el('div', { class: 'scroll' }, el('table', {},
          el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'trace'), el('th', { scope: 'col' }, 'steps'))),
          el('tbody', {}, seen.map(({ file, number, steps }) => el('tr', {},
            el('th', { scope: 'row' }, el('a', { href: `#/trace/${number}` }, file.path)),
            el('td', { class: 'n' }, app.number(steps)))))))));
  });
})();
