// The card of one metric: its name, what the drawing stands for, the chart, or the same as a table.

import { Chart } from "./chart.js";
import { h, iconButton, replace, setText } from "./dom.js";
import { count, formatDuration, formatValue, formatX, group } from "./format.js";
import { census, extent, makeLines } from "./lines.js";
import { paintNot, paintSoon } from "./painting.js";
import { valueTable } from "./valuetable.js";
import { headingOf, ranked } from "./tooltip.js";

export class Card {
  #app;
  #chart = null;
  #data = null;
  #isActive = false;
  #isTable = false;
  #paint = () => this.#draw();
  #resizer;

  /** `target` asks for about so many buckets; `isLarge` is the card of the full screen. */
  constructor(app, metric, { target = null, isLarge = false } = {}) {
    this.#app = app;
    this.metric = metric;
    this.target = target;
    this.#build(isLarge);
  }

  #build(isLarge) {
    const { key } = this.metric;
    const cut = key.indexOf("/") + 1;
    this.note = h("span.card-note");
    this.tableButton = iconButton("table", "Show as a table", () => this.toggleTable(), {
      "aria-pressed": "false",
    });
    this.plot = h("div.plot", { tabindex: "0", role: "img", on: this.#plotEvents() });
    this.message = h("div.card-message", { hidden: true });
    this.body = h("div.card-body", {}, h("div.skeleton"), this.plot, this.message);
    const open = isLarge
      ? iconButton("close", "Close full screen (Esc)", () => this.#app.open(null))
      : iconButton("expand", "Full screen (f)", () => this.#app.open(key));
    const title = h(
      "h3.card-title",
      { title: key },
      h("span.card-prefix", {}, key.slice(0, cut)),
      key.slice(cut),
    );
    this.element = h(
      "article.card",
      {
        class: isLarge ? "card is-large" : "card",
        "aria-label": key,
        tabindex: isLarge ? "-1" : null,
        on: { pointerenter: () => this.#app.attend(this), keydown: (event) => this.#onKey(event) },
      },
      h("header.card-head", {}, title, this.note, h("span.card-tools", {}, this.tableButton, open)),
      this.body,
    );
    this.#state("waiting");
    this.#resizer = new ResizeObserver(() => this.#fit());
  }

  #plotEvents() {
    return {
      focus: () => this.#app.attend(this),
      blur: () => this.#app.point(this, null),
    };
  }

  /** The card is on screen: draw, and ask for what is missing. */
  activate() {
    if (this.#isActive) return;
    this.#isActive = true;
    this.#chart = new Chart(this.plot, this.#app.theme.chart(), {
      onMove: (hit) => this.#app.point(this, hit),
      onZoom: (low, high) => this.#app.zoom(low, high),
      onReset: () => this.#app.zoom(null),
    });
    this.#resizer.observe(this.plot);
    this.#fit();
    this.#app.series.show(this, {
      metric: this.metric.code,
      target: this.target,
      onData: (data) => this.#receive(data),
      onError: (error) => this.#say(error.message, "error"),
    });
  }

