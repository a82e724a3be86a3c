// One picture large: ← and → go through the steps of the same key, Escape closes.

import { h, iconButton, replace } from "./dom.js";
import { group } from "./format.js";

export class Lightbox {
  #items = [];
  #at = 0;
  #make;

  /** `make(item)` makes its element. */
  constructor(make) {
    this.#make = make;
    this.said = h("span.count", { role: "status" });
    this.stage = h("div.lightbox-stage");
    const turn = (by, label, text) =>
      h(
        "button.text-button",
        { type: "button", "aria-label": label, on: { click: () => this.#turn(by) } },
        text,
      );
    this.element = h(
      "dialog.lightbox",
      { "aria-label": "Picture", on: { keydown: (event) => this.#onKey(event) } },
      h(
        "header",
        {},
        turn(-1, "Step before", "‹"),
        turn(1, "Next step", "›"),
        this.said,
        iconButton("close", "Close", () => this.element.close()),
      ),
      this.stage,
    );
  }

  /** Show `item`, with its fellows to turn to. */
  open(items, item) {
    this.#items = items;
    this.#at = items.indexOf(item);
    this.#draw();
    if (!this.element.open) this.element.showModal();
  }

  #turn(by) {
    this.#at = Math.min(this.#items.length - 1, Math.max(0, this.#at + by));
    this.#draw();
  }

  #onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    event.stopPropagation();
    if (by) this.#turn(by);
  }

  #draw() {
    const item = this.#items[this.#at];
    const where = item.step === undefined ? "" : ` · step ${group(item.step)}`;
    this.said.textContent = `${item.key}${where} · ${this.#at + 1} of ${this.#items.length}${item.caption ? ` · ${item.caption}` : ""}`;
    replace(this.stage, this.#make(item));
  }
}
