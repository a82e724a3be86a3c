// What can be said of lines: their bounds, what lies at a place, how many points they stand for.
// Pure.

import { lowerBound } from "./frames.js";

/** Clipping keeps what lies between these quantiles of all values, and as much again around it. */
const QUANTILES = [0.02, 0.98];

/**
 * The lowest and highest x and y that a chart must show; y within the x range only, and of
 * `isClipped` lines without what lies far from the rest.
 */
export function bounds(lines, xRange, { log: isLog, logx: isLogX, clip: isClipped }) {
  const found = { xLow: Infinity, xHigh: -Infinity, yLow: Infinity, yHigh: -Infinity };
  const all = [];
  for (const { x, y, low, high, from: first, to: last } of lines) {
    if (x.length === 0) continue;
    found.xLow = Math.min(found.xLow, isLogX ? (x.find((at) => at > 0) ?? Infinity) : first);
    found.xHigh = Math.max(found.xHigh, last);
    const [begin, end] = xRange ? within(x, xRange) : [0, x.length];
    for (let i = begin; i < end; i++) {
      if (low[i] < found.yLow && (!isLog || low[i] > 0)) found.yLow = low[i];
      if (high[i] > found.yHigh) found.yHigh = high[i];
      if (isClipped && Number.isFinite(y[i]) && (!isLog || y[i] > 0)) all.push(y[i]);
    }
  }
  if (isLog && !(found.yHigh > 0)) found.yLow = Infinity;
  if (isClipped && all.length > 4) clip(found, Float64Array.from(all).sort(), isLog);
  return found;
}

function clip(found, sorted, isLog) {
  const [low, high] = QUANTILES.map((q) => sorted[Math.round(q * (sorted.length - 1))]);
  const room = isLog ? Math.max(high / low, 1.2) ** 0.5 : (high - low || Math.abs(high) || 1) / 2;
  found.yLow = Math.max(found.yLow, isLog ? low / room : low - room);
  found.yHigh = Math.min(found.yHigh, isLog ? high * room : high + room);
}

/** The part of ascending `x` that lies in a range. */
export function within(x, [low, high]) {
  const from = lowerBound(x, low);
  let to = lowerBound(x, high);
  while (to < x.length && x[to] === high) to++;
  return [from, to];
}

/** All positions of all lines, ascending, each once: what the crosshair can stand on. */
export function grid(lines, isLogX = false) {
  const all = new Set();
  for (const { x, bad } of lines) {
    for (const at of x) all.add(at);
    for (const [at] of bad) all.add(at);
  }
  const sorted = Float64Array.from(all).sort();
  return isLogX ? sorted.filter((at) => at > 0) : sorted;
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

/**
 * How many points the lines stand for, in how many buckets, how many are not numbers, and how
 * many log axes hide or the limits of y leave out.
 */
export function census(lines, { log: isLog, logx: isLogX }, limits) {
  const found = { points: 0, shown: 0, bad: 0, hidden: 0, outside: 0 };
  for (const line of lines) {
    found.points += line.points;
    found.shown += line.x.length;
    for (const [, number] of line.bad) found.bad += number;
    for (let i = 0; i < line.x.length; i++) {
      if ((isLog && line.raw[i] <= 0) || (isLogX && line.x[i] <= 0)) found.hidden += line.count[i];
      else if (line.low[i] < limits[0] || line.high[i] > limits[1]) found.outside += line.count[i];
    }
  }
  return found;
}
