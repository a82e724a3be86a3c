// Lets cards be put into another order, by dragging a heading or from the menu of a card. The order
// is state; only what a section has otherwise than by itself is kept.

export class Mover {
  #state;
  #orderOf;
  #dragged = null;

  /** `orderOf(card)` gives the codes of the card's section as they are shown now. */
  constructor(state, orderOf) {
    this.#state = state;
    this.#orderOf = orderOf;
  }

  /** Let this card be dragged, and others be dropped on it. */
  listen(card) {
    card.head.draggable = true;
    card.head.addEventListener("dragstart", (event) => {
      this.#dragged = card;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", card.metric.key);
    });
    card.head.addEventListener("dragend", () => (this.#dragged = null));
    card.element.addEventListener("dragover", (event) => {
      if (this.#accepts(card)) event.preventDefault();
      card.element.classList.toggle("is-target", this.#accepts(card));
    });
    card.element.addEventListener("dragleave", () => card.element.classList.remove("is-target"));
    card.element.addEventListener("drop", (event) => {
      card.element.classList.remove("is-target");
      if (!this.#accepts(card)) return;
      event.preventDefault();
      this.#place(this.#dragged, this.#orderOf(card).indexOf(card.metric.code));
    });
  }

  #accepts(card) {
    const from = this.#dragged;
    return from && from !== card && this.#orderOf(card).includes(from.metric.code);
  }

  /** Move a card by so many places, or to the front with 0. */
  move(card, by) {
    const at = this.#orderOf(card).indexOf(card.metric.code);
    this.#place(card, by === 0 ? 0 : at + by);
  }

  #place(card, to) {
    const own = this.#orderOf(card);
    const moved = own.filter((code) => code !== card.metric.code);
    moved.splice(Math.max(0, to), 0, card.metric.code);
    const others = this.#state.get("order").filter((code) => !own.includes(code));
    this.#state.set({ order: [...others, ...moved] }, { push: true });
  }
}

/** The metrics of a section, those first that were put into an order. */
export function inOrder(metrics, order) {
  if (order.length === 0) return metrics;
  const rank = new Map(order.map((code, i) => [code, i]));
  const placeOf = (metric) => rank.get(metric.code) ?? order.length;
  return [...metrics].sort((a, b) => placeOf(a) - placeOf(b));
}
