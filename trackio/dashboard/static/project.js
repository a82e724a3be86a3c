// What is known of the open project: its runs and the names of its metrics. Series are in series.js.

import { assignColors, PALETTE } from "./colors.js";

/** So many of the newest runs are selected when nobody chose. */
export const DEFAULT_RUNS = 10;

/** The runs and metrics of one project, as of revision `rev`. */
export class Project {
  constructor(meta) {
    this.name = meta.project;
    this.runs = new Map(); // code → run, newest first
    this.metrics = new Map(); // code → metric, in order of first logging
    this.clockOffsetS = 0; // server time minus browser time
    this.replace(meta);
  }

  /** Take over a whole description. */
  replace(meta) {
    this.runs = new Map(meta.runs.map((run) => [run.code, run]));
    this.metrics = new Map(meta.metrics.map((metric) => [metric.code, metric]));
    this.#settle(meta);
  }

  /** Take over what changed since `rev`; returns whether a run or a metric came or went. */
  update(delta) {
    if (delta.gone === null) {
      this.replace(delta);
      return true;
    }
    const runs = this.runs.size;
    const metrics = this.metrics.size;
    let isOther = delta.gone.length > 0;
    for (const run of delta.runs) {
      isOther ||= !this.runs.has(run.code);
      this.runs.set(run.code, run);
    }
    for (const code of delta.gone) this.runs.delete(code);
    if (delta.all_metrics) this.#keep(new Set(delta.metrics.map((metric) => metric.code)));
    for (const metric of delta.metrics) this.metrics.set(metric.code, metric);
    this.#settle(delta);
    return isOther || runs !== this.runs.size || metrics !== this.metrics.size || delta.all_metrics;
  }

  /** Drop the metrics that are gone. The rest stay in their places, so that no chart jumps. */
  #keep(codes) {
    for (const code of this.metrics.keys()) if (!codes.has(code)) this.metrics.delete(code);
  }

  #settle(meta) {
    this.rev = meta.rev;
    this.asOfS = meta.as_of_s ?? meta.now_s;
    this.unreadable = meta.unreadable;
    this.clockOffsetS = meta.now_s - Date.now() / 1000;
    const newestFirst = [...this.runs.values()].sort(
      (a, b) => b.created_s - a.created_s || (a.id < b.id ? 1 : -1),
    );
    const oldestFirst = newestFirst.toReversed();
    const colors = assignColors(oldestFirst.map((run) => run.id));
    oldestFirst.forEach((run, i) => (run.color = run.ownColor = colors[i]));
    this.runs = new Map(newestFirst.map((run) => [run.code, run]));
  }

  /** Give runs the colours that a person chose: a list of "code:number". */
  paint(chosen) {
    const wanted = new Map(chosen.map((one) => one.split(":")));
    for (const run of this.runs.values())
      run.color = (Number(wanted.get(run.code) ?? run.ownColor) || 0) % PALETTE.length;
  }

  /** The run with this code, id or name; undefined if there is none. */
  find(said) {
    if (this.runs.has(said)) return this.runs.get(said);
    const runs = [...this.runs.values()];
    return runs.find((run) => run.id === said) ?? runs.find((run) => run.name === said);
  }

  /** The time at the server, in seconds since 1970. */
  nowS() {
    return Date.now() / 1000 + this.clockOffsetS;
  }

  /** How many runs are being written. */
  get live() {
    let live = 0;
    for (const run of this.runs.values()) if (run.status === "running") live++;
    return live;
  }

  /**
   * The selected runs, newest first; `chosen` is null where nobody chose. Runs are named by their
   * codes; ids and names will do. Those that are pinned are always there.
   */
  selected(chosen, pins = []) {
    const runs = [...this.runs.values()];
    const pinned = new Set(pins);
    const isPinned = (run) => pinned.has(run.code);
    if (chosen === null) return runs.filter((run, i) => i < DEFAULT_RUNS || isPinned(run));
    if (chosen.length === 1 && chosen[0] === "all") return runs;
    const wanted = new Set(chosen);
    const isWanted = (run) => wanted.has(run.code) || wanted.has(run.id) || wanted.has(run.name);
    return runs.filter((run) => isPinned(run) || isWanted(run));
  }

  /** What to keep of a selection: short where it can be said shortly. */
  choice(codes) {
    const wanted = new Set(codes);
    if (wanted.size === this.runs.size && wanted.size > DEFAULT_RUNS) return ["all"];
    const chosen = [...this.runs.keys()].filter((code) => wanted.has(code));
    const usual = [...this.runs.keys()].slice(0, DEFAULT_RUNS);
    return chosen.join() === usual.join() ? null : chosen;
  }
}

/** Metrics in sections by the part of their name before the first "/", in order of first logging. */
export function sections(metrics, test) {
  const found = new Map();
  for (const metric of metrics) {
    if (!test(metric.key)) continue;
    const cut = metric.key.indexOf("/");
    const name = cut > 0 ? metric.key.slice(0, cut) : "";
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(metric);
  }
  return [...found].map(([name, members]) => ({ name, metrics: members }));
}
