// Turns the series of a chart into the lines that are drawn: positions on x, smoothed values,
// colours, and what the chart has to say about them. Pure, but for remembering nothing.

import { assignDashes } from "./colors.js";
import { lowerBound } from "./frames.js";
import { reach, smooth } from "./smooth.js";

/** A bucket is a spike if it spans this many times what the middle one of its series does. */
const SPIKE = 4;

/** Among more lines than these, dashes would tell nothing apart. */
const DASHED = 40;

/**
 * Where the buckets of a series stand on x: those of one point each where that point is, others
 * at their middle, but none beyond the first and the last point of the series. `width` and the
 * bucket numbers count units of length `scale`.
 */
export function positions(series, width, scale) {
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
 * code, `view` says how they are shown, and `exact` what lines are, smoothed over all points.
 */
export function makeLines(data, runs, view, exact = null) {
  const known = data.series.filter((series) => runs.has(series.run));
  const colors = known.map((series) => runs.get(series.run).color);
  const dashes = known.length <= DASHED ? assignDashes(colors) : colors.map(() => 0);
  const far = reach(view.smooth, extent(data.whole));
  return known.map((series, i) => {
    const run = runs.get(series.run);
    const line = makeLine(series, data, {
      run: run.code,
      name: series.label ? `${run.name} · ${series.label}` : run.name,
      color: run.color,
      dash: dashes[i],
      isBase: view.base === run.code,
    });
    if (!far) line.y = line.raw;
    else line.y = exact?.(series) ?? smoothed(line, series, data, view, far);
    return line;
  });
}

/** One line, not smoothed; `own` is what is known of it beside its numbers. */
export function makeLine(series, data, own) {
  const { x, spike, bad } = shapeOf(series, series.width ?? data.width, series.scale ?? data.scale);
  return {
    ...own,
    x,
    spike,
    bad,
    from: series.x_first,
    to: series.x_last,
    raw: series.mean,
    y: series.mean,
    low: series.min,
    high: series.max,
    count: series.count,
    isSingle: series.is_single,
    points: series.points,
    final: series.final ?? null,
  };
}

const shapes = new WeakMap(); // series → what follows from it alone: a series never changes

function shapeOf(series, width, scale) {
  const known = shapes.get(series);
  if (known?.width === width && known.scale === scale) return known;
  const middle = (width - 1) / 2;
  const spread = series.is_single ? [] : series.max.map((high, j) => high - series.min[j]);
  const shape = {
    width,
    scale,
    x: positions(series, width, scale),
    spike: series.is_single ? Infinity : SPIKE * median(spread),
    bad: series.bad.map(([index, number]) => [(index * width + middle) * scale, number]),
  };
  shapes.set(series, shape);
  return shape;
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

/** The line smoothed over buckets; in a zoom it starts from what lies to the left of it. */
function smoothed(line, series, data, view, far) {
  const own = { x: line.x, y: line.raw, count: line.count };
  const before = data.whole.find((one) => one.run === series.run && one.label === series.label);
  if (!view.zoom || !before || line.x.length === 0) return smooth(own, view.how, far);
  const x = positions(before, data.wholeWidth, data.wholeScale);
  const keep = lowerBound(x, line.x[0]);
  const resume = lowerBound(x, line.x[line.x.length - 1] + data.width * data.scale);
  const join = (all, part) => [...all.subarray(0, keep), ...part, ...all.subarray(resume)];
  const joined = {
    x: join(x, own.x),
    y: join(before.mean, own.y),
    count: join(before.count, own.count),
  };
  return smooth(joined, view.how, far).subarray(keep, keep + line.x.length);
}

/** Whether the numbers that are here are all points there are, so that smoothing needs no more. */
export const isComplete = (data, view) =>
  !view.zoom && data.series.every((series) => series.is_single);
