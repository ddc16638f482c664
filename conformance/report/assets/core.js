// SPDX-License-Identifier: Apache-2.0
// The data, and what all pages share. Everything that comes from a trace gets into the page as text,
// never as markup.
'use strict';
(() => {
  const app = iovalid;
  app.data = null;
  app.traces = new Map();
  const waiting = new Map();

  // Called by data/report.js and data/tN.js.
  app.report = (data) => {
    app.data = data;
    app.start();
  };
  app.trace = (number, sequences, timeline) => {
    app.traces.set(number, { sequences, timeline });
  };

  // Loads a trace's data by a script: a page from the disk may not fetch.
  app.loadTrace = (number) => {
    if (app.traces.has(number)) return Promise.resolve(app.traces.get(number));
    if (!waiting.has(number)) {
      waiting.set(number, new Promise((resolve, reject) => {
        const script = document.createElement('script');
        script.src = `data/t${number}.js`;
        script.onload = () => resolve(app.traces.get(number));
        script.onerror = () => {
          waiting.delete(number);
          reject(new Error(`data/t${number}.js cannot be read`));
        };
        document.head.append(script);
      }));
    }
    return waiting.get(number);
  };

  const kSvg = 'http://www.w3.org/2000/svg';
  const fill = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? '' : String(value));
    }
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false) continue;
      node.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return node;
  };
  app.el = (tag, attributes, ...children) =>
    fill(document.createElement(tag), attributes, children);
  app.svg = (tag, attributes, ...children) =>
    fill(document.createElementNS(kSvg, tag), attributes, children);

  app.number = (value) => value.toLocaleString('en-US');
  app.plural = (count, one, many) => `${app.number(count)} ${count === 1 ? one : many || one + 's'}`;

  // The hue of an answer: those of one kind share it.
  const kHues = {
    EINVAL: 38, EFAULT: 290, ENOMEM: 275, ENOENT: 205, ENODEV: 225, EBUSY: 16, EEXIST: 8,
    EADDRINUSE: 0, EPERM: 330, EACCES: 345, ENOTTY: 250, EOPNOTSUPP: 240, EOVERFLOW: 180,
    ENOSPC: 170, E2BIG: 190, EBADF: 55, EBADFD: 60,
  };
  const isError = (result) => /^E[A-Z0-9]+$/.test(result);
  app.isError = isError;
  app.verdict = (result, extra) => app.el('span', {
    class: `verdict ${isError(result) ? 'error' : 'good'} ${extra || ''}`,
    style: `--hue:${isError(result) ? kHues[result] ?? 20 : 140}`,
  }, result);
  app.hueOf = (result) => (isError(result) ? kHues[result] ?? 20 : 140);

  app.classBadge = (name) => app.el('span', { class: `badge class-${name}` }, name);
  app.rowLink = (index) => {
    const row = app.data.rows[index];
    return app.el('a', { href: `#/row/${row.id}` }, row.id);
  };
  app.placeHref = ([file, sequence, event]) => `#/trace/${file}/${sequence}/${event}`;
  app.fileName = (file) => {
    if (file.kind === 'corpus') return file.path;
    return `${app.data.rows[file.row].id}, ${file.kind === 'near' ? 'near miss' : 'minimal trace'}`;
  };
  app.ruleText = (id) => {
    const rule = app.data.rules[id];
    return rule ? { id, function: rule[0], text: rule[1] } : { id, function: '', text: '' };
  };
  app.corpus = () => app.data.files.filter((file) => file.kind === 'corpus');

  app.page = (title, ...children) => {
    const view = document.getElementById('view');
    view.replaceChildren(...children.flat(Infinity).filter(Boolean));
    document.title = `${title} · iovalid`;
    return view;
  };
  app.pages = new Map();
  // A page's own keys: name of the key -> what it does.
  app.keys = {};
})();
