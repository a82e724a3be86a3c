// The controls above the charts: which metrics, how smooth, which axes, and the way out of a zoom.

import { debounce, h, icon, matcher, setText } from "./dom.js";
import { formatDuration, formatX, group } from "./format.js";

const MODES = [
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
    this.reach = h("span.reach");
    this.logBox = h("input", {
      type: "checkbox",
      on: { change: () => state.set({ log: this.logBox.checked }) },
    });
    this.modes = MODES.map(([mode, text, title]) => this.#mode(mode, text, title));
    this.zoomText = h("span");
    this.zoom = h(
      "button.chip",
      {
        type: "button",
        title: "Show everything again (double click on a chart)",
        hidden: true,
        on: { click: () => app.zoom(null) },
      },
      icon("reset"),
      this.zoomText,
    );
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
      h("div.segments", { role: "radiogroup", "aria-label": "X axis" }, this.modes),
      h("label.field", { title: "Logarithmic y axis (l)" }, this.logBox, "Log y"),
      h("label.field.smoothing", {}, h("span", {}, "Smoothing"), this.slider),
      this.number,
      this.reach,
      this.zoom,
    );
  }

  #mode(mode, text, title) {
    const choose = () => this.#app.state.set({ x: mode, zoom: null });
    const button = h(
      "button",
      { type: "button", role: "radio", title, on: { click: choose } },
      text,
    );
    button.mode = mode;
    return button;
  }

  #smooth(value) {
    const within = Math.min(0.999, Math.max(0, Number.isFinite(value) ? value : 0));
    this.#app.state.set({ smooth: Math.round(within * 1000) / 1000 });
  }

  /** Show the state as it is now. */
  update() {
    const { state } = this.#app;
    const smooth = state.get("smooth");
    if (this.search.getRootNode().activeElement !== this.search)
      this.search.value = state.get("find");
    this.search.classList.toggle("is-plain", !matcher(state.get("find")).isValid);
    this.slider.value = String(toSlider(smooth));
    this.slider.style.setProperty("--filled", `${toSlider(smooth) * 100}%`);
    this.number.value = String(smooth);
    this.logBox.checked = state.get("log");
    for (const button of this.modes) {
      button.setAttribute("aria-checked", String(button.mode === state.get("x")));
    }
    const zoom = state.get("zoom");
    this.zoom.hidden = zoom === null;
    if (zoom)
      setText(
        this.zoomText,
        `${formatX(zoom[0], state.get("x"))} – ${formatX(zoom[1], state.get("x"))}`,
      );
  }

  /** Say over which stretch the smoothing looks back. */
  setReach(length) {
    if (!length) return setText(this.reach, "");
    const isStep = this.#app.state.get("x") === "step";
    setText(
      this.reach,
      `≈ ${isStep ? `${group(Math.max(1, Math.round(length)))} steps` : formatDuration(length)}`,
    );
  }
}

/** The slider is finer where a small change means much: close to one. Its end is 0.999. */
const BEND = 1 - Math.sqrt(0.001);
const fromSlider = (position) => 1 - (1 - position * BEND) ** 2;
const toSlider = (value) => (1 - Math.sqrt(1 - value)) / BEND;
