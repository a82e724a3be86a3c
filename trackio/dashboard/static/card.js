// The card of one metric: its name, what the drawing stands for, the chart, or the same as a table.

import { Chart } from "./chart.js";
import { cardTools } from "./cardtools.js";
import { h, replace, setText } from "./dom.js";
import { formatValue, formatX } from "./format.js";
import { groupedLines, groupId } from "./grouped.js";
import { extent, isComplete, makeLines } from "./lines.js";
import { census } from "./measures.js";
import { describe, summarize } from "./note.js";
import { mergeParts, partsOf } from "./parts.js";
import { paintNot, paintSoon } from "./painting.js";
import { reach } from "./smooth.js";
import { headingOf, ranked } from "./tooltip.js";
import { valueTable } from "./valuetable.js";

export class Card {
  #app;
  #chart = null;
  #data = null;
  #parts;
  #isActive = false;
  #isTable = false;
  #paint = () => this.#draw();
  #resizer;

  /** `target` asks for about so many buckets; `isLarge` is the card of the full screen. */
  constructor(app, metric, { target = null, isLarge = false, mover = null } = {}) {
    this.#app = app;
    this.metric = metric;
    this.target = target;
    this.#parts = partsOf(metric);
    this.#build(isLarge, mover);
  }

  #build(isLarge, mover) {
    const { key } = this.metric;
    const cut = key.indexOf("/") + 1;
    this.note = h("span.card-note");
    this.plot = h("div.plot", { tabindex: "0", role: "img", on: this.#plotEvents() });
    this.message = h("div.card-message", { hidden: true });
    this.body = h("div.card-body", {}, h("div.skeleton"), this.plot, this.message);
    this.tools = cardTools(this.#app, this, { isLarge, mover });
    const title = h(
      "h3.card-title",
      { title: key },
      h("span.card-prefix", {}, key.slice(0, cut)),
      key.slice(cut),
    );
    this.head = h("header.card-head", {}, title, this.note, this.tools.element);
    this.element = h(
      "article.card",
      {
        class: isLarge ? "card is-large" : "card",
        "aria-label": key,
        tabindex: isLarge ? "-1" : null,
        on: { pointerenter: () => this.#app.attend(this), keydown: (event) => this.#onKey(event) },
      },
      this.head,
      this.body,
    );
    this.element.card = this;
    mover?.listen(this);
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
      onZoom: (low, high) => this.#app.zoom(low, high, this.view.x),
      onReset: () => this.#app.zoom(null),
    });
    this.#resizer.observe(this.plot);
    this.#fit();
    for (const part of this.#parts)
      this.#app.series.show(part, {
        metric: part.code,
        own: part.own,
        target: this.target,
        onData: (data) => this.#receive(part, data),
        onError: (error) => this.#say(error.message, "error"),
      });
  }

