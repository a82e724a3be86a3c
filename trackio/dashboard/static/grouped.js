// Runs that share a value of their config as one line: the mean of the runs, and a band of one
// standard deviation or from the lowest to the highest. Pure.

import { PALETTE } from "./colors.js";
import { count as say } from "./format.js";
import { extent, makeLine } from "./lines.js";
import { reach, smooth } from "./smooth.js";

/**
 * One line a group; `groups` tells which runs are in which. Every bucket tells the mean over
 * the runs that have one there, each run counting once, however many points it has.
 */
export function groupedLines(data, groups, view) {
  const members = new Map();
  for (const series of data.series) {
    const name = groups.of(series.run);
    if (name === undefined) continue;
    if (!members.has(name)) members.set(name, []);
    members.get(name).push(series);
  }
  const far = reach(view.smooth, extent(data.whole));
  const sorted = [...members].sort(([a], [b]) => groups.rank(a) - groups.rank(b));
  return sorted.map(([name, all]) => {
    const rank = groups.rank(name);
    const runs = new Set(all.map((series) => series.run)).size;
    const line = makeLine(aggregate(all, view.band), data, {
      run: groupId(name),
      name: `${name} (${say(runs, "run")})`,
      color: rank % PALETTE.length,
      dash: Math.floor(rank / PALETTE.length) % 4,
      isBase: false,
      isGroup: true,
    });
    line.spike = Infinity;
    if (far) line.y = smooth({ x: line.x, y: line.raw, count: line.count }, view.how, far);
    return line;
  });
}

/** What stands for a group where otherwise the code of a run does. */
export const groupId = (name) => `group ${name}`;

/** A series of the means of these, with the band in place of lowest and highest. */
export function aggregate(all, band) {
  const sums = new Map(); // bucket → [runs, mean, sum of squared distances, lowest, highest]
  for (const { index, mean, min, max } of all) {
    for (let i = 0; i < index.length; i++) {
      if (!Number.isFinite(mean[i])) continue;
      const sum = sums.get(index[i]);
      if (!sum) sums.set(index[i], [1, mean[i], 0, min[i], max[i]]);
      else add(sum, mean[i], min[i], max[i]);
    }
  }
  const index = Float64Array.from(sums.keys()).sort();
  const of = (get) => Float64Array.from(index, (at) => get(sums.get(at)));
  const deviation = ([n, , squares]) => (n > 1 ? Math.sqrt(squares / (n - 1)) : 0);
  const isRange = band === "range";
  return {
    index,
    offset: null,
    mean: of(([, mean]) => mean),
    min: of((sum) => (isRange ? sum[3] : sum[1] - deviation(sum))),
    max: of((sum) => (isRange ? sum[4] : sum[1] + deviation(sum))),
    count: of(([n]) => n),
    bad: all.flatMap((series) => series.bad),
    x_first: Math.min(...all.map((series) => series.x_first)),
    x_last: Math.max(...all.map((series) => series.x_last)),
    points: all.reduce((total, series) => total + series.points, 0),
    is_single: false,
  };
}

/** One more run, by Welford: no digits are lost where the spread is small against the mean. */
function add(sum, mean, low, high) {
  sum[0] += 1;
  const apart = mean - sum[1];
  sum[1] += apart / sum[0];
  sum[2] += apart * (mean - sum[1]);
  sum[3] = Math.min(sum[3], low);
  sum[4] = Math.max(sum[4], high);
}
