// The page with the charts: runs at the left, metrics in sections, one full screen at a time.
// Only cards on screen draw and ask for data.

import { Card } from "./card.js";
import { h, matcher, replace } from "./dom.js";
import { reach } from "./smooth.js";
import { noMetrics } from "./empty.js";
import { RunList } from "./runlist.js";
import { Section } from "./section.js";
import { sections } from "./project.js";
import { Toolbar } from "./toolbar.js";

const LARGE_TARGET = 1200;

export class MetricsPage {
  #app;
  #cards = new Map(); // metric code → card
  #sections = new Map(); // name → section
  #attended = null;
  #large = null;

  constructor(app) {
    this.#app = app;
    this.runs = new RunList(app);
    this.toolbar = new Toolbar(app);
    this.board = h("div.board");
    this.scroller = h("div.scroller", { tabindex: "-1" }, this.board);
    this.stage = h("div.stage", {
      hidden: true,
      role: "dialog",
      "aria-modal": "true",
      "aria-label": "Chart",
    });
    this.element = h(
      "div.page.metrics",
      {},
      this.runs.element,
      h("main.main", {}, this.toolbar.element, this.scroller, this.stage),
    );
    // The margins fetch charts a little before they come into view: the second counts where the
    // cards scroll in a box of their own, the first on a phone, where the whole page scrolls.
    this.observer = new IntersectionObserver((seen) => this.#onSeen(seen), {
      rootMargin: "200px 0px",
      scrollMargin: "200px 0px",
    });
  }

  /** Show the state: `changed` names what is other than before, null means all. */
  update(changed = null) {
    const { state, series, project } = this.#app;
    const has = (...keys) => changed === null || keys.some((key) => changed.has(key));
    this.toolbar.update();
    if (has("runs", "runFind", "project")) this.runs.update();
    if (has("find", "fold", "project")) this.#layOut();
    if (has("open")) this.#openLarge(state.get("open"));
    if (has("runs", "x", "zoom")) {
      series.set({
        x: state.get("x"),
        zoom: state.get("zoom"),
        runs: project.selected(state.get("runs")).map((run) => run.code),
      });
    }
    if (has("smooth", "log", "zoom")) this.#eachCard((card) => card.update());
    this.#sayReach();
  }

  /** Runs or metrics changed, but not what is looked at. */
  refresh(isOther) {
    if (isOther) {
      this.update();
      return;
    }
    this.runs.update();
    this.#showValues();
  }

  #eachCard(act) {
    for (const card of this.#cards.values()) act(card);
    if (this.#large) act(this.#large);
  }

  // Sections and cards

  #layOut() {
    const { project, state } = this.#app;
    const find = matcher(state.get("find"));
    const found = sections(project.metrics.values(), find.test);
    const folded = new Set(state.get("fold"));
    const kept = new Set();
    const parts = found.map(({ name, metrics }) => {
      const section = this.#section(name);
      const isFolded = folded.has(name);
      const cards = section.shown(metrics, isFolded).map((metric) => this.#card(metric, kept));
      section.update(cards, metrics.length, isFolded);
      return section.element;
    });
    if (found.length === 0)
      parts.push(noMetrics(project, state.get("find"), () => state.set({ find: "" })));
    const isSame =
      parts.length === this.board.children.length &&
      parts.every((part, i) => part === this.board.children[i]);
    if (!isSame) replace(this.board, parts);
    for (const [code, card] of this.#cards) if (!kept.has(code)) this.#remove(code, card);
  }

  #section(name) {
    if (!this.#sections.has(name)) {
      const section = new Section(name, {
        onFold: () => this.#fold(name),
        onMore: () => this.#layOut(),
      });
      this.#sections.set(name, section);
    }
    return this.#sections.get(name);
  }

  #card(metric, kept) {
    kept.add(metric.code);
    if (!this.#cards.has(metric.code)) {
      const card = new Card(this.#app, metric);
      card.element.card = card;
      this.#cards.set(metric.code, card);
      this.observer.observe(card.element);
    }
    return this.#cards.get(metric.code).element;
  }

  #remove(code, card) {
    this.observer.unobserve(card.element);
    card.deactivate();
    this.#cards.delete(code);
  }

  #onSeen(seen) {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting) target.card.activate();
      else target.card.deactivate();
    }
  }

  #fold(name) {
    const folded = new Set(this.#app.state.get("fold"));
    if (!folded.delete(name)) folded.add(name);
    this.#app.state.set({ fold: [...folded] });
  }

  // The chart that is looked at

  /** The pointer or the focus is on a card. */
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
    this.#app.tooltip.show(hit, this.#app.view(), card.width);
    this.focus(hit.run);
    const values = new Map(hit.rows.map(({ line, i }) => [line.run, line.y[i]]));
    this.runs.setValues(card.metric.key, values, "at cursor");
  }

  #showValues() {
    const card = this.#attended;
    if (card) this.runs.setValues(card.metric.key, card.lastValues(), "at end");
  }

  /** The card that the pointer or the focus was on last. */
  get attended() {
    return this.#attended;
  }

  /** Bring the lines of a run forward on all charts. */
  focus(run) {
    this.#eachCard((card) => card.focus(run));
    this.runs.focus(run);
  }

  // Full screen

  #openLarge(key) {
    const metric = [...this.#app.project.metrics.values()].find((one) => one.key === key);
    if (metric && this.#large?.metric.code === metric.code) return;
    this.#large?.deactivate();
    this.#large = null;
    this.stage.hidden = !metric;
    replace(this.stage);
    if (!metric) return;
    this.#large = new Card(this.#app, metric, { target: LARGE_TARGET, isLarge: true });
    replace(this.stage, this.#large.element);
    this.#large.activate();
    this.#large.element.focus();
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
    const extents = [this.#attended, ...this.#cards.values()].map((card) => card?.extent ?? 0);
    const smooth = this.#app.state.get("smooth");
    this.toolbar.setReach(reach(smooth, extents.find((extent) => extent > 0) ?? 0));
  }

  /** Time passes. */
  tick() {
    this.runs.tick();
  }

  restyle() {
    this.runs.update();
    this.#eachCard((card) => card.restyle());
  }

  close() {
    this.observer.disconnect();
    this.#eachCard((card) => card.deactivate());
    this.#app.tooltip.hide();
  }
}
