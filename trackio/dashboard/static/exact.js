// Lines smoothed over every point, as only the server can: it has all of them, and what is here are
// buckets. Until an answer comes, charts show what lines.js makes of the buckets.

import { chunks } from "./series.js";

const KEPT = 240;
const WAIT_MS = 140; // while a slider moves, nothing is asked

export class Exact {
  #api;
  #known = new Map(); // what was asked → Map of run and label → {index, values}
  #wanted = new Map(); // what to ask → {params, metric, onCome}
  #timer = 0;

  constructor(api) {
    this.#api = api;
  }

  /**
   * A function that gives the smoothed values of a series, or null while they are not here; then
   * `onCome` is called when they are. `asked` names project, metric, width, runs, x, zoom, rev …
   */
  get(asked, onCome) {
    const key = JSON.stringify(asked);
    const known = this.#known.get(key);
    if (known) return (series) => pick(known.get(`${series.run} ${series.label}`), series);
    this.#wanted.set(`${asked.metric} ${asked.target}`, { key, asked, onCome });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), WAIT_MS);
    return null;
  }

  #ask() {
    const alike = new Map();
    for (const wanted of this.#wanted.values()) {
      const { metric, width, target, ...rest } = wanted.asked;
      const shared = JSON.stringify(rest);
      if (!alike.has(shared)) alike.set(shared, { rest, parts: [] });
      alike.get(shared).parts.push({ ...wanted, code: `${metric}.${width}`, metric });
    }
    this.#wanted.clear();
    for (const { rest, parts } of alike.values())
      for (const some of chunks(parts, 24)) this.#request(rest, some);
  }

  async #request({ project, kind, runs, x, zoom, how, far }, parts) {
    const params = {
      project,
      kind: kind === "metric" ? null : kind,
      m: parts.map(({ code }) => code).join(),
      r: runs.join(),
      x: x === "step" ? null : x,
      lo: zoom?.[0] ?? null,
      hi: zoom?.[1] ?? null,
      s: `${how}~${far}`,
    };
    const frame = await this.#api.frame(params, undefined, "smooth").catch(() => null);
    if (!frame) return; // the buckets are still there to be smoothed
    for (const { metric, series } of frame.metrics) {
      const found = new Map(series.map((one) => [`${one.run} ${one.label}`, one]));
      for (const part of parts.filter((one) => one.metric === metric)) {
        this.#known.set(part.key, found);
        part.onCome();
      }
    }
    while (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value);
  }
}

/** The values at the buckets of `series`; null if they are of other buckets. */
function pick(smoothed, series) {
  if (!smoothed || smoothed.index.length !== series.index.length) return null;
  const last = series.index.length - 1;
  const isAlike =
    smoothed.index[0] === series.index[0] && smoothed.index[last] === series.index[last];
  return isAlike ? smoothed.mean : null;
}
