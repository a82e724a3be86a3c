// How two versions of an artifact differ: files that came, went and changed, and metadata.

import { flat, said, sheet } from "./artifact_parts.js";
import { h } from "./dom.js";
import { count, formatBytes, group } from "./format.js";
import { select } from "./popover.js";

const MOST = 2000;
const SIGNS = { added: "+", removed: "−", changed: "±" };

/** The files that differ, by path: what happened to each, and what it was before. */
export function changedFiles(before, after) {
  const old = new Map(before.map((file) => [file.path, file]));
  const kept = new Set(after.map(({ path }) => path));
  const found = [];
  for (const file of after) {
    const was = old.get(file.path) ?? null;
    if (!was) found.push({ path: file.path, kind: "added", before: null, after: file });
    else if (was.digest !== file.digest || was.size !== file.size || was.ref !== file.ref)
      found.push({ path: file.path, kind: "changed", before: was, after: file });
  }
  for (const file of before)
    if (!kept.has(file.path))
      found.push({ path: file.path, kind: "removed", before: file, after: null });
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The names in metadata whose values differ. */
export function changedMetadata(before, after) {
  const [old, now] = [before, after].map((one) => new Map(flat(one).filter(([name]) => name)));
  const names = [...new Set([...old.keys(), ...now.keys()])];
  const text = (values, name) => (values.has(name) ? said(values.get(name)) : null);
  return names
    .map((name) => [name, text(old, name), text(now, name)])
    .filter(([, was, is]) => was !== is);
}

/** The comparison of `before` with `after`, which a person may choose among `versions`. */
export function comparison(app, before, after, versions) {
  const bar = h("div.data-bar", {}, picks(app, before, after, versions));
  if (!before)
    return h("section.block", {}, bar, h("p.quiet", {}, "There is no older version: choose one."));
  const files = changedFiles(before.files, after.files);
  const metadata = changedMetadata(before.metadata, after.metadata);
  return h(
    "div",
    {},
    h(
      "section.block",
      { "aria-label": "Changed files" },
      bar,
      h("p.compare-sum", { role: "status" }, summary(before, after, files)),
      files.length ? fileTable(files) : h("p.quiet", {}, "Both hold the same files."),
    ),
    metadata.length
      ? h(
          "section.block",
          { "aria-label": "Changed metadata" },
          h("h2", {}, "Metadata ", h("span.count", {}, group(metadata.length))),
          metadataTable(before, after, metadata),
        )
      : null,
  );
}

function picks(app, before, after, versions) {
  const options = versions.map(({ version, aliases }) => [
    version,
    [version, ...aliases].join(" · "),
  ]);
  const go = () => {
    const at = `${after.name}:${from.list.value}..${to.list.value}`;
    app.state.set({ at, part: "compare" }, { push: true });
  };
  const from = select("From", options, go);
  const to = select("To", options, go);
  [from.list.value, to.list.value] = [before?.version ?? "", after.version];
  const swap = () => (([from.list.value, to.list.value] = [to.list.value, from.list.value]), go());
  const button = h(
    "button.text-button",
    { type: "button", "aria-label": "Swap the two versions", on: { click: swap } },
    "⇄",
  );
  return [from.element, button, to.element];
}

function summary(before, after, files) {
  const of = (kind) => files.filter((file) => file.kind === kind).length;
  const same = after.files.length - of("added") - of("changed");
  const grown = after.size - before.size;
  const part = (kind) => h(`span.is-${kind}`, {}, `${SIGNS[kind]}\u2009${group(of(kind))} ${kind}`);
  return [
    ["added", "removed", "changed"].map(part),
    h("span", {}, `${group(same)} the same`),
    h("span", {}, grown === 0 ? "same size" : `${signed(grown)} to ${formatBytes(after.size)}`),
  ].flat();
}

const signed = (bytes) =>
  bytes === 0 ? "±0" : `${bytes < 0 ? "−" : "+"}${formatBytes(Math.abs(bytes))}`;

function fileTable(files) {
  const size = (file) => (file ? formatBytes(file.size) : "");
  const row = ({ path, kind, before, after }) =>
    h(
      "tr",
      { class: `is-${kind}` },
      h("td", {}, h(`span.sign.is-${kind}`, { "aria-hidden": "true" }, SIGNS[kind]), ` ${kind}`),
      h("td.path", {}, path),
      h("td.number-cell", {}, size(before)),
      h("td.number-cell", {}, size(after)),
      h("td.number-cell", {}, before && after ? signed(after.size - before.size) : ""),
    );
  return h(
    "div",
    {},
    sheet(["", "File", "Before", "After", "Change"], files.slice(0, MOST).map(row), {
      numbers: [2, 3, 4],
      name: "change-sheet",
    }),
    files.length > MOST ? h("p.quiet", {}, `and ${count(files.length - MOST, "file")} more`) : null,
  );
}

function metadataTable(before, after, rows) {
  const cell = (text) => h("td.path", {}, text ?? h("span.quiet", {}, "not there"));
  const row = ([name, was, is]) =>
    h("tr", {}, h("th", { scope: "row" }, name), cell(was), cell(is));
  return sheet(["Name", before.version, after.version], rows.map(row));
}
