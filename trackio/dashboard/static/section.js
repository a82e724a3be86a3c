// One section of cards: a heading that folds it and says how many there are. It stays the same
// element while its content changes, so that nothing loses the focus.

import { h, icon, replace, setText } from "./dom.js";
import { count, group } from "./format.js";

const CARDS_AT_FIRST = 300; // more only when asked for

export class Section {
  #isLong = false;

  /** `onFold()` is a click on the heading, `onMore()` one on "show all". */
  constructor(name, { onFold, onMore }) {
    const title = name || "metrics";
    this.number = h("span.count");
    this.head = h(
      "button.section-head",
      { type: "button", on: { click: onFold } },
      icon("chevron"),
      h("span", {}, title),
      this.number,
    );
    this.cards = h("div.cards");
    const showAll = () => {
      this.#isLong = true;
      onMore();
    };
    this.more = h("button.text-button.show-more", { type: "button", on: { click: showAll } });
    this.element = h(
      "section.section",
      { "aria-label": title },
      h("h2", {}, this.head),
      this.cards,
      this.more,
    );
  }

  /** The metrics of which there is a card now. */
  shown(metrics, isFolded) {
    if (isFolded) return [];
    return this.#isLong ? metrics : metrics.slice(0, CARDS_AT_FIRST);
  }

  /** Show these cards of so many metrics. */
  update(cards, total, isFolded) {
    this.head.setAttribute("aria-expanded", String(!isFolded));
    setText(this.number, group(total));
    this.number.title = count(total, "chart");
    this.more.hidden = isFolded || cards.length === total;
    setText(this.more, `Show all ${group(total)}`);
    const isSame =
      cards.length === this.cards.children.length &&
      cards.every((card, i) => card === this.cards.children[i]);
    if (!isSame) replace(this.cards, cards);
  }
}
