// The panel "Display": axes, outliers, how many charts in a row, and how runs are grouped.

import { h } from "./dom.js";
import { BANDS, groupKeys } from "./groups.js";
import { checkbox, Popover, select, setOptions } from "./popover.js";

const COLUMNS = [["0", "As many as fit"], ...[1, 2, 3, 4, 5, 6].map((n) => [String(n), String(n)])];
const SIZES = [
  ["s", "Small"],
  ["m", "Medium"],
  ["l", "Large"],
];

export class Display {
  #app;

  constructor(app) {
    this.#app = app;
    const set = (patch) => app.state.set(patch);
    this.log = checkbox("Logarithmic y", "Logarithmic y axis (l)", (log) => set({ log }));
    this.logx = checkbox("Logarithmic x", "Logarithmic x axis", (logx) => set({ logx }));
    this.clip = checkbox(
      "Clip outliers",
      "Let the y axis leave out what lies far from the rest (c)",
      (clip) => set({ clip }),
    );
    this.by = select("Group runs by", [], (value) => set({ by: value || null }));
    this.band = select("Show of a group", BANDS, (band) => set({ band }));
    this.cols = select("Charts in a row", COLUMNS, (value) => set({ cols: Number(value) }));
    this.size = select("Height", SIZES, (size) => set({ size }));
    const reset = () => set({ order: [] });
    this.order = h(
      "button.text-button",
      { type: "button", on: { click: reset } },
      "Order as logged",
    );
    const panel = h(
      "div.display",
      {},
      ...[this.log, this.logx, this.clip, this.by, this.band, this.cols, this.size].map(
        ({ element }) => element,
      ),
      this.order,
    );
    this.popover = new Popover({
      text: "Display",
      iconName: "sliders",
      panel,
      onOpen: () => this.#fill(),
    });
    this.element = this.popover.element;
  }

  /** The keys by which runs can be grouped. */
  async #fill() {
    const { columns } = await this.#app.columns
      .list({ isFresh: false })
      .catch(() => ({ columns: [] }));
    setOptions(this.by.list, [["", "Nothing"], ...groupKeys(columns)]);
    this.update();
  }

  /** Show the state as it is now. */
  update() {
    const { state } = this.#app;
    this.log.box.checked = state.get("log");
    this.logx.box.checked = state.get("logx");
    this.clip.box.checked = state.get("clip");
    const by = state.get("by");
    if (by && ![...this.by.list.options].some((option) => option.value === by))
      setOptions(this.by.list, [
        ["", "Nothing"],
        [by, by.slice(by.indexOf("/") + 1)],
      ]);
    this.by.list.value = by ?? "";
    this.band.list.value = state.get("band");
    this.band.element.hidden = by === null;
    this.cols.list.value = String(state.get("cols"));
    this.size.list.value = state.get("size");
    this.order.hidden = state.get("order").length === 0;
    const isOn = ["log", "logx", "clip", "by"].some((key) => state.get(key));
    this.popover.button.classList.toggle("is-on", isOn);
  }

  close() {
    this.popover.close();
  }
}
