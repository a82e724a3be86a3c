// The bar at the top: which project, which page, how fresh the data is, light or dark, help.

import { h, iconButton, replace, setText } from "./dom.js";
import { count, formatAge, formatClock } from "./format.js";

const PAGES = [
  ["metrics", "Metrics"],
  ["runs", "Runs"],
];

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
    this.tabs = PAGES.map(([page, text]) => this.#tab(page, text));
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

  #tab(page, text) {
    const go = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.#app.state.set({ page }, { push: true });
    };
    const link = h("a.tab", { href: "", on: { click: go } }, text);
    link.page = page;
    return link;
  }

  #skip(event) {
    event.preventDefault();
    this.element.getRootNode().querySelector(".scroller")?.focus();
  }

  #open(project) {
    this.#app.state.set(
      { project, runs: null, zoom: null, open: null, find: "", runFind: "", fold: [], sort: null },
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

  /** Show the state as it is now. */
  update() {
    const { state, theme } = this.#app;
    for (const link of this.tabs) {
      link.href = state.href({ page: link.page });
      if (link.page === state.get("page")) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
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
