// What the pages of artifacts and registries share: links between them, names, things to copy.

import { DEFAULTS } from "./address.js";
import { h, icon, matcher, setText } from "./dom.js";
import { formatAge, formatMoment, formatValue } from "./format.js";
import { table } from "./plaintable.js";

/** What `at` of the address says: an artifact, and perhaps a version, and one before it. */
export function parseAt(at) {
  const [, name, spec] = /^([^:]*)(?::(.*))?$/s.exec(at);
  const [, before, after] = /^(v\d+)\.\.(v\d+)$/.exec(spec ?? "") ?? [];
  return { name, version: after ?? (spec || null), before: before ?? null };
}

/** What of the state shows a version of an artifact of any project. */
export function toVersion(app, { project, name, version }) {
  const at = version ? `${name}:${version}` : name;
  const patch = { page: "artifacts", at, part: null, find: "", open: null };
  return project === app.project.name ? patch : { ...DEFAULTS, project, ...patch };
}

/** A link that changes the view; it is a real one, so that it can be opened in another tab. */
export function viewLink(app, patch, content, name = "a.item-link", more = {}) {
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    app.state.set(patch, { push: true });
  };
  return h(name, { href: app.state.href(patch), on: { click: follow }, ...more }, content);
}

/** The name of a version, which leads to it unless it is gone. */
export function versionLink(app, { project, name, version, is_gone: isGone }) {
  const home = project === app.project.name ? "" : `${project}/`;
  const said = `${home}${name}:${version ?? "?"}`;
  if (isGone) return h("span.is-gone", { title: "This version was deleted" }, said);
  return viewLink(app, toVersion(app, { project, name, version }), said);
}

/** The name of a run, which leads to it unless it is gone. */
export function runLink(app, run) {
  if (!run) return h("span.quiet", {}, "unknown");
  if (run.code === null) return h("span.is-gone", { title: "Not in this project" }, run.name);
  const color = app.theme.color(app.project.runs.get(run.code)?.color ?? 0);
  const patch = { page: "run", run: run.code, part: null, open: null, at: null };
  return viewLink(
    app,
    patch,
    [h("i.swatch", { style: { "--color": color } }), h("span", {}, run.name)],
    "a.item-link.run-ref",
  );
}

/** The words that a version is called by. */
export function aliasChips(aliases) {
  const chip = (alias) => h(`span.alias${alias === "latest" ? ".is-latest" : ""}`, {}, alias);
  return h("span.aliases", {}, aliases.map(chip));
}

/** How long ago, with the moment itself for whoever asks. */
export function ago(app, timeS) {
  if (timeS === null) return h("span", {}, "–");
  const age = formatAge(Math.max(0, app.project.nowS() - timeS));
  return h("time", { title: formatMoment(timeS) }, age === "now" ? age : `${age} ago`);
}

/** A table whose columns `numbers` are numbers; `name` is the class that gives it its widths. */
export function sheet(heads, rows, { numbers = [], name = "" } = {}) {
  const box = table(heads, rows);
  const cells = box.querySelectorAll("thead th");
  for (const at of numbers) cells[at].classList.add("number-cell");
  if (name) box.classList.add(name);
  return box;
}

/** Code with a button that copies it. */
export function snippet(text, label = "Copy") {
  const copy = h(
    "button.text-button",
    { type: "button", "aria-label": label, on: { click: () => copyText(text, copy) } },
    "Copy",
  );
  return h("div.code", {}, h("pre", { tabindex: "0" }, h("code", {}, text)), copy);
}

async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    setText(button, "Copied");
  } catch {
    setText(button, "Select it to copy");
  }
}

/** A box to search in, kept in the address. */
export function searchBox(app, what, onInput) {
  const search = h("input.search", {
    type: "search",
    placeholder: `Search ${what} (regex)`,
    "aria-label": `Search ${what}`,
    on: { input: () => onInput(search.value) },
  });
  return { search, element: h("div.search-box", {}, icon("search"), search) };
}

/** A choice of a few, as buttons beside one another: `[value, text]`. */
export function segments(label, options, current, onChoose) {
  const one = ([value, text]) =>
    h(
      "button",
      {
        type: "button",
        role: "radio",
        "aria-checked": String(value === current),
        on: { click: () => onChoose(value) },
      },
      text,
    );
  return h("div.segments", { role: "radiogroup", "aria-label": label }, options.map(one));
}

/** The path to what is shown, the last part being where one is. */
export function crumbs(parts) {
  const items = parts.map((part, i) =>
    h("li", { "aria-current": i === parts.length - 1 ? "page" : null }, part),
  );
  return h("nav.crumbs", { "aria-label": "Where this is" }, h("ol", {}, items));
}

/** Values inside values as one list: names are joined by "/". */
export function flat(value, above = "") {
  const isNested = value !== null && typeof value === "object" && !Array.isArray(value);
  if (!isNested || Object.keys(value).length === 0) return [[above, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    flat(inner, above ? `${above}/${name}` : name),
  );
}

/** A value of metadata as text; digits that nobody meant are left out. */
export function said(value) {
  if (value === null) return "none";
  if (typeof value === "number") return formatValue(value, 10);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What stands where a search leaves nothing: what was looked for, and the way back. */
export function nothingFound(app, what) {
  const clear = () => app.state.set({ find: "" });
  return h(
    "div.empty",
    {},
    h("h2", {}, "Nothing here"),
    h("p", {}, `No ${what} matches `, h("code", {}, app.state.get("find"))),
    h("button.text-button", { type: "button", on: { click: clear } }, "Show all"),
  );
}

/** How often one looks for what no run tells of: aliases that were moved, events of registries. */
export const LOOK_MS = 30_000;

/** What an answer says, as text, but for the revision, which changes with any point of any run. */
export const contentOf = (found) =>
  JSON.stringify(found, (name, value) => (name === "rev" ? undefined : value));

/** A test of names from the search of the address. */
export const finder = (app) => matcher(app.state.get("find"));
