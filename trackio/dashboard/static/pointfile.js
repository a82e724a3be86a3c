// The series of an exported project: which there are, and the points of them that are wanted.
// The files are those that dashboard/site_points.py writes.

import { lowerBound } from "./frames.js";
import { openParquet } from "./parquetfile.js";

const KEPT_FILES = 120;
const KEPT_ROWS = 4_000_000; // of columns that were read
const A_BLOCK = 1024; // rows of the index that are read together
const NEAR = 2048; // rows between two stretches that are read as one

const INDEX = [
  ...["run_code", "label", "start", "row", "points", "without_step", "first_step", "last_step"],
  ...["first_time", "last_time", "is_in_time", "last_finite", "last_finite_step"],
  ...["last_finite_time", "step_shift", "time_shift", "relative_shift"],
];

/** The axes of time count microseconds, of which a bucket's unit is a thousand. */
export const unitOf = (axis) => (axis === "step" ? 1 : 1000);

/** Reads the files of series below `base`; `places` tells where in the index each metric stands. */
export class PointFiles {
  #base;
  #places;
  #files = new Map(); // name → promise of a file
  #blocks = new Map(); // kind and number → promise of a block of the index
  #columns = new Map(); // what was read → promise of columns
  #rowsKept = 0;

  constructor(base, places) {
    this.#base = base;
    this.#places = places;
  }

  /** A file by its name below the base; the ones used last stay open. */
  file(name) {
    const found = this.#files.get(name) ?? openParquet(`${this.#base}${name}.parquet`);
    this.#files.delete(name);
    this.#files.set(name, found);
    while (this.#files.size > KEPT_FILES) this.#files.delete(this.#files.keys().next().value);
    found.catch(() => this.#files.delete(name)); // it may be there the next time
    return found;
  }

  /** The series of a metric, in the order of the file. */
  async seriesOf(kind, code) {
    const [first, end] = (await this.#places)[kind][code] ?? [0, 0];
    const blocks = [];
    for (let at = first - (first % A_BLOCK); at < end; at += A_BLOCK)
      blocks.push(this.#block(kind, at).then((all) => all.slice(Math.max(0, first - at), end - at)));
    const points = `points/${kind}/${code}`;
    const buckets = (axis) => `buckets/${kind}/${axis}/${code}`;
    return (await Promise.all(blocks)).flat().map((one) => ({ ...one, points, buckets }));
  }

  #block(kind, from) {
    const key = `${kind} ${from}`;
    if (!this.#blocks.has(key)) this.#blocks.set(key, this.#readBlock(kind, from));
    return this.#blocks.get(key);
  }

  async #readBlock(kind, from) {
    const file = await this.file(`series/${kind}`);
    const rows = Math.min(A_BLOCK, (file.groups.at(-1)?.to ?? 0) - from);
    const found = await file.read(INDEX, from, from + rows);
    return Array.from({ length: rows }, (_, i) => describe(found, i, from + i));
  }

  /** Columns of the points of a stretch `{from, to}` of a file. */
  async read(name, columns, { from, to }) {
    const key = `${name} ${columns} ${from} ${to}`;
    const found = this.#columns.get(key) ?? this.#readRows(name, columns, from, to);
    this.#columns.delete(key);
    this.#columns.set(key, found);
    return found;
  }

  async #readRows(name, columns, from, to) {
    this.#rowsKept += to - from;
    for (const key of this.#columns.keys()) {
      if (this.#rowsKept <= KEPT_ROWS) break;
      const [begin, end] = key.split(" ").slice(-2).map(Number);
      this.#rowsKept -= end - begin;
      this.#columns.delete(key);
    }
    return (await this.file(name)).read(columns, from, to);
  }

  /** The same for many stretches at once, of which those near each other are read together. */
  async readAll(name, columns, stretches) {
    const order = [...stretches].sort((a, b) => a.from - b.from);
    const joined = [];
    for (const { from, to } of order) {
      const last = joined.at(-1);
      if (last && from <= last.to + NEAR) last.to = Math.max(last.to, to);
      else joined.push({ from, to });
    }
    const read = await Promise.all(joined.map((one) => this.read(name, columns, one)));
    return stretches.map(({ from, to }) => {
      const i = joined.findIndex((one) => one.from <= from && to <= one.to);
      const part = (column) => column.slice(from - joined[i].from, to - joined[i].from);
      return Object.fromEntries(columns.map((column) => [column, part(read[i][column])]));
    });
  }

  /**
   * The first row from `from` on, but before `to`, where the ascending column is not below `x`;
   * `to` if there is none.
   */
  async find(name, column, { from, to }, x) {
    const file = await this.file(name);
    for (const group of file.groups) {
      if (group.to <= from || group.from >= to || group.reach(column)[1] < x) continue;
      for (const page of await file.pages(group, column)) {
        const part = { from: Math.max(from, page.from), to: Math.min(to, page.to) };
        if (part.from >= part.to || page.high < x) continue;
        const { [column]: values } = await this.read(name, [column], part);
        const at = lowerBound(values, x);
        if (at < values.length) return part.from + at;
      }
    }
    return to;
  }
}

/** A row of the index as an object; what it says of an axis stands under the axis. */
function describe(columns, i, number) {
  const of = (name) => columns[name][i];
  const row = of("row");
  const without = of("without_step");
  const rows = { from: row, to: row + of("points") };
  const isInTime = of("is_in_time") === 1;
  const onTime = (shift, start) => ({
    ...{ column: "time", rows, start, isAscending: isInTime, shift: of(shift) },
    ...{ first: of("first_time") - start, last: of("last_time") - start },
    lastFinite: of("last_finite_time") - start,
  });
  return {
    ...{ number, run: of("run_code"), label: of("label"), final: of("last_finite") },
    axes: {
      step: {
        ...{ column: "step", rows: { ...rows, from: row + without }, start: 0, isAscending: true },
        ...{ first: of("first_step"), last: of("last_step"), shift: of("step_shift") },
        lastFinite: of("last_finite_step"),
      },
      time: onTime("time_shift", 0),
      relative: onTime("relative_shift", of("start")),
    },
  };
}
