// The series that charts show: which are needed, which are here, which have to be asked for.
// A chart says what it shows (`show`, `hide`); this asks the server in as few requests as it can
// and calls the chart back with its data. Nothing here draws.

import { axisOf } from "./axis.js";
import { Entry } from "./entry.js";

const METRICS_A_REQUEST = 24;
const RUNS_A_REQUEST = 200; // keeps an address below 2 KB
const RUNS_TOGETHER = 1000; // where all must be in one request
const VIEWS_KEPT = 6;

/** How many buckets a series has at most: fewer where there are many lines. */
export const bucketsFor = (runs) => (runs <= 12 ? 300 : runs <= 40 ? 200 : 150);

/** The series of one project, in the views that were looked at last. */
export class SeriesStore {
  #api;
  #project;
  #views = new Map(); // view key → metric → Entry
  #shown = new Map(); // chart → {metric, own, target, onData, onError}
  #runs = []; // codes of the selected runs
  #view = { x: "own", zoom: null };
  #abort = new AbortController();
  #isAsking = false;
  #isDue = false;

  /** `kind` is that of the metrics: what was logged, or what the machine measured. */
  constructor(api, project, kind = "metric") {
    this.#api = api;
    this.#project = project;
    this.kind = kind;
  }

  /** What all charts show: `x`, `zoom` and the codes of the selected runs. */
  set({ x, zoom, runs }) {
    const isOther = x !== this.#view.x || String(zoom) !== String(this.#view.zoom);
    this.#view = { x, zoom };
    this.#runs = runs;
    if (isOther) this.#cancel();
    for (const chart of this.#shown.values()) this.#deliver(chart);
    this.ask();
  }

  /** A chart is on screen and wants `metric`, whose axis is `own`, in about `target` buckets. */
  show(chart, { metric, own, target, onData, onError }) {
    this.#shown.set(chart, { metric, own, target, onData, onError });
    this.#deliver(this.#shown.get(chart));
    this.ask();
  }

  /** A chart is no longer on screen. */
  hide(chart) {
    this.#shown.delete(chart);
  }

  /** Nothing will be asked or delivered any more. */
  close() {
    this.#cancel();
    this.#shown.clear();
  }

  #cancel() {
    this.#abort.abort();
    this.#abort = new AbortController();
  }

  #target(chart) {
    return chart.target ?? bucketsFor(this.#runs.length);
  }

  /** The axis of a chart and its zoom. */
  #axis(chart) {
    return axisOf(this.#view, chart.own);
  }

  /** The runs of a chart: along another metric they all must come at once. */
  #runsOf(chart) {
    return isAgainst(this.#axis(chart).x) ? this.#runs.slice(0, RUNS_TOGETHER) : this.#runs;
  }

  /** Where the data of a chart is kept in this view, or in the same view without a zoom. */
  #entry(chart, isWhole = false) {
    const target = this.#target(chart);
    const { x, zoom } = this.#axis(chart);
    const key = `${x} ${isWhole ? "" : (zoom?.join("~") ?? "")} ${target}`;
    const view = this.#views.get(key) ?? new Map();
    this.#views.delete(key); // and put back last: the view used longest ago comes first
    this.#views.set(key, view);
    while (this.#views.size > VIEWS_KEPT) this.#views.delete(this.#views.keys().next().value);
    if (!view.has(chart.metric)) view.set(chart.metric, new Entry(target, isAgainst(x)));
    return view.get(chart.metric);
  }

