// The same numbers that a chart draws, as a table: for screen readers, and to copy from.

import { h } from "./dom.js";
import { formatValue } from "./format.js";
import { grid } from "./measures.js";

const ROWS = 1200;
const DIGITS = 8;

/** A table of the lines' values (not smoothed) by x, one column a run. */
export function valueTable(lines, sayX, caption) {
  const positions = grid(lines);
  const columns = lines.map((line) => {
    const values = new Map(Array.from(line.x, (x, i) => [x, line.raw[i]]));
    for (const [x] of line.bad) if (!values.has(x)) values.set(x, NaN);
    return values;
  });
  const rows = Array.from(positions.subarray(0, ROWS), (x) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, sayX(x)),
      columns.map((values) => cell(values, x)),
    ),
  );
  const head = h(
    "tr",
    {},
    h("td"),
    lines.map((line) => h("th", { scope: "col" }, line.name)),
  );
  const left = positions.length - rows.length;
  const more = h("td", { colspan: columns.length + 1 }, `${left} more rows: zoom in to see them`);
  return h(
    "table",
    {},
    h("caption.sr", {}, caption),
    h("thead", {}, head),
    h("tbody", {}, rows),
    left > 0 ? h("tfoot", {}, h("tr", {}, more)) : null,
  );
}

function cell(values, x) {
  if (!values.has(x)) return h("td");
  return h("td", { title: String(values.get(x)) }, formatValue(values.get(x), DIGITS));
}
