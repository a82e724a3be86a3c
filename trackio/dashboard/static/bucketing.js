// Makes of points what the server makes of them: buckets as wide as a power of two, with the mean,
// the lowest, the highest and the number of values in each. Pure; as query/buckets.py, alike.

import { smooth } from "./smooth.js";

const TARGET = 300;
const FINE = 1 << 20;

/** A frame as frames.js decodes one, of the series in `found`. */
export function frameOf({ rev, found, other }, { x = "step", lo, hi, n }) {
  const metrics = found.map(({ code, width: known, series }) => {
    const located = series.map((one) => place(one, x, other)).filter((one) => one.x.length);
    const inside = located.map((one) => within(one, lo, hi)).filter((one) => one.x.length);
    const { width, scale } = widthFor(inside, x, known, n ?? TARGET);
    return {
      metric: code,
      width,
      scale,
      chosen: known === null,
      is_delta: false,
      series: inside.map((one) => bucketed(one, width, scale)),
    };
  });
  return { rev, meta: null, metrics };
}

/** The same buckets with one number each: smoothed over all points, at the last one in each. */
export function smoothedFrame({ rev, found }, { x = "step", lo, hi, s }) {
  const [kind, far] = s.split("~");
  const metrics = found.map(({ code, width, series }) => ({
    metric: code,
    series: series.map((one) => {
      const all = place(one, x ?? "step", null);
      const y = smooth({ x: all.x, y: all.y, count: all.y.map(() => 1) }, kind, Number(far));
      const unit = x === "step" || !x ? 1 : 0.001;
      const ends = new Map();
      all.x.forEach((at, i) => {
        if (at >= (lo ?? -Infinity) && at <= (hi ?? Infinity))
          ends.set(Math.floor(Math.floor(at / unit + 1e-6) / width), y[i]);
      });
      return {
        run: one.run,
        label: one.label,
        index: Float64Array.from(ends.keys()),
        mean: Float64Array.from(ends.values()),
      };
    }),
  }));
  return { rev, meta: null, metrics };
}

/** The series on its axis, ascending. */
function place({ run, label, start, step, time, value }, x, other) {
  let at = step;
  if (x === "time") at = time;
  else if (x === "relative") at = time.map((one) => one - start);
  else if (other)
    at = against(
      step,
      other.find((one) => one.run === run && one.label === label),
    );
  const order = Uint32Array.from(at.keys()).filter((i) => Number.isFinite(at[i]));
  order.sort((a, b) => at[a] - at[b] || a - b);
  return {
    run,
    label,
    x: Float64Array.from(order, (i) => at[i]),
    y: Float64Array.from(order, (i) => value[i]),
  };
}

/** What the other metric said last at or before each step; NaN where it had said nothing. */
function against(step, other) {
  if (!other) return step.map(() => NaN);
  const order = Uint32Array.from(other.step.keys()).filter((i) => Number.isFinite(other.value[i]));
  order.sort((a, b) => other.step[a] - other.step[b] || a - b);
  let [last, j] = [NaN, 0];
  const sorted = Uint32Array.from(step.keys()).sort((a, b) => step[a] - step[b] || a - b);
  const found = new Float64Array(step.length).fill(NaN);
  for (const i of sorted) {
    while (j < order.length && other.step[order[j]] <= step[i]) last = other.value[order[j++]];
    found[i] = last;
  }
  return found;
}

function within(series, lo, hi) {
  const keep = (at) => at >= (lo ?? -Infinity) && at <= (hi ?? Infinity);
  if (lo === null && hi === null) return series;
  const places = [...series.x.keys()].filter((i) => keep(series.x[i]));
  return {
    ...series,
    x: Float64Array.from(places, (i) => series.x[i]),
    y: Float64Array.from(places, (i) => series.y[i]),
  };
}

/** Steps and milliseconds have whole widths; along a metric a width may be a fraction. */
function widthFor(all, x, known, target) {
  const low = Math.min(...all.map((one) => one.x[0]));
  const high = Math.max(...all.map((one) => one.x.at(-1)));
  if (x?.startsWith("metric:")) {
    const size = Math.max(Math.abs(low), Math.abs(high)) || 1;
    const span = high - low > 0 ? high - low : size * 2 ** -10;
    const wide = Math.max(
      Math.ceil(Math.log2(span / Math.max(1, target - 1))),
      Math.ceil(Math.log2(size)) - 50,
    );
    return { width: FINE, scale: (Number.isFinite(wide) ? 2 ** wide : 1) / FINE };
  }
  const scale = x === "relative" || x === "time" ? 0.001 : 1;
  if (known) return { width: known, scale };
  const units = all.length ? Math.floor(high / scale) - Math.floor(low / scale) + 1 : 1;
  return { width: 2 ** Math.max(0, Math.ceil(Math.log2(units / target))), scale };
}

/** One series in buckets, as frames.js has it. */
export function bucketed({ run, label, x, y }, width, scale) {
  const rows = [];
  const bad = [];
  let row = null;
  for (let i = 0; i < x.length; i++) {
    const unit = scale === 1 ? x[i] : Math.floor(x[i] / scale + 1e-6);
    const index = Math.floor(unit / width);
    if (row?.index !== index) {
      row = {
        index,
        offset: Math.max(0, Math.floor(unit - index * width)),
        sum: 0,
        n: 0,
        low: NaN,
        high: NaN,
        bad: 0,
      };
      rows.push(row);
    }
    if (!Number.isFinite(y[i])) row.bad += 1;
    else {
      row.sum += y[i];
      row.n += 1;
      row.low = row.n === 1 ? y[i] : Math.min(row.low, y[i]);
      row.high = row.n === 1 ? y[i] : Math.max(row.high, y[i]);
    }
  }
  for (const one of rows) if (one.bad) bad.push([one.index, one.bad]);
  const of = (get) => Float64Array.from(rows, get);
  const isSingle = rows.every((one) => one.n + one.bad === 1);
  const mean = of((one) => (one.n ? Math.min(one.high, Math.max(one.low, one.sum / one.n)) : NaN));
  return {
    ...{ run, label, n: rows.length, bad, cut: null, points: x.length, is_single: isSingle },
    ...{ x_first: x[0], x_last: x.at(-1), index: of((one) => one.index), mean },
    offset: isSingle ? Uint32Array.from(rows, (one) => one.offset) : null,
    count: isSingle ? new Uint32Array(rows.length).fill(1) : of((one) => one.n),
    min: isSingle ? mean : of((one) => one.low),
    max: isSingle ? mean : of((one) => one.high),
  };
}
