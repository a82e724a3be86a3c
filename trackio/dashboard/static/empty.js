// What stands where there is nothing to see: never a blank page, always the next thing to do.

import { h } from "./dom.js";

const CODE = `import trackio as wandb

wandb.init(project="demo")
wandb.log({"loss": 0.1})`;

/** No project yet: the lines that make one. */
export function noProject(where) {
  const copy = h(
    "button.text-button",
    { type: "button", on: { click: () => copyCode(copy) } },
    "Copy",
  );
  return h(
    "main.empty.is-first",
    {},
    h("h1", {}, "Nothing logged yet"),
    h(
      "p",
      {},
      "Run these lines anywhere this store can be written, and the charts appear here by themselves.",
    ),
    h("div.code", {}, h("pre", {}, h("code", {}, CODE)), copy),
    h("p.quiet", {}, "Looking in ", h("code", {}, where)),
  );
}

async function copyCode(button) {
  try {
    await navigator.clipboard.writeText(CODE);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select the lines to copy them";
  }
}

/** A project without metrics, or none that match. */
export function noMetrics(total, find, clear) {
  if (find) {
    return h(
      "div.empty",
      {},
      h("h2", {}, "No metric matches"),
      h("p", {}, `None of ${total} metrics matches `, h("code", {}, find)),
      h("button.text-button", { type: "button", on: { click: clear } }, "Show all metrics"),
    );
  }
  return h(
    "div.empty",
    {},
    h("h2", {}, "No metrics yet"),
    h(
      "p",
      {},
      "The runs of this project have not logged a number. Charts appear as soon as one does:",
    ),
    h("div.code", {}, h("pre", {}, h("code", {}, 'wandb.log({"loss": 0.1})'))),
  );
}

/** The store or the project cannot be read: what happened and what is done about it. */
export function failed(error, root, retry) {
  return h(
    "main.empty",
    { role: "alert" },
    h("h1", {}, error.login ? "Not signed in" : "This cannot be shown"),
    h("p", {}, error.message),
    error.login
      ? h(
          "a.text-button",
          { href: `${root}/${error.login}`, target: "_blank" },
          "Sign in with Hugging Face",
        )
      : null,
    h("button.text-button", { type: "button", on: { click: retry } }, "Try again"),
  );
}
