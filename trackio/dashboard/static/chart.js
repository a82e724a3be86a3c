// One chart: axes, crosshair and zoom by uPlot, lines painted by draw.js. It shows what it is
// given and reports what the pointer does; it fetches nothing and knows no other chart.

import { linearTicks, logTicks, xLabels, xTicks, yRange } from "./axes.js";
import { projector } from "./draw.js";
import { formatTick } from "./format.js";
import { Layers } from "./layers.js";
import { bounds, grid, nearest } from "./measures.js";

const NEAR_PX = 28; // how close to a line the pointer must be to mean it
const SNAP_PX = 14; // how far along x a point may be and still speak for the crosshair

/** The library, once `loadCharts` has fetched it. */
let uPlot = null;

/** Fetch the chart library from beside this file. */
export async function loadCharts() {
  if (uPlot) return;
  const source = new URL("./vendor/uplot/uPlot.iife.min.js", import.meta.url);
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    Object.assign(script, { src: source.href, onload: resolve, onerror: reject });
    document.head.append(script);
  });
  uPlot = window.uPlot;
}

export class Chart {
  #host;
  #events;
  #plot = null;
  #layers = null;
  #theme;
  #lines = [];
  #grid = new Float64Array(0);
  #view = { x: "step", zoom: null, log: false, logx: false, smooth: 0 };
  #limits = { x: [0, 1], y: [0, 1] };
  #focus = null;
  #size = [0, 0];

  /** `events`: onMove(hit or null), onZoom(low, high), onReset(). */
  constructor(host, theme, events) {
    this.#host = host;
    this.#theme = theme;
    this.#events = events;
  }

  get lines() {
    return this.#lines;
  }

  /** The range of each axis, and how far apart its ticks are. */
  get limits() {
    return this.#limits;
  }

