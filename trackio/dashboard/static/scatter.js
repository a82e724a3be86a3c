// Config against result: one dot a run. Which columns is in the address.

import { h, setText } from "./dom.js";
import { formatValue } from "./format.js";
import { createCanvas, scaleOf, suitsLog } from "./plotting.js";
import { select, setOptions } from "./popover.js";

const EDGE = { left: 68, right: 20, top: 16, bottom: 44 };
const NEAR_PX = 14;

export class Scatter {
  #app;
  #codes = [];
  #dots = [];
  #ids = [];
  #values = null;
  #near = null;

  constructor(app) {
    this.#app = app;
    this.x = select("Across", [], (id) => this.#choose(0, id));
    this.y = select("Up", [], (id) => this.#choose(1, id));
    this.said = h("span.count", { role: "status" });
    this.plot = createCanvas("Runs by two columns", (ctx, size) => this.#draw(ctx, size));
    this.plot.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.plot.canvas.addEventListener("pointerleave", () => this.#mark(null));
    this.plot.canvas.addEventListener("click", () => this.#near && app.openRun(this.#near.code));
    this.plot.canvas.addEventListener("keydown", (event) => this.#onKey(event));
    this.element = h(
      "div.free-view",
      {},
      h("div.view-bar", {}, this.x.element, this.y.element, this.said),
      this.plot.element,
    );
  }

  #choose(place, id) {
    const ids = [...this.#ids];
    ids[place] = id;
    this.#app.state.set({ against: ids });
  }

  /** Show these runs. */
  async show(codes) {
    this.#codes = codes;
    const { columns: store, state } = this.#app;
    const { columns } = await store.list();
    this.#ids = chosenPair(state.get("against"), columns);
    const options = optionsOf(columns);
    [this.x, this.y].forEach(({ list }, i) => {
      setOptions(list, options);
      list.value = this.#ids[i];
    });
    const found = await store.valuesOf(this.#ids.filter(Boolean));
    this.#values = new Map(
      found.codes.map((code, i) => [code, this.#ids.map((id) => found.values.get(id)?.[i])]),
    );
    this.plot.paint();
  }

  #draw(ctx, { width, height }) {
    if (!this.#values) return;
    const theme = this.#app.theme.chart();
    const rows = this.#codes
      .map((code) => [code, this.#values.get(code)])
      .filter(([, pair]) => pair);
    const columns = [0, 1].map((i) => rows.map(([, pair]) => pair[i]));
    const across = scaleOf(columns[0], [EDGE.left, width - EDGE.right], suitsLog(columns[0]));
    const up = scaleOf(columns[1], [height - EDGE.bottom, EDGE.top], suitsLog(columns[1]));
    this.#axes(ctx, { width, height }, across, up, theme);
    this.#dots = rows
      .map(([code, [x, y]]) => ({
        code,
        pair: [x, y],
        x: across.at(x),
        y: up.at(y),
        run: this.#app.project.runs.get(code),
      }))
      .filter((dot) => dot.run && Number.isFinite(dot.x) && Number.isFinite(dot.y));
    for (const dot of this.#dots) this.#dot(ctx, dot, 4.5, 0.78);
    if (this.#near) this.#dot(ctx, this.#near, 7.5, 1);
    if (!this.#near)
      setText(this.said, `${this.#dots.length} of ${this.#codes.length} runs have both`);
  }

  #dot(ctx, { x, y, run }, radius, alpha) {
    ctx.globalAlpha = alpha;
    ctx.fillStyle = this.#app.theme.color(run.color);
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.fill();
    ctx.globalAlpha = 1;
  }

  #axes(ctx, { width, height }, across, up, theme) {
    ctx.strokeStyle = theme.gridLine;
    ctx.fillStyle = theme.muted;
    const line = (x1, y1, x2, y2) => (
      ctx.beginPath(),
      ctx.moveTo(x1, y1),
      ctx.lineTo(x2, y2),
      ctx.stroke()
    );
    ctx.textAlign = "right";
    for (const [value, text] of up.ticks) {
      line(EDGE.left, up.at(value), width - EDGE.right, up.at(value));
      ctx.fillText(text, EDGE.left - 8, up.at(value) + 4);
    }
    ctx.textAlign = "center";
    for (const [value, text] of across.ticks) {
      line(across.at(value), EDGE.top, across.at(value), height - EDGE.bottom);
      ctx.fillText(text, across.at(value), height - EDGE.bottom + 18);
    }
    ctx.fillStyle = theme.text;
    ctx.fillText(this.#ids[0], (EDGE.left + width) / 2, height - 8);
  }

  #point({ offsetX, offsetY }) {
    let [best, closest] = [null, NEAR_PX];
    for (const dot of this.#dots) {
      const distance = Math.hypot(dot.x - offsetX, dot.y - offsetY);
      if (distance < closest) [best, closest] = [dot, distance];
    }
    this.#mark(best);
  }

  #onKey(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Enter" && this.#near) this.#app.openRun(this.#near.code);
    if (!by || this.#dots.length === 0) return;
    event.preventDefault();
    const sorted = [...this.#dots].sort((a, b) => a.x - b.x);
    const at = this.#near ? sorted.findIndex(({ code }) => code === this.#near.code) + by : 0;
    this.#mark(sorted[Math.min(sorted.length - 1, Math.max(0, at))]);
  }

  #mark(dot) {
    if (dot?.code === this.#near?.code) return;
    this.#near = dot;
    this.plot.canvas.style.cursor = dot ? "pointer" : "default";
    if (dot)
      setText(
        this.said,
        `${dot.run.name}: ${this.#ids.map((id, i) => `${id} = ${say(dot.pair[i])}`).join(", ")}`,
      );
    this.plot.paint();
  }

  restyle() {
    this.plot.paint();
  }

  close() {
    this.plot.close();
  }
}

const say = (value) => (typeof value === "number" ? formatValue(value, 5) : String(value));

/** What may be an axis: config, results, and a few things that are known of a run. */
export function optionsOf(columns) {
  const found = columns.filter(
    ({ id }) => id.includes("/") || ["step", "duration", "group", "status"].includes(id),
  );
  const metrics = found.filter(({ id }) => id.startsWith("last/")).slice(0, 500);
  const config = found.filter(({ id }) => !id.startsWith("last/")).slice(0, 500);
  const least = metrics.map(({ id, name }) => [id.replace("last/", "min/"), `min ${name}`]);
  const most = metrics.map(({ id, name }) => [id.replace("last/", "max/"), `max ${name}`]);
  return [
    ...config.map(({ id, name }) => [id, name]),
    ...metrics.map(({ id, name }) => [id, `last ${name}`]),
    ...least,
    ...most,
  ];
}

function chosenPair(chosen, columns) {
  const known = optionsOf(columns).map(([id]) => id);
  const config = columns.find(
    ({ id, is_varied: isVaried, kind }) =>
      id.startsWith("config/") && isVaried && kind === "number",
  );
  const metric =
    columns.find(({ id }) => /^last\/.*(loss|acc|score|reward)/i.test(id)) ??
    columns.find(({ id }) => id.startsWith("last/"));
  const usual = [config?.id ?? "step", metric?.id ?? "duration"];
  return [0, 1].map((i) => (known.includes(chosen[i]) ? chosen[i] : usual[i]));
}
