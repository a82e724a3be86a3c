// The table of runs as a file: CSV, JSON, or LaTeX to put into a paper.

import { isNumeric } from "./columns.js";
import { h } from "./dom.js";
import { Popover } from "./popover.js";
import { csv, offer } from "./save.js";

/** A menu; `get()` gives `{name, columns, rows}` when something was chosen. */
export function exportMenu(get) {
  const panel = h("div.menu");
  const popover = new Popover({ text: "Export", iconName: "save", panel });
  for (const [text, extension, write] of [
    ["CSV", "csv", asCsv],
    ["JSON", "json", asJson],
    ["LaTeX", "tex", asLatex],
  ]) {
    const save = async () => {
      popover.toggle(false);
      const table = await get();
      offer(`${table.name}.${extension}`, write(table));
    };
    panel.append(h("button.menu-item", { type: "button", on: { click: save } }, text));
  }
  return popover;
}

const titleOf = ({ id }) => id.replace(/^config\//, "");

export function asCsv({ columns, rows }) {
  return csv([columns.map(titleOf), ...rows]);
}

export function asJson({ columns, rows }) {
  const row = (values) => Object.fromEntries(columns.map(({ id }, i) => [id, plain(values[i])]));
  return `${JSON.stringify(rows.map(row), null, 1)}\n`;
}

/** JSON has no words for what is not finite. */
const plain = (value) =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : value;

const SPECIAL = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
};
const escape = (text) =>
  String(text).replace(/[\\~^]|[&%$#_{}]/g, (char) => SPECIAL[char] ?? `\\${char}`);

export function asLatex({ columns, rows }) {
  const line = (cells) => `${cells.map(escape).join(" & ")} \\\\`;
  return [
    `\\begin{tabular}{${columns.map((column) => (isNumeric(column) ? "r" : "l")).join("")}}`,
    "\\hline",
    line(columns.map(titleOf)),
    "\\hline",
    ...rows.map((row) => line(row.map((value, i) => columns[i].say(value)))),
    "\\hline",
    "\\end{tabular}",
    "",
  ].join("\n");
}
