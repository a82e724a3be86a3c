// What charts ask for, of an exported project: as few points as will do, or ready-made buckets.
// The answers are those of the server, to the last bit, whichever of the two they are made from.

import { frameAgainst } from "./against.js";
import {
  asSeries,
  chooseShift,
  emptyBuckets,
  fillBuckets,
  indexOf,
  joinBuckets,
} from "./bucketing.js";
import { unitOf } from "./pointfile.js";
import { smooth } from "./smooth.js";

const TARGET = 300;
const OUTGROWN = 2; // a width is given up once it makes this many times the buckets asked for
const SHORT = 20_000; // points of a series that are read whole, whatever is asked of them
const MOST_POINTS = 3_000_000; // that are read for smoothing; else buckets are smoothed
const BUCKETS = ["series", "bucket", "first_x", "last_x", "mean", "min", "max"];

/** Answers from the files that `files`, a PointFiles, reads. */
export class SiteCharts {
  #files;

  constructor(files) {
    this.#files = files;
  }

  /** The series of a metric that the runs `codes` have, in their order. */
  async seriesOf(kind, metric, codes) {
    const rank = new Map(codes.map((code, i) => [code, i]));
    const found = (await this.#files.seriesOf(kind, metric)).filter(({ run }) => rank.has(run));
    return found.sort((a, b) => rank.get(a.run) - rank.get(b.run));
  }

  /** One metric in buckets of `width`, or of what suits the series and `target`. */
  async metric(kind, code, codes, asked) {
    const { axis, lo, hi, width, target = TARGET } = asked;
    const window = windowOf(axis, lo, hi);
    const all = await this.seriesOf(kind, code, codes);
    const cuts = (await this.#cutAll(all, axis, window)).filter((cut) => cut.from < cut.to);
    const unit = unitOf(axis);
    const units = cuts.map((cut) => [Math.floor(cut.first / unit), Math.floor(cut.last / unit)]);
    const low = units.reduce((least, [one]) => Math.min(least, one), Infinity);
    const high = units.reduce((most, [, one]) => Math.max(most, one), -Infinity);
    const isKept = width && spanIn(low, high, width) <= OUTGROWN * target;
    const shift = isKept ? Math.log2(width) : cuts.length ? chooseShift(high - low + 1, target) : 0;
    return {
      metric: code,
      width: 2 ** shift,
      scale: axis === "step" ? 1 : 0.001,
      chosen: !isKept,
      is_delta: false,
      series: await this.#bucketsOf(cuts, axis, shift),
    };
  }

  /** Where the window cuts each series: its rows, and its first and last x. */
  async #cutAll(all, axis, window) {
    const isWhole = (on) => window.first <= on.first && on.last <= window.last;
    const short = (one) => {
      const on = one.axes[axis];
      return !on.isAscending || (!isWhole(on) && on.rows.to - on.rows.from <= SHORT);
    };
    const read = new Map();
    const wanted = all.filter(short);
    const points = await this.#points(wanted, axis);
    wanted.forEach((one, i) => read.set(one, points[i]));
    return Promise.all(
      all.map((one) => {
        const on = one.axes[axis];
        if (read.has(one)) return cutPoints(one, read.get(one), window);
        if (isWhole(on)) return { one, ...on.rows, first: on.first, last: on.last, isWhole: true };
        return this.#cut(one, on, window);
      }),
    );
  }

  async #cut(one, on, window) {
    const at = (x) => this.#files.find(one.points, on.column, on.rows, x + on.start);
    const [from, to] = await Promise.all([at(window.first), at(window.last + 1)]);
    if (from >= to) return { one, from, to };
    const ends = await Promise.all(
      [from, to - 1].map((row) =>
        this.#files.read(one.points, [on.column], { from: row, to: row + 1 }),
      ),
    );
    const [first, last] = ends.map((columns) => columns[on.column][0] - on.start);
    return { one, from, to, first, last };
  }

