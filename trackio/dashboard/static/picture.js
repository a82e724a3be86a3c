// A chart as SVG, drawn anew from its lines with a title, axes and a legend, to put into a paper.

import { linearTicks, logTicks, xLabels, xTicks } from "./axes.js";
import { DASHES } from "./colors.js";
import { projector } from "./draw.js";
import { formatAxis, formatTick } from "./format.js";
import { within } from "./measures.js";

const SIZE = { width: 720, height: 420 };
const EDGE = { left: 64, top: 34, right: 16, bottom: 42 };
const LEGEND = 12; // lines that are named

/** The picture of `lines` within `limits` of x and y. */
export function pictureOf(title, lines, limits, view, theme) {
  const named = lines.slice(0, LEGEND);
  const below = Math.ceil(named.length / 2) * 18;
  const size = { width: SIZE.width, height: SIZE.height + below };
  const inner = {
    width: SIZE.width - EDGE.left - EDGE.right,
    height: SIZE.height - EDGE.top - EDGE.bottom,
  };
  const scales = { x: range(limits.x), y: range(limits.y) };
  const area = projector(scales, inner, view.log, view.logx);
  const parts = [
    tag("rect", { width: size.width, height: size.height, fill: theme.card }),
    text(EDGE.left, 20, title, { "font-weight": 600, "font-size": 14, fill: theme.text }),
    `<g transform="translate(${EDGE.left} ${EDGE.top})">`,
    ...axes(limits, inner, area, view, theme),
    `<clipPath id="area">${tag("rect", inner)}</clipPath>`,
    `<g clip-path="url(#area)" fill="none" stroke-linejoin="round">`,
    ...lines.flatMap((line) => drawn(line, area, view, theme)),
    "</g></g>",
    ...named.map((line, i) => legend(line, i, theme)),
  ];
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}" font-family="system-ui, sans-serif" font-size="12">`;
  return { svg: [open, ...parts, "</svg>"].join("\n"), size };
}

const range = ([min, max]) => ({ min, max });
const escape = (value) =>
  String(value)
    .replace(/[&<>"']/g, (c) => `&#${c.codePointAt(0)};`)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");

function tag(name, attributes, inner = null) {
  const said = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(value)}"`);
  return `<${name}${said.join("")}${inner === null ? "/>" : `>${inner}</${name}>`}`;
}

const text = (x, y, said, more = {}) => tag("text", { x, y, ...more }, escape(said));

function axes({ x, y }, { width, height }, area, view, theme) {
  const across = xTicks(view.x, view.logx)(...x, 8);
  const isPlain = view.logx && !["relative", "time"].includes(view.x);
  const labels = isPlain
    ? across.ticks.map((tick) => formatTick(tick, tick))
    : xLabels(view.x, across.ticks, across.step || 1);
  const up = view.log ? logTicks(...y, 8) : linearTicks(...y, 8).ticks;
  const step = up.length > 1 ? up[1] - up[0] : 1;
  const muted = { fill: theme.muted };
  return [
    ...up.map((tick) =>
      tag("line", { x1: 0, x2: width, y1: area.y(tick), y2: area.y(tick), stroke: theme.gridLine }),
    ),
    ...up.map((tick) =>
      text(-8, area.y(tick) + 4, formatTick(tick, view.log ? tick : step), {
        "text-anchor": "end",
        ...muted,
      }),
    ),
    ...across.ticks.map((tick, i) =>
      text(area.x(tick), height + 18, labels[i], { "text-anchor": "middle", ...muted }),
    ),
    text(width, height + 34, formatAxis(view.x), { "text-anchor": "end", ...muted }),
  ];
}

function drawn(line, area, view, theme) {
  const color = theme.colorOf(line.color);
  const [from, to] = span(line, area);
  const path = (ys, first = from, last = to) => trace(line.x, ys, area, first, last);
  const parts = [];
  if (!line.isSingle)
    parts.push(tag("path", { d: band(line, area, from, to), fill: color, "fill-opacity": 0.13 }));
  if (view.smooth > 0)
    parts.push(tag("path", { d: path(line.raw), stroke: color, "stroke-opacity": 0.3 }));
  const dash = DASHES[line.dash].join(" ") || "none";
  parts.push(
    tag("path", { d: path(line.y), stroke: color, "stroke-width": 1.8, "stroke-dasharray": dash }),
  );
  if (to - from === 1 && Number.isFinite(area.y(line.y[from])))
    parts.push(
      tag("circle", { cx: area.x(line.x[from]), cy: area.y(line.y[from]), r: 3, fill: color }),
    );
  return parts;
}

function span(line, area) {
  const [from, to] = within(line.x, area.range);
  return [Math.max(0, from - 1), Math.min(line.x.length, to + 1)];
}

const at = (value) => Math.round(value * 100) / 100;

function trace(x, ys, area, from, to) {
  let path = "";
  let isDown = false;
  for (let i = from; i < to; i++) {
    const [across, up] = [area.x(x[i]), area.y(ys[i])];
    const isThere = Number.isFinite(up) && Number.isFinite(across);
    if (isThere) path += `${isDown ? "L" : "M"}${at(across)} ${at(up)}`;
    isDown = isThere;
  }
  return path;
}

function band({ x, low, high }, area, from, to) {
  const there = [];
  for (let i = from; i < to; i++)
    if (Number.isFinite(high[i]) && Number.isFinite(area.x(x[i]))) there.push(i);
  const edge = (value) => (Number.isNaN(area.y(value)) ? area.bottom : area.y(value));
  const point = (i, ys) => `${at(area.x(x[i]))} ${at(edge(ys[i]))}`;
  const points = [
    ...there.map((i) => point(i, high)),
    ...there.reverse().map((i) => point(i, low)),
  ];
  return points.length ? `M${points.join("L")}Z` : "";
}

function legend(line, i, theme) {
  const x = EDGE.left + (i % 2) * ((SIZE.width - EDGE.left) / 2);
  const y = SIZE.height + Math.floor(i / 2) * 18 + 2;
  const name = line.name.length > 48 ? `${line.name.slice(0, 47)}…` : line.name;
  const mark = tag("rect", {
    x,
    y: y - 8,
    width: 10,
    height: 10,
    rx: 3,
    fill: theme.colorOf(line.color),
  });
  return mark + text(x + 16, y + 1, name, { fill: theme.muted });
}
