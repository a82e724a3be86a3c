// The controls above the charts: which metrics, how smooth, which axes, and the way out of a zoom.

import { mainAxis } from "./axis.js";
import { Display } from "./display.js";
import { debounce, h, icon, matcher, setText } from "./dom.js";
import { formatAxis, formatSpan, formatX } from "./format.js";
import { setOptions } from "./popover.js";
import { fromSlider, KINDS, toSlider } from "./smooth.js";

const MODES = [
  ["own", "Default", "Each metric along what define_metric named for it, else the step"],
  ["step", "Step", "The step that was logged"],
  ["relative", "Relative", "Time since the run began"],
  ["time", "Wall", "Time of day"],
];

export class Toolbar {
  #app;

  constructor(app) {
    this.#app = app;
    const { state } = app;
    const find = () => state.set({ find: this.search.value });
    this.search = h("input.search", {
      type: "search",
      placeholder: "Search metrics (regex)",
      "aria-label": "Search metrics, a regular expression",
      "aria-keyshortcuts": "/",
      on: { input: debounce(find, 120), change: find }, // `change` comes before the next click
    });
    this.display = new Display(app);
    this.element = h(
      "div.toolbar",
      { role: "toolbar", "aria-label": "Charts" },
      h(
        "div.search-box",
        {},
        icon("search"),
        this.search,
        h("kbd", { "aria-hidden": "true" }, "/"),
      ),
      this.#axis(),
      ...this.#smoothing(),
      this.#zoom(),
      this.display.element,
    );
  }

  #axis() {
    const set = (x) => this.#app.state.set({ x, zoom: null });
    this.modes = MODES.map(([mode, text, title]) => {
      const choose = { click: () => set(mode) };
      const button = h("button", { type: "button", role: "radio", title, on: choose }, text);
      button.mode = mode;
      return button;
    });
    this.metric = h("select.pick.x-metric", {
      title: "Another metric as the x axis",
      "aria-label": "X axis: another metric",
      on: { change: () => set(this.metric.value ? `metric:${this.metric.value}` : "step") },
    });
    return h(
      "div.axis",
      {},
      h("div.segments", { role: "radiogroup", "aria-label": "X axis" }, this.modes),
      this.metric,
    );
  }

  #smoothing() {
    this.slider = h("input.slider", {
      type: "range",
      min: "0",
      max: "1",
      step: "0.01",
      "aria-label": "Smoothing",
      on: { input: () => this.#smooth(fromSlider(Number(this.slider.value))) },
    });
    this.number = h("input.number", {
      type: "number",
      min: "0",
      max: "0.999",
      step: "0.01",
      "aria-label": "Smoothing as a number between 0 and 0.999",
      on: { change: () => this.#smooth(Number(this.number.value)) },
    });
    this.kind = h("select.pick", {
      "aria-label": "Kind of smoothing",
      on: { change: () => this.#app.state.set({ how: this.kind.value }) },
    });
    setOptions(
      this.kind,
      KINDS.map(([kind, text]) => [kind, text]),
    );
    this.reach = h("span.reach");
    return [
      h("label.field.smoothing", {}, h("span", {}, "Smoothing"), this.slider),
      this.number,
      this.kind,
      this.reach,
    ];
  }

  #zoom() {
    this.zoomText = h("span");
    this.zoom = h(
      "button.chip",
      {
        type: "button",
        title: "Show everything again (double click on a chart)",
        hidden: true,
        on: { click: () => this.#app.zoom(null) },
      },
      icon("reset"),
      this.zoomText,
    );
    return this.zoom;
  }

  #smooth(value) {
    const within = Math.min(0.999, Math.max(0, Number.isFinite(value) ? value : 0));
    this.#app.state.set({ smooth: Math.round(within * 1000) / 1000 });
  }

  /** Show the state as it is now. */
  update() {
    const { state, project } = this.#app;
    const smooth = state.get("smooth");
    if (this.search.getRootNode().activeElement !== this.search)
      this.search.value = state.get("find");
    this.search.classList.toggle("is-plain", !matcher(state.get("find")).isValid);
    this.slider.value = String(toSlider(smooth));
    this.slider.style.setProperty("--filled", `${toSlider(smooth) * 100}%`);
    this.number.value = String(smooth);
    this.kind.value = state.get("how");
    this.kind.hidden = smooth === 0;
    const view = this.#app.wanted();
    this.#updateModes(project, view.x);
    this.#updateMetrics(project, view.x);
    this.#updateZoom(view.zoom, mainAxis(view));
    this.display.update();
  }

  /** Where no metric has an axis of its own, its own is the step. */
  #updateModes(project, x) {
    const isSystem = this.#app.series.kind === "system";
    const isDefined = !isSystem && [...project.metrics.values()].some((metric) => metric.x);
    const shown = x === "own" && !isDefined ? "step" : x;
    for (const button of this.modes) {
      button.hidden = { own: !isDefined, step: isSystem }[button.mode] ?? false;
      button.setAttribute("aria-checked", String(button.mode === shown));
    }
  }

  #updateMetrics(project, x) {
    this.metric.hidden = this.#app.series.kind === "system";
    const keys = [...project.metrics.values()].slice(0, 2000).map((metric) => metric.key);
    setOptions(this.metric, [["", "Metric …"], ...keys.map((key) => [key, key])]);
    this.metric.value = x.startsWith("metric:") ? x.slice(7) : "";
    this.metric.classList.toggle("is-chosen", x.startsWith("metric:"));
  }

  #updateZoom(zoom, x) {
    this.zoom.hidden = zoom === null;
    if (zoom) setText(this.zoomText, sayZoom(zoom, x));
  }

  /** Say over which stretch the smoothing looks back. */
  setReach(length, x) {
    setText(this.reach, length ? `≈ ${formatSpan(length, x)}` : "");
  }

  close() {
    this.display.close();
  }
}

function sayZoom([low, high], x) {
  const name = x.startsWith("metric:") ? `${formatAxis(x)} ` : "";
  return `${name}${formatX(low, x)} – ${formatX(high, x)}`;
}
