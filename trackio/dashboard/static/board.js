// Charts in sections, one full screen at a time. Only cards on screen draw and ask for data.

import { Card } from "./card.js";
import { h, matcher, replace } from "./dom.js";
import { noMetrics } from "./empty.js";
import { inOrder, Mover } from "./mover.js";
import { sections } from "./project.js";
import { Section } from "./section.js";

const LARGE_TARGET = 1200;
const HEIGHTS = { s: 132, m: 192, l: 300 };
const WIDTHS = { s: 240, m: 330, l: 520 };

export class Board {
  #app;
  #metrics;
  #cards = new Map(); // metric code → card
  #sections = new Map(); // name → section
  #large = null;

  /** `metrics()` gives those of which there may be charts, in their order. */
  constructor(app, metrics) {
    this.#app = app;
    this.#metrics = metrics;
    this.#mover = new Mover(app.state, (card) => this.#orderOf(card));
    this.board = h("div.board");
    this.scroller = h("div.scroller", { tabindex: "-1" }, this.board);
    this.stage = h("div.stage", {
      hidden: true,
      role: "dialog",
      "aria-modal": "true",
      "aria-label": "Chart",
    });
    // The margins fetch charts a little before they come into view: the second counts where the
    // cards scroll in a box of their own, the first on a phone, where the whole page scrolls.
    this.observer = new IntersectionObserver((seen) => this.#onSeen(seen), {
      rootMargin: "200px 0px",
      scrollMargin: "200px 0px",
    });
  }

  #mover;

  each(act) {
    for (const card of this.#cards.values()) act(card);
    if (this.#large) act(this.#large);
  }

  /** The cards that exist. */
  get cards() {
    return [...this.#cards.values()];
  }

  /** Show the sections and cards that the state asks for. */
  layOut() {
    const { state } = this.#app;
    this.#resize();
    const find = matcher(state.get("find"));
    const all = [...this.#metrics()];
    const isSought = state.get("find") !== "";
    const found = sections(
      all.filter((metric) => isSought || !metric.hidden), // define_metric(…, hidden=True)
      find.test,
    );
    const folded = new Set(state.get("fold"));
    const kept = new Set();
    const parts = found.map(({ name, metrics }) => {
      const section = this.#section(name);
      const isFolded = folded.has(name);
      section.order = inOrder(metrics, state.get("order"));
      const cards = section
        .shown(section.order, isFolded)
        .map((metric) => this.#card(metric, kept));
      section.update(cards, metrics.length, isFolded);
      return section.element;
    });
    if (found.length === 0)
      parts.push(noMetrics(all.length, state.get("find"), () => state.set({ find: "" })));
    const isSame =
      parts.length === this.board.children.length &&
      parts.every((part, i) => part === this.board.children[i]);
    if (!isSame) replace(this.board, parts);
    for (const [code, card] of this.#cards) if (!kept.has(code)) this.#remove(code, card);
  }

  #resize() {
    const { state } = this.#app;
    const [cols, size] = [state.get("cols"), state.get("size")];
    this.board.style.setProperty("--plot-height", `${HEIGHTS[size]}px`);
    this.board.style.setProperty(
      "--card-columns",
      cols
        ? `repeat(${cols}, minmax(0, 1fr))`
        : `repeat(auto-fill, minmax(min(100%, ${WIDTHS[size]}px), 1fr))`,
    );
    this.board.classList.toggle("has-no-heads", state.get("accordion") === "hidden");
  }

  #section(name) {
    if (!this.#sections.has(name)) {
      const section = new Section(name, {
        onFold: () => this.#fold(name),
        onMore: () => this.layOut(),
      });
      this.#sections.set(name, section);
    }
    return this.#sections.get(name);
  }

  #orderOf(card) {
    const of = [...this.#sections.values()].find(({ order }) => order?.includes(card.metric));
    return (of?.order ?? []).map((metric) => metric.code);
  }

  #card(metric, kept) {
    kept.add(metric.code);
    if (!this.#cards.has(metric.code)) {
      const card = new Card(this.#app, metric, { mover: this.#mover });
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

  /** Show the metric `key` full screen, or none. */
  openLarge(key) {
    const metric = [...this.#metrics()].find((one) => one.key === key);
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

  close() {
    this.observer.disconnect();
    this.each((card) => card.deactivate());
  }
}
