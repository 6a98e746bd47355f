// The report as a whole: what stands in it, what is chosen, and when it is drawn.

const SECTIONS = [
  { id: 'summary', title: 'At a glance', draw: drawSummary },
  { id: 'best', title: 'Best trials', draw: drawBest },
  { id: 'front', title: 'Pareto front', draw: drawFront, when: data.objectives.length > 1 },
  { id: 'history', title: 'Optimization history', draw: drawHistory, thinned: true, chosen: true },
  { id: 'curves', title: 'Learning curves', draw: drawCurves, when: data.study.hasFidelity, chosen: true },
  { id: 'importance', title: 'Importance of parameters', draw: drawImportance, chosen: true },
  { id: 'slices', title: 'Parameter by parameter', draw: drawSlices, thinned: true, chosen: true, compared: true },
  { id: 'contour', title: 'Two parameters at once', draw: drawContour, thinned: true, chosen: true, compared: true },
  { id: 'parallel', title: 'Parallel coordinates', draw: drawParallel, thinned: true, chosen: true, compared: true },
  { id: 'rungs', title: 'Rungs and early stopping', draw: drawLadder },
  { id: 'slots', title: 'Timeline of runs', draw: drawSlots },
  { id: 'failures', title: 'Failures', draw: drawFailures },
  { id: 'trials', title: 'All trials', draw: drawTable, chosen: true },
  { id: 'study', title: 'The Study', draw: drawStudy },
].filter((section) => section.when !== false);

/** Draws a section, again if need be. */
function draw(section) {
  section.body.replaceChildren();
  const note = section.thinned ? thinned() : null;
  if (note) section.body.append(note);
  section.draw(section.body);
  section.drawn = true;
}

/** Draws the charts that compare parameters again; the choice that asked for it keeps the focus. */
function redrawCompared() {
  SECTIONS.filter((section) => section.compared).forEach(draw);
  document.querySelector('#slices select').focus();
}

/** What may be chosen for all charts: the objective. */
function controls() {
  const choices = [];
  const chosen = () => SECTIONS.filter((section) => section.chosen).forEach(draw);
  if (data.objectives.length > 1) {
    const select = html('select', {}, data.objectives.map((o, i) => html('option', { value: i }, o.metric)));
    select.addEventListener('change', () => { view.objective = Number(select.value); chosen(); });
    choices.push(html('label', {}, 'Charts show', select));
  }
  return html('div', { class: 'controls' }, choices);
}

function build() {
  const { study } = data;
  document.title = `${study.name}: Trimtab report`;
  document.getElementById('title').textContent = study.name;
  const goals = data.objectives.map((o) => `${o.metric} is to be ${o.maximize ? 'large' : 'small'}`).join(', ');
  const state = study.state ? `${study.state}. ` : '';
  document.getElementById('lead').textContent = `${state}${goals}.`;
  const main = document.getElementById('report');
  for (const section of SECTIONS) {
    section.body = html('div');
    const after = section.id === 'summary' ? controls() : null;
    main.append(html('section', { id: section.id, 'aria-labelledby': `${section.id}-title` }, html('h2', { id: `${section.id}-title` }, section.title), section.body, after));
  }
  document.getElementById('contents').append(html('ul', {}, SECTIONS.map((section) => html('li', {}, html('a', { href: `#${section.id}` }, section.title)))));
  const written = data.written.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
  document.getElementById('foot').textContent = `Written ${written} by trimtab ${data.version}. This file fetches nothing and sends nothing.`;
}

/** Draws what is not drawn yet, a section at a time, so that the page can be read and scrolled meanwhile. */
function drawOn() {
  const next = SECTIONS.find((section) => !section.drawn);
  if (!next) {
    document.documentElement.dataset.drawn = 'all';
    return;
  }
  draw(next);
  setTimeout(drawOn, 0);
}

build();
draw(SECTIONS[0]);
setTimeout(drawOn, 0);

/** Charts are as wide as the window, and on paper as wide as the page. */
function drawFor(paper) {
  printing = paper;
  SECTIONS.forEach(draw);
}
addEventListener('beforeprint', () => drawFor(true));
addEventListener('afterprint', () => drawFor(false));

let drawnFor = document.documentElement.clientWidth;
let waiting = null;
addEventListener('resize', () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    // On a phone the bars of the browser come and go, which changes the height only.
    const width = document.documentElement.clientWidth;
    if (Math.abs(width - drawnFor) < 24) return;
    drawnFor = width;
    SECTIONS.forEach((section) => { section.drawn = false; });
    drawOn();
  }, 200);
});
