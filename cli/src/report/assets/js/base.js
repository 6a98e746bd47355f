// Elements, numbers and scales. What comes from the data is put into text nodes only, and never into an attribute that means
// anything but a label.
const SVG = 'http://www.w3.org/2000/svg';
const data = JSON.parse(document.getElementById('data').textContent);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}
const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** A number with at most five digits that say something. */
function show(x) {
  if (x === null || x === undefined) return '–';
  if (typeof x === 'string') return x;
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return x.toExponential(3).replace(/\.?0+e/, 'e').replace('e+', 'e');
  return String(Number(x.toPrecision(5)));
}

const count = (n, one, more) => `${n.toLocaleString('en')} ${n === 1 ? one : more || `${one}s`}`;
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

/** Seconds for people. */
function duration(seconds) {
  const s = Math.round(seconds);
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** The value below which a share of sorted numbers lies. */
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

/** Round values between two ends, about so many. */
function roundValues(low, high, about, whole) {
  const span = high - low;
  if (!(span > 0) || !isFinite(span)) return [low];
  const rough = span / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999 && (!whole || s >= 1)) || 1;
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k += 1) values.push(k * step);
  return values.length > 0 ? values.map((v) => Number(v.toPrecision(12))) : [low];
}

/** Powers of ten between two ends, with their double and fivefold where there are few. */
function logValues(low, high, about) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const every = Math.max(1, Math.ceil((last - first) / Math.max(1, about)));
  const factors = last - first <= about / 2 ? [1, 2, 5] : [1];
  const values = [];
  for (let k = first; k <= last; k += every) factors.forEach((f) => values.push(f * 10 ** k));
  const inside = values.filter((v) => v >= low * 0.9999 && v <= high * 1.0001);
  return inside.length > 1 ? inside : [low, high];
}

/**
 * A scale: where a value lies between two places on the screen, and which values are marked. Values beyond its ends lie on
 * the end.
 */
function range(low, high, log, from, to, about = 5, whole = false) {
  if (!(high > low)) {
    const pad = low === 0 ? 1 : Math.abs(low) * 0.1;
    return range(low - pad, low + pad, false, from, to, 2);
  }
  const by = log ? Math.log : (x) => x;
  const [a, b] = [by(low), by(high)];
  // Halves, because the difference of the ends can be larger than any number.
  const unit = (x) => clamp((by(x) / 2 - a / 2) / (b / 2 - a / 2), 0, 1);
  const values = log ? logValues(low, high, about) : roundValues(low, high, about, whole);
  return {
    low, high, log,
    unit,
    at: (x) => from + unit(x) * (to - from),
    ticks: values.map((v) => ({ value: v, label: show(v) })),
  };
}

/** A scale of a list: each of its values in the middle of an equal share. */
function bands(list, from, to) {
  const place = new Map(list.map((name, i) => [name, i]));
  const unit = (x) => ((place.get(String(x)) ?? 0) + 0.5) / Math.max(1, list.length);
  return {
    list, unit,
    at: (x) => from + unit(x) * (to - from),
    ticks: list.map((name) => ({ value: name, label: name })),
  };
}

/** The scale of a parameter. */
function parameterScale(parameter, from, to, about) {
  if (parameter.list) return bands(parameter.list, from, to);
  const [low, high] = parameter.range || [0, 1];
  return range(low, high, parameter.log && low > 0, from, to, about, parameter.whole);
}

/**
 * The scale of values of an objective: as wide as most of them need. A few that are far worse than the rest lie on its end, and are counted.
 */
function valueScale(values, maximize, from, to, about) {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return { ...range(0, 1, false, from, to, about), beyond: 0 };
  let low = sorted[0], high = sorted[sorted.length - 1];
  const [quarter, threeQuarters] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
  const reach = 4 * (threeQuarters - quarter);
  const isLog = low > 0 && quantile(sorted, 0.9) / low > 100;
  if (reach > 0 && !isLog) {
    if (maximize) low = Math.max(low, quarter - reach);
    else high = Math.min(high, threeQuarters + reach);
  }
  const beyond = sorted.filter((v) => v < low || v > high).length;
  const pad = isLog ? 0 : (high - low) * 0.04;
  return { ...range(low - pad, high + pad, isLog, from, to, about), beyond };
}
