// By what the rows of the table of runs are grouped, what of a group is shown, and all of them
// opened or folded. The charts are grouped alike: there is one choice, and it is in the address.

import { h, setText } from "./dom.js";
import { BANDS, groupKeys } from "./groups.js";
import { select, setOptions } from "./popover.js";

export class GroupBy {
  #app;

  constructor(app) {
    this.#app = app;
    const set = (patch) => app.state.set(patch);
    this.by = select("Group by", [], (value) => set({ by: value || null, unfold: [] }));
    this.band = select("Show of a group", BANDS, (band) => set({ band }));
    this.all = h("button.text-button", {
      type: "button",
      on: { click: () => set({ unfold: this.#isOpen ? [] : ["*"] }) },
    });
    const parts = [this.by.element, this.band.list, this.all];
    this.element = h("div.group-by", { role: "group", "aria-label": "Groups" }, parts);
  }

  get #isOpen() {
    return this.#app.state.get("unfold").length > 0;
  }

  setColumns(columns) {
    setOptions(this.by.list, [["", "nothing"], ...groupKeys(columns)]);
    this.by.list.value = this.#app.state.get("by") ?? "";
  }

  /** Show the state, where there are so many groups. */
  update(groups) {
    const { state } = this.#app;
    this.by.list.value = state.get("by") ?? "";
    this.band.list.value = state.get("band");
    this.band.list.hidden = this.all.hidden = groups === 0;
    setText(this.all, this.#isOpen ? "Fold all" : "Unfold all");
  }
}
