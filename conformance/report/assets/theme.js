// SPDX-License-Identifier: Apache-2.0
// Colours: as the system, or what the reader chose. Runs before anything is drawn.
'use strict';
const iovalid = {};
(() => {
  const kinds = ['system', 'dark', 'light'];
  let kind = 'system';
  try {
    const stored = localStorage.getItem('iovalid-theme');
    if (kinds.includes(stored)) kind = stored;
  } catch (error) {
    // Without storage the choice lasts as long as the page.
  }
  const apply = () => {
    if (kind === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = kind;
    const button = document.getElementById('theme');
    if (!button) return;
    button.textContent = { system: '◐', dark: '●', light: '○' }[kind];
    button.setAttribute('aria-label', `Colours: ${kind}`);
  };
  iovalid.nextTheme = () => {
    kind = kinds[(kinds.indexOf(kind) + 1) % kinds.length];
    try {
      localStorage.setItem('iovalid-theme', kind);
    } catch (error) {
      // As above.
    }
    apply();
  };
  apply();
  document.addEventListener('DOMContentLoaded', apply);
})();
