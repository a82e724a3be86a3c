// A distribution as bars.

import { linearTicks } from "./axes.js";
import { formatTick, formatValue, group } from "./format.js";

const NS = "http://www.w3.org/2000/svg";
const SIZE = { width: 320, height: 150, bottom: 18 };

function svg(name, attributes, text = null) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== null) element.textContent = text;
  return element;
}

/** Bars for `{bins, values}`: one bound more than there are counts. */
export function histogram({ bins = [], values = [] }, name) {
  const { width, height, bottom } = SIZE;
  const total = values.reduce((sum, value) => sum + value, 0);
  const root = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    class: "histogram",
    role: "img",
    "aria-label": `${name}: ${group(total)} values from ${formatValue(bins[0])} to ${formatValue(bins.at(-1))}`,
  });
  if (values.length === 0) return root;
  const [low, high] = [bins[0], bins.at(-1)];
  const most = Math.max(...values, 1);
  const x = (value) => ((value - low) / (high - low || 1)) * width;
  values.forEach((value, i) => {
    const tall = (value / most) * (height - bottom - 4);
    const bar = svg("rect", {
      x: x(bins[i]),
      width: Math.max(0.6, x(bins[i + 1]) - x(bins[i]) - 0.6),
      y: height - bottom - tall,
      height: tall,
    });
    bar.append(
      svg("title", {}, `${formatValue(bins[i])} … ${formatValue(bins[i + 1])}: ${group(value)}`),
    );
    root.append(bar);
  });
  const { ticks, step } = linearTicks(low, high, 5);
  for (const tick of ticks)
    if (x(tick) > 12 && x(tick) < width - 12)
      root.append(
        svg("text", { x: x(tick), y: height - 4, "text-anchor": "middle" }, formatTick(tick, step)),
      );
  return root;
}
