// SPDX-License-Identifier: Apache-2.0
// The errno matrix, and the page of one of its cells.
'use strict';
(() => {
  const app = iovalid;
  const { el } = app;
  const filter = {
    text: '', class: '', different: true, follows: false,
    modes: { type1: true, compat: true, native: true },
    kernels: { '6.1': true, '6.12': true, '7.3': true },
  };

  const split = (column) => column.split('@');
  const shown = () => app.data.columns.map((name, index) => ({ name, index })).filter(({ name }) => {
    const [mode, kernel] = split(name);
    return filter.modes[mode] && filter.kernels[kernel];
  });
  const differs = (entry, columns) => {
    const results = new Set();
    for (const { index } of columns) if (entry.v[index]) results.add(entry.v[index][0]);
    return results.size > 1 || entry.labels.length > 0;
  };
  const classesOf = (entry) => {
    const names = new Set(entry.labels.map(
      (label) => (label < 0 ? 'unexplained' : app.data.rows[label].class)));
    if (names.size === 0 && entry.follows) names.add('consequence');
    return [...names];
  };
  // In words: the rules that decided, each once.
  const conditionOf = (entry) => {
    const texts = [];
    for (const verdict of entry.v) {
      if (!verdict || !verdict[1]) continue;
      const { text } = app.ruleText(verdict[1]);
      if (text && !texts.includes(text)) texts.push(text);
    }
    return texts;
  };
  const textOf = (entry) => entry.search ??= [
    entry.call, ...conditionOf(entry),
    ...entry.v.filter(Boolean).flat(),
    ...entry.v.filter(Boolean).map((verdict) => app.ruleText(verdict[1]).function),
    ...entry.labels.map((label) => (label < 0 ? 'unexplained' : app.data.rows[label].id)),
  ].join(' ').toLowerCase();

  const admitted = () => {
    const columns = shown();
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const entries = [];
    app.data.matrix.forEach((entry, index) => {
      if (!columns.some((column) => entry.v[column.index])) return;
      if (entry.follows && !filter.follows && filter.class !== 'consequence') return;
      if (filter.different && !differs(entry, columns)) return;
      if (filter.class && !classesOf(entry).includes(filter.class)) return;
      if (!words.every((word) => textOf(entry).includes(word))) return;
      entries.push({ entry, index });
    });
    return { columns, entries };
  };

  const cell = (entry, index, column) => {
    const verdict = entry.v[column.index];
    if (!verdict) return el('td', { class: 'none', role: 'cell' }, '');
    const [mode, kernel] = split(column.name);
    const other = app.data.columns.indexOf(`${mode === 'type1' ? 'compat' : 'type1'}@${kernel}`);
    const apart = mode !== 'native' && other >= 0 && entry.v[other] && entry.v[other][0] !== verdict[0];
    return el('td', { role: 'cell', 'data-column': column.name },
      el('a', {
        class: `verdict ${app.isError(verdict[0]) ? 'error' : 'good'}${apart ? ' apart' : ''}`,
        style: `--hue:${app.hueOf(verdict[0])}`,
        href: `#/cell/${index}/${column.index}`,
        'aria-label': `${column.name}: ${verdict[0]}${apart ? ', differs' : ''}`,
      }, verdict[0]));
  };

  const line = (columns) => ({ entry, index }) => {
    const condition = conditionOf(entry);
    return el('tr', { role: 'row' },
      el('th', { scope: 'row', role: 'rowheader' },
        el('span', { class: 'condition' }, condition.length ? condition.join(' · ') : 'plain success'),
        el('span', { class: 'tags' },
          entry.labels.map((label) => (label < 0
            ? el('span', { class: 'badge class-unexplained' }, 'unexplained')
            : el('a', { class: `badge class-${app.data.rows[label].class}`,
              href: `#/row/${app.data.rows[label].id}` }, app.data.rows[label].id))),
          entry.follows ? el('span', { class: 'badge' }, 'consequence') : null,
          el('span', { class: 'dim' }, `×${app.number(entry.count)}`))),
      columns.map((column) => cell(entry, index, column)));
  };

  const draw = (body, status) => {
    const { columns, entries } = admitted();
    const groups = new Map();
    for (const item of entries) {
      if (!groups.has(item.entry.call)) groups.set(item.entry.call, []);
      groups.get(item.entry.call).push(item);
    }
    status.textContent = `${app.plural(entries.length, 'condition')} of ${
      app.plural(groups.size, 'call')}`;
    body.replaceChildren(el('table', { class: 'matrix', role: 'table', style: `--columns:${columns.length}` },
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' },
        el('th', { scope: 'col', role: 'columnheader' }, 'call and condition'),
        columns.map(({ name }) => el('th', { scope: 'col', role: 'columnheader' },
          split(name)[0], el('br'), split(name)[1])))),
      [...groups].map(([call, items]) => el('tbody', { role: 'rowgroup' },
        el('tr', { class: 'group', role: 'row' },
          el('th', { colspan: columns.length + 1, scope: 'rowgroup', role: 'rowheader' },
            call, el('span', { class: 'dim' }, ` ${items.length}`))),
        items.map(line(columns)))),
    ));
    if (entries.length === 0) {
      body.append(el('p', { class: 'note' }, 'Nothing matches these filters.'));
    }
  };

  const check = (label, get, set, redraw) => el('label', { class: 'check' },
    el('input', { type: 'checkbox', checked: get(),
      onchange: (event) => { set(event.target.checked); redraw(); } }), label);

  const move = (event, across, down) => {
    const link = document.activeElement;
    const here = link && link.closest && link.closest('.matrix td');
    if (!here) return false;
    const row = here.parentElement;
    if (across) {
      let next = here;
      do next = across > 0 ? next.nextElementSibling : next.previousElementSibling;
      while (next && !next.querySelector('a.verdict'));
      if (next && next.tagName === 'TD') next.querySelector('a').focus();
      return true;
    }
    const rows = [...document.querySelectorAll('.matrix tbody tr:not(.group)')];
    for (let at = rows.indexOf(row) + down; at >= 0 && at < rows.length; at += down) {
      const same = rows[at].children[here.cellIndex];
      const target = same && same.querySelector('a') || rows[at].querySelector('a.verdict');
      if (!target) continue;
      target.focus();
      break;
    }
    return true;
  };

  app.pages.set('matrix', ([preset]) => {
    if (preset === 'unexplained') Object.assign(filter, { class: 'unexplained', different: true });
    const body = el('div', { class: 'matrix-body' });
    const status = el('p', { class: 'dim', role: 'status' });
    const redraw = () => draw(body, status);
    let timer = 0;
    const classes = ['', 'intended', 'undocumented', 'bug', 'unexplained', 'consequence'];
    app.page('Errno matrix',
      el('h1', {}, 'Errno matrix'),
      el('p', { class: 'lead' },
        'One line for each call and condition; one column for each mode and kernel. A cell opens the ',
        'shortest trace that leads there. ', el('span', { class: 'apart-sample' }, 'Outlined'),
        ': type1 and compat of this kernel answer differently.'),
      el('form', { class: 'filters', role: 'search', 'aria-label': 'Filters',
        onsubmit: (event) => event.preventDefault() },
      el('input', { type: 'search', placeholder: 'Filter: call, errno, function, words  ( / )',
        'aria-label': 'Filter text', value: filter.text,
        oninput: (event) => {
          filter.text = event.target.value;
          clearTimeout(timer);
          timer = setTimeout(redraw, 80);
        } }),
      el('fieldset', {}, el('legend', {}, 'mode'), Object.keys(filter.modes).map((mode) =>
        check(mode, () => filter.modes[mode], (on) => { filter.modes[mode] = on; }, redraw))),
      el('fieldset', {}, el('legend', {}, 'kernel'), Object.keys(filter.kernels).map((kernel) =>
        check(kernel, () => filter.kernels[kernel], (on) => { filter.kernels[kernel] = on; }, redraw))),
      el('label', {}, 'class ', el('select', { 'aria-label': 'Class',
        onchange: (event) => { filter.class = event.target.value; redraw(); } },
      classes.map((name) => el('option', { value: name, selected: filter.class === name },
        name || 'any')))),
      check('only differences', () => filter.different, (on) => { filter.different = on; }, redraw),
      check('with consequences', () => filter.follows, (on) => { filter.follows = on; }, redraw)),
      status, body);
    redraw();
    app.keys = {
      ArrowLeft: (event) => move(event, -1, 0), ArrowRight: (event) => move(event, 1, 0),
      ArrowUp: (event) => move(event, 0, -1), ArrowDown: (event) => move(event, 0, 1),
    };
  });

  app.pages.set('cell', ([matrixIndex, columnIndex]) => {
    const entry = app.data.matrix[Number(matrixIndex)];
    const column = Number(columnIndex);
    if (!entry || !entry.v[column]) {
      app.page('Not found', el('p', { class: 'note' }, 'There is no such cell.'));
      return;
    }
    const [file, sequence, event, calls] = entry.place;
    const trace = el('div', { class: 'call-list' }, el('p', { class: 'dim' }, 'Loading…'));
    app.page(entry.call,
      el('p', { class: 'crumbs' }, el('a', { href: '#/matrix' }, 'Errno matrix')),
      el('h1', {}, entry.call),
      el('p', { class: 'lead' }, conditionOf(entry).join(' · ') || 'It simply succeeds.'),
      el('div', { class: 'scroll' }, el('table', { class: 'verdicts' },
        el('thead', {}, el('tr', {}, ['kernel', 'answer', 'kernel function', 'rule that decided']
          .map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', {}, entry.v.map((verdict, index) => {
          if (!verdict) return null;
          const rule = app.ruleText(verdict[1]);
          return el('tr', { class: index === column ? 'chosen' : '', 'aria-current': index === column ? 'true' : null },
            el('th', { scope: 'row' }, el('a', { href: `#/cell/${matrixIndex}/${index}` },
              app.data.columns[index])),
            el('td', {}, app.verdict(verdict[0])),
            el('td', {}, rule.function ? el('code', {}, rule.function) : el('span', { class: 'dim' }, '—')),
            el('td', {}, rule.text || el('span', { class: 'dim' }, 'no rule refuses it'),
              rule.id ? el('small', { class: 'dim' }, ` ${rule.id}`) : null));
        })))),
      entry.labels.length > 0 && el('section', {}, el('h2', {}, 'Why they differ'),
        el('ul', { class: 'plain' }, entry.labels.map((label) => el('li', {}, label < 0
          ? [app.classBadge('unexplained'), ' no row of the catalogue accounts for it']
          : [app.classBadge(app.data.rows[label].class), ' ', app.rowLink(label), ': ',
            app.data.rows[label].title])))),
      entry.follows ? el('p', { class: 'note' },
        'Something that differed before is why: the call itself is answered by the same rules.') : null,
      el('section', {},
        el('h2', {}, `Shortest trace: ${app.plural(calls, 'call')}`),
        el('p', {}, app.fileName(app.data.files[file]), ' · ',
          el('a', { class: 'button', href: app.placeHref(entry.place) }, 'Open the timeline'),
          ` met ${app.plural(entry.count, 'time')} in all`),
        trace));
    app.loadTrace(file).then(({ timeline }) => {
      const found = timeline.seqs.find((candidate) => candidate.n === sequence);
      trace.replaceChildren(app.callList(timeline, found, event));
    }).catch((error) => trace.replaceChildren(el('p', { class: 'note' }, error.message)));
  });
})();
