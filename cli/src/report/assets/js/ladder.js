// Rungs: who passed, ranks from rung to rung, what early stopping saved and whether that was safe.

function drawLadder(body) {
  const { saving, ladders, study, stops } = data;
  if (!saving) {
    body.append(html('p', {}, 'Nothing is stopped early in this study: every trial runs to its end.'));
    return;
  }
  const share = saving.spent / Math.max(1, saving.plain);
  const told = { True: 'Early stopping was safe', False: 'Early stopping was not safe', Unknown: 'Whether early stopping was safe is not known' };
  body.append(html('p', {},
    `${saving.spent.toLocaleString('en')} ${plural(study.unit)} were spent. To train the same ${saving.trials.toLocaleString('en')} trials in full would have taken ${saving.plain.toLocaleString('en')}: ${percent(share)} of that was spent, ${percent(1 - share)} saved.`));
  if (saving.audited) {
    body.append(html('p', {}, `${count(saving.audited, 'trial')} lost a rung and ${saving.audited === 1 ? 'is' : 'are'} audited, which is to run to the end all the same: ${saving.auditedSpent.toLocaleString('en')} ${plural(study.unit)} of that.`));
  }
  body.append(html('p', {}, `${told[saving.safe] || saving.safe}: ${saving.safety}.`));
  const reasons = Object.entries(stops).map(([reason, n]) => `${reason} ${n.toLocaleString('en')}`);
  if (reasons.length > 0) body.append(html('p', {}, `Why trials were stopped: ${reasons.join(', ')}.`));
  if (!ladders) return;
  if (ladders.agreement.length > 0) body.append(html('h3', {}, 'Do ranks at a rung agree with ranks later?'), ...agreement(body));
  body.append(html('h3', {}, 'Rungs'), rungs());
  if (ladders.brackets.length > 0) body.append(html('h3', {}, 'Ranks from rung to rung'), ...ranks(body));
}

function rungs() {
  const { shapes } = data.ladders;
  const audits = shapes.some((shape) => shape.rungs.some((rung) => rung.audited > 0));
  const rows = shapes.flatMap((shape, i) => shape.rungs.map((rung, at) => [
    right(i), right(shape.brackets), right(at), right(rung.level), right(rung.members), right(rung.top ? '–' : rung.passed), right(rung.stopped), right(rung.failed),
    ...(audits ? [right(rung.top ? '–' : rung.audited)] : []),
  ]));
  const heads = ['shape', 'brackets', 'rung', data.study.unit, 'came', 'passed', 'stopped', 'failed', ...(audits ? ['audited'] : [])];
  return table('All brackets of a shape together', heads.map(right), rows);
}

/** Correlations with their intervals. */
function agreement(body) {
  const found = data.ladders.agreement;
  const width = Math.min(room(body), 620);
  const low = Math.min(0, ...found.map((one) => one.low));
  const words = (one) => `${data.study.unit} ${one.from} and ${one.to}`;
  const left = Math.min(width * 0.4, 20 + 6.8 * Math.max(...found.map((one) => words(one).length)));
  const drawn = chart({
    label: 'Rank correlations', width, height: 50 + 26 * found.length, left, xTitle: 'rank correlation, with its interval of 95 %',
    axes: (box) => ({ x: range(low < -0.01 ? -1 : 0, 1, false, box.left, box.right - 8, 5) }),
  });
  const { x, box, layer } = drawn;
  layer.append(svg('path', { class: 'frame dash', d: `M${x.at(data.ladders.safeFrom)} ${box.top}V${box.bottom}` }));
  const marks = found.map((one, i) => {
    const y = box.top + 13 + 26 * i;
    const mark = one.estimate >= data.ladders.safeFrom ? 'good' : 'ended';
    layer.append(svg('text', { class: 'strong', x: left - 8, y: y + 4, 'text-anchor': 'end' }, fitting(words(one), left - 8)),
      svg('path', { class: `curve thick ${mark}`, d: `M${x.at(one.low)} ${y}H${x.at(one.high)}` }), dots([[x.at(one.estimate), y]], mark));
    return { x: x.at(one.estimate), y, words: () => `Ranks at ${words(one)} correlate by ${one.estimate.toFixed(2)} (${one.low.toFixed(2)} to ${one.high.toFixed(2)}), by ${count(one.pairs, 'trial')} that nobody had judged` };
  });
  return [figure(drawn, marks), html('p', { class: 'soft' }, `From ${data.ladders.safeFrom} on, the dashed line, a rung is called safe.`)];
}

/** Ranks of one bracket, which is chosen. */
function ranks(body) {
  const { brackets, total } = data.ladders;
  const select = html('select', {}, brackets.map((bracket, i) => html('option', { value: i }, `${bracket.number}`)));
  const place = html('div');
  const redraw = () => place.replaceChildren(...bracket(brackets[Number(select.value)], room(body)));
  select.addEventListener('change', redraw);
  redraw();
  const few = brackets.length < total ? html('span', { class: 'soft' }, `the first ${brackets.length} of ${total.toLocaleString('en')}`) : null;
  const controls = brackets.length > 1 ? [html('div', { class: 'controls' }, html('label', {}, 'Bracket', select), few)] : [];
  return [...controls, place];
}

function bracket(one, room) {
  const width = Math.min(room, 820);
  const most = Math.max(1, ...one.of);
  const drawn = chart({
    label: `Ranks in bracket ${one.number}`, width, height: clamp(120 + 14 * most, 180, 460), xTitle: data.study.unit, yTitle: 'rank, 1 is the best',
    axes: (box) => {
      const x = bands(one.levels.map(String), box.left, box.right);
      // Small brackets have a mark for every rank.
      const y = range(1, Math.max(2, most), false, box.top + 6, box.bottom - 8, 6);
      y.ticks = [...new Set([1, ...y.ticks.map((tick) => Math.round(tick.value))])].map((value) => ({ value, label: String(value) }));
      return { x, y };
    },
  });
  const { x, y, layer } = drawn;
  const places = (own) => own.ranks.map((rank, i) => (rank === null ? null : [x.at(String(one.levels[i])), y.at(rank)])).filter((place) => place !== null);
  for (const name of ['resting', 'ended', 'failed', 'running', 'good']) {
    const own = one.lines.filter((own) => stateClass(own.state) === name);
    if (own.length === 0) continue;
    const ends = own.map((own) => places(own)[places(own).length - 1]);
    layer.append(lines(own.map(places), `${name}${one.lines.length > 40 ? ' faint' : ''}`), name === 'ended' || name === 'failed' ? crosses(ends, name, 3.5) : dots(ends, `${name} small`));
  }
  const marks = one.lines.flatMap((own) => places(own).map(([px, py]) => ({
    x: px, y: py, line: lineTo(places(own)),
    words: () => `Trial ${own.trial}, ${own.state}: ${own.ranks.map((rank, i) => (rank === null ? null : `rank ${rank} of ${one.of[i]} at ${data.study.unit} ${one.levels[i]}`)).filter((words) => words).join(', ')}`,
  })));
  const few = one.lines.length < one.total ? [html('p', { class: 'soft' }, `${one.lines.length} of ${one.total.toLocaleString('en')} trials are drawn.`)] : [];
  const levels = one.levels.length === 1 ? [html('p', { class: 'soft' }, 'This bracket has one rung only, which judges nobody.')] : [];
  return [figure(drawn, marks), stateLegend(one.lines, []), ...few, ...levels];
}
