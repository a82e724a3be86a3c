// Turns the series of a chart into the lines that are drawn: positions on x, smoothed values,
// colours, and what the chart has to say about them. Pure, but for remembering nothing.

import { assignDashes } from "./colors.js";
import { lowerBound } from "./frames.js";
import { smooth } from "./smooth.js";

/** A bucket is a spike if it spans this many times what the middle one of its series does. */
const SPIKE = 4;

/** Among more lines than these, dashes would tell nothing apart. */
const DASHED = 40;

/** What one unit of a bucket's number is on the x axis: a step, or a millisecond. */
const scaleOf = (mode) => (mode === "step" ? 1 : 0.001);

/**
 * Where the buckets of a series stand on x: those of one point each where that point is, others
 * at their middle, but none beyond the first and the last point of the series.
 */
export function positions(series, width, mode) {
  const scale = scaleOf(mode);
  const half = (width - 1) / 2;
  const { index, offset, is_single: isSingle } = series;
  const x = new Float64Array(index.length);
  for (let i = 0; i < x.length; i++) {
    const within = isSingle ? (offset?.[i] ?? 0) : half;
    x[i] = (index[i] * width + within) * scale;
  }
  if (isSingle || x.length === 0) return x;
  const last = x.length - 1;
  x[0] = Math.max(x[0], series.x_first);
  x[last] = Math.max(last > 0 ? x[last - 1] : -Infinity, Math.min(x[last], series.x_last));
  return x;
}

/**
 * The lines of a chart. `data` is what the series store delivered, `runs` the project's runs by
 * code, `view` the x mode, zoom, smoothing and whether y is logarithmic.
 */
export function makeLines(data, runs, view) {
  const known = data.series.filter((series) => runs.has(series.run));
  const colors = known.map((series) => runs.get(series.run).color);
  const dashes = known.length <= DASHED ? assignDashes(colors) : colors.map(() => 0);
  const range = extent(data.whole);
  return known.map((series, i) => {
    const run = runs.get(series.run);
    const line = {
      run: run.code,
      name: series.label ? `${run.name} · ${series.label}` : run.name,
      color: run.color,
      dash: dashes[i],
      x: positions(series, data.width, view.x),
      from: series.x_first,
      to: series.x_last,
      raw: series.mean,
      low: series.min,
      high: series.max,
      count: series.count,
      isSingle: series.is_single,
      spike: series.is_single
        ? Infinity
        : SPIKE * median(series.max.map((high, j) => high - series.min[j])),
      bad: series.bad.map(([index, number]) => [
        (index * data.width + (data.width - 1) / 2) * scaleOf(view.x),
        number,
      ]),
      points: series.points,
    };
    line.y = view.smooth > 0 ? smoothed(line, series, data, view, range) : line.raw;
    return line;
  });
}

function median(values) {
  const finite = values.filter(Number.isFinite).sort();
  return finite[finite.length >> 1] ?? 0;
}

/** The extent of x over all these series. */
export function extent(all) {
  let low = Infinity;
  let high = -Infinity;
  for (const series of all) {
    if (series.index.length === 0) continue;
    low = Math.min(low, series.x_first);
    high = Math.max(high, series.x_last);
  }
  return high > low ? high - low : 0;
}

/** The smoothed line; in a zoom it starts from what lies to the left of it. */
function smoothed(line, series, data, view, range) {
  const own = { x: line.x, y: line.raw, count: line.count };
  const before = data.whole.find((one) => one.run === series.run && one.label === series.label);
  if (!view.zoom || !before || line.x.length === 0) return smooth(own, view.smooth, range);
  const x = positions(before, data.wholeWidth, view.x);
  const keep = lowerBound(x, line.x[0]);
  const join = (left, right) => [...left.subarray(0, keep), ...right];
  const joined = {
    x: join(x, own.x),
    y: join(before.mean, own.y),
    count: join(before.count, own.count),
  };
  return smooth(joined, view.smooth, range).subarray(keep);
}

/** The lowest and highest x and y that a chart must show; y within the x range only. */
export function bounds(lines, xRange, isLog) {
  const found = { xLow: Infinity, xHigh: -Infinity, yLow: Infinity, yHigh: -Infinity };
  for (const { x, low, high, from: first, to: last } of lines) {
    if (x.length === 0) continue;
    found.xLow = Math.min(found.xLow, first);
    found.xHigh = Math.max(found.xHigh, last);
    const [begin, end] = xRange ? within(x, xRange) : [0, x.length];
    for (let i = begin; i < end; i++) {
      if (low[i] < found.yLow && (!isLog || low[i] > 0)) found.yLow = low[i];
      if (high[i] > found.yHigh) found.yHigh = high[i];
    }
  }
  if (isLog && !(found.yHigh > 0)) found.yLow = Infinity;
  return found;
}

/** The part of ascending `x` that lies in a range. */
export function within(x, [low, high]) {
  const from = lowerBound(x, low);
  let to = lowerBound(x, high);
  while (to < x.length && x[to] === high) to++;
  return [from, to];
}

/** All positions of all lines, ascending, each once: what the crosshair can stand on. */
export function grid(lines) {
  const all = new Set();
  for (const { x, bad } of lines) {
    for (const at of x) all.add(at);
    for (const [at] of bad) all.add(at);
  }
  return Float64Array.from(all).sort();
}

/** What a line says at `x`: the index of its nearest point, or -1 if that is further than `near`. */
export function nearest(line, x, near) {
  const after = lowerBound(line.x, x);
  let best = -1;
  for (const i of [after - 1, after]) {
    if (i < 0 || i >= line.x.length) continue;
    if (best < 0 || Math.abs(line.x[i] - x) < Math.abs(line.x[best] - x)) best = i;
  }
  return best >= 0 && Math.abs(line.x[best] - x) <= near ? best : -1;
}

/** How many points the lines stand for, how many are not numbers, and how many a log axis hides. */
export function census(lines, isLog) {
  let points = 0;
  let shown = 0;
  let bad = 0;
  let hidden = 0;
  for (const line of lines) {
    points += line.points;
    shown += line.x.length;
    for (const [, number] of line.bad) bad += number;
    if (isLog)
      for (let i = 0; i < line.raw.length; i++) if (line.raw[i] <= 0) hidden += line.count[i];
  }
  return { points, shown, bad, hidden };
}