  /** The points of whole series: `{x, y}`, ascending in x. */
  async #points(all, axis) {
    if (!all.length) return [];
    const { column } = all[0].axes[axis];
    const stretches = all.map((one) => one.axes[axis].rows);
    const read = await this.#files.readAll(all[0].points, [column, "value"], stretches);
    return read.map((columns, i) => {
      const { start, isAscending } = all[i].axes[axis];
      const x = start ? columns[column].map((one) => one - start) : columns[column];
      return isAscending ? { x, y: columns.value } : sorted(x, columns.value);
    });
  }

  async #bucketsOf(cuts, axis, shift) {
    const fine = cuts.filter((cut) => cut.points || !this.#hasBuckets(cut, axis, shift));
    const missing = fine.filter((cut) => !cut.points);
    const read = await this.#readCuts(missing, axis);
    missing.forEach((cut, i) => (cut.points = read[i]));
    const coarse = cuts.filter((cut) => !cut.points);
    const made = await Promise.all(coarse.map((cut) => this.#coarse(cut, axis, shift)));
    coarse.forEach((cut, i) => (cut.buckets = made[i]));
    const options = { width: 2 ** shift, isTime: axis !== "step" };
    return cuts.map((cut) =>
      asSeries(cut.one, cut.buckets ?? filled(cut.points, axis, shift), options),
    );
  }

  #hasBuckets({ one, from, to }, axis, shift) {
    const on = one.axes[axis];
    return on.shift >= 0 && on.shift <= shift && to - from > 0;
  }

  async #readCuts(cuts, axis) {
    if (!cuts.length) return [];
    const { column } = cuts[0].one.axes[axis];
    const read = await this.#files.readAll(cuts[0].one.points, [column, "value"], cuts);
    return read.map((columns, i) => {
      const { start } = cuts[i].one.axes[axis];
      return { x: columns[column].map((x) => x - start), y: columns.value };
    });
  }

  /** Ready-made buckets, and between them and the ends of the window what points there are. */
  async #coarse(cut, axis, shift) {
    const { one, from, to, first, last } = cut;
    const on = one.axes[axis];
    const scale = unitOf(axis) * 2 ** shift;
    let [low, high] = [Math.floor(first / scale), Math.floor(last / scale)];
    const parts = [[], []];
    if (!cut.isWhole) {
      const at = (x) => this.#files.find(one.points, on.column, { from, to }, x + on.start);
      const [begin, end] = await Promise.all([at((low + 1) * scale), at(high * scale)]);
      const edges = low === high ? [[from, to]] : [[from, begin], [end, to]];
      const read = await this.#readCuts(
        edges.map(([a, b]) => ({ one, from: a, to: b })),
        axis,
      );
      read.forEach((points, i) => parts[i].push(filled(points, axis, shift)));
      [low, high] = [low + 1, high - 1];
    }
    const middle = low <= high ? await this.#ready(one, axis, shift, low, high) : emptyBuckets(0);
    if (middle === null) return filled((await this.#readCuts([cut], axis))[0], axis, shift);
    if (cut.isWhole) middle.final = high === Math.floor(on.lastFinite / scale) ? one.final : NaN;
    return joinBuckets([...parts[0], middle, ...parts[1]]);
  }

  /** The buckets `low … high` of a series; null if none are ready in that width. */
  async #ready(one, axis, shift, low, high) {
    const file = await this.#files.file(one.buckets(axis));
    const shifts = file.groups.map((group) => group.reach("shift")[0]);
    const own = shifts.filter((_, i) => holds(file.groups[i], "series", one.number, one.number));
    const widest = Math.min(shift, Math.max(...own));
    const coarser = 2 ** (shift - widest);
    const groups = file.groups.filter(
      (group, i) =>
        shifts[i] === widest &&
        holds(group, "series", one.number, one.number) &&
        holds(group, "bucket", low * coarser, (high + 1) * coarser - 1),
    );
    const read = await Promise.all(
      groups.map((group) =>
        this.#files.read(one.buckets(axis), [...BUCKETS, "finite", "nonfinite"], group),
      ),
    );
    const found = joinBuckets(
      read.map((columns) => pick(columns, one.number, low * coarser, (high + 1) * coarser - 1)),
    );
    for (let i = 0; i < found.index.length; i++) found.index[i] = Math.floor(found.index[i] / coarser);
    const isOne = found.index.some((index, i) => i > 0 && index === found.index[i - 1]);
    return isOne ? null : found; // the last two that were ready are one in this width
  }

  /** Series along another metric, which are read whole. */
  async against(kind, code, codes, other, { lo, hi, target = TARGET }) {
    const [own, others] = await Promise.all(
      [code, other].map(async (metric) => {
        if (metric === null) return [];
        const all = await this.seriesOf(kind, metric, codes);
        const points = await this.#points(all, "step");
        return all.map(({ run, label }, i) => ({ run, label, step: points[i].x, value: points[i].y }));
      }),
    );
    const byName = new Map(others.map((one) => [`${one.run} ${one.label}`, one]));
    return frameAgainst(code, own, byName, { lo, hi, target });
  }

  /**
   * One number each for buckets of a known width: smoothed over all points, at the last one in
   * each. Null where that would be too much to read.
   */
  async smoothed(kind, code, codes, { axis, lo, hi, width, how, far }) {
    const all = await this.seriesOf(kind, code, codes);
    const total = all.reduce((sum, { axes }) => sum + axes[axis].rows.to - axes[axis].rows.from, 0);
    if (total > MOST_POINTS) return null;
    const points = await this.#points(all, axis);
    const window = windowOf(axis, lo, hi);
    const isTime = axis !== "step";
    const series = all.map((one, i) => {
      const { x, y } = points[i];
      const at = isTime ? x.map((micros) => micros / 1e6) : x;
      const line = smooth({ x: at, y, count: new Uint8Array(y.length).fill(1) }, how, far);
      const index = indexOf(x, unitOf(axis), width);
      const ends = new Map();
      for (let j = 0; j < x.length; j++)
        if (x[j] >= window.first && x[j] <= window.last) ends.set(index[j], line[j]);
      return {
        ...{ run: one.run, label: one.label },
        index: Float64Array.from(ends.keys()),
        mean: Float64Array.from(ends.values()),
      };
    });
    return { metric: code, series: series.filter(({ index }) => index.length) };
  }

  /** Every point of a metric: `{run, label, step, time, value}`, times in seconds. */
  async points(kind, code, codes) {
    const all = await this.seriesOf(kind, code, codes);
    if (!all.length) return [];
    const stretches = all.map((one) => one.axes.time.rows);
    const read = await this.#files.readAll(all[0].points, ["step", "time", "value"], stretches);
    return all.map(({ run, label }, i) => ({ run, label, ...read[i] }));
  }
}