  #deliver(chart) {
    const runs = this.#runsOf(chart);
    if (runs.length === 0) {
      const nothing = { width: 1, scale: 1, series: [], rev: null, runs: [] };
      chart.onData({ ...nothing, whole: [], wholeWidth: 1, wholeScale: 1, isWhole: true });
      return;
    }
    const entry = this.#entry(chart);
    const whole = this.#axis(chart).zoom ? this.#entry(chart, true) : entry;
    if (entry.width === null && whole.width === null) return;
    const shown = entry.width === null ? whole : entry;
    chart.onData({
      width: shown.width,
      scale: shown.scale,
      rev: shown.rev,
      runs,
      series: shown.of(runs),
      whole: whole.of(runs), // where smoothing starts at the left edge of a zoom
      wholeWidth: whole.width ?? 1,
      wholeScale: whole.scale,
      isWhole: shown === entry && entry.has(runs),
    });
  }

  /** Ask for all that is shown and not here. Calls while a request is under way are joined. */
  async ask() {
    this.#isDue = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    await Promise.resolve(); // charts that appear together ask together
    try {
      while (this.#isDue) {
        this.#isDue = false;
        await Promise.all(this.#missing().map((batch) => this.#askFor(batch)));
      }
    } finally {
      this.#isAsking = false;
    }
  }

  async #askFor(batch) {
    const { signal } = this.#abort;
    const since = this.#project.rev;
    try {
      const frame = await this.#request(batch, null, signal);
      if (signal.aborted) return;
      this.#apply(frame, batch, since);
      if (this.#missing().length) this.#isDue = true;
    } catch (error) {
      if (error.name === "AbortError") this.#isDue = true;
      else for (const { chart } of batch.parts) chart.onError(error);
    }
  }

  /** What charts lack: all of this view, and in a zoom the whole range, if it never was here. */
  #missing() {
    const lacking = this.#batches(false, (entry, runs) => {
      entry.refine(runs);
      return entry.missing(runs, this.#project.rev);
    });
    if (this.#view.zoom === null) return lacking;
    return [...lacking, ...this.#batches(true, (entry, runs) => entry.absent(runs))];
  }

  /** Charts that need the same runs along the same axis in the same detail, a request's worth each. */
  #batches(isWhole, runsOf) {
    const found = new Map();
    for (const chart of this.#shown.values()) {
      const entry = this.#entry(chart, isWhole);
      const axis = this.#axis(chart);
      const at = isWhole ? { x: axis.x, zoom: null } : axis;
      const size = isAgainst(axis.x) ? RUNS_TOGETHER : RUNS_A_REQUEST;
      for (const runs of chunks(runsOf(entry, this.#runsOf(chart)), size)) {
        const key = [at.x, at.zoom, entry.target, ...runs].join();
        if (!found.has(key)) found.set(key, { ...at, runs, target: entry.target, parts: [] });
        found.get(key).parts.push({ chart, entry });
      }
    }
    return [...found.values()].flatMap(({ parts, ...rest }) =>
      chunks(parts, METRICS_A_REQUEST).map((some) => ({ ...rest, parts: some })),
    );
  }

  #request({ x, zoom, runs, target, parts }, rev, signal) {
    const metrics = parts.map(({ chart, entry }) => entry.code(chart.metric));
    const params = {
      project: this.#project.name,
      kind: this.kind === "metric" ? null : this.kind,
      m: [...new Set(metrics)].join(),
      r: runs.join(),
      x: x === "step" ? null : x,
      n: target,
      lo: zoom?.[0] ?? null,
      hi: zoom?.[1] ?? null,
      rev,
    };
    return this.#api.frame(params, signal);
  }

  #apply(frame, { runs, parts }, since) {
    const entries = new Map(parts.map(({ chart, entry }) => [chart.metric, entry]));
    const isAll = parts.every(({ chart }) => runs.length === this.#runsOf(chart).length);
    for (const part of frame.metrics) {
      entries.get(part.metric)?.apply(part, { runs, rev: frame.rev, since, isAll });
    }
    for (const chart of this.#shown.values()) {
      if (entries.has(chart.metric)) this.#deliver(chart);
    }
  }

  /**
   * One live tick: ask what is new since the project's revision, and nothing else. `onMeta` gets
   * the header of the answer. Returns whether anything changed.
   */
  async tick(onMeta) {
    const { signal } = this.#abort;
    const since = this.#project.rev;
    const current = this.#batches(false, (entry, runs) =>
      entry.rev === since && entry.has(runs) ? runs : [],
    );
    const nothing = { x: "step", zoom: null, runs: [], target: bucketsFor(0), parts: [] };
    let isNew = false;
    for (const batch of current.length ? current : [nothing]) {
      const frame = await this.#request(batch, since, signal);
      if (frame === null) break;
      if (!isNew) onMeta(frame);
      isNew = true;
      if (!signal.aborted) this.#apply(frame, batch, frame.rev);
    }
    this.ask(); // what was not up to date before, or failed, is asked for whole
    return isNew;
  }
}

/** Whether x is another metric, along which buckets have no width of their own. */
const isAgainst = (x) => x.startsWith("metric:");

/** The list in parts of at most so many. */
export function chunks(list, size) {
  const parts = [];
  for (let i = 0; i < list.length; i += size) parts.push(list.slice(i, i + size));
  return parts;
}
