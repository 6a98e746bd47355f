// A chart: a frame with axes, layers of marks, and one mark at a time that is read out, by pointer or by keys.

/** How wide charts are on paper: a page of A4 at the size of the texts. */
const PAPER = 680;
let printing = false;

/** How wide charts may be drawn in an element. */
const room = (node) => (printing ? PAPER : Math.max(280, Math.floor(node.getBoundingClientRect().width) || 640));

/** How wide a text is drawn, about. */
const textWidth = (text) => String(text).length * 6.6;

/** A text that fits into so many pixels. */
function fitting(text, pixels) {
  const most = Math.max(3, Math.floor(pixels / 6.6));
  return String(text).length > most ? `${String(text).slice(0, most - 1)}…` : String(text);
}

/** Ticks that are far enough apart not to touch each other. */
function spaced(scale, horizontal) {
  let end = -Infinity;
  const places = scale.ticks.map((tick) => ({ ...tick, at: scale.at(tick.value) }));
  const gap = scale.list && places.length > 1 ? Math.abs(places[1].at - places[0].at) : Infinity;
  const fits = places.map((tick) => ({ ...tick, label: horizontal ? fitting(tick.label, Math.max(34, gap === Infinity ? 90 : gap * 1.8)) : tick.label }));
  return fits.sort((a, b) => a.at - b.at).filter((tick) => {
    const half = horizontal ? textWidth(tick.label) / 2 + 4 : 7;
    if (tick.at - half < end) return false;
    end = tick.at + half;
    return true;
  });
}

/**
 * An empty chart. `axes` makes the two scales from the place that there is; titles stand beside them.
 */
function chart({ label, width, height, axes, xTitle, yTitle, left = 58 }) {
  const box = { left, right: width - 14, top: yTitle ? 26 : 10, bottom: height - (xTitle ? 40 : 24) };
  const { x, y } = axes(box);
  const root = svg('svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label });
  // A chart that is narrower than the page is not blown up.
  root.style.maxWidth = `${width}px`;
  if (y) {
    for (const tick of spaced(y, false)) {
      root.append(svg('path', { class: 'grid', d: `M${box.left} ${tick.at.toFixed(1)}H${box.right}` }));
      root.append(svg('text', { x: box.left - 7, y: tick.at + 4, 'text-anchor': 'end' }, fitting(tick.label, box.left - 6)));
    }
  }
  if (x) {
    for (const tick of spaced(x, true)) {
      root.append(svg('path', { class: 'frame', d: `M${tick.at.toFixed(1)} ${box.bottom}v4` }));
      // A label at an end stays within the chart.
      const half = textWidth(tick.label) / 2;
      const at = clamp(tick.at, half, width - half);
      root.append(svg('text', { x: at, y: box.bottom + 17, 'text-anchor': 'middle' }, tick.label));
    }
  }
  root.append(svg('path', { class: 'frame', d: `M${box.left} ${box.bottom}H${box.right}` }));
  if (xTitle) root.append(svg('text', { class: 'strong', x: (box.left + box.right) / 2, y: height - 5, 'text-anchor': 'middle' }, fitting(xTitle, width)));
  if (yTitle) root.append(svg('text', { class: 'strong', x: 2, y: 13 }, fitting(yTitle, width)));
  const layer = svg('g');
  root.append(layer);
  return { root, layer, box, x, y };
}

const number = (x) => x.toFixed(1);

/** Dots as one path: thousands of them cost one element. */
const dots = (places, mark) => svg('path', { class: `dots ${mark}`, d: places.map(([x, y]) => `M${number(x)} ${number(y)}h0`).join('') });

/** Crosses as one path. */
const crosses = (places, mark, size = 4) => svg('path', {
  class: `cross ${mark}`,
  d: places.map(([x, y]) => `M${number(x - size)} ${number(y - size)}l${2 * size} ${2 * size}m0 ${-2 * size}l${-2 * size} ${2 * size}`).join(''),
});

const lineTo = (places) => places.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${number(x)} ${number(y)}`).join('');

/** A line through places. */
const line = (places, mark) => svg('path', { class: `curve ${mark}`, d: lineTo(places) });

/** Many lines that look the same, as one path. */
const lines = (all, mark) => svg('path', { class: `curve ${mark}`, d: all.map(lineTo).join('') });

/**
 * A figure of a chart whose marks can be read: the nearest to the pointer, or one after the other with the arrow keys. A mark has a
 * place and its words; `line` is a path that is drawn over the others while it is read.
 */
function figure({ root, layer }, marks, after) {
  const readout = html('p', { class: 'readout', role: 'status', 'aria-live': 'polite' });
  const pointer = svg('g', { 'aria-hidden': 'true' });
  layer.append(pointer);
  const sorted = [...marks].sort((a, b) => a.x - b.x || a.y - b.y);
  let current = -1;
  const read = (i) => {
    current = i;
    const mark = sorted[i];
    pointer.replaceChildren();
    readout.textContent = mark ? mark.words() : '';
    if (!mark) return;
    if (mark.line) pointer.append(svg('path', { class: 'halo', d: mark.line }), svg('path', { class: 'curve thick over', d: mark.line }));
    pointer.append(svg('circle', { class: 'ring', cx: mark.x, cy: mark.y, r: 6 }));
  };
  if (sorted.length > 0) {
    root.setAttribute('tabindex', '0');
    root.setAttribute('aria-label', `${root.getAttribute('aria-label')}. ${count(sorted.length, 'mark')}; the arrow keys read them one by one.`);
    root.addEventListener('pointermove', (event) => {
      const box = root.getBoundingClientRect();
      const scale = box.width / root.viewBox.baseVal.width || 1;
      const [x, y] = [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale];
      let [nearest, least] = [-1, 900];
      sorted.forEach((mark, i) => {
        const far = (mark.x - x) ** 2 + (mark.y - y) ** 2;
        if (far < least) [nearest, least] = [i, far];
      });
      if (nearest !== current) read(nearest);
    });
    root.addEventListener('pointerleave', () => read(-1));
    root.addEventListener('blur', () => read(-1));
    root.addEventListener('keydown', (event) => {
      const last = sorted.length - 1;
      const page = Math.max(1, Math.round(sorted.length / 20));
      const next = {
        ArrowRight: Math.min(last, current + 1), ArrowLeft: Math.max(0, current - 1), Home: 0, End: last,
        PageDown: Math.min(last, current + page), PageUp: Math.max(0, current - page), Escape: -1,
      }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      read(next);
    });
  }
  return html('figure', {}, root, sorted.length > 0 ? readout : null, after);
}
