// Draws who made what of what: runs and versions as boxes that links lead through, an arrow from
// each to what followed of it, and the same as a table. Arrow keys go along the arrows.

import { ago, runLink, versionLink } from "./artifact_parts.js";
import { h, icon, replace } from "./dom.js";
import { count, group } from "./format.js";
import { BOX, arrowHead, boxOf, curve, svg } from "./lineage_box.js";
import { graphOf, neighbours, reach } from "./lineage_graph.js";
import { layout } from "./lineage_layout.js";
import { table } from "./plaintable.js";

const EDGE = 14; // around the picture
const MOST = 400; // nodes; more would be no picture
const [SMALLEST, LARGEST] = [0.35, 2];
const READABLE = 0.8;

export class Lineage {
  #app;
  #links;
  #scale = null;
  #boxes = new Map();

  /**
   * `focus` is the version that it is about, `total` how many links there are in all, `isTable`
   * whether it is a table at first.
   */
  constructor(app, links, { focus = null, total = links.length, isTable = false } = {}) {
    this.#app = app;
    this.#links = links;
    this.graph = graphOf(links, focus);
    this.near = neighbours(this.graph);
    this.isLarge = this.graph.nodes.size > MOST;
    this.stage = h("div.lineage-stage", { tabindex: "-1" });
    this.said = h("span.count", { role: "status" }, this.#summary(total));
    this.toggle = h(
      "button.text-button",
      { type: "button", "aria-pressed": "false", on: { click: () => this.#turn() } },
      icon("table"),
      "View as table",
    );
    this.zooms = h("div.lineage-zoom", { role: "group", "aria-label": "Size" }, [
      this.#zoomButton("−", "Smaller", () => this.#zoom(this.#scale / 1.25)),
      this.#zoomButton("+", "Larger", () => this.#zoom(this.#scale * 1.25)),
      this.#zoomButton("Fit", "Fit the picture", () => this.#fit(SMALLEST)),
    ]);
    this.element = h(
      "section.block.lineage",
      { "aria-label": "Lineage" },
      h("div.data-bar", {}, this.said, h("span.space"), this.#legend(), this.zooms, this.toggle),
      this.stage,
    );
    if (this.isLarge || isTable) this.#turn();
    else this.#draw();
  }

  get isTable() {
    return this.toggle.getAttribute("aria-pressed") === "true";
  }

  #summary(total) {
    const nodes = [...this.graph.nodes.values()];
    const runs = nodes.filter(({ kind }) => kind === "run").length;
    const versions = new Set(
      this.#links.map(({ name, id, project }) => `${project}/${name} ${id}`),
    );
    const left = total - this.#links.length;
    const more = left > 0 ? ` · ${group(left)} links are left out` : "";
    return `${count(runs, "run")} · ${count(versions.size, "version")}${more}`;
  }

  #legend() {
    const of = (kind, text) => h("span.lineage-key", {}, h(`i.is-${kind}`), text);
    return h(
      "span.lineage-legend",
      { "aria-hidden": "true" },
      of("run", "run"),
      of("version", "version"),
    );
  }

  #zoomButton(text, label, act) {
    const about = { type: "button", "aria-label": label, title: label, on: { click: act } };
    return h("button.text-button", about, text);
  }

  // As a table

  #turn() {
    const isTable = !this.isTable;
    this.toggle.setAttribute("aria-pressed", String(isTable));
    this.zooms.hidden = isTable;
    this.toggle.hidden = this.isLarge;
    if (isTable) replace(this.stage, this.#table());
    else this.#draw();
  }

  #table() {
    const app = this.#app;
    const row = (link) =>
      h(
        "tr",
        {},
        h("td", {}, runLink(app, link.run)),
        h("td", {}, link.made ? "made" : "used"),
        h("td", {}, versionLink(app, link)),
        h("td", {}, link.type),
        h("td", {}, ago(app, link.time_s)),
      );
    return table(["Run", "What it did", "Version", "Type", "When"], this.#links.map(row));
  }

  // As a picture

  #draw() {
    this.laid = layout(this.graph, BOX);
    this.size = { width: this.laid.width + 2 * EDGE, height: this.laid.height + 2 * EDGE };
    const inner = svg("g", { transform: `translate(${EDGE} ${EDGE})` });
    this.edges = this.laid.ways.map((way) => this.#edge(way));
    this.#boxes = new Map([...this.graph.nodes.values()].map((node) => [node.id, this.#box(node)]));
    inner.append(...this.edges.map(({ path }) => path), ...this.#boxes.values());
    this.picture = svg("svg", {
      viewBox: `0 0 ${this.size.width} ${this.size.height}`,
      role: "group",
      "aria-label": "Lineage: arrow keys go along it, Enter opens",
      class: "lineage-picture",
    });
    this.picture.append(arrowHead(), inner);
    this.picture.addEventListener("keydown", (event) => this.#onKey(event));
    const first = this.#focused() ?? this.#boxes.keys().next().value;
    this.#boxes.get(first)?.setAttribute("tabindex", "0");
    replace(this.stage, this.picture);
    this.#fitSoon(first);
  }

  #focused() {
    return [...this.graph.nodes.values()].find(({ isFocus }) => isFocus)?.id;
  }

  /** Once the width is known: fit it, but never so small that nobody can read it. */
  #fitSoon(first) {
    const watch = new ResizeObserver(() => {
      if (this.stage.clientWidth === 0) return;
      watch.disconnect();
      this.#fit(READABLE);
      const { x, y } = this.laid.places.get(first);
      this.stage.scrollTo(
        x * this.#scale - this.stage.clientWidth / 2,
        y * this.#scale - this.stage.clientHeight / 2,
      );
    });
    watch.observe(this.stage);
  }

  #fit(least) {
    const fit = (this.stage.clientWidth - 2) / this.size.width;
    this.#zoom(Math.min(1.15, Math.max(least, fit)));
  }

