// Series whose x is another metric: a point stands where that metric was last, at or before its
// step. Pure; as query/against.py does it.

import { asSeries, fillBuckets } from "./bucketing.js";
import { lowerBound } from "./frames.js";

const FINE = 1 << 20; // how many places in a bucket are told apart
const MOST_BITS = 50;
const TINY = 2 ** -980;

/**
 * The metric `code` in buckets that suit all of `series`, in at most `target`. Each of those has
 * `step` and `value`, ascending; `others`, the same of the other metric by run and label.
 */
export function frameAgainst(code, series, others, { lo, hi, target }) {
  const placed = series
    .map((one) => within(place(one, others.get(`${one.run} ${one.label}`)), lo, hi))
    .filter((one) => one.x.length);
  const width = 2 ** exponentOf(placed, target);
  return {
    metric: code,
    width: FINE,
    scale: (placed.length ? width : 1) / FINE,
    chosen: true,
    is_delta: false,
    series: placed.map((one) => bucketed(one, width)),
  };
}

function place({ run, label, step, value }, other) {
  const known = other ? [...other.value.keys()].filter((i) => Number.isFinite(other.value[i])) : [];
  const steps = Float64Array.from(known, (i) => other.step[i]);
  const found = [];
  for (let i = 0; i < step.length; i++) {
    const before = lowerBound(steps, step[i] + 1) - 1; // steps are whole numbers
    if (before >= 0) found.push([other.value[known[before]], value[i]]);
  }
  found.sort((a, b) => a[0] - b[0]); // stable: equal places stay in the order of steps
  return {
    ...{ run, label },
    x: Float64Array.from(found, ([x]) => x),
    y: Float64Array.from(found, ([, y]) => y),
  };
}

function within(series, lo, hi) {
  const from = lo === null ? 0 : lowerBound(series.x, lo);
  let to = series.x.length;
  if (hi !== null) while (to > from && series.x[to - 1] > hi) to--;
  return { ...series, x: series.x.subarray(from, to), y: series.y.subarray(from, to) };
}

/** The power of two that is the width of the buckets. */
function exponentOf(series, target) {
  if (!series.length) return 0;
  const low = Math.min(...series.map(({ x }) => x[0]));
  const high = Math.max(...series.map(({ x }) => x.at(-1)));
  const size = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const span = Number.isFinite(high - low) && high > low ? high - low : size * 2 ** -10;
  const wide = Math.ceil(Math.log2(Math.max(span, TINY) / Math.max(target - 1, 1)));
  return Math.max(wide, Math.ceil(Math.log2(Math.max(size, TINY))) - MOST_BITS, -1000);
}

function bucketed({ run, label, x, y }, width) {
  const index = x.map((one) => Math.floor(one / width));
  const buckets = fillBuckets(index, x, y);
  const offsets = buckets.first.map((one, i) =>
    Math.min(FINE - 1, Math.max(0, Math.floor((one / width - buckets.index[i]) * FINE))),
  );
  return { ...asSeries({ run, label }, buckets, { width: FINE, offsets }), final: null };
}
