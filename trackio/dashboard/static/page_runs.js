// The page with the table of runs: how they are doing, what they were given, where they ended.

import { debounce, h, icon, matcher, replace, setText } from "./dom.js";
import { group } from "./format.js";
import { ColumnPicker } from "./columnpicker.js";
import { makeColumns, order } from "./columns.js";
import { statusBadge } from "./tooltip.js";
import { VirtualList } from "./virtual.js";

const ROW_PX = 34;
const HEAD_PX = 54;

export class RunsPage {
  #app;
  #table = null; // what the server sent
  #columns = [];
  #rows = []; // numbers of the runs that are shown, in order
  #texts = new Map(); // run number → what the filter looks at
  #selected = new Set();
  #asked = null;
  #list;

  constructor(app) {
    this.#app = app;
    const find = () => app.state.set({ runFind: this.search.value });
    this.search = h("input.search", {
      type: "search",
      placeholder: "Filter runs, such as failed or lr=0.01 (regex)",
      "aria-label": "Filter runs, a regular expression",
      "aria-keyshortcuts": "/",
      value: app.state.get("runFind"),
      on: { input: debounce(find, 120), change: find },
    });
    this.count = h("span.count");
    this.picker = new ColumnPicker(() => this.#arrange());
    this.head = h("div.table-row.table-head", { role: "row" });
    this.scroller = h("div.scroller.table-scroll", { tabindex: "0" });
    this.#list = new VirtualList(this.scroller, {
      rowHeight: ROW_PX,
      head: HEAD_PX,
      role: "rowgroup",
      makeRow: (i) => this.#row(i),
    });
    this.table = h(
      "div.run-table",
      { role: "table", "aria-label": "Runs" },
      this.head,
      this.#list.element,
    );
    this.scroller.append(this.table);
    this.element = h(
      "div.page.table-page",
      {},
      h(
        "main.main",
        {},
        h(
          "div.toolbar",
          { role: "toolbar", "aria-label": "Runs" },
          h(
            "div.search-box.is-wide",
            {},
            icon("search"),
            this.search,
            h("kbd", { "aria-hidden": "true" }, "/"),
          ),
          this.count,
          this.picker.element,
        ),
        this.scroller,
      ),
    );
  }

  /** Show the state: `changed` names what is other than before, null means all. */
  update(changed = null) {
    const has = (...keys) => changed === null || keys.some((key) => changed.has(key));
    const { state, project } = this.#app;
    this.#selected = new Set(project.selected(state.get("runs")).map((run) => run.code));
    if (has("project")) this.#load();
    else if (has("runFind", "sort", "runs")) this.#arrange();
  }

  /** Runs or metrics changed. */
  refresh() {
    this.#load();
  }

  async #load() {
    const { api, project } = this.#app;
    if (this.#asked === project.rev) return;
    this.#asked = project.rev;
    try {
      this.#table = await api.json("runs.json", { project: project.name });
    } catch (error) {
      this.#asked = null; // the next live tick tries again
      if (this.#table === null) replace(this.head, h("div.table-cell", {}, error.message));
      return;
    }
    this.#texts.clear();
    this.#columns = makeColumns(this.#table);
    this.picker.setColumns(this.#columns, project.name);
    this.#arrange();
  }

  /** Filter, sort and draw. */
  #arrange() {
    if (!this.#table) return;
    const { state } = this.#app;
    const find = matcher(state.get("runFind"));
    this.search.classList.toggle("is-plain", !find.isValid);
    const all = Array.from(this.#table.codes, (_, i) => i);
    const rows = state.get("runFind") ? all.filter((i) => find.test(this.#text(i))) : all;
    this.#rows = order(rows, this.#columns, state.get("sort"));
    setText(
      this.count,
      rows.length === all.length
        ? group(all.length)
        : `${group(rows.length)} of ${group(all.length)}`,
    );
    this.shown = this.#columns.filter((column) => this.picker.isShown(column));
    this.table.style.setProperty(
      "--columns",
      this.shown.map((column) => `${column.width}px`).join(" "),
    );
    replace(
      this.head,
      this.shown.map((column) => this.#headCell(column)),
    );
    this.#list.reset(this.#rows.length);
  }

  #text(i) {
    if (!this.#texts.has(i))
      this.#texts.set(
        i,
        this.#columns
          .map((column) => column.search(i))
          .filter(Boolean)
          .join("\n"),
      );
    return this.#texts.get(i);
  }

  #headCell(column) {
    const sort = this.#app.state.get("sort");
    const direction =
      sort === column.id ? "ascending" : sort === `-${column.id}` ? "descending" : "none";
    return h(
      "div.table-cell",
      {
        role: "columnheader",
        class: `table-cell is-${column.kind}`,
        "aria-sort": direction,
        title: column.id,
      },
      h(
        "button",
        { type: "button", on: { click: () => this.#sortBy(column, direction) } },
        h("span.column-group", {}, column.group),
        h("span.column-name", {}, column.name),
      ),
    );
  }

  /** First click: numbers and times from the highest, texts from A; then turned, then as before. */
  #sortBy({ id, kind }, direction) {
    const first = kind === "text" || kind === "name" ? "ascending" : "descending";
    const next =
      direction === "none"
        ? first
        : direction === first
          ? { ascending: "descending", descending: "ascending" }[first]
          : null;
    this.#app.state.set({ sort: next === null ? null : next === "descending" ? `-${id}` : id });
  }

  #row(place) {
    const i = this.#rows[place];
    const code = this.#table.codes[i];
    const cells = this.shown.map((column) =>
      column.kind === "name" ? this.#nameCell(i, code) : this.#cell(column, i),
    );
    return h(
      "div.table-row",
      { role: "row", class: this.#selected.has(code) ? "table-row is-selected" : "table-row" },
      cells,
    );
  }

  #nameCell(i, code) {
    const run = this.#app.project.runs.get(code);
    const name = this.#table.names[i];
    const only = { page: "metrics", runs: [code], open: null };
    const open = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.#app.state.set(only, { push: true });
    };
    return h(
      "div.table-cell.is-name",
      { role: "rowheader" },
      h("input.run-box", {
        type: "checkbox",
        checked: this.#selected.has(code),
        "aria-label": `Show ${name} on the charts`,
        style: { "--color": run ? this.#app.theme.color(run.color) : "gray" },
        on: { change: () => this.#toggle(code) },
      }),
      h(
        "a.run-link",
        {
          href: this.#app.state.href(only),
          title: `${name}\nShow this run alone on the charts`,
          on: { click: open },
        },
        name,
      ),
    );
  }

  #cell(column, i) {
    const value = column.values[i];
    const said = column.say(value);
    const content = column.kind === "status" ? [statusBadge(value), value] : said;
    return h(
      "div.table-cell",
      { role: "cell", class: `table-cell is-${column.kind}`, title: column.title(value) },
      content,
    );
  }

  #toggle(code) {
    const codes = new Set(this.#selected);
    if (!codes.delete(code)) codes.add(code);
    this.#app.state.set({ runs: this.#app.project.choice(codes) });
  }

  /** Nothing here is drawn in the colours of the theme but the boxes. */
  restyle() {
    this.#arrange();
  }

  focus() {}
  tick() {}
  toggleLarge() {}

  close() {
    this.picker.close();
  }
}
