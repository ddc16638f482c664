// SPDX-License-Identifier: Apache-2.0
// From the address to the page, and keys.
'use strict';
(() => {
  const app = iovalid;
  const kTabs = ['', 'matrix', 'rows', 'traces', 'coverage'];
  const kParents = { cell: 'matrix', row: 'rows', trace: 'traces' };
  let last = null;

  const route = () => {
    if (!app.data) return;
    const hash = location.hash;
    // The link to the content is no page.
    if (hash !== '' && !hash.startsWith('#/')) return;
    const parts = hash.slice(2).split('/').map((part) => {
      try {
        return decodeURIComponent(part);
      } catch (error) {
        return part;
      }
    });
    const name = parts[0] || '';
    app.keys = {};
    const page = app.pages.get(name);
    if (page) {
      page(parts.slice(1));
    } else {
      app.page('Not found', app.el('p', { class: 'note' }, 'There is no such page. ',
        app.el('a', { href: '#/' }, 'Overview')));
    }
    const tab = kParents[name] || name;
    for (const link of document.querySelectorAll('#nav a')) {
      const current = link.getAttribute('href') === `#/${tab}`;
      if (current) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    if (last !== null && last !== name) {
      window.scrollTo(0, 0);
      document.getElementById('view').focus({ preventScroll: true });
    }
    last = name;
  };

  app.start = route;
  window.addEventListener('hashchange', route);

  const keys = document.getElementById('keys');
  document.getElementById('help').addEventListener('click', () => keys.showModal());
  document.getElementById('theme').addEventListener('click', app.nextTheme);

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) &&
      event.target.type !== 'checkbox';
    if (typing) {
      if (event.key === 'Escape') event.target.blur();
      return;
    }
    const act = app.keys[event.key];
    if (act) {
      if (act(event) !== false) event.preventDefault();
    } else if (event.key === '/') {
      const field = document.querySelector('input[type=search]');
      if (!field) return;
      field.focus();
      event.preventDefault();
    } else if (event.key === '?') {
      keys.showModal();
    } else if (event.key === 't') {
      app.nextTheme();
    } else if (/^[1-5]$/.test(event.key)) {
      location.hash = `#/${kTabs[Number(event.key) - 1]}`;
    }
  });
})();
