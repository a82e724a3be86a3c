// A button that opens a panel beside it: closed by Escape, by a click elsewhere, or by itself.

import { h, icon } from "./dom.js";

export class Popover {
  #onOpen;
  #onDocument;

  /** `text` may be empty: then only the icon shows, and `label` is what it is called. */
  constructor({ text = "", label = text, iconName, panel, onOpen = () => {} }) {
    this.#onOpen = onOpen;
    this.button = h(
      text ? "button.text-button" : "button.icon-button",
      {
        type: "button",
        title: label,
        "aria-label": text ? null : label,
        "aria-haspopup": "dialog",
        "aria-expanded": "false",
        on: { click: () => this.toggle() },
      },
      icon(iconName),
      text,
    );
    this.panel = panel;
    Object.assign(panel, { hidden: true });
    panel.classList.add("popover");
    panel.setAttribute("role", "dialog");
    panel.setAttribute("aria-label", label);
    this.element = h(
      "div.popover-box",
      { on: { keydown: (event) => event.key === "Escape" && this.#escape(event) } },
      this.button,
      panel,
    );
    this.#onDocument = (event) => {
      if (!event.composedPath().includes(this.element)) this.toggle(false);
    };
  }

  toggle(isOpen = this.panel.hidden) {
    if (this.panel.hidden === !isOpen) return;
    this.panel.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return this.close();
    document.addEventListener("pointerdown", this.#onDocument);
    this.#onOpen();
    this.panel.querySelector("input, select, button")?.focus();
  }

  #escape(event) {
    if (this.panel.hidden) return;
    event.stopPropagation();
    this.toggle(false);
    this.button.focus();
  }

  /** Stop listening. */
  close() {
    document.removeEventListener("pointerdown", this.#onDocument);
  }
}

/** A labelled drop-down list of `[value, text]`. */
export function select(label, options, onChange) {
  const list = h("select.pick", {
    "aria-label": label,
    on: { change: () => onChange(list.value) },
  });
  setOptions(list, options);
  const element = h("label.choice", {}, h("span", {}, label), list);
  return { element, list };
}

/** Replace the options of a list, keeping what is chosen. */
export function setOptions(list, options) {
  const kept = list.value;
  const same = [...list.options].map((o) => `${o.value}\n${o.text}`).join("\n\n");
  if (same === options.map((pair) => pair.join("\n")).join("\n\n")) return;
  list.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  if (options.some(([value]) => value === kept)) list.value = kept;
}

/** A labelled box to tick. */
export function checkbox(label, title, onChange) {
  const box = h("input", { type: "checkbox", on: { change: () => onChange(box.checked) } });
  return { element: h("label.field", { title }, box, label), box };
}