/** The least and the greatest x that are asked for, in steps or microseconds. */
function windowOf(axis, lo, hi) {
  const isStep = axis === "step";
  const of = (bound, nothing, whole) =>
    bound === null || bound === undefined ? nothing : isStep ? whole(bound) : even(bound * 1e6);
  return { first: of(lo, -Infinity, Math.ceil), last: of(hi, Infinity, Math.floor) };
}

/** Rounded to the nearest whole number; a half to the even one. */
function even(number) {
  const floor = Math.floor(number);
  if (number - floor !== 0.5) return Math.round(number);
  return floor % 2 ? floor + 1 : floor;
}

const spanIn = (low, high, width) =>
  low > high ? 0 : Math.floor(high / width) - Math.floor(low / width) + 1;

const filled = ({ x, y }, axis, shift) =>
  fillBuckets(indexOf(x, unitOf(axis), 2 ** shift), x, y);

function sorted(x, y) {
  const order = Uint32Array.from(x.keys()).sort((a, b) => x[a] - x[b] || a - b);
  return { x: Float64Array.from(order, (i) => x[i]), y: Float64Array.from(order, (i) => y[i]) };
}

function cutPoints(one, { x, y }, { first, last }) {
  const inside = (at) => at >= first && at <= last;
  let from = 0;
  while (from < x.length && !inside(x[from])) from++;
  let to = x.length;
  while (to > from && !inside(x[to - 1])) to--;
  const points = { x: x.subarray(from, to), y: y.subarray(from, to) };
  return { one, from, to, first: x[from], last: x[to - 1], points };
}

const holds = (group, column, low, high) => {
  const [least, most] = group.reach(column);
  return least <= high && most >= low;
};

/** The buckets of one series in what was read of several. */
function pick(columns, number, low, high) {
  const places = [];
  for (let i = 0; i < columns.series.length; i++) {
    const bucket = columns.bucket[i];
    if (columns.series[i] === number && bucket >= low && bucket <= high) places.push(i);
  }
  const of = (name) => Float64Array.from(places, (i) => columns[name][i]);
  return {
    ...{ index: of("bucket"), first: of("first_x"), last: of("last_x"), final: NaN },
    ...{ finite: of("finite"), nonfinite: of("nonfinite") },
    ...{ mean: of("mean"), low: of("min"), high: of("max") },
  };
}
