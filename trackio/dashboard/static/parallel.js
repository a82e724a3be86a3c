// Parallel coordinates: one line a run through its config to its result. Dragging along an axis
// keeps the runs that pass there; a click on a name opens the run.

import { h, setText } from "./dom.js";
import { formatValue } from "./format.js";
import { createCanvas, scaleOf, suitsLog } from "./plotting.js";
import { Popover } from "./popover.js";
import { optionsOf } from "./scatter.js";

const EDGE = { left: 70, right: 70, top: 40, bottom: 22 };
const USUAL = 6;
const NEAR_PX = 10;

export class Parallel {
  #app;
  #codes = [];
  #ids = [];
  #values = null;
  #scales = [];
  #lines = [];
  #near = null;
  #brushes = new Map(); // axis → [low, high] in pixels
  #drag = null;

  constructor(app) {
    this.#app = app;
    this.items = h("div.picker-items");
    this.axes = new Popover({
      text: "Axes",
      iconName: "columns",
      panel: h("div.picker", {}, this.items),
    });
    this.said = h("span.count", { role: "status" });
    this.plot = createCanvas("Parallel coordinates of runs", (ctx, size) => this.#draw(ctx, size));
    const { canvas } = this.plot;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", () => this.#end());
    canvas.addEventListener("dblclick", () => (this.#brushes.clear(), this.plot.paint()));
    const hint = h("span.count", {}, "Drag along an axis to keep the runs that pass there");
    this.element = h(
      "div.free-view",
      {},
      h("div.view-bar", {}, this.said, h("span.space"), hint, this.axes.element),
      this.plot.element,
    );
  }

  /** Show these runs. */
  async show(codes) {
    const { columns: store, state } = this.#app;
    const { columns } = await store.list();
    this.#codes = codes;
    const ids = chosen(state.get("against"), columns);
    if (ids.join() !== this.#ids.join()) this.#brushes.clear();
    this.#ids = ids;
    this.#fill(columns);
    const found = await store.valuesOf(ids);
    this.#values = new Map(
      found.codes.map((code, i) => [code, ids.map((id) => found.values.get(id)[i])]),
    );
    this.plot.paint();
  }

  #fill(columns) {
    const shown = new Set(this.#ids);
    const item = ([id, text]) => {
      const box = h("input", {
        type: "checkbox",
        checked: shown.has(id),
        on: { change: () => this.#toggle(id) },
      });
      return h("label.picker-item", {}, box, text);
    };
    this.items.replaceChildren(...optionsOf(columns).slice(0, 300).map(item));
  }

  #toggle(id) {
    const ids = this.#ids.filter((one) => one !== id);
    this.#app.state.set({ against: ids.length === this.#ids.length ? [...ids, id] : ids });
  }

  #x(axis, width) {
    const many = Math.max(1, this.#ids.length - 1);
    return EDGE.left + ((width - EDGE.left - EDGE.right) * axis) / many;
  }

  #draw(ctx, { width, height }) {
    if (!this.#values) return;
    this.size = { width, height };
    const rows = this.#codes.filter(
      (code) => this.#values.has(code) && this.#app.project.runs.has(code),
    );
    this.#scales = this.#ids.map((_, axis) => {
      const values = rows.map((code) => this.#values.get(code)[axis]);
      return scaleOf(values, [height - EDGE.bottom, EDGE.top], suitsLog(values));
    });
    this.#lines = rows.map((code) => ({
      code,
      run: this.#app.project.runs.get(code),
      ys: this.#values.get(code).map((value, axis) => this.#scales[axis].at(value)),
    }));
    const kept = this.#lines.filter((line) => this.#isKept(line));
    const faint = new Set(
      kept.length === this.#lines.length ? [] : this.#lines.filter((line) => !kept.includes(line)),
    );
    const alpha = Math.max(0.25, Math.min(0.85, 30 / Math.max(1, kept.length)));
    for (const line of this.#lines)
      this.#line(ctx, line, width, faint.has(line) ? 0.05 : alpha, 1.4);
    if (this.#near) this.#line(ctx, this.#near, width, 1, 3);
    this.#axesOn(ctx, width, height);
    setText(
      this.said,
      this.#near ? this.#tell(this.#near) : `${kept.length} of ${this.#codes.length} runs`,
    );
  }

  #isKept({ ys }) {
    return [...this.#brushes].every(([axis, [low, high]]) => ys[axis] >= low && ys[axis] <= high);
  }

  #line(ctx, { ys, run }, width, alpha, thick) {
    ctx.globalAlpha = alpha;
    ctx.strokeStyle = this.#app.theme.color(run.color);
    ctx.lineWidth = thick;
    ctx.beginPath();
    let isDown = false;
    ys.forEach((y, axis) => {
      if (!Number.isFinite(y)) isDown = false;
      else {
        ctx[isDown ? "lineTo" : "moveTo"](this.#x(axis, width), y);
        isDown = true;
      }
    });
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  #axesOn(ctx, width, height) {
    const theme = this.#app.theme.chart();
    this.#ids.forEach((id, axis) => {
      const x = this.#x(axis, width);
      ctx.strokeStyle = theme.muted;
      ctx.lineWidth = 1;
      ctx.beginPath();
      ctx.moveTo(x, EDGE.top - 4);
      ctx.lineTo(x, height - EDGE.bottom + 4);
      ctx.stroke();
      ctx.textAlign = "center";
      ctx.fillStyle = theme.text;
      ctx.fillText(short(id.replace(/^config\//, "")), x, EDGE.top - 16);
      this.#labels(ctx, x, this.#scales[axis].ticks, axis, theme);
      const brush = this.#brushes.get(axis);
      if (brush) {
        ctx.globalAlpha = 0.3;
        ctx.fillStyle = theme.muted;
        ctx.fillRect(x - 6, brush[0], 12, brush[1] - brush[0]);
        ctx.globalAlpha = 1;
      }
    });
  }

  #labels(ctx, x, ticks, axis, theme) {
    const isLast = axis === this.#ids.length - 1;
    ctx.textAlign = isLast ? "left" : "right";
    ctx.fillStyle = theme.muted;
    for (const [value, text] of ticks)
      ctx.fillText(text, x + (isLast ? 8 : -8), this.#scales[axis].at(value) + 4);
  }

  #tell({ code, run }) {
    const values = this.#values.get(code);
    const say = (value) =>
      typeof value === "number" ? formatValue(value, 4) : String(value ?? "–");
    return `${run.name}: ${this.#ids.map((id, i) => `${short(id.replace(/^config\//, ""))} ${say(values[i])}`).join(", ")}`;
  }

  #axisAt(offsetX) {
    return this.#ids.findIndex(
      (_, axis) => Math.abs(this.#x(axis, this.size.width) - offsetX) < 16,
    );
  }

  #begin(event) {
    const axis = this.size ? this.#axisAt(event.offsetX) : -1;
    if (axis < 0) return;
    this.plot.canvas.setPointerCapture(event.pointerId);
    this.#drag = { axis, from: event.offsetY };
  }

  #move({ offsetX, offsetY }) {
    if (!this.size) return;
    if (this.#drag) {
      const { axis, from } = this.#drag;
      this.#brushes.set(axis, [Math.min(from, offsetY), Math.max(from, offsetY)]);
      return this.plot.paint();
    }
    const near = this.#nearest(offsetX, offsetY);
    if (near?.code !== this.#near?.code) {
      this.#near = near;
      this.plot.paint();
    }
  }

  #end() {
    if (!this.#drag) return;
    const brush = this.#brushes.get(this.#drag.axis);
    if (!brush || brush[1] - brush[0] < 4) this.#brushes.delete(this.#drag.axis);
    this.#drag = null;
    this.plot.paint();
  }

  #nearest(x, y) {
    const { width } = this.size;
    const after = Math.max(
      1,
      this.#ids.findIndex((_, axis) => this.#x(axis, width) >= x),
    );
    const [left, right] = [this.#x(after - 1, width), this.#x(after, width)];
    const part = (x - left) / (right - left);
    let [best, closest] = [null, NEAR_PX];
    for (const line of this.#lines) {
      if (!this.#isKept(line)) continue;
      const at = line.ys[after - 1] + (line.ys[after] - line.ys[after - 1]) * part;
      if (Math.abs(at - y) < closest) [best, closest] = [line, Math.abs(at - y)];
    }
    return best;
  }

  restyle() {
    this.plot.paint();
  }

  close() {
    this.plot.close();
    this.axes.close();
  }
}

const short = (text) => (text.length > 22 ? `…${text.slice(-21)}` : text);

function chosen(ids, columns) {
  const known = new Set(optionsOf(columns).map(([id]) => id));
  const wanted = ids.filter((id) => known.has(id));
  if (wanted.length > 1) return wanted;
  const config = columns.filter(
    ({ id, is_varied: isVaried }) => id.startsWith("config/") && isVaried,
  );
  const result =
    columns.find(({ id }) => /^last\/.*(loss|acc|score|reward)/i.test(id)) ??
    columns.find(({ id }) => id.startsWith("last/"));
  return [...config.slice(0, USUAL).map(({ id }) => id), result?.id ?? "duration"];
}
