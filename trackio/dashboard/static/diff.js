// The config of the selected runs side by side, by default only what differs.

import { h, replace } from "./dom.js";
import { count, formatValue } from "./format.js";

const MOST = 24; // runs beside one another

export class Diff {
  #app;
  #known = new Map(); // code → what is known of the run
  #isAll = false;
  #codes = [];
  #ticket = 0;

  constructor(app) {
    this.#app = app;
    const box = h("input", { type: "checkbox", on: { change: () => this.#all(box.checked) } });
    this.note = h("span.count");
    this.table = h("div.diff-scroll", { tabindex: "0", "aria-label": "Differences" });
    this.element = h(
      "div.scroller.diff",
      {},
      h("div.view-bar", {}, h("label.field", {}, box, "Also what all share"), this.note),
      this.table,
    );
  }

  #all(isAll) {
    this.#isAll = isAll;
    this.#draw();
  }

  /** Compare those of these runs that are selected. */
  async show(codes) {
    const { state, project, api } = this.#app;
    const chosen = new Set(
      project.selected(state.get("runs"), state.get("pins")).map(({ code }) => code),
    );
    const base = state.get("base");
    const wanted = codes.filter((code) => chosen.has(code));
    this.#codes = [
      ...wanted.filter((code) => code === base),
      ...wanted.filter((code) => code !== base),
    ].slice(0, MOST);
    const ticket = ++this.#ticket;
    const missing = this.#codes.filter((code) => !this.#known.has(code));
    const found = await Promise.all(
      missing.map((run) => api.json("run.json", { project: project.name, run }).catch(() => null)),
    );
    missing.forEach((code, i) => found[i] && this.#known.set(code, found[i]));
    if (ticket === this.#ticket) this.#draw();
  }

  #draw() {
    const runs = this.#codes.map((code) => this.#known.get(code)).filter(Boolean);
    const rows = differences(
      runs.map(({ config }) => config),
      this.#isAll,
    );
    this.note.textContent = `${count(runs.length, "run")}, ${count(rows.length, "key")}`;
    const names = runs.map((run, i) =>
      h(
        "th",
        { scope: "col", title: run.name, style: { "--color": this.#color(this.#codes[i]) } },
        h("i.swatch"),
        run.name,
      ),
    );
    replace(
      this.table,
      runs.length < 2
        ? h("div.empty", {}, h("p", {}, "Select two runs or more to compare them."))
        : h(
            "table.diff-table",
            {},
            h("thead", {}, h("tr", {}, h("td"), names)),
            h(
              "tbody",
              {},
              rows.map((row) => this.#row(row)),
            ),
          ),
    );
  }

  #color(code) {
    const run = this.#app.project.runs.get(code);
    return run ? this.#app.theme.color(run.color) : "gray";
  }

  #row({ key, values, isVaried }) {
    const cells = values.map((value) =>
      h(
        "td",
        { class: isVaried && value !== values[0] ? "is-other" : "", title: text(value) },
        text(value),
      ),
    );
    return h("tr", {}, h("th", { scope: "row" }, key), cells);
  }

  restyle() {
    this.#draw();
  }
}

/** The keys of these configs with their values, those only that differ unless all are wanted. */
export function differences(configs, isAll) {
  const keys = new Set(configs.flatMap((config) => Object.keys(config)));
  const rows = [...keys].map((key) => {
    const values = configs.map((config) =>
      key in config ? JSON.stringify(config[key]) : undefined,
    );
    return { key, values, isVaried: values.some((value) => value !== values[0]) };
  });
  return rows
    .filter((row) => isAll || row.isVaried)
    .map((row) => ({
      ...row,
      values: row.values.map((value) => (value === undefined ? undefined : JSON.parse(value))),
    }))
    .map((row) => ({ ...row, values: row.values.map(scalar) }));
}

const scalar = (value) =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : value;

function text(value) {
  if (value === undefined) return "–";
  return typeof value === "number" ? formatValue(value, 6) : String(value);
}
