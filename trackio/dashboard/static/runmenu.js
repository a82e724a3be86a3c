// What can be done with one run, wherever it is listed: its page, pin, baseline, colour.

import { PALETTE } from "./colors.js";
import { h, icon, replace } from "./dom.js";

export class RunMenu {
  #app;
  #onDocument;
  #anchor = null;

  constructor(app) {
    this.#app = app;
    this.element = h("div.run-menu.popover", {
      hidden: true,
      role: "dialog",
      "aria-label": "Run",
      on: { keydown: (event) => event.key === "Escape" && this.#escape(event) },
    });
    this.#onDocument = (event) => !event.composedPath().includes(this.element) && this.close();
  }

  /** Open beside the button that was pressed. */
  open(run, anchor) {
    const { state } = this.#app;
    const isPinned = state.get("pins").includes(run.code);
    const isBase = state.get("base") === run.code;
    this.#anchor = anchor;
    replace(
      this.element,
      h("p.run-menu-name", { title: run.id }, run.name),
      this.#item("open", "Page of this run", () => this.#app.openRun(run.code)),
      this.#item("pin", isPinned ? "Unpin" : "Pin to the top", () => togglePin(state, run.code)),
      this.#item("base", isBase ? "No longer the baseline" : "Make it the baseline", () =>
        state.set({ base: isBase ? null : run.code }),
      ),
      this.#colors(run),
    );
    this.element.hidden = false;
    place(this.element, anchor.getBoundingClientRect());
    document.addEventListener("pointerdown", this.#onDocument);
    this.element.querySelector("button").focus();
  }

  #item(name, text, act) {
    const click = () => (this.close(), act());
    return h("button.menu-item", { type: "button", on: { click } }, icon(name), text);
  }

  #colors(run) {
    const choose = (number) => {
      const others = this.#app.state.get("paint").filter((one) => !one.startsWith(`${run.code}:`));
      const own = number === run.ownColor ? [] : [`${run.code}:${number}`];
      this.#app.state.set({ paint: [...others, ...own] });
      this.close();
    };
    const button = (_, number) =>
      h("button.color", {
        type: "button",
        "aria-label": `Colour ${number + 1}`,
        "aria-pressed": String(run.color === number),
        style: { "--color": this.#app.theme.color(number) },
        on: { click: () => choose(number) },
      });
    return h("div.colors", { role: "group", "aria-label": "Colour" }, PALETTE.map(button));
  }

  #escape(event) {
    event.stopPropagation();
    this.close();
    this.#anchor?.focus();
  }

  close() {
    this.element.hidden = true;
    document.removeEventListener("pointerdown", this.#onDocument);
  }
}

/** Pin a run, or let it go. */
export function togglePin(state, code) {
  const pins = state.get("pins");
  const others = pins.filter((one) => one !== code);
  state.set({ pins: others.length === pins.length ? [...pins, code] : others });
}

/** Beside the anchor, within the window. */
function place(element, { left, bottom, top }) {
  const { offsetWidth: width, offsetHeight: height } = element;
  const x = Math.max(8, Math.min(left, window.innerWidth - width - 8));
  const y = bottom + height + 8 < window.innerHeight ? bottom + 4 : Math.max(8, top - height - 4);
  Object.assign(element.style, { left: `${x}px`, top: `${y}px` });
}
