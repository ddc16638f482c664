// SPDX-License-Identifier: Apache-2.0
// Which rules of the models the corpus reached, with which errno.
'use strict';
(() => {
  const app = iovalid;
  const { el } = app;
  const filter = { text: '', missing: false };

  const groupOf = (rule) => rule.split('.').slice(0, 2).join('.');

  const draw = (body, status) => {
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = new Map();
    let hit = 0;
    let all = 0;
    for (const [rule, error, ...counts] of app.data.coverage) {
      const total = counts.reduce((sum, count) => sum + count, 0);
      const text = `${rule} ${error} ${app.ruleText(rule).function} ${app.ruleText(rule).text}`.toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
      ++all;
      if (total) ++hit;
      if (filter.missing && total) continue;
      const group = groupOf(rule);
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push({ rule, error, counts, total });
    }
    status.textContent = `${app.number(hit)} of ${app.number(all)} pairs of rule and errno were reached` +
      ` (${all ? Math.round(100 * hit / all) : 0} %)`;
    body.replaceChildren(...[...groups].map(([group, items]) => {
      const reached = items.filter((item) => item.total).length;
      return el('details', { class: 'cover', open: words.length > 0 || filter.missing },
        el('summary', {}, el('code', {}, group),
          el('span', { class: 'meter', 'aria-hidden': 'true' },
            el('i', { style: `width:${100 * reached / items.length}%` })),
          el('span', { class: 'n' }, `${reached} / ${items.length}`)),
        el('div', { class: 'scroll' }, el('table', {},
          el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'rule'), el('th', { scope: 'col' }, 'errno'),
            app.data.columns.map((name) => el('th', { scope: 'col' }, name)))),
          el('tbody', {}, items.map((item) => el('tr', { class: item.total ? '' : 'missing' },
            el('th', { scope: 'row' }, el('code', {}, item.rule),
              app.ruleText(item.rule).text && el('small', { class: 'dim block' },
                `${app.ruleText(item.rule).function}: ${app.ruleText(item.rule).text}`)),
            el('td', {}, app.verdict(item.error)),
            item.counts.map((count) => el('td', { class: 'n' }, count ? app.number(count) : '·'))))))));
    }));
  };

  app.pages.set('coverage', () => {
    const body = el('div', {});
    const status = el('p', { class: 'lead', role: 'status' });
    const redraw = () => draw(body, status);
    app.page('Coverage', el('h1', {}, 'Coverage'),
      el('p', { class: 'dim' }, 'Rules of the models that decided a call of these traces, with the errno, by column. ',
        'A rule that no trace reaches is not tested by them.'),
      el('form', { class: 'filters', role: 'search', 'aria-label': 'Filters',
        onsubmit: (event) => event.preventDefault() },
      el('input', { type: 'search', placeholder: 'Filter  ( / )', 'aria-label': 'Filter text', value: filter.text,
        oninput: (event) => { filter.text = event.target.value; redraw(); } }),
      el('label', { class: 'check' }, el('input', { type: 'checkbox', checked: filter.missing,
        onchange: (event) => { filter.missing = event.target.checked; redraw(); } }), 'only what is not reached')),
      status, body);
    redraw();
  });
})();
