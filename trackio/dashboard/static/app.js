// The app: one project at a time, one page at a time, and the live tick that keeps both fresh.

import { createApi, RequestFailed } from "./api.js";
import { loadCharts } from "./chart.js";
import { createHelp, createKeyboard } from "./keyboard.js";
import { createState } from "./state.js";
import { createTooltip } from "./tooltip.js";
import { failed, noProject } from "./empty.js";
import { h, replace } from "./dom.js";
import { Live } from "./live.js";
import { MetricsPage } from "./page_metrics.js";
import { Project } from "./project.js";
import { RunsPage } from "./page_runs.js";
import { SeriesStore } from "./series.js";
import { Theme } from "./theme.js";
import { TopBar } from "./topbar.js";

/** A page is a class: `element`, `update(changed)`, `refresh(isOther)`, `tick()`, `close()` … */
const PAGES = { metrics: MetricsPage, runs: RunsPage };

export class App {
  #isAlive;
  #where = "";
  #error = null;
  #ready = null;

  constructor(shadow, root, isAlive) {
    this.#isAlive = isAlive;
    this.frame = h("div.app");
    shadow.append(this.frame);
    this.api = createApi(root);
    this.state = createState(root);
    this.theme = new Theme(this.frame, () => this.#restyle());
    this.tooltip = createTooltip((number) => this.theme.color(number));
    this.help = createHelp();
    this.top = new TopBar(this);
    this.content = h("div.content");
    this.voice = h("div.sr", { "aria-live": "polite" });
    this.frame.append(
      this.top.element,
      this.content,
      this.tooltip.element,
      this.help.element,
      this.voice,
    );
    this.project = null;
    this.series = null;
    this.page = null;
  }

  /** Show the project that the address names, or the newest, once the style sheets are there. */
  async start(styled) {
    this.state.subscribe((changed) => this.#onState(changed));
    this.keyboard = createKeyboard(this.#actions());
    this.#ready = Promise.all([loadCharts(), styled]);
    await this.#open();
    this.live = new Live({
      act: () => this.#tick(),
      onState: (told) => this.#onLive(told),
      isAlive: () => this.#isAlive() || this.close(),
    });
  }

  close() {
    for (const part of [this.keyboard, this.live, this.series, this.page, this.theme, this.state])
      part?.close();
    return false;
  }

  #actions() {
    const { state } = this;
    return {
      "/": () => this.page?.search?.focus() ?? this.page?.toolbar?.search.focus(),
      l: () => state.set({ log: !state.get("log") }),
      f: () => this.page?.toggleLarge(),
      t: () => this.page?.attended?.toggleTable(),
      z: () => this.zoom(null),
      m: () => state.set({ page: "metrics" }, { push: true }),
      r: () => state.set({ page: "runs" }, { push: true }),
      "?": () => this.help.toggle(),
      Escape: () => this.open(null),
    };
  }

  // Opening a project

  /** Fill the picker of projects; with `newest`, also learn which to open. */
  async listProjects(newest = null) {
    const found = await this.api.json("projects.json", { newest });
    this.#where = found.where;
    this.top.setProjects(found.projects, this.project?.name ?? null);
    return found;
  }

  async #open() {
    const wanted = this.state.get("project");
    try {
      const listing = this.listProjects(wanted === null ? 1 : null);
      const name = wanted ?? (await listing).newest;
      if (name === null) return this.#showNothing();
      const [meta, { projects }] = await Promise.all([
        this.api.json("meta.json", { project: name }),
        listing,
      ]);
      await this.#enter(meta);
      this.top.setProjects(projects, name);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      this.#error = error;
      this.#leave();
      this.#show(failed(error, () => this.#open()));
    }
  }

  /** No project is open any more. */
  #leave() {
    this.series?.close();
    this.project = this.series = null;
  }

  async #enter(meta) {
    await this.#ready;
    this.#error = null;
    this.#leave();
    this.project = new Project(meta);
    this.series = new SeriesStore(this.api, this.project);
    document.title = `${meta.project} · Trackio`;
    this.#turn();
    this.top.setFreshness(this.project, null);
  }

  #showNothing() {
    if (!this.content.querySelector(".is-first")) this.#show(noProject(this.#where));
  }

  #show(element) {
    this.page?.close();
    this.page = null;
    this.top.update();
    replace(this.content, element);
  }

  /** Go to the page that the state names. */
  #turn() {
    this.page?.close();
    const Page = PAGES[this.state.get("page")];
    this.page = new Page(this);
    replace(this.content, this.page.element);
    this.top.update();
    this.page.update();
  }

  #onState(changed) {
    this.top.update();
    if (changed.has("project")) this.#open();
    else if (!this.project) return;
    else if (changed.has("page")) this.#turn();
    else this.page.update(changed);
  }

  // What is new

  async #tick() {
    const { project, series } = this;
    if (!project) {
      if (!this.#error || this.#error.status === 0 || this.#error.status >= 500) await this.#open();
      return;
    }
    let isOther = false;
    const isNew = await series.tick((header) => {
      isOther = project.update(header.meta);
    });
    if (project !== this.project) return;
    if (isNew) this.page?.refresh(isOther);
    else project.asOfS = project.nowS();
    this.page?.tick();
  }

  #onLive({ error, retryS }) {
    if (this.project) this.top.setFreshness(this.project, error, retryS);
  }

  // What pages and cards ask for

  /** What all charts show. */
  view() {
    const [x, zoom, log, smooth] = ["x", "zoom", "log", "smooth"].map((key) => this.state.get(key));
    return { x, zoom, log, smooth };
  }

  /** Zoom all charts to a stretch of x, or show everything with `null`. */
  zoom(low, high) {
    const isWhole = low === null;
    if (isWhole && this.state.get("zoom") === null) return;
    this.state.set({ zoom: isWhole ? null : tidy(low, high) }, { push: true });
  }

  /** Show one metric full screen, or none. */
  open(key) {
    if (this.state.get("open") !== key) this.state.set({ open: key });
  }

  /** The pointer or the focus is on a card. */
  attend(card) {
    this.page?.attend?.(card);
  }

  /** The crosshair of a card is at `hit`, or gone. */
  point(card, hit) {
    this.page?.point?.(card, hit);
  }

  /** A card was drawn anew. */
  drawn() {
    this.page?.drawn?.();
  }

  /** Bring the lines of one run forward. */
  focus(run) {
    this.page?.focus(run);
  }

  /** Let a screen reader say something. */
  announce(text) {
    this.voice.textContent = text;
  }

  #restyle() {
    this.top.update();
    this.page?.restyle();
  }
}

/** The ends of a zoom with no more digits than mean anything, so that addresses stay short. */
function tidy(low, high) {
  const places = Math.max(0, Math.ceil(3 - Math.log10(high - low)));
  return [low, high].map((end) => Number(end.toFixed(Math.min(places, 6))));
}