  /** Show these lines. */
  show(lines, view) {
    const isOther = ["log", "logx", "x"].some((key) => view[key] !== this.#view[key]);
    this.#lines = lines;
    this.#view = view;
    this.#grid = grid(lines, view.logx);
    this.#measure();
    if (!this.#plot || isOther) this.#build();
    else this.#plot.setData([this.#grid, this.#grid], true);
  }

  /** Bring the lines of one run forward, or of none. */
  focus(run) {
    if (run === this.#focus) return;
    this.#focus = run;
    this.#layers?.focus(this.#lines, run, this.#style());
  }

  resize(width, height) {
    if (width === this.#size[0] && height === this.#size[1]) return;
    this.#size = [width, height];
    this.#plot?.setSize({ width, height });
  }

  /** Take over new colours. */
  restyle(theme) {
    this.#theme = theme;
    if (this.#plot) this.#build();
  }

  /** Move the crosshair by some points, for the keyboard; returns what is there. */
  step(by) {
    const plot = this.#plot;
    if (!plot || this.#grid.length === 0) return null;
    const last = this.#grid.length - 1;
    const from = plot.cursor.idx ?? (by > 0 ? -1 : last + 1);
    const to = Math.min(last, Math.max(0, from + by));
    const left = plot.valToPos(this.#grid[to], "x");
    plot.setCursor({ left, top: plot.over.clientHeight / 2 });
    return this.#hit(to, left, null);
  }

  destroy() {
    this.#plot?.destroy();
    this.#plot = this.#layers = null;
  }

  #measure() {
    const { zoom, log, logx } = this.#view;
    const found = bounds(this.#lines, zoom, this.#view);
    // An axis that begins just after zero begins at zero; times of day and logarithms have none.
    const isFromZero = this.#view.x !== "time" && !logx;
    const isNearZero = isFromZero && found.xLow > 0 && found.xLow < 0.02 * found.xHigh;
    const from = zoom && (!logx || zoom[0] > 0) ? zoom[0] : found.xLow;
    const low = isNearZero && !zoom ? 0 : from;
    const high = zoom ? zoom[1] : found.xHigh;
    const room = low === high ? Math.max(1, Math.abs(low) * 0.01) : 0;
    const nothing = logx ? [1, 10] : [0, 1];
    this.#limits.x = low <= high ? [logx ? low / (1 + room) : low - room, high + room] : nothing;
    this.#limits.y = yRange(found.yLow, found.yHigh, log);
  }

  #build() {
    this.destroy();
    const [width, height] = this.#size;
    const { log, logx } = this.#view;
    const options = {
      width,
      height,
      padding: [6, 10, 0, 0],
      legend: { show: false },
      focus: { alpha: 1 },
      cursor: this.#cursor(),
      scales: {
        x: { time: false, distr: logx ? 3 : 1, range: () => this.#limits.x },
        y: { distr: log ? 3 : 1, range: () => this.#limits.y },
      },
      axes: [this.#xAxis(), this.#yAxis()],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: {
        draw: [(plot) => this.#paint(plot)],
        setCursor: [(plot) => this.#moved(plot)],
        setSelect: [(plot) => this.#selected(plot)],
      },
    };
    this.#plot = new uPlot(options, [this.#grid, this.#grid], this.#host);
    this.#plot.over.addEventListener("dblclick", () => this.#events.onReset());
  }

  #cursor() {
    return {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: 6 },
      sync: {
        key: `trackio ${this.#view.x}`, // what stands at one place means one thing
        scales: ["x", null],
        filters: { pub: (type) => /^mouse(move|leave)$/.test(type) },
      },
      bind: { dblclick: () => null },
      move: (plot, left, top) => [this.#snap(plot, left), top],
    };
  }

  /** The crosshair stands on points, not between them. */
  #snap(plot, left) {
    if (left < 0 || this.#grid.length === 0) return left;
    const at = plot.valToPos(this.#grid[plot.posToIdx(left)], "x");
    return at >= 0 && at <= plot.over.clientWidth ? at : left;
  }

  #axis(own) {
    const { muted, gridLine } = this.#theme;
    return {
      stroke: muted,
      font: "11px system-ui, sans-serif",
      grid: { stroke: gridLine, width: 1 },
      ticks: { show: false },
      gap: 6,
      ...own,
    };
  }

  #xAxis() {
    const { x, logx } = this.#view;
    const find = xTicks(x, logx);
    let found = { ticks: [], step: 1 };
    return this.#axis({
      size: 24,
      grid: { show: false },
      border: { show: true, stroke: this.#theme.gridLine, width: 1 },
      splits: (plot, _axis, min, max) => {
        found = find(min, max, Math.max(2, Math.floor(plot.width / 66)));
        return found.ticks;
      },
      filter: (_plot, ticks) => ticks,
      values: (_plot, ticks) =>
        logx && x !== "relative" && x !== "time"
          ? ticks.map((tick, i) => formatTick(tick, gap(ticks, i, true)))
          : xLabels(x, ticks, found.step || 1),
    });
  }

  #yAxis() {
    const isLog = this.#view.log;
    return this.#axis({
      size: (_plot, labels) =>
        Math.max(38, 16 + 6.4 * Math.max(0, ...(labels ?? []).map((label) => label.length))),
      splits: (plot, _axis, min, max) => {
        const wanted = Math.max(2, Math.floor(plot.height / 44));
        return isLog ? logTicks(min, max, wanted) : linearTicks(min, max, wanted).ticks;
      },
      filter: (_plot, ticks) => ticks,
      values: (_plot, ticks) => ticks.map((tick, i) => formatTick(tick, gap(ticks, i, isLog))),
    });
  }

  #style() {
    const { log, logx, smooth } = this.#view;
    const { colorOf } = this.#theme;
    return { isLog: log, isLogX: logx, isSmoothed: smooth > 0, colorOf };
  }

  #paint(plot) {
    this.#layers ??= new Layers(plot);
    this.#layers.paint(this.#lines, this.#focus, this.#style());
  }

  #moved(plot) {
    const { event, idx, left, top } = plot.cursor;
    if (!event) return; // the crosshair follows another chart
    if (idx === null || idx === undefined || left < 0) this.#events.onMove(null);
    else this.#events.onMove(this.#hit(idx, left, top, event));
  }

  /** What the crosshair is at: position, each line's point there, and the line that is meant. */
  #hit(idx, left, top, event = null) {
    const plot = this.#plot;
    const size = { width: plot.over.clientWidth, height: plot.over.clientHeight };
    const area = projector(plot.scales, size, this.#view.log, this.#view.logx);
    const x = this.#grid[idx];
    const near = plot.posToVal(left + SNAP_PX, "x") - plot.posToVal(left, "x");
    const rows = [];
    let run = null;
    let closest = NEAR_PX;
    for (const line of this.#lines) {
      const i = nearest(line, x, near);
      if (i < 0) continue;
      rows.push({ line, i });
      const distance = top === null ? Infinity : Math.abs(area.y(line.y[i]) - top);
      if (distance < closest) [closest, run] = [distance, line.run];
    }
    const box = plot.over.getBoundingClientRect();
    const at = { left: box.left + left, top: event?.clientY ?? box.top + box.height / 3 };
    return { x, rows, run, at };
  }

  #selected(plot) {
    const { left, width } = plot.select;
    if (width < 6) return;
    const low = plot.posToVal(left, "x");
    const high = plot.posToVal(left + width, "x");
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#events.onZoom(low, high);
  }
}

/** The distance of a tick to its neighbour, which decides how many digits it needs. */
function gap(ticks, i, isLog) {
  if (isLog && Math.max(...ticks) / Math.min(...ticks) > 8) return ticks[i];
  return ticks.length > 1 ? ticks[1] - ticks[0] : Math.abs(ticks[0]) || 1;
}
