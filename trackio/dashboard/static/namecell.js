// The first cell of a row of the table: of a run its box, name and menu, of a group what folds it.
// One cell serves one row after another, whichever are in view.

import { h, icon, iconButton, replace, setText } from "./dom.js";
import { group as grouped } from "./format.js";

export class NameCell {
  #app;
  #item = null;
  #code = null;

  /** `events`: onToggle(item, isOn), onFold(item). */
  constructor(app, { onToggle, onFold }) {
    this.#app = app;
    this.box = h("input.run-box", {
      type: "checkbox",
      on: { change: () => onToggle(this.#item, this.box.checked) },
    });
    this.link = h("a.run-link", { on: { click: (event) => this.#open(event) } });
    this.count = h("span.count");
    this.text = h("span.fold-name");
    this.fold = h(
      "button.fold",
      { type: "button", on: { click: () => onFold(this.#item) } },
      icon("chevron"),
      this.text,
      this.count,
    );
    this.mark = h("span.run-mark", { title: "Pinned" }, "•");
    this.menu = iconButton("more", "", () => this.#openMenu());
    this.element = h("div.table-cell.is-name", { role: "rowheader", "aria-colindex": "1" });
  }

  /** Show a run, or the heading of a group of which `chosen` runs are drawn. */
  show(item, { code, name, chosen, isPinned }) {
    [this.#item, this.#code] = [item, code];
    const { group } = item;
    const parts = group ? [this.box, this.fold] : [this.box, this.link, this.mark, this.menu];
    if (this.element.children[1] !== parts[1]) replace(this.element, parts);
    this.mark.hidden = !isPinned;
    this.menu.hidden = !this.#run;
    const total = group ? group.rows.length : 1;
    this.box.checked = chosen === total;
    this.box.indeterminate = chosen > 0 && chosen < total;
    if (group) this.#showGroup(item);
    else this.#showRun(this.#run?.name ?? name ?? code);
  }

  get #run() {
    return this.#app.project.runs.get(this.#code);
  }

  #showGroup({ group, color, isOpen }) {
    this.box.style.setProperty("--color", this.#app.theme.color(color));
    this.box.setAttribute("aria-label", `Show all runs of ${group.name} on the charts`);
    this.fold.setAttribute("aria-expanded", String(isOpen));
    this.fold.title = group.name;
    setText(this.text, group.name);
    setText(this.count, grouped(group.rows.length));
  }

  #showRun(name) {
    const { theme, state } = this.#app;
    const color = this.#run ? theme.color(this.#run.color) : "gray";
    this.box.style.setProperty("--color", color);
    this.box.setAttribute("aria-label", `Show ${name} on the charts`);
    this.link.href = state.href({ page: "run", run: this.#code, open: null, at: null });
    this.link.title = name;
    setText(this.link, name);
    this.menu.title = `Pin, colour and more of ${name}`;
    this.menu.setAttribute("aria-label", this.menu.title);
  }

  #open(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.#app.openRun(this.#code);
  }

  #openMenu() {
    if (this.#run) this.#app.runMenu.open(this.#run, this.menu);
  }
}
