// The page of one run: an overview, and everything else there is, of this run alone.

import { ChartingPage } from "./charting.js";
import { h, iconButton, replace } from "./dom.js";
import { formatAge } from "./format.js";
import { Overview } from "./overview.js";
import { RunArtifacts } from "./page_run_artifacts.js";
import { AlertsPanel } from "./page_alerts.js";
import { FilesPanel } from "./page_files.js";
import { MediaPanel } from "./page_media.js";
import { ReportsPanel } from "./page_reports.js";
import { SystemPage } from "./page_system.js";
import { TracesPanel } from "./page_traces.js";
import { statusBadge } from "./tooltip.js";

const PARTS = [
  ["overview", "Overview"],
  ["charts", "Charts"],
  ["system", "System"],
  ["media", "Media & Tables"],
  ["traces", "Traces"],
  ["alerts", "Alerts"],
  ["reports", "Reports"],
  ["artifacts", "Artifacts"],
  ["files", "Files"],
];
const PANELS = {
  overview: Overview,
  media: MediaPanel,
  traces: TracesPanel,
  alerts: AlertsPanel,
  reports: ReportsPanel,
  artifacts: RunArtifacts,
  files: FilesPanel,
};

export class RunPage {
  #app;
  #part = null;
  #name = null;
  #code = null;

  constructor(app) {
    this.#app = app;
    this.head = h("header.run-head");
    this.tabs = h("nav.subtabs", { "aria-label": "Parts of the run" });
    this.stage = h("div.view-stage");
    this.element = h("div.page.run-page", {}, h("div.main", {}, this.head, this.tabs, this.stage));
  }

  /** The run: the one of the address, or the newest. */
  get run() {
    const { project, state } = this.#app;
    const wanted = state.get("run");
    return wanted === null ? project.runs.values().next().value : project.find(wanted);
  }

  runCodes() {
    return this.run ? [this.run.code] : [];
  }

  get kind() {
    return this.#part?.kind ?? "metric";
  }

  get board() {
    return this.#part?.board;
  }

  get attended() {
    return this.#part?.attended;
  }

  get toolbar() {
    return this.#part?.toolbar;
  }

  get search() {
    return this.#part?.search;
  }

  update(changed = null) {
    if (!this.run) return this.#missing();
    this.#heading();
    const name = PARTS.some(([part]) => part === this.#app.state.get("part"))
      ? this.#app.state.get("part")
      : "overview";
    replace(
      this.tabs,
      PARTS.map(([part, text]) => this.#tab(part, text, name)),
    );
    if (name === this.#name && this.run.code === this.#code)
      return this.#part.update(changed ?? new Set());
    this.#close();
    [this.#name, this.#code] = [name, this.run.code];
    this.#part = this.#make(name);
    replace(this.stage, this.#part.element);
    return this.#part.update();
  }

  #make(name) {
    const app = this.#app;
    if (name === "charts")
      return new ChartingPage(app, { metrics: () => app.project.metrics.values(), hasRuns: false });
    if (name === "system") return new SystemPage(app, { hasRuns: false });
    return new PANELS[name](app, () => this.runCodes());
  }

  #missing() {
    this.#close();
    replace(this.tabs);
    replace(this.head, h("h1", {}, "No such run"));
    replace(
      this.stage,
      h("div.empty", {}, h("p", {}, "It is not in this project, or not any more.")),
    );
  }

  #heading() {
    const { run } = this;
    const color = this.#app.theme.color(run.color);
    this.age = h("span.count", {}, this.#said());
    const menu = iconButton("more", "Pin, colour and more", () =>
      this.#app.runMenu.open(run, menu),
    );
    const only = { page: "metrics", runs: [run.code], open: null, at: null };
    const compare = h(
      "a.text-button",
      {
        href: this.#app.state.href(only),
        on: {
          click: (event) => (event.preventDefault(), this.#app.state.set(only, { push: true })),
        },
      },
      "Alone on Metrics",
    );
    replace(
      this.head,
      h("i.swatch", { style: { "--color": color } }),
      h("h1", {}, run.name),
      statusBadge(run.status),
      this.age,
      h("span.space"),
      compare,
      menu,
    );
  }

  #said() {
    const { run } = this;
    return `${run.status} · written ${formatAge(Math.max(0, this.#app.project.nowS() - run.updated_s))} ago`;
  }

  #tab(part, text, current) {
    const patch = { part: part === "overview" ? null : part, open: null, at: null, find: "" };
    const go = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.#app.state.set(patch, { push: true });
    };
    return h(
      "a.tab",
      {
        href: this.#app.state.href(patch),
        "aria-current": part === current ? "page" : null,
        on: { click: go },
      },
      text,
    );
  }

  refresh(isOther) {
    if (isOther) this.update();
    else this.#part?.refresh?.(isOther);
  }

  attend(card) {
    this.#part?.attend?.(card);
  }

  point(card, hit) {
    this.#part?.point?.(card, hit);
  }

  drawn() {
    this.#part?.drawn?.();
  }

  focus(run) {
    this.#part?.focus?.(run);
  }

  toggleLarge() {
    this.#part?.toggleLarge?.();
  }

  tick() {
    if (this.run && this.age) this.age.textContent = this.#said();
  }

  restyle() {
    if (this.run) this.#heading();
    this.#part?.restyle?.();
  }

  #close() {
    this.#part?.close?.();
    this.#part = this.#name = null;
  }

  close() {
    this.#close();
  }
}
