// The page with the table of runs: how they are doing, what they were given, where they ended.

import { describe, isNumeric, order, STATS, widthOf } from "./columns.js";
import { ColumnPicker } from "./columnpicker.js";
import { Diff } from "./diff.js";
import { debounce, h, icon, replace, setText } from "./dom.js";
import { exportMenu } from "./export.js";
import { group } from "./format.js";
import { GroupBy } from "./groupby.js";
import { Parallel } from "./parallel.js";
import { inGroups, keyOf } from "./rungroups.js";
import { RunTable } from "./runtable.js";
import { Scatter } from "./scatter.js";

const VIEWS = [
  ["table", "Table"],
  ["diff", "Differences"],
  ["scatter", "Scatter"],
  ["parallel", "Parallel"],
];
const EVERY_MS = 4000; // how often the table of a live project is read anew at most
const SPREAD_PX = 150; // what a mean and how far apart values lie take
const INDENT_PX = 28;

export class RunsPage {
  #app;
  #data = null; // `{rev, codes, columns, values}` of what is here
  #widths = new Map();
  #readMs = 0;
  #view = null; // the view that is not the table

  constructor(app) {
    this.#app = app;
    const { state } = app;
    const find = () => state.set({ runFind: this.search.value });
    this.search = h("input.search", {
      type: "search",
      placeholder: "Filter: regex, or lr > 0.01 and status = failed",
      "aria-label": "Filter runs, a regular expression, or an expression such as lr > 0.01",
      "aria-keyshortcuts": "/",
      value: state.get("runFind"),
      on: { input: debounce(find, 120), change: find },
    });
    this.count = h("span.count", { role: "status" });
    this.picker = new ColumnPicker(state);
    this.groupBy = new GroupBy(app);
    this.table = new RunTable(app, {
      onSort: (column, direction) => this.#sortBy(column, direction),
      onColumns: (columns) => this.#load(columns),
      onToggle: (codes, isOn) => this.#toggle(codes, isOn),
      onFold: (name) => this.#fold(name),
    });
    this.views = VIEWS.map(([view, text]) => this.#viewButton(view, text));
    this.export = exportMenu(() => this.#exported());
    this.stage = h("div.view-stage");
    const box = h(
      "div.search-box.is-wide",
      {},
      icon("search"),
      this.search,
      h("kbd", { "aria-hidden": "true" }, "/"),
    );
    const views = h("div.segments", { role: "radiogroup", "aria-label": "View" }, this.views);
    const left = [box, this.count, views, this.groupBy.element];
    const bar = [...left, h("span.space"), this.picker.element, this.export.element];
    this.element = h(
      "div.page.table-page",
      {},
      h(
        "main.main",
        {},
        h("div.toolbar", { role: "toolbar", "aria-label": "Runs" }, bar),
        this.stage,
      ),
    );
  }

  #viewButton(view, text) {
    const choose = () => this.#app.state.set({ as: view }, { push: true });
    const button = h("button", { type: "button", role: "radio", on: { click: choose } }, text);
    button.view = view;
    return button;
  }

  /** Show the state: `changed` names what is other than before, null means all. */
  update(changed = null) {
    const has = (...keys) => changed === null || keys.some((key) => changed.has(key));
    const { state } = this.#app;
    for (const button of this.views)
      button.setAttribute("aria-checked", String(button.view === state.get("as")));
    if (has("as", "project")) this.#turn(state.get("as"));
    if (has("project") || this.#data === null) this.#read();
    else this.#arrange();
  }

  #turn(as) {
    this.#view?.close?.();
    const View = { diff: Diff, scatter: Scatter, parallel: Parallel }[as];
    this.#view = View ? new View(this.#app) : null;
    this.picker.element.hidden = this.groupBy.element.hidden = as !== "table";
    replace(this.stage, this.#view ? this.#view.element : this.table.scroller);
  }

  /** Runs or metrics changed; a large table is not read anew at every tick. */
  refresh() {
    if (Date.now() - this.#readMs > EVERY_MS) this.#read();
  }

  async #read() {
    this.#readMs = Date.now();
    try {
      await this.#load(this.#data ? this.table.columnsInView() : null);
    } catch (error) {
      if (this.#data === null)
        replace(this.stage, h("div.empty", { role: "alert" }, error.message));
    }
    this.#readMs = Math.max(this.#readMs, 2 * Date.now() - this.#readMs);
  }

  /** Get the values of these columns, or of those that come first, and of what is sorted by. */
  async #load(columns) {
    const { state, columns: store } = this.#app;
    const isFirst = columns === null;
    if (isFirst) {
      const list = await store.list();
      this.#data ??= { ...list, values: new Map() };
      this.#learn(list.columns);
    }
    const wanted = isFirst ? this.picker.shown().slice(0, 16) : columns.map(({ id }) => id);
    const sort = state.get("sort")?.replace(/^-/, "");
    const ids = [...new Set(["name", ...wanted, ...(sort ? [sort] : [])])];
    if (this.#data.rev === this.#app.project.rev && ids.every((id) => this.#data.values.has(id))) {
      if (isFirst) this.#arrange();
      return;
    }
    const found = await store.valuesOf(ids);
    const isSame = found.rev === this.#data.rev;
    const isOrdered = isSame && this.rows && (!sort || this.#data.values.has(sort));
    const values = isSame ? new Map([...this.#data.values, ...found.values]) : found.values;
    this.#data = { ...found, values };
    this.#learn(found.columns);
    if (isOrdered && !this.#view) this.#show(new Set(state.get("pins")));
    else this.#arrange();
  }

  #learn(columns) {
    this.picker.setColumns(columns);
    this.groupBy.setColumns(columns);
  }

  /** Filter, sort, group and draw. */
  #arrange() {
    if (!this.#data) return;
    const { state, project, filter } = this.#app;
    const { codes } = this.#data;
    if (this.search.getRootNode().activeElement !== this.search)
      this.search.value = state.get("runFind");
    this.search.classList.toggle("is-plain", !filter.isValid);
    const pins = new Set(state.get("pins"));
    const runOf = (i) => project.runs.get(codes[i]);
    const all = codes.map((_, i) => i).filter((i) => runOf(i));
    const rows = all.filter((i) => pins.has(codes[i]) || filter.passes(runOf(i)));
    this.#order(rows, pins);
    const many = rows.length === all.length ? "" : `${group(rows.length)} of `;
    const said = [`${many}${group(all.length)}`, filter.error].filter(Boolean);
    setText(this.count, said.join(" · "));
    this.groupBy.update(this.groups?.length ?? 0);
    if (this.#view) this.#view.show(this.rows.map((i) => codes[i]));
    else this.#show(pins);
  }

  /** Sort the rows, pinned ones first, and put them into groups where that is wanted. */
  #order(rows, pins) {
    const { state, groups } = this.#app;
    const { codes, values } = this.#data;
    const sort = state.get("sort") ?? "";
    const isDown = sort.startsWith("-");
    const by = values.get(sort.replace(/^-/, ""));
    const sorted = order(rows, by, isDown);
    const isPinned = (i) => pins.has(codes[i]);
    this.rows = [...sorted.filter(isPinned), ...sorted.filter((i) => !isPinned(i))];
    this.groups = null;
    if (!groups.isOn) return;
    const found = inGroups(this.rows, (i) => groups.of(codes[i]), groups.rank.bind(groups));
    const keys = by ? found.map((one) => keyOf(one, by)) : null;
    this.groups = order([...found.keys()], keys, isDown).map((at) => found[at]);
    this.rows = this.groups.flatMap((one) => one.rows);
  }

  /** What the rows of the table are: runs, or groups with the runs of those that are open. */
  #items() {
    if (!this.groups) return this.rows.map((i) => ({ i }));
    const { state, groups } = this.#app;
    const open = new Set(state.get("unfold"));
    return this.groups.flatMap((one) => {
      const isOpen = open.has("*") || open.has(one.name);
      const head = { group: one, isOpen, color: groups.colorOfGroup(one.name) };
      return [head, ...(isOpen ? one.rows.map((i) => ({ i, isMember: true })) : [])];
    });
  }

  #show(pins) {
    const { state, project } = this.#app;
    const { codes, values, columns } = this.#data;
    const known = new Map(columns.map((column) => [column.id, column]));
    const base = state.get("base");
    const chosen = project.selected(state.get("runs"), state.get("pins"));
    this.table.show(this.#items(), {
      codes,
      values,
      columns: this.picker.shown().map((id) => this.#column(id, known, values)),
      base,
      baseRow: base === null || !codes.includes(base) ? null : codes.indexOf(base),
      pins,
      selected: new Set(chosen.map((run) => run.code)),
      band: state.get("band"),
    });
  }

  #column(id, known, values) {
    const column = describe(id, known, () => this.#app.project.nowS());
    if (!this.#widths.has(id) && values.has(id))
      this.#widths.set(id, widthOf(column, values.get(id)));
    const width = this.#widths.get(id) ?? column.width;
    if (!this.groups) return { ...column, width };
    const isSpread = STATS.includes(column.group) || column.kind === "status";
    const least = isSpread ? SPREAD_PX : 0;
    return { ...column, width: Math.max(least, width + (id === "name" ? INDENT_PX : 0)) };
  }

  /** First click: numbers and times from the highest, texts from A; then turned, then as before. */
  #sortBy(column, direction) {
    const first = isNumeric(column) ? "descending" : "ascending";
    const turned = { ascending: "descending", descending: "ascending" }[first];
    const next = { none: first, [first]: turned, [turned]: null }[direction];
    const { id } = column;
    this.#app.state.set({ sort: next === null ? null : next === "descending" ? `-${id}` : id });
    this.#load(this.table.columnsInView());
  }

  /** Let these runs be drawn on the charts, or not. */
  #toggle(codes, isOn) {
    const { state, project } = this.#app;
    const shown = new Set(
      project.selected(state.get("runs"), state.get("pins")).map((run) => run.code),
    );
    for (const code of codes) shown[isOn ? "add" : "delete"](code);
    state.set({ runs: project.choice(shown) });
  }

  #fold(name) {
    const { state } = this.#app;
    const all = this.groups.map((one) => one.name);
    const open = new Set(state.get("unfold").includes("*") ? all : state.get("unfold"));
    if (!open.delete(name)) open.add(name);
    state.set({ unfold: [...open] });
  }

  /** What is to be exported: the rows as they are, every column that is shown. */
  async #exported() {
    const shown = this.picker.shown();
    const { codes, columns, values } = await this.#app.columns.valuesOf(shown, { isFresh: false });
    const known = new Map(columns.map((column) => [column.id, column]));
    const wanted = new Set(this.rows.map((i) => this.#data.codes[i]));
    const places = new Map(codes.map((code, i) => [code, i]));
    const rows = this.rows.map((i) => places.get(this.#data.codes[i]) ?? -1).filter((i) => i >= 0);
    return {
      name: `${this.#app.project.name} runs`,
      columns: shown.map((id) => describe(id, known, () => this.#app.project.nowS())),
      rows: rows
        .filter((i) => wanted.has(codes[i]))
        .map((i) => shown.map((id) => values.get(id)[i])),
    };
  }

  restyle() {
    this.#arrange();
    this.#view?.restyle?.();
  }

  tick() {}

  close() {
    this.picker.close();
    this.export.close();
    this.#view?.close?.();
  }
}
