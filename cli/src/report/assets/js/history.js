// Values as the study went on, and learning curves.

/** The states that trials have here, for a legend. */
function stateLegend(all, more) {
  const words = { good: 'complete', ended: 'stopped early', running: 'running', resting: 'waiting or paused', failed: 'failed' };
  const present = Object.keys(words).filter((name) => all.some((trial) => stateClass(trial.state) === name));
  return legend([...present.map((name) => ({ mark: `${name === 'ended' || name === 'failed' ? 'cross' : 'dots'} ${name}`, words: words[name] })), ...more]);
}

function drawHistory(body) {
  const all = valued(null);
  if (all.length === 0) {
    body.append(html('p', {}, 'No trial has a value yet.'));
    return;
  }
  const steps = data.steps[view.objective];
  const width = room(body);
  const last = Math.max(...data.trials.map((trial) => trial.number), 1);
  const { target, maximize, metric } = goal();
  const drawn = chart({
    label: `Values of ${metric} by trial`, width, height: Math.min(380, 200 + width / 5), xTitle: 'trial', yTitle: metric,
    axes: (box) => ({
      x: range(0, last, false, box.left + 6, box.right - 6, width / 90, true),
      y: valueScale(all.map((one) => one.value), maximize, box.bottom, box.top, 5),
    }),
  });
  const { x, y, box, layer } = drawn;
  if (target !== undefined && target >= y.low && target <= y.high) {
    layer.append(svg('path', { class: 'frame dash', d: `M${box.left} ${y.at(target)}H${box.right}` }),
      svg('text', { x: box.right, y: y.at(target) - 4, 'text-anchor': 'end' }, 'target'));
  }
  const place = (one) => [x.at(one.trial.number), y.at(one.value)];
  for (const name of ['resting', 'ended', 'good', 'running', 'failed']) {
    const places = all.filter((one) => stateClass(one.trial.state) === name).map(place);
    if (places.length === 0) continue;
    const many = places.length > 400;
    layer.append(name === 'ended' || name === 'failed' ? crosses(places, `${name}${many ? ' faint' : ''}`, many ? 2.5 : 3.5) : dots(places, `${name}${many ? ' small faint' : ''}`));
  }
  if (steps.length > 0) {
    const path = steps.map(([number, value], i) => `${i === 0 ? 'M' : 'H'}${x.at(number).toFixed(1)}${i === 0 ? ' ' : 'V'}${y.at(value).toFixed(1)}`);
    layer.append(svg('path', { class: 'best', d: `${path.join('')}H${x.at(last).toFixed(1)}` }));
  }
  const top = Math.max(...all.map((one) => one.level));
  const words = data.study.hasFidelity ? `best so far at ${data.study.unit} ${top}` : 'best so far';
  body.append(figure(drawn, all.map((one) => {
    const [px, py] = place(one);
    return { x: px, y: py, words: () => describe(one.trial) };
  })));
  body.append(stateLegend(all.map((one) => one.trial), steps.length > 0 ? [{ mark: 'best', words }] : []), beyond(y) || '');
  const without = data.trials.length - all.length;
  if (without > 0) body.append(html('p', { class: 'soft' }, `${count(without, 'trial')} ${without === 1 ? 'has' : 'have'} no value to show.`));
}

function drawCurves(body) {
  const { total, curves } = data.curves[view.objective] || { total: 0, curves: [] };
  const long = curves.filter((curve) => curve.points.length > 1);
  if (long.length === 0) {
    body.append(html('p', {}, 'No trial reported more than one value.'));
    return;
  }
  const width = room(body);
  const { metric, maximize } = goal();
  const values = curves.flatMap((curve) => curve.points.map((point) => point[1]));
  const fidelities = curves.flatMap((curve) => curve.points.map((point) => point[0]));
  const [first, last] = [Math.min(...fidelities), Math.max(...fidelities)];
  const drawn = chart({
    label: `Learning curves of ${metric}`, width, height: Math.min(420, 220 + width / 5), xTitle: data.study.unit, yTitle: metric,
    axes: (box) => ({
      x: range(first, last, first > 0 && last / first > 50, box.left + 8, box.right - 8, Math.min(width / 80, last - first)),
      y: valueScale(values, maximize, box.bottom, box.top, 6),
    }),
  });
  const { x, y, box, layer } = drawn;
  for (const level of data.study.levels.slice(0, -1)) {
    if (level < first || level > last || !data.ladders) continue;
    layer.append(svg('path', { class: 'grid dash', d: `M${x.at(level).toFixed(1)} ${box.top}V${box.bottom}` }));
  }
  const places = (curve) => curve.points.map(([at, value]) => [x.at(at), y.at(value)]);
  const end = (curve) => places(curve)[curve.points.length - 1];
  const best = data.best[0] && curves.find((curve) => curve.number === data.best[0].number);
  for (const name of ['resting', 'ended', 'failed', 'running', 'good']) {
    const own = curves.filter((curve) => stateClass(curve.state) === name && curve !== best);
    if (own.length === 0) continue;
    layer.append(lines(own.map(places), `${name}${curves.length > 30 ? ' faint thin' : ''}`));
    layer.append(name === 'ended' || name === 'failed' ? crosses(own.map(end), name) : dots(own.map(end), `${name} small`));
  }
  if (best) layer.append(line(places(best), 'best thick'), dots([end(best)], 'best'));
  body.append(figure(drawn, curves.flatMap((curve) => places(curve).map(([px, py], i) => ({
    x: px, y: py, line: lineTo(places(curve)),
    words: () => `Trial ${curve.number}, ${curve.state}: ${metric} ${show(curve.points[i][1])} at ${data.study.unit} ${show(curve.points[i][0])}`,
  })))));
  const more = best ? [{ mark: 'best thick', words: `trial ${best.number}, ${data.objectives.length > 1 ? 'on the front' : 'the best'}` }] : [];
  body.append(stateLegend(curves, more));
  const rungs = data.ladders ? 'Dashed lines are rungs, at which trials are compared. ' : '';
  const few = curves.length < total ? `${curves.length} of ${total.toLocaleString('en')} curves are drawn: the best 40, and others spread evenly over the rest.` : '';
  body.append(html('p', { class: 'soft' }, `${rungs}A cross is where a trial was stopped or failed. ${few}`), beyond(y) || '');
}