  #zoom(scale) {
    this.#scale = Math.min(LARGEST, Math.max(SMALLEST, scale));
    this.picture.setAttribute("width", String(Math.round(this.size.width * this.#scale)));
    this.picture.setAttribute("height", String(Math.round(this.size.height * this.#scale)));
  }

  #edge(way) {
    const points = way.way.map((id) => this.laid.places.get(id));
    const path = svg("path", { d: curve(points), class: "lineage-edge" });
    path.setAttribute(way.isBack ? "marker-start" : "marker-end", "url(#lineage-arrow)");
    return { ...way, path };
  }

  #box(node) {
    const link = boxOf(node, this.laid.places.get(node.id), this.#around(node.id), this.#app);
    for (const event of ["pointerenter", "focus"])
      link.addEventListener(event, () => this.#light(node.id));
    for (const event of ["pointerleave", "blur"])
      link.addEventListener(event, () => this.#light(null));
    return link;
  }

  #around(id) {
    const [from, to] = [this.near.before.get(id).length, this.near.after.get(id).length];
    return `. From ${group(from)}, leads to ${group(to)}`;
  }

  /** Bring forward what a node came from and what became of it. */
  #light(id) {
    const near = id && new Set([...reach(this.near.before, id), ...reach(this.near.after, id)]);
    for (const [one, box] of this.#boxes)
      box.classList.toggle("is-faded", Boolean(near) && !near.has(one));
    for (const { from, to, path } of this.edges) {
      const isOn = Boolean(near) && near.has(from) && near.has(to);
      path.classList.toggle("is-on", isOn);
      path.classList.toggle("is-faded", Boolean(near) && !isOn);
    }
  }

  #onKey(event) {
    const at = [...this.#boxes].find(([, box]) => box === event.target)?.[0];
    const next = at && this.#next(at, event.key);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    this.#boxes.get(at).setAttribute("tabindex", "-1");
    const box = this.#boxes.get(next);
    box.setAttribute("tabindex", "0");
    box.focus();
    box.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #next(id, key) {
    const { places, columns } = this.laid;
    const { y, column } = places.get(id);
    const nearest = (ids) =>
      [...ids].sort((a, b) => Math.abs(places.get(a).y - y) - Math.abs(places.get(b).y - y))[0];
    const fellows = columns[column];
    switch (key) {
      case "ArrowRight":
        return nearest(this.near.after.get(id));
      case "ArrowLeft":
        return nearest(this.near.before.get(id));
      case "ArrowDown":
        return fellows[fellows.indexOf(id) + 1];
      case "ArrowUp":
        return fellows[fellows.indexOf(id) - 1];
      default:
        return undefined;
    }
  }
}
