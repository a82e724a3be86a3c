// A small table of the page: its headings and rows, nothing to sort.

import { h } from "./dom.js";

/** A plain table with these headings. */
export function table(heads, rows) {
  return h(
    "div.table-box",
    { tabindex: "0" },
    h(
      "table.plain",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head) => h("th", { scope: "col" }, head)),
        ),
      ),
      h("tbody", {}, rows),
    ),
  );
}
