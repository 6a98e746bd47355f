// The head of the report, the best trials, the importance of parameters, failures and the Study.

function drawSummary(body) {
  const { study } = data;
  const tile = (name, value, more) => html('dl', {}, html('dt', {}, name), html('dd', {}, value, more ? html('small', {}, more) : null));
  const best = data.best[0];
  const several = data.objectives.length > 1;
  const tiles = [];
  if (several) tiles.push(tile('Pareto front', count(data.front.length, 'trial'), data.objectives.map((o) => o.metric).join(', ')));
  else if (best) {
    const where = `trial ${best.number}${study.hasFidelity ? ` at ${study.unit} ${best.level}` : ''}`;
    tiles.push(tile(`Best ${goal().metric}`, show(Number(best.values[0])), where));
  }
  const states = Object.entries(data.counts).map(([state, n]) => `${n.toLocaleString('en')} ${state.toLowerCase()}`);
  tiles.push(tile('Trials', data.total.toLocaleString('en'), states.join(', ')));
  if (data.saving) {
    const share = data.saving.spent / Math.max(1, data.saving.plain);
    tiles.push(tile('Spent', `${data.saving.spent.toLocaleString('en')} ${plural(study.unit)}`, `${percent(share)} of training every trial in full`));
  } else if (study.hasFidelity) tiles.push(tile('Spent', `${study.spent.toLocaleString('en')} ${plural(study.unit)}`));
  if (data.slots) {
    const { busy, seconds, lanes } = data.slots;
    tiles.push(tile('Time', duration(seconds), `at most ${count(lanes, 'run')} at once, busy ${percent(busy / Math.max(1, seconds * lanes))}`));
  }
  body.append(html('div', { class: 'tiles' }, tiles));
  if (study.why && study.why[1]) body.append(html('p', {}, `${study.why[0]}: ${study.why[1]}`));
  data.problems.forEach((problem) => body.append(html('p', { class: 'note' }, problem)));
}

const plural = (unit) => (unit.endsWith('s') ? unit : `${unit}s`);

/** A text to be copied, with a button where the browser can. */
function copied(title, text, mark) {
  const pre = html('pre', { class: mark, tabindex: '0', 'aria-label': title }, text);
  const button = html('button', { type: 'button' }, 'Copy');
  button.addEventListener('click', () => {
    const said = (words) => {
      button.textContent = words;
      setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    };
    const select = () => {
      getSelection().selectAllChildren(pre);
      said('Selected');
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => said('Copied'), select);
    else select();
  });
  return [html('div', { class: 'copy' }, html('h4', {}, title), button), pre];
}

function drawBest(body) {
  if (data.best.length === 0) {
    body.append(html('p', {}, 'No trial has a usable value yet.'));
    return;
  }
  const on = data.front.length > 0;
  const shown = on && data.front.length > data.best.length ? `The first ${data.best.length} of ${data.front.length} trials on the Pareto front` : null;
  const caption = shown || (on ? 'The Pareto front: no trial betters these in one objective without being worse in another' : 'By the highest level, then by the value there');
  const level = data.study.hasFidelity ? [right(data.study.unit)] : [];
  const heads = [right('trial'), ...data.objectives.map((o) => right(o.metric)), ...level, ...data.parameters.map((p) => p.name)];
  const rows = data.best.map((best) => {
    const own = new Map(best.parameters);
    const values = best.values.map((value) => right(value === null ? '–' : show(Number(value))));
    const at = data.study.hasFidelity ? [right(best.level)] : [];
    const of = (p) => (own.has(p.name) ? (p.list ? own.get(p.name) : show(Number(own.get(p.name)))) : '');
    return [right(best.number), ...values, ...at, ...data.parameters.map(of)];
  });
  body.append(table(caption, heads, rows));
  data.best.forEach((best, i) => {
    const inside = html('details', {}, html('summary', {}, `Run trial ${best.number} again`));
    inside.open = i === 0;
    const { again } = best;
    inside.append(...copied('Flags', again.flags, 'wrap'), ...copied('Variables', again.environment.trimEnd(), ''));
    if (again.command) {
      inside.append(...copied('The whole command, from zero, with the seed that it had', again.command, 'wrap'));
    }
    inside.append(...copied('As a starting point of another Study', again.start_with.trimEnd(), 'wrap'));
    body.append(inside);
  });
}

