// What is looked at: an objective, and the level at which parameters are compared; null for the newest value of each trial. With a
// ladder that is the level of the importances: those further up are few and chosen.
const view = { objective: 0, level: (data.ladders && data.importances[0] && data.importances[0].level) || null };
const goal = () => data.objectives[view.objective] || { metric: 'value', maximize: false };
const oriented = (value) => (goal().maximize ? -value : value);
const byNumber = new Map(data.trials.map((trial) => [trial.number, trial]));

/** The level of a trial's value that is looked at, and the value; null without one. */
function seen(trial, at = view.level) {
  for (let i = trial.values.length - 1; i >= 0; i -= 1) {
    const [level, values] = trial.values[i];
    const value = values[view.objective];
    if (value !== null && value !== undefined && (at === null || at === level)) return { level, value };
  }
  return null;
}

/** The trials that have a value, each with it. */
const valued = (at = view.level) => data.trials.map((trial) => ({ trial, ...seen(trial, at) })).filter((one) => one.value !== undefined);

/** The shares of trials that have a colour of their own, the best first. */
const SHARES = [0.1, 0.25, 0.5, 0.75, 1];
const SHARE_NAMES = ['best tenth', 'to a quarter', 'to a half', 'to three quarters', 'the rest'];

/** For each of the trials that have a value its class, 0 for the best; and the worst value of each class. */
function classes(all) {
  const order = all.map((one) => oriented(one.value)).sort((a, b) => a - b);
  const ends = SHARES.map((share) => order[Math.max(0, Math.ceil(share * order.length) - 1)]);
  const of = (value) => Math.max(0, ends.findIndex((end) => oriented(value) <= end));
  return { of, ends: ends.map((end) => (goal().maximize ? -end : end)) };
}

/** What a class of colours means. */
function classLegend(found) {
  const sign = goal().maximize ? '≥' : '≤';
  return legend(SHARE_NAMES.map((name, q) => ({
    mark: `dots q${q}`,
    words: q < 4 ? `${q === 0 && data.trials.length < data.total ? `${name} of those drawn` : name} (${sign} ${show(found.ends[q])})` : name,
  })));
}

/** A key of marks: a dot, a line or a cross, and words. */
function legend(items) {
  const mark = (item) => {
    const shape = item.mark.includes('cross') ? 'M7 2L15 10M7 10L15 2' : item.mark.includes('dots') ? 'M11 6h0' : 'M1 6H21';
    return svg('svg', { viewBox: '0 0 22 12', 'aria-hidden': 'true' }, svg('path', { d: shape, class: item.mark }));
  };
  return html('ul', { class: 'legend' }, items.map((item) => html('li', {}, mark(item), item.words)));
}

const STATES = { Complete: 'good', Completed: 'good', Stopped: 'ended', Stopping: 'ended', Failed: 'failed', Lost: 'failed', Running: 'running' };
const stateClass = (state) => STATES[state] || 'resting';

/** A trial in a line. */
function describe(trial) {
  const own = seen(trial, null);
  const value = own ? `${goal().metric} ${show(own.value)}${data.study.hasFidelity ? ` at ${data.study.unit} ${own.level}` : ''}` : 'no value';
  const parameters = data.parameters
    .map((parameter, i) => [parameter.name, trial.parameters[i]])
    .filter(([, own]) => own !== null)
    .map(([name, own]) => `${name} ${show(own)}`);
  return `Trial ${trial.number}, ${trial.state}: ${value}. ${parameters.join(', ')}`;
}

/** What the charts leave out, or nothing. */
function thinned() {
  if (data.trials.length >= data.total) return null;
  return html('p', { class: 'note' },
    `${data.trials.length.toLocaleString('en')} of ${data.total.toLocaleString('en')} trials are drawn here: the best 500, and others spread evenly over the rest.`);
}

/** Which values are compared, where there is a choice. */
const compared = () => (data.study.levels.length > 1 && data.study.hasFidelity
  ? html('p', { class: 'soft' }, view.level === null ? 'By the newest value of each trial, as chosen above.' : `By values at ${data.study.unit} ${view.level}, as chosen above.`)
  : null);

/** How many values lie on the end of a scale, or nothing. */
const beyond = (scale) => (scale.beyond > 0
  ? html('p', { class: 'soft' }, `${count(scale.beyond, 'value')} far worse than the rest ${scale.beyond === 1 ? 'is' : 'are'} drawn on the edge.`)
  : null);

/** A table that scrolls by itself on a narrow screen. */
function table(caption, heads, rows) {
  const cell = (tag) => (one) => {
    const own = one !== null && typeof one === 'object' && !(one instanceof Node) && !Array.isArray(one) ? one : { of: one };
    return html(tag, { class: own.class, scope: tag === 'th' ? 'col' : null }, own.of);
  };
  return html('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    html('table', { class: heads.length > 8 ? 'many' : null }, html('caption', {}, caption),
      html('thead', {}, html('tr', {}, heads.map(cell('th')))),
      html('tbody', {}, rows.map((row) => html('tr', {}, row.map(cell('td')))))));
}
const right = (of) => ({ of, class: 'number' });
const wide = (of) => ({ of, class: 'wrap' });
