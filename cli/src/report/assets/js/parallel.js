// Parallel coordinates, and the Pareto front.

/** At most so many lines: more are a blot. */
const LINES = 300;

function drawParallel(body) {
  const all = valued();
  if (all.length === 0 || data.parameters.length === 0) {
    body.append(html('p', {}, 'No trial has a value yet.'));
    return;
  }
  const found = classes(all);
  const ranked = [...all].sort((a, b) => oriented(a.value) - oriented(b.value));
  const slider = html('input', { type: 'range', min: '1', max: '100', value: '100', 'aria-label': 'Share of the best trials that is drawn' });
  const says = html('span', { class: 'soft' });
  const place = html('div');
  const redraw = () => {
    const most = Math.max(1, Math.ceil((ranked.length * Number(slider.value)) / 100));
    const step = Math.max(1, most / LINES);
    const kept = [];
    for (let i = 0; i < most; i += step) kept.push(ranked[Math.floor(i)]);
    says.textContent = `the best ${count(most, 'trial')}${kept.length < most ? `, ${kept.length} of them drawn` : ''}`;
    place.replaceChildren(parallel(kept, found, room(body)));
  };
  slider.addEventListener('input', redraw);
  body.append(compared() || '', html('div', { class: 'controls' }, html('label', {}, 'Show', slider), says), place, classLegend(found));
  body.append(html('p', { class: 'soft' }, 'A line is a trial; it has a gap where the trial does not have the parameter.'));
  redraw();
}

/** The lines of some trials over one axis for each parameter and one for the value. */
function parallel(kept, found, room) {
  const axes = [...data.parameters.map((p, i) => ({ name: p.name, parameter: p, of: (one) => one.trial.parameters[i] })), { name: goal().metric, of: (one) => one.value }];
  // Paper cannot be scrolled.
  const apart = Math.max(printing ? 0 : 92, (room - 70) / Math.max(1, axes.length - 1));
  const width = Math.max(room, 70 + apart * (axes.length - 1));
  const box = { top: 40, bottom: 330 };
  const root = svg('svg', { class: 'chart', viewBox: `0 0 ${width} 350`, role: 'img', 'aria-label': `Parallel coordinates of ${count(kept.length, 'trial')}` });
  const layer = svg('g');
  axes.forEach((axis, i) => {
    axis.x = 22 + apart * i;
    if (i === axes.length - 1) axis.x = Math.min(axis.x, width - 62);
    axis.scale = axis.parameter
      ? parameterScale(axis.parameter, box.bottom, box.top, 5)
      : valueScale(kept.map(axis.of), goal().maximize, box.bottom, box.top, 5);
  });
  const path = (one) => {
    let pen = 'M';
    return axes.map((axis) => {
      const own = axis.of(one);
      const step = own === null ? '' : `${pen}${axis.x.toFixed(1)} ${axis.scale.at(own).toFixed(1)}`;
      pen = own === null ? 'M' : 'L';
      return step;
    }).join('');
  };
  for (let q = 4; q >= 0; q -= 1) {
    const own = kept.filter((one) => found.of(one.value) === q);
    if (own.length > 0) layer.append(svg('path', { class: `curve q${q} ${kept.length > 60 ? 'thin' : ''} ${q > 1 ? 'faint' : ''}`, d: own.map(path).join('') }));
  }
  root.append(layer);
  axes.forEach((axis, i) => {
    const even = i % 2 === 0;
    const anchor = i === 0 ? 'start' : 'middle';
    root.append(svg('path', { class: 'frame', d: `M${axis.x} ${box.top}V${box.bottom}` }));
    root.append(svg('text', { class: 'strong', x: i === 0 ? 2 : axis.x, y: even ? 14 : 30, 'text-anchor': anchor }, fitting(axis.name, apart * 1.9)));
    for (const tick of spaced(axis.scale, false)) {
      const label = fitting(tick.label, apart - 24);
      root.append(svg('path', { class: 'frame', d: `M${axis.x} ${tick.at.toFixed(1)}h4` }));
      root.append(svg('text', { class: 'ground', x: axis.x + 7, y: tick.at + 4 }, label));
    }
  });
  const value = axes[axes.length - 1];
  const marks = kept.map((one) => ({ x: value.x, y: value.scale.at(one.value), line: path(one), words: () => describe(one.trial) }));
  root.setAttribute('width', width);
  const drawn = figure({ root, layer }, marks);
  if (width > room) {
    root.style.width = `${width}px`;
    return html('div', { class: 'scroll' }, drawn);
  }
  return drawn;
}

function drawFront(body) {
  const choose = (label, chosen) => {
    const select = html('select', {}, data.objectives.map((o, i) => html('option', { value: i }, o.metric)));
    select.value = String(chosen);
    return { select, label: html('label', {}, label, select) };
  };
  const [across, up] = [choose('across', 0), choose('up', 1)];
  const place = html('div');
  const redraw = () => place.replaceChildren(...front(Number(across.select.value), Number(up.select.value), room(body)));
  [across, up].forEach((one) => one.select.addEventListener('change', redraw));
  if (data.objectives.length > 2) body.append(html('div', { class: 'controls' }, across.label, up.label));
  body.append(place);
  redraw();
}

function front(a, b, width) {
  const on = new Set(data.front);
  const top = (trial) => [...trial.values].reverse().find(([, values]) => values[a] !== null && values[b] !== null);
  const all = data.trials.map((trial) => ({ trial, at: top(trial) })).filter((one) => one.at).map((one) => ({ ...one, x: one.at[1][a], y: one.at[1][b] }));
  if (all.length === 0) return [html('p', {}, 'No trial has both values yet.')];
  const [first, second] = [data.objectives[a], data.objectives[b]];
  const better = (o) => `${o.metric} (${o.maximize ? 'larger' : 'smaller'} is better)`;
  const drawn = chart({
    label: `${first.metric} and ${second.metric} of all trials`, width, height: Math.min(480, 240 + width / 4), xTitle: better(first), yTitle: better(second),
    axes: (box) => ({
      x: valueScale(all.map((one) => one.x), first.maximize, box.left + 6, box.right - 6, width / 90),
      y: valueScale(all.map((one) => one.y), second.maximize, box.bottom - 4, box.top + 4, 6),
    }),
  });
  const { x, y, layer } = drawn;
  const at = (one) => [x.at(one.x), y.at(one.y)];
  const best = all.filter((one) => on.has(one.trial.number));
  layer.append(dots(all.filter((one) => !on.has(one.trial.number)).map(at), 'resting small faint'));
  if (data.objectives.length === 2) {
    const sorted = [...best].sort((one, other) => one.x - other.x);
    // The line is the edge of what the front dominates: between two points it goes over the corner that both are better than.
    const corner = (one, other) => (first.maximize ? [one[0], other[1]] : [other[0], one[1]]);
    const path = sorted.flatMap((one, i) => (i === 0 ? [at(one)] : [corner(at(sorted[i - 1]), at(one)), at(one)]));
    layer.append(line(path, 'best'));
  }
  layer.append(dots(best.map(at), 'q0'));
  const values = (one) => data.objectives.map((o, i) => `${o.metric} ${show(one.at[1][i])}`).join(', ');
  const marks = all.map((one) => ({ x: at(one)[0], y: at(one)[1], words: () => `${on.has(one.trial.number) ? 'On the front. ' : ''}Trial ${one.trial.number}: ${values(one)}` }));
  return [figure(drawn, marks), legend([{ mark: 'dots q0', words: 'on the front' }, { mark: 'dots resting', words: 'others' }])];
}
