// The app: one project at a time, one page at a time, and the live tick that keeps both fresh.

import { createApi, RequestFailed } from "./api.js";
import { loadCharts } from "./chart.js";
import { actions } from "./actions.js";
import { axisOf, mainAxis, zoomAlong } from "./axis.js";
import { h, replace } from "./dom.js";
import { embed } from "./embed.js";
import { failed, noProject } from "./empty.js";
import { createHelp, createKeyboard } from "./keyboard.js";
import { Live } from "./live.js";
import { loadPage } from "./pages.js";
import { RunMenu } from "./runmenu.js";
import { createState } from "./state.js";
import { Stores } from "./stores.js";
import { Theme } from "./theme.js";
import { createTooltip } from "./tooltip.js";
import { TopBar } from "./topbar.js";

export class App {
  #isAlive;
  #root;
  #where = "";
  #error = null;
  #ready = null;
  #stores = null;

  constructor(shadow, root, isAlive, makeApi = createApi) {
    [this.#isAlive, this.#root] = [isAlive, root];
    this.frame = h("div.app");
    shadow.append(this.frame);
    this.api = makeApi(root);
    this.state = createState(root, this.api.isFiles);
    this.theme = new Theme(this.frame, () => this.#restyle());
    this.tooltip = createTooltip((number) => this.theme.color(number));
    this.help = createHelp();
    this.runMenu = new RunMenu(this);
    this.top = new TopBar(this);
    this.content = h("div.content");
    this.voice = h("div.sr", { "aria-live": "polite" });
    const parts = [this.top, { element: this.content }, this.tooltip, this.help, this.runMenu];
    this.frame.append(...parts.map(({ element }) => element), this.voice);
    this.page = null;
  }

  get project() {
    return this.#stores?.project ?? null;
  }

  get columns() {
    return this.#stores.columns;
  }

  get exact() {
    return this.#stores.exact;
  }

  get groups() {
    return this.#stores.groups;
  }

  get filter() {
    return this.#stores.filter;
  }

  /** The series that the page shows. */
  get series() {
    return this.#stores?.series(this.page?.kind ?? "metric") ?? null;
  }

  /** Show the project that the address names, or the newest, once the style sheets are there. */
  async start(styled) {
    this.state.subscribe((changed) => this.#onState(changed));
    this.keyboard = createKeyboard(actions(this));
    this.embed = embed(this);
    this.#ready = Promise.all([loadCharts(), styled]);
    await this.#open();
    this.live = new Live({
      act: () => this.#tick(),
      onState: (told) => this.#onLive(told),
      isAlive: () => this.#isAlive() || this.close(),
      isPaused: this.api.isFiles,
    });
  }

  close() {
    const { keyboard, live, page, theme, state, embed: embedded } = this;
    for (const part of [keyboard, live, this.#stores, page, theme, state, embedded]) part?.close();
    return false;
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
      this.#show(failed(error, this.#root, () => this.#open()));
    }
  }

  /** No project is open any more. */
  #leave() {
    this.#stores?.close();
    this.#stores = null;
  }

  async #enter(meta) {
    await this.#ready;
    this.#error = null;
    this.#leave();
    this.#stores = new Stores(this.api, meta, (changed) => this.page?.update(new Set(changed)));
    this.#stores.derive(this.state);
    document.title = `${meta.project} · Trackio`;
    await this.#turn();
    this.top.setFreshness(this.project, null);
    this.top.learn(this.project);
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

  /** Go to the page that the state names, once its code is there. */
  async #turn() {
    const [name, stores] = [this.state.get("page"), this.#stores];
    const Page = await loadPage(name).catch((error) => error);
    if (name !== this.state.get("page") || stores !== this.#stores) return;
    if (Page instanceof Error) return this.#show(failed(Page, this.#root, () => this.#turn()));
    this.page?.close();
    this.page = new Page(this);
    replace(this.content, this.page.element);
    this.top.update();
    this.page.update();
  }

  #onState(changed) {
    this.top.update();
    if (changed.has("project")) return this.#open();
    if (!this.project) return undefined;
    this.#stores.derive(this.state);
    if (changed.has("page")) return this.#turn();
    return this.page?.update(changed);
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
    if (isNew) {
      this.#stores.derive(this.state);
      this.page?.refresh(isOther);
      this.top.learn(project);
    } else project.asOfS = project.nowS() - (this.api.ageS ?? 0);
    this.page?.tick();
  }

  #onLive({ error, retryS }) {
    if (this.project) this.top.setFreshness(this.project, error, retryS);
  }

  // What pages and cards ask for

  /** What charts are to show: the axis is the one that is chosen, which may be each metric's own. */
  wanted() {
    const keys = ["x", "zoom", "log", "logx", "clip", "smooth", "how", "band", "base"];
    const view = Object.fromEntries(keys.map((key) => [key, this.state.get(key)]));
    const hasNoStep = this.series?.kind === "system" && !["time", "relative"].includes(view.x);
    return hasNoStep ? { ...view, x: "relative", zoom: null } : view;
  }

  /** What the chart of `metric` shows; without one, what charts along the main axis do. */
  view(metric = null) {
    const wanted = this.wanted();
    const own = metric ? axisOf(wanted, metric.x) : { x: mainAxis(wanted), zoom: wanted.zoom };
    return { ...wanted, ...own };
  }

  /** The codes of the runs that charts show. */
  shownRuns() {
    if (this.page?.runCodes) return this.page.runCodes();
    const [runs, pins] = [this.state.get("runs"), this.state.get("pins")];
    return this.project.selected(runs, pins).map((run) => run.code);
  }

  /** Zoom all charts along the axis `along` to a stretch of it, or show everything with `null`. */
  zoom(low, high, along) {
    const isWhole = low === null;
    if (isWhole && this.state.get("zoom") === null) return;
    const zoom = isWhole ? null : zoomAlong(this.wanted().x, tidy(low, high), along);
    this.state.set({ zoom }, { push: true });
  }

  /** Show one metric full screen, or none. */
  open(key) {
    if (this.state.get("open") !== key) this.state.set({ open: key });
  }

  /** Go to the page of one run. */
  openRun(code) {
    this.state.set({ page: "run", run: code, part: null, open: null, at: null }, { push: true });
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
    this.page?.focus?.(run);
  }

  /** Let a screen reader say something. */
  announce(text) {
    this.voice.textContent = text;
  }

  #restyle() {
    this.top.update();
    this.page?.restyle?.();
  }
}

/** The ends of a zoom with no more digits than mean anything, so that addresses stay short. */
function tidy(low, high) {
  const places = Math.max(0, Math.ceil(3 - Math.log10(high - low)));
  return [low, high].map((end) => Number(end.toFixed(Math.min(places, 12))));
}
