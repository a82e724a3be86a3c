// The keys that work anywhere, and the card that lists them.

import { h, iconButton, replace } from "./dom.js";

const KEYS = [
  ["/", "Search"],
  ["l", "Logarithmic y axis"],
  ["f", "Chart under the pointer full screen"],
  ["t", "Chart under the pointer as a table"],
  ["z", "Leave the zoom"],
  ["c", "Leave out outliers"],
  ["m r s d", "Metrics, runs, system, media"],
  ["a w e i h", "Traces, alerts, reports, files, health"],
  ["v g", "Artifacts, registry"],
  ["← →", "Move the crosshair of the focused chart (Shift: by ten)"],
  ["Esc", "Close"],
  ["?", "This list"],
];

const POINTER = [
  ["Drag on a chart", "Zoom all charts"],
  ["Double click", "Leave the zoom"],
  ["Alt-click a run", "Show it alone"],
];

/** Listens for keys until `close` is called. `actions` maps a key to what it does. */
export function createKeyboard(actions) {
  const listen = (event) => {
    const target = event.composedPath()[0];
    const isTyping =
      target instanceof HTMLElement &&
      target.matches("input:not([type=checkbox]):not([type=range]), textarea, select");
    if (event.key === "Escape" && isTyping) target.blur();
    if (event.metaKey || event.ctrlKey || event.altKey || (isTyping && event.key !== "Escape"))
      return;
    const act = actions[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  window.addEventListener("keydown", listen);
  return { close: () => window.removeEventListener("keydown", listen) };
}

/** The card of keys, a modal dialog. */
export function createHelp() {
  const dialog = h("dialog.help", { "aria-label": "Keys and pointer" });
  const row = ([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)];
  const close = iconButton("close", "Close", () => dialog.close());
  replace(
    dialog,
    h("header", {}, h("h2", {}, "Keys and pointer"), close),
    h("dl", {}, [...KEYS, ...POINTER].flatMap(row)),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return { element: dialog, toggle: () => (dialog.open ? dialog.close() : dialog.showModal()) };
}
