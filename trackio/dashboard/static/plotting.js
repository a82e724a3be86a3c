// A canvas with axes for pictures of runs (not of series): it scales, labels and finds what is near.

import { linearTicks, logTicks } from "./axes.js";
import { h } from "./dom.js";
import { formatTick } from "./format.js";

/** A canvas that fills its box and is drawn anew when that changes. */
export function createCanvas(label, draw) {
  const canvas = h("canvas.free-canvas", { role: "img", "aria-label": label, tabindex: "0" });
  const box = h("div.free-box", {}, canvas);
  const fit = new ResizeObserver(() => paint());
  fit.observe(box);

  function paint() {
    const { clientWidth: width, clientHeight: height } = box;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: width * ratio, height: height * ratio });
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    ctx.font = "11px system-ui, sans-serif";
    ctx.clearRect(0, 0, width, height);
    draw(ctx, { width, height });
  }

  return { element: box, canvas, paint, close: () => fit.disconnect() };
}

/**
 * How values of a column become places between `from` and `to`: numbers by size, with a logarithm
 * if wanted, texts by their order. `{at(value), ticks: [[value, text]]}`; `at` is NaN for nothing.
 */
export function scaleOf(values, [from, to], isLog = false) {
  const numbers = values.filter((value) => typeof value === "number" && Number.isFinite(value));
  const texts = values.filter((value) => typeof value === "string" || typeof value === "boolean");
  if (texts.length) return ordinal(values, from, to);
  const fit = isLog ? numbers.filter((value) => value > 0) : numbers;
  let [low, high] = [Infinity, -Infinity];
  for (const value of fit) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (!(low <= high)) return { at: () => NaN, ticks: [] };
  if (low === high) [low, high] = isLog ? [low / 2, high * 2] : [low - 1, high + 1];
  const by = isLog ? Math.log10 : (value) => value;
  const room = (by(high) - by(low)) * 0.04;
  const [begin, end] = [by(low) - room, by(high) + room];
  const at = (value) =>
    typeof value === "number" && (!isLog || value > 0)
      ? from + ((by(value) - begin) / (end - begin)) * (to - from)
      : NaN;
  const back = isLog ? (value) => 10 ** value : (value) => value;
  const wanted = Math.max(2, Math.abs(to - from) / 64);
  if (isLog) {
    const ticks = logTicks(back(begin), back(end), wanted);
    return { at, ticks: ticks.map((tick) => [tick, formatTick(tick, tick)]) };
  }
  const { ticks, step } = linearTicks(begin, end, wanted);
  return { at, ticks: ticks.map((tick) => [tick, formatTick(tick, step)]) };
}

function ordinal(values, from, to) {
  const known = [
    ...new Set(values.filter((value) => value !== null && value !== undefined).map(String)),
  ];
  known.sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const apart = (to - from) / Math.max(1, known.length);
  const rank = new Map(known.map((text, i) => [text, from + (i + 0.5) * apart]));
  return {
    at: (value) => (value === null || value === undefined ? NaN : rank.get(String(value))),
    ticks: known
      .slice(0, 40)
      .map((text) => [text, text.length > 16 ? `${text.slice(0, 15)}…` : text]),
  };
}

/** Whether a logarithm would spread these numbers better. */
export function suitsLog(values) {
  const numbers = values.filter((value) => typeof value === "number" && Number.isFinite(value));
  if (numbers.length < 3 || numbers.some((value) => value <= 0)) return false;
  return numbers.reduce((a, b) => Math.max(a, b)) / numbers.reduce((a, b) => Math.min(a, b)) >= 50;
}
