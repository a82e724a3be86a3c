// What is shown, and its image in the address: a copied link reproduces the view.

import { debounce } from "./dom.js";

const PAGES = { "": "metrics", runs: "runs" };

const DEFAULTS = {
  page: "metrics",
  project: null, // the name of a project; null: the newest one
  runs: null, // codes of the selected runs; null: the newest few
  smooth: 0,
  log: false,
  x: "step",
  find: "", // filter of metrics
  runFind: "", // filter of runs
  zoom: null, // [low, high] of x
  fold: [], // names of folded sections
  open: null, // key of the metric shown full screen
  sort: null, // column of the runs table, "-" before it: descending
};

const NAMES = {
  project: "project",
  runs: "runs",
  smooth: "smooth",
  log: "log",
  x: "x",
  find: "find",
  runFind: "runfind",
  zoom: "zoom",
  fold: "fold",
  open: "open",
  sort: "sort",
};

/** The state of the app mounted at `root`, kept in step with the address. */
export function createState(root) {
  const base = new URL(`${root}/`, window.location.href).pathname;
  const listeners = new Set();
  let values = read(base);

  const write = (isNewEntry) => {
    const url = address(base, values);
    if (url === window.location.pathname + window.location.search) return;
    window.history[isNewEntry ? "pushState" : "replaceState"](null, "", url);
  };
  const writeSoon = debounce(() => write(false), 250);

  const notify = (before) => {
    const changed = Object.keys(values).filter((key) => !same(before[key], values[key]));
    if (changed.length) for (const listener of [...listeners]) listener(new Set(changed));
  };

  const onBack = () => {
    const before = values;
    values = read(base);
    notify(before);
  };
  window.addEventListener("popstate", onBack);

  return {
    get: (key) => values[key],
    /** Change some values; `push` makes it an entry of its own in the browser's history. */
    set(patch, { push = false } = {}) {
      const before = values;
      if (push) write(false);
      values = { ...values, ...patch };
      if (push) write(true);
      else writeSoon();
      notify(before);
    },
    /** Call `listener(changed keys)` after each change; returns how to stop that. */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** The address of this view with some values changed, for links. */
    href: (patch) => address(base, { ...values, ...patch }),
    close: () => window.removeEventListener("popstate", onBack),
  };
}

const same = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

function read(base) {
  const { pathname, search } = window.location;
  const given = new URLSearchParams(search);
  const path = pathname.startsWith(base) ? pathname.slice(base.length).replace(/\/$/, "") : "";
  const text = (key) => given.get(NAMES[key]);
  const list = (key) => text(key)?.split(",").filter(Boolean) ?? null;
  return {
    page: PAGES[path] ?? "metrics",
    project: text("project") || null,
    runs: list("runs"),
    smooth: clamp(Number(text("smooth")) || 0, 0, 0.999),
    log: text("log") === "1",
    x: ["relative", "time"].includes(text("x")) ? text("x") : "step",
    find: text("find") ?? "",
    runFind: text("runFind") ?? "",
    zoom: readZoom(text("zoom")),
    fold: given.getAll(NAMES.fold),
    open: text("open"),
    sort: text("sort"),
  };
}

function readZoom(text) {
  const [low, high] = (text ?? "").split("~").map(Number);
  return text && low < high ? [low, high] : null;
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function address(base, values) {
  const path = Object.keys(PAGES).find((key) => PAGES[key] === values.page);
  const kept = new URLSearchParams(window.location.search);
  for (const name of Object.values(NAMES)) kept.delete(name);
  const put = (key, text) => {
    if (!same(values[key], DEFAULTS[key])) kept.append(NAMES[key], text);
  };
  put("project", values.project);
  put("runs", (values.runs ?? []).join(","));
  put("smooth", String(values.smooth));
  put("log", "1");
  put("x", values.x);
  put("find", values.find);
  put("runFind", values.runFind);
  put("zoom", (values.zoom ?? []).join("~"));
  for (const name of values.fold) kept.append(NAMES.fold, name);
  put("open", values.open);
  put("sort", values.sort);
  const query = kept
    .toString()
    .replaceAll("%2C", ",")
    .replaceAll("%2F", "/")
    .replaceAll("%7E", "~");
  return base + path + (query ? `?${query}` : "");
}
