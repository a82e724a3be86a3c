// A table that was logged: sorted, filtered and by the page, with pictures in its cells.

import { order } from "./columns.js";
import { debounce, h, icon, matcher, replace } from "./dom.js";
import { formatValue, group } from "./format.js";
import { csv, offer } from "./save.js";

const PAGE = 25;

export class DataTable {
  #rows;
  #columns;
  #media;
  #sort = null;
  #page = 0;

  /** `said` is `{columns, _value}`; `media(reference)` makes an element of a medium in a cell. */
  constructor(said, name, media) {
    this.#rows = said._value ?? [];
    this.#columns = said.columns ?? [...new Set(this.#rows.flatMap((row) => Object.keys(row)))];
    this.#media = media;
    this.search = h("input.search", {
      type: "search",
      placeholder: "Filter rows (regex)",
      "aria-label": "Filter rows",
      on: { input: debounce(() => ((this.#page = 0), this.#draw()), 120) },
    });
    this.count = h("span.count", { role: "status" });
    const save = () => offer(`${name}.csv`, this.#csv(), "text/csv");
    this.box = h("div.table-box", { tabindex: "0", "aria-label": name });
    this.pager = h("div.pager");
    this.element = h(
      "div.data-table",
      {},
      h(
        "div.data-bar",
        {},
        h("div.search-box", {}, icon("search"), this.search),
        this.count,
        this.pager,
        h("button.text-button", { type: "button", on: { click: save } }, icon("save"), "CSV"),
      ),
      this.box,
    );
    this.#texts = this.#rows.map((row) =>
      this.#columns.map((name_) => plain(row[name_])).join("\n"),
    );
    this.#draw();
  }

  #texts;

  #found() {
    const find = matcher(this.search.value);
    const all = this.#rows.map((_, i) => i).filter((i) => find.test(this.#texts[i]));
    if (!this.#sort) return all;
    const values = this.#rows.map((row) => sortable(row[this.#sort.column]));
    return order(all, values, this.#sort.isDown);
  }

  #draw() {
    const found = this.#found();
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    this.#page = Math.min(this.#page, pages - 1);
    const shown = found.slice(this.#page * PAGE, (this.#page + 1) * PAGE);
    this.count.textContent =
      found.length === this.#rows.length
        ? `${group(found.length)} rows`
        : `${group(found.length)} of ${group(this.#rows.length)} rows`;
    replace(this.pager, pages > 1 ? this.#pager(pages) : []);
    const head = h(
      "tr",
      {},
      this.#columns.map((column) => this.#head(column)),
    );
    const rows = shown.map((i) =>
      h(
        "tr",
        {},
        this.#columns.map((column) => this.#cell(this.#rows[i][column])),
      ),
    );
    replace(this.box, h("table.plain", {}, h("thead", {}, head), h("tbody", {}, rows)));
  }

  #pager(pages) {
    const turn = (by) => ((this.#page += by), this.#draw());
    const button = (text, by, isOff) =>
      h(
        "button.text-button",
        {
          type: "button",
          disabled: isOff,
          "aria-label": by < 0 ? "Page before" : "Next page",
          on: { click: () => turn(by) },
        },
        text,
      );
    return [
      button("‹", -1, this.#page === 0),
      h("span.count", {}, `${this.#page + 1} / ${pages}`),
      button("›", 1, this.#page === pages - 1),
    ];
  }

  #head(column) {
    const isSorted = this.#sort?.column === column;
    const direction = !isSorted ? "none" : this.#sort.isDown ? "descending" : "ascending";
    const turn = () => {
      this.#sort = isSorted && this.#sort.isDown ? null : { column, isDown: isSorted };
      this.#draw();
    };
    return h(
      "th",
      { scope: "col", "aria-sort": direction },
      h("button", { type: "button", on: { click: turn } }, h("span.column-name", {}, column)),
    );
  }

  #cell(value) {
    if (isMedium(value)) return h("td", {}, this.#media(value));
    if (Array.isArray(value) && value.some(isMedium))
      return h(
        "td",
        {},
        value.map((one) => (isMedium(one) ? this.#media(one) : plain(one))),
      );
    const isNumber = typeof value === "number";
    return h(
      "td",
      { class: isNumber ? "number-cell" : "", title: isNumber ? String(value) : null },
      isNumber ? formatValue(value, 6) : h("div.cell-text", {}, plain(value)),
    );
  }

  #csv() {
    const rows = this.#found().map((i) =>
      this.#columns.map((column) => plain(this.#rows[i][column])),
    );
    return csv([this.#columns, ...rows]);
  }
}

const isMedium = (value) =>
  typeof value === "object" && value !== null && String(value._type ?? "").startsWith("trackio.");

function plain(value) {
  if (value === null || value === undefined) return "";
  if (isMedium(value)) return value.caption ?? value._type.slice(8);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const sortable = (value) =>
  typeof value === "object" && value !== null
    ? plain(value)
    : typeof value === "boolean"
      ? Number(value)
      : value;
