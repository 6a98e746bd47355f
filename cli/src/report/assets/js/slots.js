// When runs ran, lane by lane.

const BECAME = { good: 'came to its level', ended: 'ended as the study wanted', failed: 'failed', lost: 'lost with the infrastructure', running: 'runs' };

function drawSlots(body) {
  const { slots } = data;
  if (!slots) {
    body.append(html('p', {}, 'No run has begun yet.'));
    return;
  }
  const width = room(body);
  const first = slots.runs.length > 0 ? slots.runs[0][3] : 0;
  const isPart = slots.runs.length < slots.total;
  const tall = clamp(Math.floor(420 / slots.lanes), 2, 22);
  const [factor, unit] = slots.seconds >= 14400 ? [3600, 'hours'] : slots.seconds >= 240 ? [60, 'minutes'] : [1, 'seconds'];
  const drawn = chart({
    label: 'Runs over time', width, height: 74 + tall * slots.lanes, xTitle: `${unit} since the first run began`, yTitle: 'lane',
    axes: (box) => {
      const y = range(0, slots.lanes, false, box.top, box.bottom, 6);
      y.ticks = [...new Set(y.ticks.map((tick) => Math.floor(tick.value)))].filter((lane) => lane < slots.lanes).map((lane) => ({ value: lane + 0.5, label: String(lane + 1) }));
      return { x: range((isPart ? first : 0) / factor, Math.max(slots.seconds, 1) / factor, false, box.left, box.right, width / 90), y };
    },
  });
  const { x, y, layer } = drawn;
  const shape = ([, , lane, start, seconds]) => {
    const from = x.at(start / factor);
    const wide = Math.max(1.5, x.at((start + Math.max(seconds, 0.4)) / factor) - from - 0.6);
    return [from, y.at(lane + 0.5), wide];
  };
  for (const name of Object.keys(BECAME)) {
    const own = slots.runs.filter((run) => run[5] === name);
    if (own.length === 0) continue;
    const path = own.map((run) => { const [from, at, wide] = shape(run); return `M${from.toFixed(1)} ${at.toFixed(1)}h${wide.toFixed(1)}`; });
    const bars = svg('path', { class: `curve ${name}`, d: path.join('') });
    // The height of a lane is a number of this chart, so no class has it.
    bars.style.strokeWidth = `${Math.max(1, tall - 3)}px`;
    layer.append(bars);
  }
  const marks = slots.runs.map((run) => {
    const [from, at, wide] = shape(run);
    const [trial, number, lane, start, seconds, became] = run;
    return { x: from + wide / 2, y: at, words: () => `Trial ${trial}, run ${number}, in lane ${lane + 1}: from ${duration(start)} on for ${duration(seconds)}; ${BECAME[became]}` };
  });
  body.append(figure(drawn, marks));
  const present = Object.keys(BECAME).filter((name) => slots.runs.some((run) => run[5] === name));
  body.append(legend(present.map((name) => ({ mark: `curve thick ${name}`, words: BECAME[name] }))));
  const part = isPart ? `The newest ${slots.runs.length.toLocaleString('en')} of ${slots.total.toLocaleString('en')} runs. ` : '';
  body.append(html('p', { class: 'soft' },
    `${part}The first run began ${slots.origin.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}. Times are in whole seconds. Lanes are runs side by side, not machines; of each trial the last 16 runs are on record.`));
}
