// Turns the series of a chart into the lines that are drawn: positions on x, smoothed values,
// colours, and what the chart has to say about them. Pure, but for remembering nothing.

import { assignDashes } from "./colors.js";
import { lowerBound } from "./frames.js";
import { smooth } from "./smooth.js";

/** What one unit of a bucket's number is on the x axis: a step, or a millisecond. */
const scaleOf = (mode) => (mode === "step" ? 1 : 0.001);

/** Where the buckets of a series stand on x. The first and the last stand at their own points. */
export function positions(series, width, mode) {
  const scale = scaleOf(mode);
  const half = (width - 1) / 2;
  const x = Float64Array.from(series.index, (index) => (index * width + half) * scale);
  const last = x.length - 1;
  if (last >= 0) {
    x[0] = Math.max(x[0], series.x_first);
    x[last] = Math.min(Math.max(x[last], series.x_first), series.x_last);
  }
  return x;
}

/**
 * The lines of a chart. `data` is what the series store delivered, `runs` the project's runs by
 * code, `view` the x mode, zoom, smoothing and whether y is logarithmic.
 */
export function makeLines(data, runs, view) {
  const known = data.series.filter((series) => runs.has(series.run));
  const dashes = assignDashes(known.map((series) => runs.get(series.run).color));
  const range = extent(data.whole, data.wholeWidth, view.x);
  return known.map((series, i) => {
    const run = runs.get(series.run);
    const line = {
      run: run.code,
      name: series.label ? `${run.name} · ${series.label}` : run.name,
      color: run.color,
      dash: dashes[i],
      x: positions(series, data.width, view.x),
      raw: series.mean,
      low: series.min,
      high: series.max,
      count: series.count,
      isSingle: series.is_single,
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

/** The extent of x over all series. */
function extent(all, width, mode) {
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
  for (const { x, low, high, bad } of lines) {
    for (const at of [x[0], x[x.length - 1], bad[0]?.[0], bad[bad.length - 1]?.[0]]) {
      if (at === undefined) continue;
      found.xLow = Math.min(found.xLow, at);
      found.xHigh = Math.max(found.xHigh, at);
    }
    const [from, to] = xRange ? within(x, xRange) : [0, x.length];
    for (let i = from; i < to; i++) {
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
    if (isLog) for (let i = 0; i < line.raw.length; i++) if (line.raw[i] <= 0) hidden += line.count[i];
  }
  return { points, shown, bad, hidden };
}
