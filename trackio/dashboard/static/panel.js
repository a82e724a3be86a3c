// What panels that show a list from the server have in common: ask, show, say when there is nothing.

import { h, replace } from "./dom.js";

const EVERY_MS = 4000;

export class Panel {
  #ticket = 0;
  #askedMs = 0;

  /** `codes()` gives the runs that it is about. */
  constructor(app, codes) {
    this.app = app;
    this.codes = codes;
    this.bar = h("div.toolbar.panel-bar", { role: "toolbar" });
    this.body = h("div.panel-body");
    this.scroller = h("div.scroller", { tabindex: "-1" }, this.body);
    this.element = h("div.panel", {}, this.bar, this.scroller);
  }

  /** Ask `path` and hand the answer to `show`; an older answer that comes late is dropped. */
  async ask(path, params, show) {
    const ticket = ++this.#ticket;
    this.#askedMs = Date.now();
    try {
      const found = await this.app.api.json(path, { project: this.app.project.name, ...params });
      if (ticket === this.#ticket) show(found);
    } catch (error) {
      if (ticket === this.#ticket) this.say("This cannot be shown", error.message, "alert");
    }
  }

  /** Something is new in the project: look again, but not at every tick. */
  refresh() {
    if (Date.now() - this.#askedMs > EVERY_MS) this.update(null);
  }

  /** Show a sentence, and perhaps code, in place of a list. */
  say(title, text, role = null, code = null) {
    replace(
      this.body,
      h(
        "div.empty",
        { role },
        h("h2", {}, title),
        h("p", {}, text),
        code && h("div.code", {}, h("pre", {}, h("code", {}, code))),
      ),
    );
  }

  close() {
    this.#ticket += 1;
  }
}