  /** The card is far off screen: give back what it holds. */
  deactivate() {
    if (!this.#isActive) return;
    this.#isActive = false;
    paintNot(this.#paint);
    this.#app.series.hide(this);
    this.#resizer.disconnect();
    this.#chart.destroy();
    this.#chart = null;
    this.#state("waiting");
  }

  #fit() {
    const { clientWidth, clientHeight } = this.plot;
    if (clientWidth && clientHeight) this.#chart?.resize(clientWidth, clientHeight);
    if (this.#data && !this.#chart?.lines.length) this.update();
  }

  #receive(data) {
    this.#data = data;
    this.update();
  }

  /** Draw anew in one of the next frames, after new data or another view. */
  update() {
    if (this.#data && this.#isActive) paintSoon(this.#paint);
  }

  #draw() {
    if (!this.#isActive || !this.plot.clientWidth) return;
    const view = this.#app.view();
    const lines = makeLines(this.#data, this.#app.project.runs, view);
    this.#chart.show(lines, view);
    const sums = census(lines, view.log);
    this.#describe(lines, sums, view);
    if (this.#isTable) this.#fillTable();
    const isEmpty = sums.points === 0;
    if (isEmpty)
      this.#say(this.#data.isWhole ? "No points of the selected runs here" : "", "empty");
    else this.#say("", "drawn");
    this.element.dataset.points = String(sums.points);
    this.#app.drawn();
  }

  #say(text, state) {
    setText(this.message, text);
    this.message.hidden = !text;
    this.#state(state);
  }

  #state(state) {
    this.element.dataset.state = state;
  }

  #describe(lines, { points, bad, hidden }, view) {
    const { width } = this.#data;
    const span = view.x === "step" ? count(width, "step") : formatDuration(width / 1000);
    const isExact = lines.every((line) => line.isSingle);
    const all = this.#data.whole.reduce((sum, series) => sum + series.points, 0);
    const exact =
      points < all ? `${group(points)} of ${count(all, "point")}` : count(points, "point");
    const parts = [isExact ? exact : `mean of ${span}`];
    if (bad) parts.push(`${group(bad)} not a number`);
    if (hidden) parts.push(`${group(hidden)} ≤ 0 hidden`);
    setText(this.note, parts.join(" · "));
    this.note.classList.toggle("is-warning", bad + hidden > 0);
    const shown = lines.reduce((sum, line) => sum + line.x.length, 0);
    this.note.title = isExact
      ? `All ${count(points, "point")}, exactly as logged`
      : `${group(points)} points in ${group(shown)} buckets of ${span}: line through the means, band from lowest to highest`;
    this.plot.setAttribute("aria-label", this.#summary(lines));
  }

  /** What a screen reader says of the chart. */
  #summary(lines) {
    const last = lines
      .map((line) => line.raw.findLast(Number.isFinite))
      .filter((value) => value !== undefined);
    const spread = last.length
      ? `, last ${formatValue(Math.min(...last))} to ${formatValue(Math.max(...last))}`
      : "";
    return `${this.metric.key}, ${count(lines.length, "run")}${spread}. Arrow keys read values.`;
  }

  #onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
    if (!by || !this.#chart || this.#isTable) return;
    event.preventDefault();
    const hit = this.#chart.step(event.shiftKey ? by * 10 : by);
    if (!hit) return;
    this.#app.point(this, hit);
    const values = ranked(hit.rows)
      .slice(0, 5)
      .map(({ line, i }) => `${line.name} ${formatValue(line.y[i])}`);
    this.#app.announce(
      `${headingOf(hit, this.#app.view(), this.#data.width)}: ${values.join(", ")}`,
    );
  }

  /** Bring one run forward. */
  focus(run) {
    this.#chart?.focus(run);
  }

  restyle() {
    this.#chart?.restyle(this.#app.theme.chart());
  }

  get width() {
    return this.#data?.width ?? 1;
  }

  /** The extent of x in all data, zoomed or not; 0 while it is not known. */
  get extent() {
    return this.#data ? extent(this.#data.whole) : 0;
  }

  /** Each run's last finite value in view, for the list of runs. */
  lastValues() {
    const lines = this.#chart?.lines ?? [];
    return new Map(lines.map((line) => [line.run, line.y.findLast(Number.isFinite)]));
  }

  /** Swap drawing and table. */
  toggleTable() {
    this.#isTable = !this.#isTable;
    this.tableButton.setAttribute("aria-pressed", String(this.#isTable));
    this.element.classList.toggle("is-table", this.#isTable);
    this.table?.remove();
    if (!this.#isTable) return;
    this.table = h("div.value-table", { tabindex: "0" });
    this.body.append(this.table);
    this.#fillTable();
  }

  #fillTable() {
    const { x } = this.#app.view();
    const lines = this.#chart?.lines ?? [];
    const width = lines.every((line) => line.isSingle) ? 1 : this.width;
    replace(
      this.table,
      valueTable(lines, (at) => formatX(at, x, width), this.metric.key),
    );
  }
}