function drawImportance(body) {
  const found = data.importances[view.objective];
  if (!found) {
    body.append(html('p', {}, 'Nothing can be said: it takes ten trials with a value, of a Study that is valid.'));
    return;
  }
  const where = data.study.hasFidelity ? ` at ${data.study.unit} ${found.level}` : '';
  body.append(html('p', { class: 'lead' },
    `How much each parameter tells the ${count(found.best, 'best trial')} from all ${found.trials.toLocaleString('en')} that have a value${where} (PED-ANOVA). The shares add up to 100 %.`));
  if (found.best < 5) body.append(html('p', { class: 'note' }, 'So few trials give a hint and no more.'));
  const shares = [...found.shares].sort((a, b) => b.share - a.share);
  if (shares.every((one) => one.share === 0)) {
    body.append(html('p', {}, 'Nothing tells the best from the rest.'));
    return;
  }
  const width = Math.min(room(body), 760);
  const names = Math.min(width * 0.4, 20 + 6.8 * Math.max(...shares.map((one) => one.parameter.length)));
  const top = 1.08 * shares[0].share;
  const drawn = chart({
    label: 'Importance of parameters', width, height: 34 + 24 * shares.length, left: names,
    axes: (box) => ({ x: range(0, Math.min(1, top), false, box.left, box.right - 44, width < 500 ? 3 : 5) }),
  });
  const { box, x, root, layer } = drawn;
  root.querySelectorAll('text').forEach((text) => { text.textContent = `${Number((100 * Number(text.textContent)).toFixed(1))} %`; });
  shares.forEach((one, i) => {
    const y = box.top + 24 * i;
    layer.append(
      svg('text', { class: 'strong', x: box.left - 8, y: y + 14, 'text-anchor': 'end' }, fitting(one.parameter, names - 8)),
      svg('rect', { class: 'bar', x: box.left, y: y + 2, width: Math.max(1, x.at(one.share) - box.left), height: 16 }),
      svg('text', { x: x.at(one.share) + 6, y: y + 14 }, percent(one.share)));
  });
  body.append(figure(drawn, []));
}

function drawFailures(body) {
  if (data.failures.length === 0) {
    body.append(html('p', {}, 'Nothing failed.'));
    return;
  }
  const mark = (failure) => [html('span', { class: `state ${failure.fatal ? 'failed' : 'ended'}` }), failure.reason];
  const rows = data.failures.map((failure) => [
    mark(failure), failure.fatal ? 'the trial' : 'a run, tried again', right(failure.count),
    wide(failure.trials.join(', ') + (failure.trials.length < failure.count && failure.trials.length === 20 ? ' …' : '')), wide(failure.message),
  ]);
  body.append(table('The most frequent first', ['reason', 'what failed', right('count'), 'trials', 'message'], rows));
  if (data.moreFailures > 0) body.append(html('p', {}, `${count(data.moreFailures, 'further kind')} of failures ${data.moreFailures === 1 ? 'is' : 'are'} not told here.`));
}

function drawStudy(body) {
  const { study } = data;
  if (study.seed !== undefined) body.append(html('p', {}, `Seed ${study.seed}: the same results give the same decisions.`));
  if (study.plan) body.append(html('h3', {}, 'What it amounts to'), html('pre', { tabindex: '0', 'aria-label': 'Plan' }, study.plan));
  const words = data.parameters.map((p) => [p.name, wide(p.words), wide(p.when || 'always')]);
  if (words.length > 0) body.append(html('h3', {}, 'Search space'), table('Parameters', ['name', 'values', 'exists when'], words));
  body.append(...copied('The Study, as it was applied', study.manifest.trimEnd(), ''));
}

/** All drawn trials in a table, for who cannot see charts or wants numbers; made when it is asked for. */
function drawTable(body) {
  const inside = html('details', {}, html('summary', {}, `The ${count(data.trials.length, 'trial')} of the charts as a table`));
  const make = () => {
    const level = data.study.hasFidelity ? [right(data.study.unit)] : [];
    const heads = [right('trial'), 'state', right(goal().metric), ...level, right('seconds'), ...data.parameters.map((p) => p.name)];
    const rows = data.trials.map((trial) => {
      const own = seen(trial, null);
      const at = data.study.hasFidelity ? [right(own ? own.level : '–')] : [];
      const state = [html('span', { class: `state ${stateClass(trial.state)}` }), trial.state];
      return [right(trial.number), state, right(show(own && own.value)), ...at, right(trial.seconds), ...trial.parameters.map((p) => (p === null ? '' : show(p)))];
    });
    return table('Trials, by number', heads, rows);
  };
  inside.addEventListener('toggle', () => {
    if (inside.open && inside.children.length === 1) inside.append(make());
  });
  body.append(inside);
}
