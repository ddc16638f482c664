// SPDX-License-Identifier: Apache-2.0
// The traces, and the timeline of one: its calls, both answers, both states.
'use strict';
(() => {
  const app = iovalid;
  const { el } = app;
  const kCall = 1, kOutcome = 2, kState = 4, kResolved = 8, kUnexplained = 16, kFollows = 32, kAnswers = 64;

  // A step as it stands in the data, with names.
  const unpack = (timeline, steps, at) => {
    const [event, number, call, flags, left, right, stateLeft, stateRight, label, iova, size,
      beforeLeft, beforeRight] = steps[at];
    const gap = beforeLeft !== undefined;
    const previous = at > 0 && !gap ? steps[at - 1] : null;
    return {
      event, number, flags, gap,
      call: timeline.calls[call],
      answers: [timeline.outcomes[left], timeline.outcomes[right]],
      after: [timeline.states[stateLeft], timeline.states[stateRight]],
      before: gap ? [timeline.states[beforeLeft], timeline.states[beforeRight]]
        : previous ? [timeline.states[previous[6]], timeline.states[previous[7]]] : [null, null],
      label: label < 0 ? null : timeline.labels[label],
      range: iova ? { iova, size } : null,
      differs: (flags & (kOutcome | kState)) !== 0,
    };
  };

  const kindOf = (step, native) => {
    if (!step.differs) return step.flags & kCall ? 'same' : 'quiet';
    if (step.flags & kUnexplained) return native ? 'changed' : 'unexplained';
    return step.flags & kFollows ? 'follows' : 'explained';
  };
  const kKindNames = {
    same: 'the same', quiet: 'no call', unexplained: 'differs, unexplained', explained: 'differs, known',
    follows: 'differs, follows from before', changed: 'changed from kernel to kernel',
  };
  const isNative = (timeline) => timeline.left.startsWith('native');

  const resultText = (step) => {
    if (!(step.flags & kAnswers)) return '';
    const [left, right] = step.answers.map((answer) => answer[0].replace(/^-1 /, ''));
    if (left !== right) return `${left} | ${right}`;
    if (!step.differs) return left;
    return `${left} ≠ ${step.flags & kOutcome ? 'struct' : 'state'}`;
  };

  // Calls as a list that is only read; -1: all.
  app.callList = (timeline, sequence, upTo) => {
    if (!sequence) return el('p', { class: 'note' }, 'This sequence is not drawn.');
    const items = [];
    for (let at = 0; at < sequence.steps.length; ++at) {
      const step = unpack(timeline, sequence.steps, at);
      if (upTo >= 0 && step.event > upTo) break;
      if (step.gap) items.push(el('li', { class: 'gap' }, 'calls left out'));
      if (!(step.flags & (kCall | kAnswers)) && !step.differs) continue;
      items.push(el('li', { class: `${kindOf(step, isNative(timeline))}${step.event === upTo ? ' chosen' : ''}` },
        el('code', {}, step.call), step.flags & kAnswers
          ? [' ', step.answers[0][0] === step.answers[1][0]
            ? app.verdict(step.answers[0][0].replace(/^-1 /, ''))
            : step.answers.map((answer, side) => [
              el('span', { class: `side side${side}` }, side ? timeline.right : timeline.left), ' ',
              app.verdict(answer[0].replace(/^-1 /, '')), ' '])] : null));
    }
    return el('ol', { class: 'calls' }, items);
  };

  app.pages.set('traces', () => {
    const files = app.data.files.map((file, number) => ({ file, number }))
      .filter(({ file }) => file.kind === 'corpus');
    app.page('Traces', el('h1', {}, 'Traces'),
      el('div', { class: 'scroll' }, el('table', { class: 'files' },
        el('thead', {}, el('tr', {}, ['trace', 'recorded on', 'compared', 'calls', 'differ', 'divergences', 'unexplained']
          .map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', {}, files.map(({ file, number }) => el('tr', {},
          el('th', { scope: 'row' }, el('a', { href: `#/trace/${number}` }, file.path),
            el('small', { class: 'dim block' }, file.origin)),
          el('td', {}, file.kernel),
          el('td', {}, `${file.left}, ${file.right}`),
          el('td', { class: 'n' }, app.number(file.calls)),
          el('td', { class: 'n' }, app.number(file.differing)),
          el('td', { class: 'n' }, app.number(file.rows.length)),
          el('td', { class: `n ${file.unexplained ? 'bad' : ''}` }, app.number(file.unexplained))))))));
  });

  const overviewOf = (number, file, trace) => {
    const drawn = trace.sequences.map((sequence, index) => ({ sequence, index }));
    const hidden = file.events - file.drawn;
    app.page(app.fileName(file),
      el('p', { class: 'crumbs' }, el('a', { href: '#/traces' }, 'Traces')),
      el('h1', {}, app.fileName(file)),
      el('p', { class: 'lead' }, `${file.origin}, recorded on ${file.kernel}. Shown: ${file.left} and ${file.right}.`),
      hidden > 0 && el('p', { class: 'note' },
        `Timelines show ${app.number(file.drawn)} of ${app.plural(file.events, 'event')}: around what differs ` +
        'for the first time, and whole sequences as far as there is room. ' +
        'iovalid report --steps N shows more; iovalid explain and iovalid replay --all tell everything.'),
      el('div', { class: 'scroll' }, el('table', {},
        el('thead', {}, el('tr', {}, ['sequence', 'calls', 'differ', 'unexplained', 'drawn']
          .map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', {}, drawn.map(({ sequence, index }) => {
          const [seq, name, events, calls, differing, unexplained, shown] = sequence;
          const title = name ? `${seq} ${name}` : seq ? String(seq) : 'the whole trace';
          return el('tr', { class: shown ? '' : 'missing' },
            el('th', { scope: 'row' }, shown ? el('a', { href: `#/trace/${number}/${index}` }, title) : title),
            el('td', { class: 'n' }, app.number(calls)), el('td', { class: 'n' }, app.number(differing)),
            el('td', { class: `n ${unexplained ? 'bad' : ''}` }, app.number(unexplained)),
            el('td', { class: 'n' }, shown === events ? 'all' : shown ? `${app.number(shown)} of ${app.number(events)}` : '–'));
        })))));
  };

  const answerCard = (timeline, step, side) => {
    const answer = step.answers[side];
    const rule = answer[2] ? app.ruleText(answer[2]) : null;
    return el('div', { class: `answer side${side}` },
      el('h3', {}, side ? timeline.right : timeline.left),
      el('p', {}, app.verdict(answer[0].replace(/^-1 /, ''))),
      answer[1].map((text) => el('code', { class: 'block' }, text)),
      rule && el('p', { class: 'rule' }, el('code', {}, `${rule.function}()`), ` ${rule.text} `,
        el('small', { class: 'dim' }, rule.id)));
  };

  const labelOf = (timeline, step) => {
    if (!step.label) return null;
    const native = isNative(timeline);
    return el('div', { class: `why ${kindOf(step, native)}` },
      step.label.p.map(([id, facets, title, cause]) => {
        const row = app.data.rows.find((candidate) => candidate.id === id);
        return el('p', {}, app.classBadge(row.class), ' ', el('a', { href: `#/row/${id}` }, id), `: ${row.title}`,
          el('small', { class: 'dim block' }, `accounts for ${facets}`,
            title ? ` · follows from step ${cause}: ${title}` : ''),
          el('span', { class: 'block' }, el('b', {}, 'What to do: '), row.advice));
      }),
      step.label.u ? el('p', {}, native
        ? [el('span', { class: 'badge' }, 'kernel change'), ` between ${timeline.left} and ${timeline.right}: ${step.label.u}`]
        : [app.classBadge('unexplained'), ` nothing accounts for: ${step.label.u}`]) : null);
  };

  app.pages.set('trace', ([fileText, sequenceText, eventText]) => {
    const number = Number(fileText);
    const file = app.data.files[number];
    if (!file) {
      app.page('Not found', el('p', { class: 'note' }, 'There is no such trace.'));
      return;
    }
    app.page(app.fileName(file), el('p', { class: 'loading' }, 'Loading…'));
    app.loadTrace(number).then((trace) => {
      if (sequenceText === undefined && trace.sequences.length > 1) {
        overviewOf(number, file, trace);
        return;
      }
      const wanted = Number(sequenceText || 0);
      const sequence = trace.timeline.seqs.find((candidate) => candidate.n === wanted);
      if (!sequence) {
        app.page('Not drawn', el('p', { class: 'note' }, 'This sequence is not drawn: iovalid report --steps N shows more. ',
          el('a', { href: `#/trace/${number}` }, 'All sequences')));
        return;
      }
      show(number, file, trace, sequence, eventText === undefined ? -1 : Number(eventText));
    }).catch((error) => app.page('Not found', el('p', { class: 'note' }, error.message)));
  });

  const show = (number, file, trace, sequence, event) => {
    const timeline = trace.timeline;
    const native = isNative(timeline);
    const steps = sequence.steps.map((unused, at) => unpack(timeline, sequence.steps, at));
    let at = steps.findIndex((step) => step.event === event);
    if (at < 0) at = steps.findIndex((step) => step.differs);
    if (at < 0 || event === 0) {
      // Where a minimal trace shows its row, or else the first difference.
      const id = file.kind === 'minimal' ? app.data.rows[file.row].id : '';
      at = steps.findIndex((step) => step.label && step.label.p.some((part) => part[0] === id && part.length === 2));
      if (at < 0) at = Math.max(steps.findIndex((step) => step.differs), 0);
    }

    const detail = el('div', { class: 'detail', 'aria-live': 'polite' });
    const items = steps.map((step, index) => el('button', {
      type: 'button', class: `step ${kindOf(step, native)}`, onclick: () => go(index),
      'aria-label': `${step.call}, ${resultText(step)}, ${kKindNames[kindOf(step, native)]}`,
    }, el('span', { class: 'where' }, step.number ? `#${step.number}` : ''),
    el('span', { class: 'call' }, step.call), el('span', { class: 'result' }, resultText(step))));
    const list = el('div', { class: 'steps', role: 'group', 'aria-label': 'Calls' },
      steps.map((step, index) => [step.gap ? el('p', { class: 'gap' }, 'calls left out') : null, items[index]]));
    const ticks = steps.map((step, index) => el('i', { class: kindOf(step, native), onclick: () => go(index) }));
    const strip = el('div', { class: 'strip', 'aria-hidden': 'true' }, ticks);
    const slider = el('input', { type: 'range', min: 0, max: steps.length - 1, value: at, 'aria-label': 'Step',
      oninput: (input) => go(Number(input.target.value)) });
    const count = el('output', {});
    const next = (direction) => {
      for (let i = at + direction; i >= 0 && i < steps.length; i += direction) {
        if (steps[i].differs) {
          go(i);
          return;
        }
      }
    };
    const button = (text, label, act) => el('button', { type: 'button', 'aria-label': label, title: label, onclick: act }, text);

    const go = (index) => {
      if (index < 0 || index >= steps.length) return;
      items[at].removeAttribute('aria-current');
      ticks[at].classList.remove('here');
      at = index;
      items[at].setAttribute('aria-current', 'step');
      ticks[at].classList.add('here');
      // Only the list moves, not the page.
      const item = items[at];
      if (list.scrollHeight > list.clientHeight) {
        list.scrollTop = item.offsetTop - list.offsetTop - list.clientHeight / 2;
      }
      slider.value = at;
      count.textContent = `${at + 1} / ${steps.length}`;
      history.replaceState(null, '', `#/trace/${number}/${sequence.n}/${steps[at].event}`);
      const step = steps[at];
      detail.replaceChildren(...[
        el('h2', { class: 'call' }, el('code', {}, step.call)),
        step.flags & kAnswers ? el('div', { class: 'answers' }, answerCard(timeline, step, 0), answerCard(timeline, step, 1)) : null,
        labelOf(timeline, step),
        step.flags & kResolved && !step.differs ? el('p', { class: 'dim' }, 'Something that differed is equal again.') : null,
        app.picture(timeline, step),
      ].filter(Boolean));
    };

    const title = sequence.name ? `${sequence.seq} ${sequence.name}` : '';
    app.page(app.fileName(file),
      el('p', { class: 'crumbs' }, el('a', { href: '#/traces' }, 'Traces'), ' › ',
        trace.sequences.length > 1 ? el('a', { href: `#/trace/${number}` }, app.fileName(file)) : app.fileName(file),
        file.row >= 0 ? [' › ', app.rowLink(file.row)] : null),
      el('h1', {}, title || app.fileName(file)),
      el('p', { class: 'dim' }, el('span', { class: 'side side0' }, timeline.left), ' and ',
        el('span', { class: 'side side1' }, timeline.right),
        steps.length < trace.sequences[sequence.n][2]
          ? ` · ${app.number(steps.length)} of ${app.plural(trace.sequences[sequence.n][2], 'event')} are drawn, around what differs for the first time`
          : ''),
      el('div', { class: 'stepper' },
        strip, slider,
        el('div', { class: 'buttons' },
          button('|◀', 'First (Home)', () => go(0)), button('◆◀', 'Previous difference (p)', () => next(-1)),
          button('◀', 'Previous call (k)', () => go(at - 1)), count,
          button('▶', 'Next call (j)', () => go(at + 1)), button('▶◆', 'Next difference (n)', () => next(1)),
          button('▶|', 'Last (End)', () => go(steps.length - 1)))),
      el('div', { class: 'timeline' }, list, detail));
    go(at);
    app.keys = {
      j: () => go(at + 1), ArrowRight: () => go(at + 1), k: () => go(at - 1), ArrowLeft: () => go(at - 1),
      n: () => next(1), p: () => next(-1), Home: () => go(0), End: () => go(steps.length - 1),
    };
  };
})();