  /** The card is far off screen: give back what it holds. */
  deactivate() {
    if (!this.#isActive) return;
    this.#isActive = false;
    paintNot(this.#paint);
    this.tools.close();
    for (const part of this.#parts) this.#app.series?.hide(part);
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

  #receive(part, data) {
    part.data = data;
    this.#data = mergeParts(this.#parts);
    this.update();
  }

  /** Draw anew in one of the next frames, after new data or another view. */
  update() {
    if (this.#data && this.#isActive) paintSoon(this.#paint);
  }

  #draw() {
    if (!this.#isActive || !this.plot.clientWidth) return;
    const { view } = this;
    const lines = this.#lines(view);
    this.#chart.show(lines, view);
    const sums = census(lines, view, this.#chart.limits.y);
    this.#describe(lines, sums, view);
    if (this.#isTable) this.#fillTable();
    const isEmpty = sums.points === 0;
    if (isEmpty)
      this.#say(this.#data.isWhole ? "No points of the selected runs here" : "", "empty");
    else this.#say("", "drawn");
    this.element.dataset.points = String(sums.points);
    this.#app.drawn();
  }

  #lines(view) {
    const { groups, project } = this.#app;
    if (groups.isOn) return groupedLines(this.#data, groups, view);
    return makeLines(this.#data, project.runs, view, this.#exact(view));
  }

  /** What the lines are smoothed over all points, where buckets are not all there is. */
  #exact(view) {
    const far = reach(view.smooth, this.extent);
    if (
      this.#parts.length > 1 ||
      !far ||
      view.x.startsWith("metric:") ||
      isComplete(this.#data, view)
    )
      return null;
    const { project, exact, series } = this.#app;
    const asked = {
      ...{ project: project.name, kind: series.kind, metric: this.metric.code },
      ...{ width: this.width, runs: this.#data.runs, x: view.x, zoom: view.zoom },
      ...{ how: view.how, far, rev: this.#data.rev, target: this.target },
    };
    return exact.get(asked, () => this.update());
  }

  #say(text, state) {
    setText(this.message, text);
    this.message.hidden = !text;
    this.#state(state);
  }

  #state(state) {
    this.element.dataset.state = state;
  }

  #describe(lines, sums, view) {
    const { text, title, isWarning } = describe(lines, sums, {
      ...{ data: this.#data, view },
      isOwn: view.x.startsWith("metric:") && this.#app.state.get("x") === "own",
    });
    setText(this.note, text);
    this.note.classList.toggle("is-warning", isWarning);
    this.note.title = title;
    this.plot.setAttribute("aria-label", summarize(this.metric.key, lines));
  }

  #onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
    if (!by || !this.#chart || this.#isTable || event.target !== this.plot) return;
    event.preventDefault();
    const hit = this.#chart.step(event.shiftKey ? by * 10 : by);
    if (!hit) return;
    this.#app.point(this, hit);
    const values = ranked(hit.rows)
      .slice(0, 5)
      .map(({ line, i }) => `${line.name} ${formatValue(line.y[i])}`);
    this.#app.announce(`${headingOf(hit, this.view, this.span)}: ${values.join(", ")}`);
  }

  /** Bring one run forward, or its group. */
  focus(run) {
    const { groups } = this.#app;
    const isGroup = run !== null && groups.isOn && !run.startsWith("group ");
    this.#chart?.focus(isGroup ? groupId(groups.of(run)) : run);
  }

  restyle() {
    this.#chart?.restyle(this.#app.theme.chart());
  }

  /** What it shows: the axis is its own where none was chosen for all. */
  get view() {
    return this.#app.view(this.metric);
  }

  get width() {
    return this.#data?.width ?? 1;
  }

  /** How long a bucket is on the x axis. */
  get span() {
    return this.width * (this.#data?.scale ?? 1);
  }

  get lines() {
    return this.#chart?.lines ?? [];
  }

  get limits() {
    return this.#chart?.limits ?? null;
  }

  /** The extent of x in all data, zoomed or not; 0 while it is not known. */
  get extent() {
    return this.#data ? extent(this.#data.whole) : 0;
  }

  /** Each run's last finite value in view, for the list of runs: that of a point, not of a mean. */
  lastValues() {
    const isPlain = this.#app.state.get("smooth") === 0;
    const lastOf = ({ final, y }) =>
      isPlain && final !== null ? final : y.findLast(Number.isFinite);
    return new Map(this.lines.map((line) => [line.run, lastOf(line)]));
  }

  /** Swap drawing and table. */
  toggleTable() {
    this.#isTable = !this.#isTable;
    this.tools.setTable(this.#isTable);
    this.element.classList.toggle("is-table", this.#isTable);
    this.table?.remove();
    if (!this.#isTable) return;
    this.table = h("div.value-table", { tabindex: "0" });
    this.body.append(this.table);
    this.#fillTable();
  }

  #fillTable() {
    const { x } = this.view;
    const span = this.lines.every((line) => line.isSingle) ? 1 : this.span;
    replace(
      this.table,
      valueTable(this.lines, (at) => formatX(at, x, span), this.metric.key),
    );
  }
}
