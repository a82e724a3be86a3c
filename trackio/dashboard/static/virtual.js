// A long list of which only the rows in view exist. Every row has the same height.

import { h, onFrame } from "./dom.js";

const BEYOND = 8; // rows kept above and below what is seen

/**
 * A list inside the scrolling element `scroller`. `makeRow(i)` builds row `i`; `head` is the
 * height of what stands above the rows in the scroller.
 */
export class VirtualList {
  #scroller;
  #rowHeight;
  #makeRow;
  #head;
  #count = 0;
  #rows = new Map(); // index → element
  #resizer;

  constructor(scroller, { rowHeight, makeRow, head = 0, role = "list" }) {
    this.#scroller = scroller;
    this.#rowHeight = rowHeight;
    this.#makeRow = makeRow;
    this.#head = head;
    this.element = h("div.rows", { role });
    const refresh = onFrame(() => this.#refresh());
    scroller.addEventListener("scroll", refresh, { passive: true });
    this.#resizer = new ResizeObserver(refresh);
    this.#resizer.observe(scroller);
  }

  /** Show `count` rows, all built anew. */
  reset(count) {
    const { scrollTop, clientHeight } = this.#scroller; // read before anything is written
    this.#count = count;
    this.element.style.height = `${count * this.#rowHeight}px`;
    const focused = this.#focusedRow();
    this.element.replaceChildren();
    this.#rows.clear();
    this.#refresh({ scrollTop, clientHeight });
    if (focused !== null) this.#rows.get(focused)?.querySelector("input, a, button")?.focus();
  }

  /** Call `update(row, i)` for every row that exists. */
  each(update) {
    for (const [i, row] of this.#rows) update(row, i);
  }

  #focusedRow() {
    const active = this.element.getRootNode().activeElement;
    for (const [i, row] of this.#rows) if (active && row.contains(active)) return i;
    return null;
  }

  #refresh({ scrollTop, clientHeight } = this.#scroller) {
    const top = scrollTop - this.#head;
    const from = Math.max(0, Math.floor(top / this.#rowHeight) - BEYOND);
    const to = Math.min(this.#count, Math.ceil((top + clientHeight) / this.#rowHeight) + BEYOND);
    for (const [i, row] of this.#rows) {
      if (i >= from && i < to) continue;
      row.remove();
      this.#rows.delete(i);
    }
    const fresh = [];
    for (let i = from; i < to; i++) if (!this.#rows.has(i)) fresh.push(this.#make(i));
    this.element.append(...fresh);
  }

  #make(i) {
    const row = this.#makeRow(i);
    row.style.transform = `translateY(${i * this.#rowHeight}px)`;
    this.#rows.set(i, row);
    return row;
  }
}
