// SPDX-License-Identifier: Apache-2.0
// The IOVA space of both sides, before and after a call. Addresses run downwards; the scale is that of
// the logarithm, so that a page and a terabyte both are seen.
'use strict';
(() => {
  const app = iovalid;
  const { el, svg } = app;
  const kMost = 40;  // segments drawn; more are folded
  const rights = (bits) => ['none', 'r', 'w', 'rw'][bits & 3];

  const big = (hex) => BigInt(`0x${hex}`);
  const hex = (value) => `0x${value.toString(16)}`;

  const runsOf = (state) => (state ? state.m.map(([first, last, bits, count]) => (
    { first: big(first), end: big(last) + 1n, bits, count })) : []);
  const usableOf = (state) => (state && state.u.length ? state.u.map(([first, last]) => (
    { first: big(first), end: big(last) + 1n })) : null);
  const covers = (ranges, at) => ranges.find((range) => range.first <= at && at < range.end);

  // The space cut at every edge of anything; each segment with what all four columns have there.
  const segmentsOf = (states, range) => {
    const runs = states.map(runsOf);
    const usable = states.map(usableOf);
    const edges = new Set([0n]);
    for (const list of [...runs, ...usable.filter(Boolean)]) {
      for (const item of list) edges.add(item.first).add(item.end);
    }
    if (range && range.end > range.first) edges.add(range.first).add(range.end);
    const sorted = [...edges].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    const segments = [];
    sorted.forEach((first, i) => {
      const end = sorted[i + 1] ?? 1n << 64n;
      if (end <= first) return;
      const columns = states.map((state, column) => {
        const run = covers(runs[column], first);
        return {
          absent: !state,
          run, starts: run && run.first === first,
          reserved: Boolean(usable[column]) && !covers(usable[column], first),
        };
      });
      const same = (a, b) => columns[a].run?.bits === columns[b].run?.bits &&
        Boolean(columns[a].run) === Boolean(columns[b].run);
      segments.push({
        first, end, columns,
        inCall: Boolean(range) && range.first <= first && end <= range.end,
        changed: [!columns[0].absent && !same(0, 1), !columns[2].absent && !same(2, 3)],
        differs: !same(1, 3),
        empty: columns.every((column) => !column.run),
      });
    });
    return segments;
  };

  // Where there are too many: what matters and its neighbours.
  const fold = (segments) => {
    if (segments.length <= kMost) return segments;
    const keep = new Set([0, segments.length - 1]);
    segments.forEach((segment, i) => {
      if (!(segment.inCall || segment.differs || segment.changed.some(Boolean))) return;
      if (keep.size < kMost) for (const near of [i - 1, i, i + 1]) keep.add(near);
    });
    const out = [];
    segments.forEach((segment, i) => {
      if (keep.has(i)) out.push(segment);
      else if (out.length && out[out.length - 1].folded) out[out.length - 1].folded += 1;
      else out.push({ ...segment, folded: 1 });
    });
    return out;
  };

  const heightOf = (segment) => {
    if (segment.folded) return 18;
    const size = Number(segment.end - segment.first);
    const pages = Math.max(0, Math.log2(size / 4096));
    return segment.empty ? Math.min(22, 14 + pages * 0.25) : Math.min(46, 20 + pages * 0.9);
  };

  const sizeText = (bytes) => {
    const units = ['B', 'K', 'M', 'G', 'T', 'P', 'E'];
    let value = bytes, unit = 0;
    while (value >= 1024n && value % 1024n === 0n && unit < units.length - 1) {
      value /= 1024n;
      ++unit;
    }
    return `${value}${units[unit]}`;
  };

  const describe = (segments, names) => {
    const lines = [];
    for (const segment of segments) {
      if (segment.folded || !segment.differs) continue;
      const where = `${hex(segment.first)} – ${hex(segment.end - 1n)}`;
      const [left, right] = [segment.columns[1].run, segment.columns[3].run];
      if (left && right) lines.push(`${where}: ${rights(left.bits)} on ${names[0]}, ${rights(right.bits)} on ${names[1]}`);
      else lines.push(`${where}: mapped on ${left ? names[0] : names[1]} only`);
    }
    return lines;
  };

  const draw = (segments, names, width) => {
    const narrow = width < 520;
    const gutter = narrow ? 104 : 168, mark = 16;
    const gap = narrow ? 4 : 8, head = 34;
    const column = (width - gutter - mark - 3 * gap) / 4;
    const xOf = (index) => gutter + index * (column + gap);
    const parts = [];
    const text = (x, y, value, attributes) => svg('text', { x, y, ...attributes }, value);
    ['before', 'after', 'before', 'after'].forEach((when, index) => {
      parts.push(text(xOf(index) + column / 2, 28, when, { class: 'when', 'text-anchor': 'middle' }));
    });
    names.forEach((name, side) => {
      parts.push(text((xOf(2 * side) + xOf(2 * side + 1) + column) / 2, 12, name,
        { class: `name side${side}`, 'text-anchor': 'middle' }));
    });
    let y = head;
    for (const segment of segments) {
      const height = heightOf(segment);
      if (segment.folded) {
        parts.push(text(gutter - 8, y + 13, `${segment.folded} more`, { class: 'axis dim', 'text-anchor': 'end' }));
        parts.push(svg('line', { x1: gutter, x2: width - mark, y1: y + height / 2, y2: y + height / 2, class: 'fold' }));
        y += height;
        continue;
      }
      if (segment.inCall) {
        parts.push(svg('rect', { x: gutter - 5, y, width: 3, height, class: 'call-range' }));
      }
      parts.push(svg('line', { x1: gutter - 3, x2: width - mark, y1: y, y2: y, class: 'grid' }));
      parts.push(text(gutter - 8, y + 11, hex(segment.first), { class: 'axis', 'text-anchor': 'end' }));
      segment.columns.forEach((part, index) => {
        const x = xOf(index);
        const side = index >> 1;
        const after = index % 2 === 1;
        const kind = part.run ? `mapped ${rights(part.run.bits)}` : part.absent ? 'absent' : part.reserved ? 'reserved' : 'free';
        const box = svg('rect', {
          x, y: y + 0.5, width: Math.max(column, 1), height: height - 1,
          class: `${kind} side${side}${after && segment.changed[side] ? ' changed' : ''}`,
        });
        box.append(svg('title', {}, `${hex(segment.first)} – ${hex(segment.end - 1n)} (${sizeText(segment.end - segment.first)}): ` +
          (part.run ? `mapped ${rights(part.run.bits)}${part.run.count > 1 ? `, ${part.run.count} mappings` : ''}`
            : part.reserved ? 'not usable' : 'free')));
        parts.push(box);
        if (part.run && part.starts && height >= 14) {
          parts.push(text(x + column / 2, y + height / 2 + 4,
            `${rights(part.run.bits)}${part.run.count > 1 ? ` ×${part.run.count}` : ''}`,
            { class: 'run', 'text-anchor': 'middle' }));
        }
      });
      if (segment.differs) {
        parts.push(text(width - mark + 3, y + height / 2 + 4, '≠', { class: 'differs' }));
      }
      y += height;
    }
    parts.push(text(gutter - 8, y + 11, 'top', { class: 'axis dim', 'text-anchor': 'end' }));
    const lines = describe(segments, names);
    return svg('svg', {
      width, height: y + 16, viewBox: `0 0 ${width} ${y + 16}`, role: 'img',
      'aria-label': lines.length ? `IOVA space; ${lines.join('; ')}` : 'IOVA space; both sides have the same mappings',
    },
    svg('defs', {}, svg('pattern', { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      svg('rect', { width: 6, height: 6, class: 'hatch-back' }), svg('line', { x1: 0, y1: 0, x2: 0, y2: 6, class: 'hatch-line' }))),
    parts);
  };

  const kEmpty = { m: [], n: 0, u: [], c: 0, d: [], f: [] };
  const facts = (timeline, step) => {
    const names = [timeline.left, timeline.right];
    const value = {
      'charged pages': (state) => app.number(state.c),
      mappings: (state) => app.number(state.n),
      attached: (state) => state.d.filter((device) => device[1]).map((device) => `${device[0]} (${app.number(device[2])} pages)`).join(', ') || 'none',
      'dirty ranges': (state) => (state.y ? state.y.map(([first, last]) => `0x${first}–0x${last}`).join(', ') : 'none'),
      'open': (state) => state.f.join('; ') || 'nothing',
    };
    return el('div', { class: 'scroll' }, el('table', { class: 'state' },
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'after the call'),
        names.map((name, side) => el('th', { scope: 'col', class: `side side${side}` }, name)))),
      el('tbody', {}, Object.entries(value).map(([name, get]) => {
        const texts = step.after.map((state) => get(state || kEmpty));
        const before = step.before.map((state) => get(state || kEmpty));
        if (name === 'dirty ranges' && texts.every((text) => text === 'none')) return null;
        return el('tr', { class: texts[0] !== texts[1] ? 'apart' : '' }, el('th', { scope: 'row' }, name),
          texts.map((text, side) => el('td', {}, text, before[side] !== text && name !== 'open'
            ? el('small', { class: 'dim' }, ` was ${before[side]}`) : null)));
      }))));
  };

  app.picture = (timeline, step) => {
    const names = [timeline.left, timeline.right];
    const states = [step.before[0], step.after[0], step.before[1], step.after[1]];
    let range = null;
    if (step.range) {
      const first = big(step.range.iova);
      const end = first + big(step.range.size);
      range = { first, end: end > 1n << 64n ? 1n << 64n : end };
    }
    const all = segmentsOf(states, range);
    const segments = fold(all);
    const holder = el('div', { class: 'space' });
    let drawn = 0;
    const redraw = () => {
      const width = Math.min(holder.clientWidth || 600, 820);
      if (width === drawn) return;
      drawn = width;
      holder.replaceChildren(draw(segments, names, width));
    };
    new ResizeObserver(redraw).observe(holder);
    const lines = describe(all, names);
    const more = step.after.some((state) => state && state.x);
    return el('section', { class: 'picture' },
      el('h3', {}, 'IOVA space'),
      holder,
      el('p', { class: 'legend dim', 'aria-hidden': 'true' },
        el('i', { class: 'swatch mapped' }), ' mapped ', el('i', { class: 'swatch free' }), ' free ',
        el('i', { class: 'swatch reserved' }), ' not usable ', el('i', { class: 'swatch changed' }), ' changed by the call ',
        el('b', { class: 'differs' }, '≠'), ' differs'),
      more ? el('p', { class: 'note' }, 'There are more mappings than are drawn.') : null,
      lines.length ? el('details', {}, el('summary', {}, `${app.plural(lines.length, 'range')} of mappings differ${lines.length === 1 ? 's' : ''}`),
        el('ul', {}, lines.slice(0, 60).map((text) => el('li', {}, el('code', {}, text))))) : null,
      facts(timeline, step));
  };
})();
