// The box beside the crosshair: what every line says there, highest first.

import { h, icon, replace, setText } from "./dom.js";
import { formatAxis, formatSpan, formatValue, formatX } from "./format.js";

const ROW_PX = 19;
const MOST_ROWS = 40;
const AWAY_PX = 16;

/** As many rows as the window has room for. */
const room = () => Math.min(MOST_ROWS, Math.max(6, Math.floor((window.innerHeight - 90) / ROW_PX)));

/** Creates the one tooltip of the app; `show` places it, `hide` takes it away. */
export function createTooltip(colorOf) {
  const heading = h("div.tip-head");
  const body = h("div.tip-rows");
  const more = h("div.tip-more");
  const element = h("div.tip", { hidden: true, "aria-hidden": "true" }, heading, body, more);

  return {
    element,
    show(hit, view, span) {
      if (hit.rows.length === 0) return this.hide();
      const rows = ranked(hit.rows);
      const shown = around(rows, hit.run);
      setText(heading, headingOf(hit, view, span));
      replace(
        body,
        shown.map((row) => rowOf(row, hit.run, view, colorOf)),
      );
      const left = rows.length - shown.length;
      setText(more, left ? `and ${left} more` : "");
      element.hidden = false;
      place(element, hit.at);
    },
    hide() {
      element.hidden = true;
    },
  };
}

/** Rows by value, highest first; what is not a number comes last. */
export function ranked(rows) {
  const value = ({ line, i }) => (Number.isFinite(line.y[i]) ? line.y[i] : -Infinity);
  return [...rows].sort((a, b) => value(b) - value(a));
}

/** So many rows as there is room for, with the one that is meant among them. */
function around(rows, run) {
  const most = room();
  if (rows.length <= most) return rows;
  const at = Math.max(
    0,
    rows.findIndex((row) => row.line.run === run),
  );
  const from = Math.min(Math.max(0, at - (most >> 1)), rows.length - most);
  return rows.slice(from, from + most);
}

/** "step 484", "steps 480–487 · mean", "4 m 10 s · mean over 2 s", "epoch 3". */
export function headingOf({ x, rows }, { x: mode }, span) {
  const isMean = rows.some(({ line, i }) => line.count[i] > 1 && !line.isGroup);
  const isExact = rows.every(({ line }) => line.isSingle);
  const place = formatX(x, mode, isExact ? 1 : span);
  if (mode === "step")
    return `${place.includes("–") ? "steps" : "step"} ${place}${isMean ? " · mean" : ""}`;
  const name = mode.startsWith("metric:") ? `${formatAxis(mode)} ` : "";
  return `${name}${place}${isMean ? ` · mean over ${formatSpan(span, mode)}` : ""}`;
}

function rowOf({ line, i }, run, { smooth }, colorOf) {
  const raw = line.raw[i];
  const spread =
    line.count[i] > 1 ? `${formatValue(line.low[i], 3)} – ${formatValue(line.high[i], 3)}` : "";
  const aside = smooth > 0 ? `raw ${formatValue(raw)}` : spread;
  return h(
    "div.tip-row",
    { class: line.run === run ? "tip-row is-meant" : "tip-row" },
    h("i.swatch", { style: { "--color": colorOf(line.color) } }),
    h("span.tip-name", {}, line.name),
    h("span.tip-aside", {}, aside),
    h("span.tip-value", {}, formatValue(line.y[i])),
  );
}

/** Beside the pointer, on the side where there is room. */
function place(element, { left, top }) {
  const { offsetWidth: width, offsetHeight: height } = element;
  const isRight = left + AWAY_PX + width < window.innerWidth - 8;
  const x = isRight ? left + AWAY_PX : Math.max(8, left - AWAY_PX - width);
  const y = Math.min(Math.max(8, top - height / 2), window.innerHeight - height - 8);
  element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}

/** The badge of a run's status: a shape and a word, never a colour alone. */
export function statusBadge(status, label = status) {
  return h(
    "span.status",
    { class: `status is-${status}`, title: label },
    icon(status),
    h("span.sr", {}, label),
  );
}
