// The value over two parameters: an estimate from nearby trials.

/** Cells a side. */
const CELLS = 28;

/** The width of the kernel, in shares of an axis. */
const KERNEL = 0.07;

function drawContour(body) {
  const all = valued();
  if (all.length < 5 || data.parameters.length < 2) {
    body.append(html('p', {}, 'It takes two parameters and five trials with a value.'));
    return;
  }
  const found = data.importances[view.objective];
  const share = (p) => (found ? found.shares.find((one) => one.parameter === p.name).share : 0);
  const order = data.parameters.map((p, i) => i).sort((a, b) => share(data.parameters[b]) - share(data.parameters[a]));
  const choose = (words, chosen) => {
    const select = html('select', {}, data.parameters.map((p, i) => html('option', { value: i }, p.name)));
    select.value = String(chosen);
    return { select, label: html('label', {}, words, select) };
  };
  const [across, up] = [choose('across', order[0]), choose('up', order[1])];
  const place = html('div');
  const redraw = () => place.replaceChildren(...contour(all, Number(across.select.value), Number(up.select.value), room(body)));
  [across, up].forEach((one) => one.select.addEventListener('change', redraw));
  body.append(compared() || '', html('div', { class: 'controls' }, across.label, up.label), place);
  redraw();
}

/** The weighted mean of values near each cell; null where no trial is near. */
function estimate(points, x, y) {
  // Names have no neighbours: what is known of one says nothing of the next.
  const apart = (scale, a, b) => {
    if (!scale.list) return a - b;
    return Math.floor(a * scale.list.length) === Math.floor(b * scale.list.length) ? 0 : Infinity;
  };
  const cells = [];
  for (let row = 0; row < CELLS; row += 1) {
    for (let column = 0; column < CELLS; column += 1) {
      const [u, v] = [(column + 0.5) / CELLS, (row + 0.5) / CELLS];
      let [sum, weights] = [0, 0];
      for (const point of points) {
        const far = (apart(x, point.u, u) ** 2 + apart(y, point.v, v) ** 2) / (2 * KERNEL * KERNEL);
        if (far > 8) continue;
        const weight = Math.exp(-far);
        sum += weight * point.rank;
        weights += weight;
      }
      cells.push(weights > 0.12 ? sum / weights : null);
    }
  }
  return cells;
}

function contour(all, a, b, room) {
  const [first, second] = [data.parameters[a], data.parameters[b]];
  const own = all.filter((one) => one.trial.parameters[a] !== null && one.trial.parameters[b] !== null);
  if (a === b || own.length < 5) return [html('p', {}, a === b ? 'Choose two parameters.' : 'Fewer than five trials have both.')];
  const width = Math.min(room, 760);
  const drawn = chart({
    label: `${goal().metric} over ${first.name} and ${second.name}`, width, height: Math.min(460, 220 + width / 3), xTitle: first.name, yTitle: second.name,
    axes: (box) => ({ x: parameterScale(first, box.left, box.right, width / 90), y: parameterScale(second, box.bottom, box.top, 6) }),
  });
  const { x, y, box, layer } = drawn;
  // Ranks instead of values: one trial that is far off does not paint its whole neighbourhood.
  const sorted = own.map((one) => oriented(one.value)).sort((m, n) => m - n);
  const rank = (value) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < oriented(value)) low = middle + 1; else high = middle;
    }
    return low / Math.max(1, sorted.length - 1);
  };
  const points = own.map((one) => ({ u: x.unit(one.trial.parameters[a]), v: y.unit(one.trial.parameters[b]), rank: rank(one.value), one }));
  const cells = estimate(points, x, y);
  const [wide, high] = [(box.right - box.left) / CELLS, (box.bottom - box.top) / CELLS];
  const bands = [0.15, 0.3, 0.45, 0.6, Infinity];
  const shapes = ['', '', '', '', ''];
  cells.forEach((cell, at) => {
    if (cell === null) return;
    const q = bands.findIndex((end) => cell <= end);
    const [left, bottom] = [box.left + (at % CELLS) * wide, box.bottom - Math.floor(at / CELLS) * high];
    shapes[q] += `M${left.toFixed(1)} ${bottom.toFixed(1)}v${(-high - 0.3).toFixed(1)}h${(wide + 0.3).toFixed(1)}v${(high + 0.3).toFixed(1)}z`;
  });
  shapes.forEach((shape, q) => layer.append(svg('path', { class: `fill-q${q}`, d: shape, opacity: '0.8' })));
  const places = points.map((point) => [box.left + point.u * (box.right - box.left), box.bottom - point.v * (box.bottom - box.top)]);
  // Many dots would hide what is below them.
  layer.append(...(points.length > 300 ? [dots(places, 'over-dots faint')] : [dots(places, 'halo-dots'), dots(places, 'over-dots')]));
  const marks = points.map((point, i) => ({ x: places[i][0], y: places[i][1], words: () => describe(point.one.trial) }));
  const value = (share) => show(goal().maximize ? -quantile(sorted, share) : quantile(sorted, share));
  const key = bands.map((end, q) => ({
    mark: `dots q${q}`,
    words: q === 0 ? `as good as the best ${percent(end)} (${value(end)})` : q < 4 ? `to ${percent(end)} (${value(end)})` : 'worse',
  }));
  return [
    figure(drawn, marks), legend(key),
    html('p', { class: 'soft' }, `Estimated by rank from nearby trials, each weighing less the farther away it is; empty where none is near. A dot is a trial.`),
  ];
}
