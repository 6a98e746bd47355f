// Slices: the value against one parameter at a time.

/** What is chosen for this chart and the two that follow: the level at which parameters are compared. */
function levels() {
  const { study } = data;
  if (!study.hasFidelity || study.levels.length < 2) return null;
  const select = html('select', {}, html('option', { value: '' }, 'the newest of each trial'),
    study.levels.map((level) => html('option', { value: level }, `those at ${study.unit} ${level}`)));
  select.value = view.level === null ? '' : String(view.level);
  select.addEventListener('change', () => {
    view.level = select.value === '' ? null : Number(select.value);
    redrawCompared();
  });
  return html('div', { class: 'controls' }, html('label', {}, 'Values', select));
}

function drawSlices(body) {
  const all = valued();
  if (all.length === 0 || data.parameters.length === 0) {
    body.append(html('p', {}, 'No trial has a value yet.'));
    return;
  }
  const found = data.importances[view.objective];
  const share = (name) => (found ? found.shares.find((one) => one.parameter === name).share : 0);
  const order = data.parameters.map((parameter, i) => ({ parameter, i, share: share(parameter.name) })).sort((a, b) => b.share - a.share);
  const grid = html('div', { class: 'slices' });
  body.append(levels() || '', grid);
  const columns = Math.max(1, Math.floor((room(body) + 24) / (272 + 24)));
  const width = (room(body) - 24 * (columns - 1)) / columns;
  const last = Math.max(...data.trials.map((trial) => trial.number), 1);
  let edge = null;
  for (const { parameter, i } of order) {
    const own = all.filter((one) => one.trial.parameters[i] !== null);
    const drawn = chart({
      label: `${goal().metric} against ${parameter.name}`, width, height: 210, left: 52,
      axes: (box) => ({
        x: parameterScale(parameter, box.left + 6, box.right - 6, width / 75),
        y: valueScale(all.map((one) => one.value), goal().maximize, box.bottom - 4, box.top + 2, 4),
      }),
    });
    const { x, y, layer } = drawn;
    edge = y;
    // Trials of few values would stand on one line: they are moved aside by their numbers.
    const steps = parameter.list ? parameter.list.length : parameter.whole ? parameter.range[1] - parameter.range[0] + 1 : Infinity;
    const apart = steps <= 20 ? Math.min(26, (0.6 * (drawn.box.right - drawn.box.left)) / steps) : 0;
    const place = (one) => [x.at(one.trial.parameters[i]) + apart * (((one.trial.number * 0.618) % 1) - 0.5), y.at(one.value)];
    const age = (one) => 4 - Math.min(4, Math.floor((5 * one.trial.number) / (last + 1)));
    for (let q = 4; q >= 0; q -= 1) layer.append(dots(own.filter((one) => age(one) === q).map(place), `q${q} small`));
    const marks = own.map((one) => ({ x: place(one)[0], y: place(one)[1], words: () => describe(one.trial) }));
    const shown = figure(drawn, marks);
    shown.prepend(html('figcaption', {}, parameter.name));
    grid.append(shown);
  }
  body.append(legend([4, 2, 0].map((q) => ({ mark: `dots q${q}`, words: ['newest trials', '', 'in the middle', '', 'first trials'][q] }))), beyond(edge) || '');
  body.append(html('p', { class: 'soft' }, 'The most important parameter comes first.'));
}
