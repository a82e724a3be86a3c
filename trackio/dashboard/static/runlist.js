// The list of runs beside the charts: which are shown, how they are doing, and what the chart
// under the pointer says of each.

import { h, icon, iconButton, setText } from "./dom.js";
import { formatAge, formatDuration, formatMoment, formatValue, group } from "./format.js";
import { statusBadge } from "./tooltip.js";
import { VirtualList } from "./virtual.js";

const ROW_PX = 30;

export class RunList {
  #app;
  #runs = []; // those that the filter lets through
  #selected = new Set();
  #values = new Map();
  #list;

  constructor(app) {
    this.#app = app;
    this.search = h("input.search", {
      type: "search",
      placeholder: "Filter: regex, or lr > 0.01",
      "aria-label": "Filter runs by name, a regular expression, or an expression such as lr > 0.01",
      value: app.state.get("runFind"),
      on: { input: () => app.state.set({ runFind: this.search.value }) },
    });
    this.count = h("span.count");
    this.valueName = h("span.value-name");
    const scroller = h("div.run-scroll");
    this.#list = new VirtualList(scroller, { rowHeight: ROW_PX, makeRow: (i) => this.#row(i) });
    scroller.append(this.#list.element);
    this.element = h(
      "aside.runs",
      { "aria-label": "Runs" },
      h("div.runs-head", {}, h("h2", {}, "Runs"), this.count, this.valueName),
      h("div.search-box", {}, icon("search"), this.search),
      h("div.runs-tools", {}, this.#tools()),
      scroller,
    );
  }

  #tools() {
    const tool = (text, title, choose) =>
      h(
        "button.text-button",
        { type: "button", title, on: { click: () => this.#choose(choose()) } },
        text,
      );
    const shown = () => this.#runs.map((run) => run.code);
    const others = () => [...this.#selected].filter((code) => !shown().includes(code));
    return h("div.tool-row", { role: "group", "aria-label": "Select runs" }, [
      tool("All", "Show all listed runs", () => [...others(), ...shown()]),
      tool("None", "Hide all listed runs", others),
      tool("Only", "Show the listed runs and hide all others", shown),
      tool("Invert", "Swap shown and hidden", () => [
        ...others(),
        ...shown().filter((code) => !this.#selected.has(code)),
      ]),
    ]);
  }

  #choose(codes) {
    this.#app.state.set({ runs: this.#app.project.choice(codes) });
  }

  /** Show the project's runs as they are now. */
  update() {
    const { project, state } = this.#app;
    const pins = state.get("pins");
    const isPinned = (run) => pins.includes(run.code);
    if (this.search.value !== state.get("runFind")) this.search.value = state.get("runFind");
    this.search.classList.toggle("is-plain", !this.#app.filter.isValid);
    const found = [...project.runs.values()].filter(
      (run) => isPinned(run) || this.#app.filter.passes(run),
    );
    this.#runs = pins.length
      ? [...found.filter(isPinned), ...found.filter((run) => !isPinned(run))]
      : found;
    this.#selected = new Set(project.selected(state.get("runs"), pins).map((run) => run.code));
    setText(this.count, `${group(this.#selected.size)} of ${group(project.runs.size)}`);
    this.#list.reset(this.#runs.length);
  }

  /** What `metric` says of each run, at the crosshair or at its end. */
  setValues(metric, values, where) {
    this.#values = values;
    setText(this.valueName, metric ? `${metric.slice(metric.lastIndexOf("/") + 1)} ${where}` : "");
    this.valueName.title = metric ?? "";
    this.#list.each((row, i) => setText(row.lastValue, this.#valueOf(this.#runs[i])));
  }

  /** Mark the run that is looked at. */
  focus(run) {
    this.#list.each((row, i) => row.classList.toggle("is-meant", this.#runs[i].code === run));
  }

  /** Ages grow while nothing else happens. */
  tick() {
    this.#list.each((row, i) => setText(row.age, this.#age(this.#runs[i])));
  }

  #valueOf(run) {
    const value = this.#selected.has(run.code) ? this.#values.get(run.code) : undefined;
    return value === undefined ? "" : formatValue(value);
  }

  #age(run) {
    return formatAge(Math.max(0, this.#app.project.nowS() - run.updated_s));
  }

  #row(i) {
    const run = this.#runs[i];
    const { groups } = this.#app;
    const isOn = this.#selected.has(run.code);
    const box = h("input.run-box", {
      type: "checkbox",
      checked: isOn,
      "aria-label": `Show ${run.name}`,
      style: { "--color": this.#app.theme.color(this.#app.groups.colorOf(run)) },
      on: { change: () => this.#toggle(run.code) },
    });
    const row = h(
      "label.run",
      {
        class: isOn ? "run" : "run is-off",
        role: "listitem",
        title: [describe(run), groups.isOn ? groups.of(run.code) : null].filter(Boolean).join("\n"),
        on: {
          pointerenter: () => this.#app.focus(run.code),
          pointerleave: () => this.#app.focus(null),
          click: (event) => this.#solo(event, run.code),
        },
      },
      box,
      this.#mark(run),
      h("span.run-name", {}, run.name),
    );
    const menu = iconButton("more", `Pin, colour and more of ${run.name}`, (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#app.runMenu.open(run, menu);
    });
    menu.classList.add("run-more");
    row.lastValue = h("span.run-value", {}, this.#valueOf(run));
    row.age = h("span.run-age", {}, this.#age(run));
    row.append(row.lastValue, row.age, statusBadge(run.status), menu);
    return row;
  }

  /** Whether it is the baseline, or pinned. */
  #mark(run) {
    const { state } = this.#app;
    const name =
      state.get("base") === run.code ? "base" : state.get("pins").includes(run.code) ? "pin" : null;
    return (
      name && h("span.run-mark", { title: name === "base" ? "Baseline" : "Pinned" }, icon(name))
    );
  }

  #toggle(code) {
    const codes = new Set(this.#selected);
    if (!codes.delete(code)) codes.add(code);
    this.#choose(codes);
  }

  /** Alt-click shows a run alone; again, and the others are back. */
  #solo(event, code) {
    if (!event.altKey) return;
    event.preventDefault();
    const isAlone = this.#selected.size === 1 && this.#selected.has(code);
    this.#app.state.set({ runs: isAlone ? null : [code] });
  }
}

/** What there is to know of a run in a few lines. */
function describe(run) {
  const length = (run.ended_s ?? run.updated_s) - run.started_s;
  const lines = [
    run.name,
    run.group ? `group ${run.group}` : "",
    `${run.status} · started ${formatMoment(run.started_s)} · ${formatDuration(length)}`,
    run.host ? `on ${run.host}` : "",
    "Alt-click shows this run alone",
  ];
  return lines.filter(Boolean).join("\n");
}
