// A table of which only the cells in view exist, however many rows and columns it has. Rows and
// cells that leave are used again for those that come, so that scrolling makes next to nothing.

import { debounce, h, onFrame } from "./dom.js";

const ROWS_BEYOND = 6; // kept above and below what is seen
const BEYOND_PX = 300; // and to the left and the right of it
const TIDY_MS = 160;

export class Grid {
  #scroller;
  #rowHeight;
  #events;
  #count = 0;
  #lefts = [0, 0]; // where each column begins, and where the last one ends
  #rows = new Map(); // index → element
  #spare = [];
  #span = [0, 0]; // the rows that exist
  #columns = [1, 1]; // and the columns, beside the first
  #resizer;

  /**
   * Inside the scrolling element `scroller`, whose head row is `head`. `events`: makeRow() builds
   * a row with its first cell; fillRow(row, i) and fillCell(cell, i, column) say what they hold,
   * for the head with i = -1; onColumns() tells that others are in view.
   */
  constructor(scroller, { head, headHeight, rowHeight, ...events }) {
    this.#scroller = scroller;
    this.#rowHeight = rowHeight;
    this.#events = events;
    this.head = head;
    this.headHeight = headHeight;
    head.cells = new Map();
    this.element = h("div.rows", { role: "rowgroup" });
    const move = onFrame(() => this.#move());
    scroller.addEventListener("scroll", move, { passive: true });
    this.#resizer = new ResizeObserver(move);
    this.#resizer.observe(scroller);
  }

  /** The columns that exist, beside the first: from, and up to. */
  get columns() {
    return this.#columns;
  }

  /** Show so many rows, of columns as wide as these; everything in view is filled anew. */
  show(count, widths) {
    const seen = this.#seen(); // read before anything is written
    this.#count = count;
    this.#lefts = [0];
    for (const width of widths) this.#lefts.push(this.#lefts.at(-1) + width);
    this.element.style.height = `${count * this.#rowHeight}px`;
    this.#span = this.#rowsOf(seen);
    this.#columns = this.#columnsOf(seen);
    for (const [i, row] of this.#rows) if (!this.#isIn(i)) this.#leave(i, row);
    for (const row of [this.head, ...this.#rows.values()]) this.#fill(row);
    this.#come();
    this.#tidy();
  }

  /** Call `update(row, i)` for every row that exists. */
  each(update) {
    for (const [i, row] of this.#rows) update(row, i);
  }

  /** How wide all columns together are. */
  get width() {
    return this.#lefts.at(-1);
  }

  close() {
    this.#resizer.disconnect();
  }

  #seen() {
    const { scrollTop, scrollLeft, clientWidth, clientHeight } = this.#scroller;
    return { scrollTop, scrollLeft, clientWidth, clientHeight };
  }

  #rowsOf({ scrollTop, clientHeight }) {
    const top = scrollTop - this.headHeight;
    const from = Math.max(0, Math.floor(top / this.#rowHeight) - ROWS_BEYOND);
    const to = Math.ceil((top + clientHeight) / this.#rowHeight) + ROWS_BEYOND;
    return [Math.min(from, this.#count), Math.max(0, Math.min(this.#count, to))];
  }

  #columnsOf({ scrollLeft, clientWidth }) {
    const last = this.#lefts.length - 1;
    let from = 1;
    while (from < last && this.#lefts[from + 1] < scrollLeft - BEYOND_PX) from++;
    let to = from;
    while (to < last && this.#lefts[to] < scrollLeft + clientWidth + BEYOND_PX) to++;
    return [from, to];
  }

  #isIn(i) {
    return i >= this.#span[0] && i < this.#span[1];
  }

  #move() {
    const seen = this.#seen();
    const [rows, columns] = [this.#rowsOf(seen), this.#columnsOf(seen)];
    const isSame = (a, b) => a[0] === b[0] && a[1] === b[1];
    const isAside = !isSame(columns, this.#columns);
    if (!isAside && isSame(rows, this.#span)) return;
    [this.#span, this.#columns] = [rows, columns];
    for (const [i, row] of this.#rows) if (!this.#isIn(i)) this.#leave(i, row);
    if (isAside) for (const row of [this.head, ...this.#rows.values()]) this.#shift(row);
    this.#come();
    this.#tidySoon();
    if (isAside) this.#events.onColumns();
  }

  /** A row that has the focus must not come back as another. */
  #leave(i, row) {
    this.#rows.delete(i);
    if (row.contains(row.getRootNode().activeElement)) row.remove();
    else this.#spare.push(row);
  }

  #come() {
    for (let i = this.#span[0]; i < this.#span[1]; i++) {
      if (this.#rows.has(i)) continue;
      const row = this.#spare.pop() ?? this.#make();
      row.at = i;
      row.style.transform = `translateY(${i * this.#rowHeight}px)`;
      this.#rows.set(i, row);
      this.#fill(row);
    }
    for (const row of this.#spare.splice(0)) row.remove();
  }

  #make() {
    const row = this.#events.makeRow();
    row.cells = new Map();
    this.element.append(row);
    return row;
  }

  /** Say everything that a row holds anew. */
  #fill(row) {
    const i = row.at ?? -1;
    this.#events.fillRow(row, i);
    this.#shift(row, true);
  }

  /** Let a row have the cells of the columns that exist: those that go become those that come. */
  #shift(row, isAll = false) {
    const [from, to] = this.#columns;
    const free = [];
    const active = row === this.head ? row.getRootNode().activeElement : null;
    for (const [column, cell] of row.cells) {
      if (column >= from && column < to) continue;
      row.cells.delete(column);
      if (active && cell.contains(active)) cell.remove();
      else free.push(cell);
    }
    for (let column = from; column < to; column++) {
      const known = row.cells.get(column);
      if (known && !isAll) continue;
      const cell = known ?? free.pop() ?? row.appendChild(document.createElement("div"));
      row.cells.set(column, cell);
      this.#fillCell(cell, row.at ?? -1, column);
    }
    for (const cell of free) cell.remove();
  }

  #fillCell(cell, i, column) {
    const [left, right] = [this.#lefts[column], this.#lefts[column + 1]];
    cell.style.cssText = `left:${left}px;width:${right - left}px`;
    cell.setAttribute("aria-colindex", String(column + 1));
    this.#events.fillCell(cell, i, column);
  }

  #tidySoon = debounce(() => this.#tidy(), TIDY_MS);

  /** Once nothing moves: what is read aloud and reached by Tab comes in the order that is seen. */
  #tidy() {
    putInOrder(this.element, this.#rows, 0);
    for (const row of [this.head, ...this.#rows.values()]) putInOrder(row, row.cells, 1);
  }
}

/** Let the children of `parent` from number `first` on be these, by their keys; few of them move. */
function putInOrder(parent, children, first) {
  const focused = parent.getRootNode().activeElement;
  let next = parent.children[first] ?? null;
  for (const key of [...children.keys()].sort((a, b) => a - b)) {
    const child = children.get(key);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  if (focused && focused !== parent.getRootNode().activeElement && parent.contains(focused))
    focused.focus({ preventScroll: true });
}
