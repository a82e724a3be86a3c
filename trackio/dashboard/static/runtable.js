// The table of runs itself: the rows and cells in view, what they hold, and what a click does.

import { isNumeric, tagsOf } from "./columns.js";
import { debounce, h, replace, setText } from "./dom.js";
import { formatValue } from "./format.js";
import { Grid } from "./grid.js";
import { NameCell } from "./namecell.js";
import { tell } from "./rungroups.js";
import { statusBadge } from "./tooltip.js";

const ROW_PX = 34;
const HEAD_PX = 54;
const LOAD_MS = 90;

export class RunTable {
  #app;
  #events;
  #items = []; // `{i}` for a run, `{group}` for the heading of a group
  #columns = [];
  #told = new WeakMap(); // group → column id → what it says, and of which values
  #grid;

  /** `events`: onSort(column), onColumns(columns in view), onToggle(codes, isOn), onFold(name). */
  constructor(app, events) {
    this.#app = app;
    this.#events = events;
    this.first = h("div.table-cell.is-name", { role: "columnheader", "aria-colindex": "1" });
    this.head = h("div.table-row.table-head", { role: "row" }, this.first);
    this.scroller = h("div.scroller.table-scroll", { tabindex: "0" });
    this.#grid = new Grid(this.scroller, {
      ...{ head: this.head, headHeight: HEAD_PX, rowHeight: ROW_PX },
      makeRow: () => this.#makeRow(),
      fillRow: (row, at) => this.#fillRow(row, at),
      fillCell: (cell, at, place) => this.#fillCell(cell, at, place),
      onColumns: () => this.#loadSoon(),
    });
    this.element = h(
      "div.run-table",
      { role: "table", "aria-label": "Runs", on: { pointerover: (event) => this.#explain(event) } },
      this.head,
      this.#grid.element,
    );
    this.scroller.append(this.element);
  }

  /** Show these items: `data` is `{codes, values, columns, base, baseRow, pins, selected, band}`. */
  show(items, data) {
    this.#items = items;
    this.data = data;
    this.#columns = data.columns.map((column) => ({ ...column, look: lookOf(column) }));
    this.#grid.show(
      items.length,
      this.#columns.map(({ width }) => width),
    );
    this.element.style.width = `${this.#grid.width}px`;
    this.element.setAttribute("aria-rowcount", String(items.length + 1));
    this.element.setAttribute("aria-colcount", String(this.#columns.length));
    this.#events.onColumns(this.columnsInView());
  }

  /** The columns in view, and the name. */
  columnsInView() {
    return [this.#columns[0], ...this.#columns.slice(...this.#grid.columns)];
  }

  /** What comes into view is asked for once the scrolling slows down. */
  #loadSoon = debounce(() => this.#events.onColumns(this.columnsInView()), LOAD_MS);

  #makeRow() {
    const name = new NameCell(this.#app, {
      onToggle: (item, isOn) => this.#events.onToggle(this.#codesOf(item), isOn),
      onFold: (item) => this.#events.onFold(item.group.name),
    });
    const row = h("div.table-row", { role: "row" }, name.element);
    row.name = name;
    return row;
  }

  #codesOf({ i, group }) {
    return group ? group.rows.map((row) => this.data.codes[row]) : [this.data.codes[i]];
  }

  #fillRow(row, at) {
    const [column] = this.#columns;
    if (at < 0) {
      this.#fillHead(this.first, column);
      this.first.style.width = `${column.width}px`;
      return;
    }
    const item = this.#items[at];
    const codes = this.#codesOf(item);
    const chosen = codes.filter((code) => this.data.selected.has(code)).length;
    row.className = [
      "table-row",
      item.group ? "is-group" : "",
      chosen && !item.group ? "is-selected" : "",
      item.isMember ? "is-member" : "",
      !item.group && codes[0] === this.data.base ? "is-base" : "",
    ]
      .filter(Boolean)
      .join(" ");
    row.setAttribute("aria-rowindex", String(at + 2));
    row.name.element.style.width = `${column.width}px`;
    const name = item.group ? item.group.name : this.data.values.get("name")?.[item.i];
    row.name.show(item, { code: codes[0], name, chosen, isPinned: this.data.pins.has(codes[0]) });
  }

  #fillCell(cell, at, place) {
    const column = this.#columns[place];
    if (at < 0) {
      this.#fillHead(cell, column);
      return;
    }
    const { i, group } = this.#items[at];
    const values = this.data.values.get(column.id);
    cell.setAttribute("role", "cell");
    cell.removeAttribute("title");
    cell.className = `table-cell ${column.look}`;
    cell.toggleAttribute("aria-busy", values === undefined);
    if (values === undefined) setText(cell, "");
    else if (group) setText(cell, this.#tell(column, group, values).text);
    else this.#fillValue(cell, column, values[i], values);
  }

  #fillValue(cell, column, value, values) {
    if (column.kind === "status" && value) replace(cell, statusBadge(value), value);
    else if (column.kind === "tags")
      replace(
        cell,
        tagsOf(value).map((tag) => h("span.tag", {}, tag)),
      );
    else {
      const base = this.data.baseRow === null ? null : values[this.data.baseRow];
      const change = column.group && column.group !== "config" ? differ(value, base) : "";
      if (change) replace(cell, h("span.change", {}, change), column.say(value));
      else setText(cell, column.say(value));
    }
  }

  #fillHead(cell, column) {
    const sort = this.#app.state.get("sort");
    const direction =
      sort === column.id ? "ascending" : sort === `-${column.id}` ? "descending" : "none";
    cell.className = `table-cell ${column.look}`;
    cell.setAttribute("role", "columnheader");
    cell.setAttribute("aria-sort", direction);
    cell.title = column.id;
    if (!cell.firstChild) {
      const click = () => this.#events.onSort(cell.column, cell.getAttribute("aria-sort"));
      const texts = [h("span.column-group"), h("span.column-name")];
      cell.append(h("button", { type: "button", on: { click } }, texts));
    }
    cell.column = column;
    const [group, name] = cell.firstChild.children;
    setText(group, column.group);
    setText(name, column.name);
  }

  /** What a group says in a column; added up once. */
  #tell(column, group, values) {
    if (!this.#told.has(group)) this.#told.set(group, new Map());
    const told = this.#told.get(group);
    const { band } = this.data;
    const known = told.get(column.id);
    if (known?.values === values && known.band === band) return known.said;
    const said = tell(column, group, values, band);
    told.set(column.id, { values, band, said });
    return said;
  }

  /** Give the cell under the pointer the whole of what it says: most are never asked. */
  #explain(event) {
    const cell = event.target.closest?.(".table-cell:not(.is-name)");
    const at = cell?.parentElement.at;
    if (at === undefined || cell.title || !this.#items[at]) return;
    const column = this.#columns[Number(cell.getAttribute("aria-colindex")) - 1];
    const values = this.data.values.get(column.id);
    const { i, group } = this.#items[at];
    if (values === undefined) return;
    if (group) cell.title = this.#tell(column, group, values).title;
    else if (values[i] !== null) cell.title = whole(column, values[i]);
  }
}

const isTimely = ({ kind }) => ["time", "age", "duration"].includes(kind);

const lookOf = (column) =>
  column.kind === "name" || column.kind === "status"
    ? `is-${column.kind}`
    : isTimely(column)
      ? "is-time"
      : isNumeric(column)
        ? "is-number"
        : "is-text";

const whole = (column, value) =>
  isTimely(column) || column.kind === "tags" ? column.say(value) : String(value);

/** How far a number is from that of the baseline. */
function differ(value, base) {
  if (typeof value !== "number" || typeof base !== "number" || value === base) return "";
  const part = base === 0 ? NaN : ((value - base) / Math.abs(base)) * 100;
  if (!Number.isFinite(part)) return "";
  return `${part > 0 ? "+" : ""}${formatValue(part, 2)} %`;
}
