// A page that has charts: the runs beside them, the toolbar above, and what the pointer does. The
// pages of metrics and of system metrics are such pages.

import { Board } from "./board.js";
import { h } from "./dom.js";
import { RunList } from "./runlist.js";
import { reach } from "./smooth.js";
import { Toolbar } from "./toolbar.js";

export class ChartingPage {
  #app;
  #attended = null;

  /** `metrics()` gives what there may be charts of; `above` is put over them. */
  constructor(app, { metrics, hasRuns = true, above = null, name = "metrics" }) {
    this.#app = app;
    this.board = new Board(app, metrics);
    this.runs = hasRuns ? new RunList(app) : null;
    this.toolbar = new Toolbar(app);
    if (above) this.board.scroller.prepend(above);
    const { scroller, stage } = this.board;
    this.main = h("main.main", {}, this.toolbar.element, scroller, stage);
    this.element = h(`div.page.${name}`, {}, this.runs?.element, this.main);
  }

  /** Show the state: `changed` names what is other than before, null means all. */
  update(changed = null) {
    const { state } = this.#app;
    const has = (...keys) => changed === null || keys.some((key) => changed.has(key));
    this.toolbar.update();
    this.element.dataset.sidebar = state.get("sidebar");
    if (has("runs", "runFind", "by", "project", "pins", "base", "paint")) this.runs?.update();
    if (has("find", "fold", "project", "order", "cols", "size", "accordion")) this.board.layOut();
    if (has("open")) this.board.openLarge(state.get("open"));
    if (has("runs", "x", "zoom", "pins", "run")) this.#setSeries();
    if (has("smooth", "how", "log", "logx", "clip", "zoom", "by", "band", "base", "paint"))
      this.board.each((card) => card.update());
    this.#sayReach();
  }

  #setSeries() {
    const { x, zoom } = this.#app.wanted();
    this.#app.series.set({ x, zoom, runs: this.#app.shownRuns() });
  }

  /** Runs or metrics changed, but not what is looked at. */
  refresh(isOther) {
    if (isOther) return this.update();
    this.runs?.update();
    this.#showValues();
  }

  /** The card that the pointer or the focus was on last. */
  get attended() {
    return this.#attended;
  }

  attend(card) {
    this.#attended = card;
    this.#showValues();
  }

  /** The crosshair is at `hit` in `card`, or gone. */
  point(card, hit) {
    this.#attended = card;
    if (hit === null) {
      this.#app.tooltip.hide();
      this.focus(null);
      this.#showValues();
      return;
    }
    this.#app.tooltip.show(hit, card.view, card.span);
    this.focus(hit.run);
    const values = new Map(hit.rows.map(({ line, i }) => [line.run, line.y[i]]));
    this.runs?.setValues(card.metric.key, values, "at cursor");
  }

  #showValues() {
    const card = this.#attended;
    if (card) this.runs?.setValues(card.metric.key, card.lastValues(), "at end");
  }

  /** Bring the lines of a run forward on all charts. */
  focus(run) {
    this.board.each((card) => card.focus(run));
    this.runs?.focus(run);
  }

  /** Open the card that is looked at full screen, or close the one that is. */
  toggleLarge() {
    const { state } = this.#app;
    if (state.get("open")) state.set({ open: null });
    else if (this.#attended) state.set({ open: this.#attended.metric.key });
  }

  /** A card was drawn anew. */
  drawn() {
    this.#sayReach();
    this.#showValues();
  }

  #sayReach() {
    const card = [this.#attended, ...this.board.cards].find((one) => one?.extent > 0);
    const smooth = this.#app.state.get("smooth");
    this.toolbar.setReach(reach(smooth, card?.extent ?? 0), card?.view.x);
  }

  /** Time passes. */
  tick() {
    this.runs?.tick();
  }

  restyle() {
    this.runs?.update();
    this.board.each((card) => card.restyle());
  }

  close() {
    this.board.close();
    this.toolbar.close();
    this.#app.tooltip.hide();
  }
}
