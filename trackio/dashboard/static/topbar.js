// The bar at the top: which project, which page, how fresh the data is, light or dark, help.

import { DEFAULTS } from "./address.js";
import { h, iconButton, replace, setText } from "./dom.js";
import { count, formatAge, formatClock } from "./format.js";
import { TABS } from "./tabs.js";

const LEARN_MS = 10_000;
const AFTER_MS = 1200;

export class TopBar {
  #app;

  constructor(app) {
    this.#app = app;
    this.projects = h("select.projects", {
      "aria-label": "Project",
      on: {
        change: () => this.#open(this.projects.value),
        pointerdown: () => app.listProjects(),
        focus: () => app.listProjects(),
      },
    });
    this.tabs = TABS.map((tab) => this.#tab(...tab));
    this.freshness = h("span.freshness", { role: "status" });
    this.themeButton = iconButton("moon", "Light or dark", () => app.theme.toggle());
    const help = h(
      "button.icon-button",
      {
        type: "button",
        title: "Keys and pointer (?)",
        "aria-label": "Keys and pointer",
        on: { click: () => app.help.toggle() },
      },
      "?",
    );
    this.element = h(
      "header.top",
      {},
      h(
        "a.skip",
        { href: "#board", on: { click: (event) => this.#skip(event) } },
        "Skip to the content",
      ),
      h("span.brand", {}, mark(), h("span.brand-name", {}, "Trackio")),
      this.projects,
      h("nav.tabs", { "aria-label": "Pages" }, this.tabs),
      h("span.space"),
      this.freshness,
      this.themeButton,
      help,
    );
  }

  #tab(page, text, key, content, isShy = false) {
    const go = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.#app.state.set({ page, open: null, at: null }, { push: true });
    };
    const link = h("a.tab", { href: "", title: `${text} (${key})`, on: { click: go } }, text);
    Object.assign(link, { page, content, isShy, hidden: isShy });
    return link;
  }

  #skip(event) {
    event.preventDefault();
    this.element.getRootNode().querySelector(".scroller")?.focus();
  }

  #open(project) {
    this.#app.state.set(
      { ...DEFAULTS, project, page: this.#app.state.get("page") },
      { push: true },
    );
  }

  /** Show the names of the projects. */
  setProjects(names, current) {
    const shown = [...this.projects.options].map((option) => option.value);
    if (shown.join("\n") !== names.join("\n")) this.#setOptions(names);
    if (current !== null) this.projects.value = current;
    this.projects.hidden = names.length === 0;
  }

  #setOptions(names) {
    const options = names.map((name) => h("option", { value: name }, name));
    replace(this.projects, options);
  }

  /** Learn which pages have nothing to show: now and then, and not before the charts are there. */
  learn(project) {
    const isOther = project.name !== this.#learned;
    if (!isOther && Date.now() - this.#learnedMs < LEARN_MS) return;
    [this.#learned, this.#learnedMs] = [project.name, Date.now()];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(project), AFTER_MS);
  }

  #learned = null;
  #learnedMs = 0;
  #timer = 0;

  async #ask(project) {
    const found = await this.#app.api
      .json("contents.json", { project: project.name })
      .catch(() => null);
    if (!found || project !== this.#app.project) return;
    const isHidden = this.#app.state.get("hideEmpty");
    for (const link of this.tabs) {
      const isEmpty = link.content !== null && !found[link.content];
      link.classList.toggle("is-empty", isEmpty);
      link.hidden = isEmpty && (isHidden || link.isShy) && !link.hasAttribute("aria-current");
    }
  }

  /** Show the state as it is now. */
  update() {
    const { state, theme } = this.#app;
    this.element.hidden = state.get("navbar") === "hidden";
    for (const link of this.tabs) {
      link.href = state.href({ page: link.page, open: null, at: null });
      if (link.page === state.get("page")) {
        link.setAttribute("aria-current", "page");
        link.hidden = false;
        const tabs = link.parentElement;
        tabs.scrollLeft = Math.max(0, link.offsetLeft - tabs.offsetLeft - 24);
      } else link.removeAttribute("aria-current");
    }
    const label = theme.isDark ? "Light" : "Dark";
    const fresh = iconButton(theme.isDark ? "sun" : "moon", `${label} colours`, () =>
      this.#app.theme.toggle(),
    );
    this.themeButton.replaceWith(fresh);
    this.themeButton = fresh;
  }

  /** Say how fresh the data is; `error` is why it is not. */
  setFreshness(project, error, retryS) {
    this.freshness.classList.toggle("is-stale", error !== null);
    if (error) {
      const age = formatAge(Math.max(0, project.nowS() - project.asOfS));
      setText(
        this.freshness,
        `Stale since ${formatClock(project.asOfS)} (${age}) · trying again in ${Math.round(retryS)} s`,
      );
      this.freshness.title = error.message;
      return;
    }
    const live = project.live;
    const { count: bad, files } = project.unreadable;
    this.freshness.classList.toggle("is-live", live > 0);
    this.freshness.classList.toggle("is-stale", bad > 0);
    const said = [
      bad ? `${count(bad, "file")} unreadable` : "",
      live ? `${live} live` : "",
      `data as of ${formatClock(project.asOfS)}`,
    ];
    setText(this.freshness, said.filter(Boolean).join(" · "));
    this.freshness.title = bad
      ? ["The points in these files are not shown:", ...files].join("\n")
      : "Asks for new data every few seconds while this page is visible";
  }
}

/** The mark: a rising curve on a tile. */
function mark() {
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "mark");
  svg.setAttribute("aria-hidden", "true");
  for (const [name, attributes] of [
    ["rect", { x: 1, y: 1, width: 22, height: 22, rx: 6.5, class: "mark-tile" }],
    ["path", { d: "M5 6.5c2.2 8.3 6 10.6 14 11", class: "mark-line" }],
    ["circle", { cx: 19, cy: 17.5, r: 2.1, class: "mark-dot" }],
  ]) {
    const part = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, String(value));
    svg.append(part);
  }
  return svg;
}
