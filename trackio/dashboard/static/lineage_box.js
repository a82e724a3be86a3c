// What the boxes and arrows of a lineage look like, and what they say.

import { toVersion } from "./artifact_parts.js";
import { count } from "./format.js";

const NS = "http://www.w3.org/2000/svg";

/** The size of a box, and how far boxes are apart. */
export const BOX = { width: 178, height: 46, gapX: 52, gapY: 16 };

/** The box of a node in its place, a link where it leads anywhere; `around` says what it joins. */
export function boxOf(node, { x, y }, around, app) {
  const told = tell(node, app);
  const patch = patchOf(node, app);
  const marks = [node.isFocus ? " is-focus" : "", node.isGone ? " is-gone" : ""];
  const link = svg("a", {
    class: `lineage-box is-${node.kind}${marks.join("")}`,
    transform: `translate(${x - BOX.width / 2} ${y - BOX.height / 2})`,
    tabindex: "-1",
    "aria-label": told.label + around,
    ...(patch ? { href: app.state.href(patch) } : { role: "img" }),
  });
  link.append(
    svg("title", {}, told.label),
    svg("rect", { width: BOX.width, height: BOX.height, rx: node.kind === "run" ? 23 : 8 }),
    svg("text", { x: 30, y: 19, class: "lineage-name" }, clip(told.name, 20)),
    svg("text", { x: 30, y: 35, class: "lineage-about" }, clip(told.about, 24)),
    mark(node, app),
  );
  link.addEventListener("click", (event) => {
    if (!patch || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    app.state.set(patch, { push: true });
  });
  return link;
}

/** What a box says. */
function tell(node, app) {
  if (node.kind === "run") {
    const status = app.project.runs.get(node.run.code)?.status;
    return {
      name: node.run.name,
      about: status ? `run · ${status}` : "run",
      label: `Run ${node.run.name}`,
    };
  }
  const home = node.project === app.project.name ? "" : `${node.project}/`;
  if (node.kind === "many") {
    const name = `${home}${node.name}`;
    const about = `${node.type} · ${node.versions.length} versions`;
    return { name, about, label: `${count(node.versions.length, "version")} of ${name}` };
  }
  const name = `${home}${node.name}:${node.version ?? "?"}`;
  const about = node.isGone ? `${node.type} · deleted` : node.type;
  return { name, about, label: `Version ${name}, ${about}` };
}

/** Where a box leads, if anywhere. */
function patchOf(node, app) {
  if (node.kind === "run")
    return node.run.code && { page: "run", run: node.run.code, part: null, open: null, at: null };
  if (node.isGone) return null;
  return { ...toVersion(app, node), part: node.kind === "version" ? "lineage" : null };
}

/** The sign at the left: a run's colour, or a sheet for a version, sheets for many. */
function mark(node, app) {
  if (node.kind === "run") {
    const color = app.project.runs.get(node.run.code)?.color;
    const dot = svg("circle", { cx: 17, cy: 23, r: 5, class: "lineage-dot" });
    if (color !== undefined) dot.style.fill = app.theme.color(color);
    return dot;
  }
  const sheet = "M12 16.5h7l3 3v10h-10z M19 16.5v3h3";
  const d = node.kind === "many" ? `${sheet} M9.5 19v13h9.5` : sheet;
  return svg("path", { d, class: "lineage-sheet" });
}

/** A line from box to box that leaves and arrives level. */
export function curve(points) {
  const half = BOX.width / 2;
  const ends = points.map(({ x, y }, i) => {
    const isEnd = i === 0 || i === points.length - 1;
    return isEnd
      ? [[x + (i === 0 ? half : -half - 6), y]]
      : [
          [x - half, y],
          [x + half, y],
        ];
  });
  const [[start], ...rest] = [ends[0], ...ends.slice(1).flat()];
  let d = `M${start[0]} ${start[1]}`;
  let [x, y] = start;
  for (const [toX, toY] of rest) {
    const middle = (x + toX) / 2;
    d += y === toY ? `L${toX} ${toY}` : `C${middle} ${y} ${middle} ${toY} ${toX} ${toY}`;
    [x, y] = [toX, toY];
  }
  return d;
}

/** The tip of an arrow, for the edges to point with. */
export function arrowHead() {
  const marker = svg("marker", {
    id: "lineage-arrow",
    viewBox: "0 0 8 8",
    refX: "2",
    refY: "4",
    markerWidth: "8",
    markerHeight: "8",
    markerUnits: "userSpaceOnUse",
    orient: "auto-start-reverse",
  });
  marker.append(svg("path", { d: "M0 .8 7 4 0 7.2z", class: "lineage-tip" }));
  const defs = svg("defs");
  defs.append(marker);
  return defs;
}

const clip = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** An element of a drawing. */
export function svg(name, attributes = {}, text = null) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== null) element.textContent = text;
  return element;
}
