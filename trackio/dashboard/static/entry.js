// One metric in one view: the series that are here, and what they still lack.

import { splice } from "./frames.js";

export class Entry {
  /** `isFree` says that the server chooses the width anew each time, for all runs together. */
  constructor(target, isFree = false) {
    this.target = target;
    this.isFree = isFree;
    this.width = null; // of a bucket; 1 means exact points
    this.scale = 1; // the length on the axis of what width and index count
    this.rev = null; // of the data; "mixed" where runs were asked for at different times
    this.since = null; // the project's revision when this was asked for
    this.loaded = new Set(); // codes of the runs whose series are here
    this.series = new Map(); // run code and label → series
    this.finest = ""; // the runs for which `width` is the finest there is
    this.isCoarse = false; // the runs that are shown could have finer buckets
  }

  /** Take over what the server sent of `runs`; another width makes the rest useless. */
  apply(part, { runs, rev, since, isAll }) {
    if (this.width !== part.width || this.scale !== part.scale) this.#clear();
    if (isAll) this.loaded.clear();
    this.rev = isAll || this.loaded.size === 0 || this.rev === rev ? rev : "mixed";
    this.width = part.width;
    this.scale = part.scale;
    this.since = since;
    this.isCoarse = false;
    if (part.chosen) this.finest = runs.join();
    const kept = part.is_delta ? this.series : this.#without(runs);
    this.series = kept;
    for (const fresh of part.series) {
      const key = `${fresh.run} ${fresh.label}`;
      const old = kept.get(key);
      kept.set(key, old ? splice(old, fresh) : fresh);
    }
    for (const code of runs) this.loaded.add(code);
  }

  #without(runs) {
    const gone = new Set(runs);
    return new Map([...this.series].filter(([, series]) => !gone.has(series.run)));
  }

  #clear() {
    this.series = new Map();
    this.loaded.clear();
    this.rev = null;
  }

  /** Whether all these runs are here. */
  has(runs) {
    return this.width !== null && runs.every((code) => this.loaded.has(code));
  }

  /** The series of these runs, in their order. */
  of(runs) {
    const rank = new Map(runs.map((code, i) => [code, i]));
    const series = [...this.series.values()].filter((one) => rank.has(one.run));
    return series.sort((a, b) => rank.get(a.run) - rank.get(b.run));
  }

  /** The runs to ask for: those that are not here, or all if they may have changed since. */
  missing(runs, rev) {
    if (this.isFree) return this.since === rev && this.has(runs) ? [] : runs;
    if (this.isCoarse || (this.since !== null && this.since !== rev)) return runs;
    return this.absent(runs);
  }

  /** The runs that never were here. */
  absent(runs) {
    if (this.isFree) return this.has(runs) ? [] : runs;
    return runs.filter((code) => !this.loaded.has(code));
  }

  /** Note whether these runs alone would get finer buckets. */
  refine(runs) {
    this.isCoarse = false;
    if (this.isFree || this.width === null || this.width === 1 || !this.has(runs)) return;
    if (this.finest === runs.join()) return;
    let low = Infinity;
    let high = -Infinity;
    for (const { index } of this.of(runs)) {
      if (index.length === 0) continue;
      low = Math.min(low, index[0]);
      high = Math.max(high, index[index.length - 1]);
    }
    this.isCoarse = (high - low + 1) * 2 <= this.target;
  }

  /** How a request names the metric: with the width to stay with, once there is one. */
  code(metric) {
    return this.width === null || this.isCoarse || this.isFree ? metric : `${metric}.${this.width}`;
  }
}
