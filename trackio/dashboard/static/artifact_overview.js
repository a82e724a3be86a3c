// A version of an artifact at a glance: how to use it, what is known of it, who used it and where
// it is registered.

import { DEFAULTS } from "./address.js";
import { ago, aliasChips, flat, runLink, said, snippet, viewLink } from "./artifact_parts.js";
import { h, replace } from "./dom.js";
import { count, formatBytes, formatMoment } from "./format.js";
import { markdown } from "./markdown.js";
import { pairs } from "./overview.js";
import { table } from "./plaintable.js";

/** What is known of a version at a glance. */
export function overview(app, shown) {
  const { metadata, description } = shown;
  const rows = flat(metadata).filter(([name]) => name);
  return h(
    "div.overview",
    {},
    use(app, shown),
    description ? block("Description", h("div.markdown", {}, markdown(description))) : null,
    block("About", about(app, shown)),
    rows.length ? block("Metadata", pairs(rows.map(([key, value]) => [key, said(value)]))) : null,
    usedBy(app, shown),
    shown.placings.length ? block("In registries", placed(app, shown.placings)) : null,
  );
}

function use(app, { name, version }) {
  const spec = JSON.stringify(`${app.project.name}/${name}:${version}`);
  const code = `artifact = trackio.use_artifact(${spec})\nfolder = artifact.download()`;
  const without = `trackio artifacts download ${quoted(spec.slice(1, -1))}`;
  return block(
    "Use it",
    snippet(code, "Copy the lines of Python"),
    h("p.quiet", {}, "Without Python:"),
    snippet(without, "Copy the command"),
  );
}

function about(app, shown) {
  return pairs([
    ["Made by", runLink(app, makerOf(shown))],
    ["Created", shown.created_s === null ? null : formatMoment(shown.created_s)],
    ["Files", `${count(shown.count, "file")}, ${formatBytes(shown.size)}`],
    ["Type", shown.type],
    ["Digest", h("code", { title: shown.digest }, shown.digest.slice(0, 16))],
    ["Id", h("code", {}, shown.id)],
  ]);
}

function usedBy(app, { used, name, version }) {
  const list = h("div", {}, uses(app, used));
  if (app.api.isFiles) return block("Used by", list);
  const look = async () => {
    button.disabled = true;
    status.textContent = "Looking …";
    try {
      const all = await app.api.json("uses.json", {
        project: app.project.name,
        name,
        version,
      });
      replace(list, uses(app, all.used));
      status.textContent = `${count(all.used.length, "run")} in all projects`;
    } catch (error) {
      status.textContent = error.message;
    }
    button.disabled = false;
  };
  const button = h(
    "button.text-button",
    { type: "button", on: { click: look } },
    "Look in all projects",
  );
  const status = h("span.count", { role: "status" });
  return block("Used by", list, h("p.used-more", {}, button, status));
}

function uses(app, used) {
  if (used.length === 0) return h("p.quiet", {}, "No run of this project.");
  const row = ({ run, time_s: timeS, in: project }) =>
    h("tr", {}, h("td", {}, runOf(app, run, project)), h("td", {}, ago(app, timeS)));
  return table(["Run", "When"], used.map(row));
}

/** A run of this project, or of another one. */
function runOf(app, run, project = app.project.name) {
  if (project === app.project.name) return runLink(app, run);
  const there = { ...DEFAULTS, project, page: "run", run: run.code };
  return viewLink(app, there, `${project}/${run.name}`);
}

function placed(app, placings) {
  const row = ({ registry, collection, version, aliases, linked_s: linkedS }) => {
    const patch = { page: "registry", at: `${registry}/${collection}`, part: null, find: "" };
    return h(
      "tr",
      {},
      h("td", {}, viewLink(app, patch, `${registry}/${collection}:${version}`)),
      h("td", {}, aliasChips(aliases)),
      h("td", {}, ago(app, linkedS)),
    );
  };
  return table(["Collection", "Called", "Linked"], placings.map(row));
}

/** The run that made a version: the first that says so, else the one of its manifest. */
export const makerOf = ({ made, run }) => made[0]?.run ?? run;

function block(title, ...children) {
  return h("section.block", { "aria-label": title }, h("h2", {}, title), children);
}

/** A word of a command line as a shell takes it. */
const quoted = (word) =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
