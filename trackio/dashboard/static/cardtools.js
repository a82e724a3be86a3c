// The buttons at the top of a card: as a table, to keep, to move, full screen.

import { h, iconButton } from "./dom.js";
import { partsOf } from "./parts.js";
import { Popover } from "./popover.js";

/** `{element, setTable(isTable), close()}`. */
export function cardTools(app, card, { isLarge, mover }) {
  const { key } = card.metric;
  const table = iconButton("table", "Show as a table (t)", () => card.toggleTable(), {
    "aria-pressed": "false",
  });
  const open = isLarge
    ? iconButton("close", "Close full screen (Esc)", () => app.open(null))
    : iconButton("expand", "Full screen (f)", () => app.open(key));
  const panel = h("div.menu");
  const menu = new Popover({ label: "Save or move", iconName: "save", panel });
  const item = (text, act) =>
    h(
      "button.menu-item",
      { type: "button", on: { click: () => (menu.toggle(false), act()) } },
      text,
    );
  panel.append(
    item("Picture (PNG)", () => saveAs(app, card, "png")),
    item("Drawing (SVG)", () => saveAs(app, card, "svg")),
    item("All points (CSV)", () => savePoints(app, card)),
  );
  if (mover && !isLarge)
    panel.append(
      item("Move to the front", () => mover.move(card, 0)),
      item("Move left", () => mover.move(card, -1)),
      item("Move right", () => mover.move(card, 1)),
    );
  return {
    element: h("span.card-tools", {}, table, menu.element, open),
    setTable: (isTable) => table.setAttribute("aria-pressed", String(isTable)),
    close: () => menu.toggle(false),
  };
}

async function saveAs(app, card, type) {
  if (!card.limits) return;
  const { key } = card.metric;
  const { pictureOf } = await import("./picture.js");
  const { offer, rasterize } = await import("./save.js");
  const { svg, size } = pictureOf(key, card.lines, card.limits, card.view, app.theme.chart());
  const picture = type === "svg" ? svg : await rasterize(svg, size);
  offer(`${key}.${type}`, picture, "image/svg+xml");
}

/** Every point as it was logged, from the server, which has them all. */
async function savePoints(app, card) {
  const { x, zoom } = card.view;
  const isMetric = x.startsWith("metric:");
  const { offer } = await import("./save.js");
  const text = await app.api.text("points.csv", {
    project: app.project.name,
    kind: app.series.kind === "metric" ? null : app.series.kind,
    m: partsOf(card.metric)
      .map((part) => part.code)
      .join(),
    r: app.shownRuns().join(),
    x: isMetric || x === "step" ? null : x,
    lo: isMetric ? null : (zoom?.[0] ?? null),
    hi: isMetric ? null : (zoom?.[1] ?? null),
  });
  offer(`${card.metric.key}.csv`, text, "text/csv");
}
