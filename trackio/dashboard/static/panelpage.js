// A page that is one panel, with the runs beside it that it is about. A panel is a class:
// `element`, `update(changed)`, `refresh()`, `close()`, and perhaps `search`.

import { h } from "./dom.js";
import { RunList } from "./runlist.js";

export class PanelPage {
  #app;

  constructor(app, Panel, { hasRuns = true } = {}) {
    this.#app = app;
    this.runs = hasRuns ? new RunList(app) : null;
    this.panel = new Panel(app, () => app.shownRuns());
    this.element = h(
      "div.page.metrics",
      {},
      this.runs?.element,
      h("main.main", {}, this.panel.element),
    );
  }

  get search() {
    return this.panel.search;
  }

  update(changed = null) {
    this.element.dataset.sidebar = this.#app.state.get("sidebar");
    this.runs?.update();
    this.panel.update(changed);
  }

  refresh() {
    this.runs?.update();
    this.panel.refresh?.();
  }

  focus(run) {
    this.runs?.focus(run);
  }

  tick() {
    this.runs?.tick();
    this.panel.tick?.();
  }

  restyle() {
    this.runs?.update();
    this.panel.restyle?.();
  }

  close() {
    this.panel.close?.();
  }
}

/** The panel's class as a page's class. */
export const pageOf = (Panel, options) =>
  class extends PanelPage {
    constructor(app) {
      super(app, Panel, options);
    }
  };
