// Which columns the table of runs shows, and in which order. The choice is in the address.

import { STATS, usual } from "./columns.js";
import { h, matcher, replace } from "./dom.js";
import { Popover, select } from "./popover.js";

const LISTED = 400;

export class ColumnPicker {
  #columns = [];
  #state;

  constructor(state) {
    this.#state = state;
    this.search = h("input.search", {
      type: "search",
      placeholder: "Find a column (regex)",
      "aria-label": "Find a column",
      on: { input: () => this.#fill() },
    });
    this.stat = select(
      "Of metrics",
      STATS.map((stat) => [stat, stat]),
      () => this.#fill(),
    );
    this.items = h("div.picker-items");
    const button = (text, act) =>
      h("button.text-button", { type: "button", on: { click: act } }, text);
    const panel = h(
      "div.picker",
      {},
      this.search,
      this.stat.element,
      h(
        "div.tool-row",
        {},
        button("All", () => this.#set(this.#found(), true)),
        button("None", () => this.#set(this.#found(), false)),
        button("Usual", () => this.#choose(null)),
      ),
      this.items,
    );
    this.popover = new Popover({
      text: "Columns",
      iconName: "columns",
      panel,
      onOpen: () => this.#fill(),
    });
    this.element = this.popover.element;
  }

  setColumns(columns) {
    this.#columns = columns;
    if (!this.popover.panel.hidden) this.#fill();
  }

  /** The ids of the columns that are shown, in their order; the name comes first. */
  shown() {
    const chosen = this.#state.get("columns") ?? usual(this.#columns);
    return ["name", ...chosen.filter((id) => id !== "name")];
  }

  /** What may be chosen: a metric as the statistic that is picked. */
  #found() {
    const find = matcher(this.search.value);
    const stat = this.stat.list.value;
    return this.#columns
      .map(({ id, name }) => ({ id: id.replace(/^last\//, `${stat}/`), name }))
      .filter(({ id }) => id !== "name" && find.test(id));
  }

  #fill() {
    const shown = new Set(this.shown());
    replace(
      this.items,
      this.#found()
        .slice(0, LISTED)
        .map((column) => this.#item(column, shown.has(column.id))),
    );
  }

  #item({ id, name }, isShown) {
    const box = h("input", {
      type: "checkbox",
      checked: isShown,
      on: { change: () => this.#set([{ id }], box.checked) },
    });
    const group = id.includes("/") ? id.slice(0, id.indexOf("/")) : "";
    return h(
      "label.picker-item",
      {},
      box,
      h("span.column-group", {}, group),
      h("span.picker-name", {}, name),
    );
  }

  #set(columns, isShown) {
    const ids = new Set(columns.map(({ id }) => id));
    const kept = this.shown().filter((id) => id !== "name" && (isShown || !ids.has(id)));
    const added = isShown ? [...ids].filter((id) => !kept.includes(id)) : [];
    this.#choose([...kept, ...added]);
  }

  #choose(columns) {
    this.#state.set({ columns });
    this.#fill();
  }

  close() {
    this.popover.close();
  }
}
