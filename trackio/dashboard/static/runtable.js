// The table of runs itself: of ten thousand rows and hundreds of columns only those in view exist.

import { isNumeric, tagsOf } from "./columns.js";
import { debounce, h, iconButton, onFrame, replace } from "./dom.js";
import { formatValue } from "./format.js";
import { statusBadge } from "./tooltip.js";
import { VirtualList } from "./virtual.js";

const ROW_PX = 34;
const HEAD_PX = 54;
const BEYOND_PX = 400;
const LOAD_MS = 90;

export class RunTable {
  #app;
  #events;
  #rows = [];
  #columns = [];
  #lefts = [];
  #span = [0, 0]; // the columns that exist, beside the first
  #list;

  /** `events`: onSort(column), onColumns(columns in view). */
  constructor(app, events) {
    this.#app = app;
    this.#events = events;
    this.head = h("div.table-row.table-head", { role: "row" });
    this.scroller = h("div.scroller.table-scroll", { tabindex: "0" });
    this.scroller.addEventListener(
      "scroll",
      onFrame(() => this.#onScroll()),
      { passive: true },
    );
    this.#list = new VirtualList(this.scroller, {
      rowHeight: ROW_PX,
      head: HEAD_PX,
      role: "rowgroup",
      makeRow: (i) => this.#row(i),
    });
    this.element = h(
      "div.run-table",
      { role: "table", "aria-label": "Runs" },
      this.head,
      this.#list.element,
    );
    this.scroller.append(this.element);
  }

  /** Show these rows: `data` is `{codes, names, values, columns, base, selected}`. */
  show(rows, data) {
    this.#rows = rows;
    this.data = data;
    this.#columns = data.columns;
    this.#measure();
    this.#span = this.#inView();
    this.#draw();
    this.#events.onColumns(this.columnsInView());
  }

  /** The columns in view, and the name. */
  columnsInView() {
    const [from, to] = this.#inView();
    return [this.#columns[0], ...this.#columns.slice(from, to)];
  }

  #measure() {
    this.#lefts = [0];
    for (const column of this.#columns) this.#lefts.push(this.#lefts.at(-1) + column.width);
    this.element.style.width = `${this.#lefts.at(-1)}px`;
    this.element.setAttribute("aria-rowcount", String(this.#rows.length + 1));
    this.element.setAttribute("aria-colcount", String(this.#columns.length));
  }

  #inView() {
    const { scrollLeft, clientWidth } = this.scroller;
    const first = this.#lefts.findIndex((left) => left > scrollLeft - BEYOND_PX);
    const from = Math.max(1, first - 1);
    let to = from;
    while (to < this.#columns.length && this.#lefts[to] < scrollLeft + clientWidth + BEYOND_PX)
      to++;
    return [from, to];
  }

  #onScroll() {
    const [from, to] = this.#inView();
    if (from === this.#span[0] && to === this.#span[1]) return;
    this.#span = [from, to];
    this.#draw();
    this.#loadSoon();
  }

  /** What comes into view is asked for once the scrolling slows down. */
  #loadSoon = debounce(() => this.#events.onColumns(this.columnsInView()), LOAD_MS);

  #draw() {
    this.#list.reset(this.#rows.length); // it looks at the scroller before it writes anything
    replace(
      this.head,
      this.#cells((column) => this.#headCell(column)),
    );
  }

  /** The cells of the columns that exist: the name, and those in view. */
  #cells(make) {
    const [from, to] = this.#span;
    return [0, ...Array.from({ length: to - from }, (_, i) => from + i)].map((place) => {
      const cell = make(this.#columns[place], place);
      cell.style.width = `${this.#columns[place].width}px`;
      if (place > 0) cell.style.left = `${this.#lefts[place]}px`;
      cell.setAttribute("aria-colindex", String(place + 1));
      return cell;
    });
  }

  #headCell(column) {
    const sort = this.#app.state.get("sort");
    const direction =
      sort === column.id ? "ascending" : sort === `-${column.id}` ? "descending" : "none";
    return h(
      "div.table-cell",
      {
        role: "columnheader",
        class: `table-cell ${classOf(column)}`,
        "aria-sort": direction,
        title: column.id,
      },
      h(
        "button",
        { type: "button", on: { click: () => this.#events.onSort(column, direction) } },
        h("span.column-group", {}, column.group),
        h("span.column-name", {}, column.name),
      ),
    );
  }

  #row(place) {
    const i = this.#rows[place];
    const code = this.data.codes[i];
    const isBase = code === this.data.base;
    const classes = [
      "table-row",
      this.data.selected.has(code) ? "is-selected" : "",
      isBase ? "is-base" : "",
    ];
    return h(
      "div",
      { role: "row", class: classes.filter(Boolean).join(" "), "aria-rowindex": String(place + 2) },
      this.#cells((column) =>
        column.kind === "name" ? this.#nameCell(i, code) : this.#cell(column, i),
      ),
    );
  }

  #nameCell(i, code) {
    const run = this.#app.project.runs.get(code);
    const name = run?.name ?? this.data.values.get("name")?.[i] ?? code;
    const target = { page: "run", run: code, open: null, at: null };
    const open = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.#app.openRun(code);
    };
    const box = h("input.run-box", {
      type: "checkbox",
      checked: this.data.selected.has(code),
      "aria-label": `Show ${name} on the charts`,
      style: { "--color": run ? this.#app.theme.color(run.color) : "gray" },
      on: { change: () => this.#events.onToggle(code) },
    });
    const link = h(
      "a.run-link",
      { href: this.#app.state.href(target), title: name, on: { click: open } },
      name,
    );
    const menu = iconButton("more", `Pin, colour and more of ${name}`, () =>
      this.#app.runMenu.open(run, menu),
    );
    const mark = this.data.pins.has(code) ? h("span.run-mark", { title: "Pinned" }, "•") : null;
    return h("div.table-cell.is-name", { role: "rowheader" }, box, link, mark, run ? menu : null);
  }

  #cell(column, i) {
    const values = this.data.values.get(column.id);
    const value = values?.[i];
    const attributes = { role: "cell", class: `table-cell ${classOf(column)}` };
    if (values === undefined) return h("div", { ...attributes, "aria-busy": "true" }, "");
    if (value !== null && !isTimely(column)) attributes.title = String(value);
    return h("div", attributes, this.#content(column, value, values));
  }

  #content(column, value, values) {
    if (column.kind === "status" && value) return [statusBadge(value), value];
    if (column.kind === "tags") return tagsOf(value).map((tag) => h("span.tag", {}, tag));
    const said = column.say(value);
    const base = this.data.baseRow === null ? null : values[this.data.baseRow];
    const change = column.group && column.group !== "config" ? differ(value, base) : "";
    return change ? [h("span.change", {}, change), said] : said;
  }
}

const isTimely = ({ kind }) => ["time", "age", "duration"].includes(kind);

const classOf = (column) =>
  column.kind === "name" || column.kind === "status"
    ? `is-${column.kind}`
    : isTimely(column)
      ? "is-time"
      : isNumeric(column)
        ? "is-number"
        : "is-text";

/** How far a number is from that of the baseline. */
function differ(value, base) {
  if (typeof value !== "number" || typeof base !== "number" || value === base) return "";
  const part = base === 0 ? NaN : ((value - base) / Math.abs(base)) * 100;
  if (!Number.isFinite(part)) return "";
  return `${part > 0 ? "+" : ""}${formatValue(part, 2)} %`;
}
