// Which columns of the table of runs are shown. The choice is kept in this browser, by project.

import { h, icon, matcher, replace } from "./dom.js";

const USUAL = 40; // columns shown while nobody chose

export class ColumnPicker {
  #columns = [];
  #key = "";
  #hidden = null; // ids; null while nobody chose
  #onChange;
  #onDocument;

  constructor(onChange) {
    this.#onChange = onChange;
    this.button = h(
      "button.text-button",
      {
        type: "button",
        "aria-haspopup": "dialog",
        "aria-expanded": "false",
        on: { click: () => this.#toggle() },
      },
      icon("columns"),
      "Columns",
    );
    this.search = h("input.search", {
      type: "search",
      placeholder: "Find a column",
      "aria-label": "Find a column",
      on: { input: () => this.#fill() },
    });
    this.items = h("div.picker-items");
    this.panel = h(
      "div.picker",
      { hidden: true, role: "dialog", "aria-label": "Columns" },
      this.search,
      h(
        "div.tool-row",
        {},
        h("button.text-button", { type: "button", on: { click: () => this.#all(true) } }, "All"),
        h("button.text-button", { type: "button", on: { click: () => this.#all(false) } }, "None"),
        h(
          "button.text-button",
          { type: "button", on: { click: () => this.#choose(null) } },
          "Usual",
        ),
      ),
      this.items,
    );
    this.element = h(
      "div.picker-box",
      { on: { keydown: (event) => event.key === "Escape" && this.#toggle(false) } },
      this.button,
      this.panel,
    );
    this.#onDocument = (event) =>
      !event.composedPath().includes(this.element) && this.#toggle(false);
    document.addEventListener("pointerdown", this.#onDocument);
  }

  setColumns(columns, project) {
    this.#columns = columns;
    this.#key = `trackio.columns.${project}`;
    this.#hidden = read(this.#key);
    if (!this.panel.hidden) this.#fill();
  }

  isShown({ id, isVaried }) {
    if (id === "name") return true;
    if (this.#hidden !== null) return !this.#hidden.has(id);
    return isVaried && this.#columns.findIndex((column) => column.id === id) < USUAL;
  }

  #toggle(isOpen = this.panel.hidden) {
    if (this.panel.hidden === !isOpen) return;
    this.panel.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    this.#fill();
    this.search.focus();
  }

  #fill() {
    const find = matcher(this.search.value);
    const found = this.#columns.filter(({ id }) => id !== "name" && find.test(id)).slice(0, 500);
    replace(
      this.items,
      found.map((column) => this.#item(column)),
    );
  }

  #item(column) {
    const box = h("input", {
      type: "checkbox",
      checked: this.isShown(column),
      on: { change: () => this.#set([column], box.checked) },
    });
    return h(
      "label.picker-item",
      {},
      box,
      h("span.column-group", {}, column.group),
      h("span", {}, column.name),
    );
  }

  #all(isShown) {
    const find = matcher(this.search.value);
    this.#set(
      this.#columns.filter(({ id }) => find.test(id)),
      isShown,
    );
  }

  #set(columns, isShown) {
    const hidden = new Set(
      this.#columns.filter((column) => !this.isShown(column)).map(({ id }) => id),
    );
    for (const { id } of columns) isShown ? hidden.delete(id) : hidden.add(id);
    this.#choose(hidden);
  }

  #choose(hidden) {
    this.#hidden = hidden;
    write(this.#key, hidden);
    this.#fill();
    this.#onChange();
  }

  close() {
    document.removeEventListener("pointerdown", this.#onDocument);
  }
}

function read(key) {
  try {
    const kept = JSON.parse(localStorage.getItem(key));
    return Array.isArray(kept) ? new Set(kept) : null;
  } catch {
    return null; // no storage here, or not ours
  }
}

function write(key, hidden) {
  try {
    if (hidden === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify([...hidden]));
  } catch {
    // A browser that keeps nothing shows the usual columns next time.
  }
}
