// How the state is written in the address, and how it is read back: also from addresses that other
// versions of Trackio made. Pure: texts in, values out.

import { fromSlider } from "./smooth.js";

/** Pages by the path that names them. */
export const PAGES = {
  "": "metrics",
  runs: "runs",
  run: "run",
  system: "system",
  media: "media",
  traces: "traces",
  alerts: "alerts",
  reports: "reports",
  files: "files",
  artifacts: "artifacts",
  registry: "registry",
  health: "health",
};

const text = (fallback = "") => ({
  fallback,
  read: ([value]) => value || fallback,
  write: (value) => [value],
});
const flag = { fallback: false, read: ([value]) => value === "1", write: () => ["1"] };
const choice = (...values) => ({
  fallback: values[0],
  read: ([value]) => (values.includes(value) ? value : values[0]),
  write: (value) => [value],
});
const codes = (fallback) => ({
  fallback,
  read: ([value]) => value.split(",").filter(Boolean),
  write: (list) => [list.join(",")],
});
const names = { fallback: [], read: (values) => values, write: (list) => list };
const chosen = { fallback: null, read: (values) => values.filter(Boolean), write: names.write };
const number = (fallback, low, high) => ({
  fallback,
  read: ([value]) => clamp(Number(value) || 0, low, high),
  write: (value) => [String(value)],
});

/** What there is to the state: its name in the address, and how it is written there. */
export const FIELDS = {
  project: ["project", text(null)],
  runs: ["runs", codes(null)], // codes of the selected runs; null: the newest few
  run: ["run", text(null)], // the run whose page is shown
  find: ["find", text()], // filter of metrics
  runFind: ["runfind", text()], // filter of runs, a regular expression
  fold: ["fold", names], // folded sections
  order: ["order", codes([])], // metrics that were moved, by section in their new order
  cols: ["cols", number(0, 0, 6)], // charts in a row; 0: as many as there is room for
  size: ["size", choice("m", "s", "l")],
  open: ["open", text(null)], // the metric shown full screen
  x: ["x", { ...text("own"), read: ([value]) => axis(value) }], // "own": what each metric names
  zoom: ["zoom", { fallback: null, read: ([value]) => range(value), write: (z) => [z.join("~")] }],
  log: ["log", flag],
  logx: ["logx", flag],
  clip: ["clip", flag],
  smooth: ["smooth", number(0, 0, 0.999)],
  how: ["how", choice("ema", "gaussian", "mean")],
  by: ["by", text(null)], // the column by which runs are grouped
  band: ["band", choice("std", "range")],
  pins: ["pins", codes([])],
  base: ["base", text(null)], // the run that others are compared with
  paint: ["paint", codes([])], // colours that a person chose: "code:number"
  sort: ["sort", text(null)], // column of the table of runs, "-" before it: descending
  columns: ["col", chosen], // columns of the table of runs; null: the usual ones
  unfold: ["unfold", names], // groups of the table of runs that are open; "*": all
  as: ["as", choice("table", "diff", "scatter", "parallel")],
  against: ["xy", names], // columns of the scatter and the parallel coordinates
  part: ["part", text(null)], // which part of the page of a run, or of an artifact
  at: ["at", text(null)], // what is open: a trace, an artifact and its version, a collection
  step: ["step", text(null)], // of media
  sidebar: ["sidebar", choice("visible", "collapsed", "hidden")],
  navbar: ["navbar", choice("visible", "hidden")],
  accordion: ["accordion", choice("visible", "hidden")],
  hideEmpty: [
    "hide_empty_tabs",
    { fallback: false, read: ([v]) => v === "true", write: () => ["true"] },
  ],
};

export const DEFAULTS = Object.fromEntries(
  Object.entries(FIELDS).map(([key, [, { fallback }]]) => [key, fallback]),
);

/** Names that Trackio 0.43 gave things, and what they are here. */
const OLD = {
  selected_project: (value) => ({ project: value }),
  run_ids: (value) => ({ runs: value.split(",").filter(Boolean) }),
  selected_run: (value) => ({ run: value }),
  selected_run_id: (value) => ({ run: value }),
  metric_filter: (value) => ({ find: value }),
  metrics: (value) => ({ find: `^(${value.split(",").map(escape).join("|")})$` }),
  smoothing: (value) => ({ smooth: slid(Number(value) / 100), how: "mean" }),
  x_axis: (value) => ({ x: oldAxis(value) }),
  "x-axis": (value) => ({ x: oldAxis(value) }),
  selected_artifact: (value) => ({ at: value }),
  selected_version: (value, { at }) => ({ at: at && `${at}:${value.replace(/^(?=\d)/, "v")}` }),
  detail_tab: (value) => ({ part: value }),
  plots_per_row: (value) => ({ cols: clamp(Math.round(Number(value)) || 0, 0, 6) }),
};

/** Never to be kept in an address, whoever put it there. */
const SECRET = ["write_token", "oauth_session"];

/** The state that a query says. */
export function readQuery(search) {
  const given = new URLSearchParams(search);
  const found = { ...DEFAULTS };
  for (const [name, convert] of Object.entries(OLD)) {
    if (given.get(name)) Object.assign(found, convert(given.get(name), found));
  }
  const [low, high] = [given.get("xmin"), given.get("xmax")].map((end) => end && Number(end));
  if (low < high) found.zoom = [low, high];
  for (const [key, [name, { read }]] of Object.entries(FIELDS)) {
    if (given.has(name)) found[key] = read(given.getAll(name));
  }
  return found;
}

/** The query that says this state; parameters that are not ours stay. */
export function writeQuery(values, search) {
  const kept = new URLSearchParams(search);
  const ours = Object.values(FIELDS).map(([name]) => name);
  for (const name of [...ours, ...Object.keys(OLD), "xmin", "xmax", ...SECRET]) kept.delete(name);
  for (const [key, [name, { write, fallback }]] of Object.entries(FIELDS)) {
    if (same(values[key], fallback)) continue;
    const written = write(values[key]);
    // A list that was emptied is not one that nobody touched.
    for (const part of written.length ? written : [""]) kept.append(name, part);
  }
  const query = kept
    .toString()
    .replaceAll("%2C", ",")
    .replaceAll("%2F", "/")
    .replaceAll("%7E", "~")
    .replaceAll("%3A", ":");
  return query ? `?${query}` : "";
}

export const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const slid = (position) => Math.round(fromSlider(clamp(position, 0, 1)) * 1000) / 1000;
const escape = (name) => name.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function axis(value) {
  const isKnown = ["step", "relative", "time"].includes(value) || value?.startsWith("metric:");
  return isKnown ? value : "own";
}

/** What was called time counted seconds since the first row; anything else was a metric. */
function oldAxis(value) {
  if (value === "step") return "step";
  return value === "time" ? "relative" : `metric:${value}`;
}

/** From, to, and the axis along which that is, where charts differ in it. */
function range(value) {
  const [from, to, ...along] = value.split("~");
  const [low, high] = [Number(from), Number(to)];
  if (!(value && low < high)) return null;
  return along.length ? [low, high, along.join("~")] : [low, high];
}
