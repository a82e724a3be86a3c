// What a card says of its drawing: how many points of how many, and what is not to be seen.

import { count, formatAxis, formatSpan, formatValue, group } from "./format.js";

/** `{text, title, isWarning}` for what `census` counted of the lines; `isOwn`: of an axis of its own. */
export function describe(lines, sums, { data, view, isOwn = false }) {
  const { points, shown, bad, hidden, outside } = sums;
  const span = formatSpan(data.width * data.scale, view.x);
  const isExact = lines.every((line) => line.isSingle);
  const isGrouped = lines.some((line) => line.isGroup);
  const all = data.whole.reduce((sum, series) => sum + series.points, 0);
  const drawn = isExact && !isGrouped ? points : shown;
  const parts = [`${group(drawn)} of ${count(Math.max(all, points), "point")}`];
  if (isOwn) parts.push(`along ${formatAxis(view.x)}`);
  if (!isExact && data.width > 1) parts.push(`mean of ${span}`);
  if (bad) parts.push(`${group(bad)} not a number`);
  if (hidden) parts.push(`${group(hidden)} ≤ 0 hidden`);
  if (view.clip && outside) parts.push(`${group(outside)} outside`);
  const isWarning = bad + hidden > 0 || (view.clip && outside > 0);
  return {
    text: parts.join(" · "),
    title: explain(isExact, isGrouped, sums, span, view),
    isWarning,
  };
}

function explain(isExact, isGrouped, { points, shown }, span, { band }) {
  if (isGrouped) {
    const said = band === "range" ? "from the lowest to the highest" : "of one standard deviation";
    return `Mean of the runs of each group in buckets of ${span}, band ${said}`;
  }
  if (isExact) return `All ${count(points, "point")}, exactly as logged`;
  return `${group(points)} points in ${group(shown)} buckets of ${span}: line through the means, band from lowest to highest`;
}

/** What a screen reader says of the chart. */
export function summarize(key, lines) {
  const last = lines
    .map((line) => line.raw.findLast(Number.isFinite))
    .filter((value) => value !== undefined);
  const spread = last.length
    ? `, last ${formatValue(Math.min(...last))} to ${formatValue(Math.max(...last))}`
    : "";
  const noun = lines.some((line) => line.isGroup) ? "group" : "run";
  return `${key}, ${count(lines.length, noun)}${spread}. Arrow keys read values.`;
}
