// The health of the store: what is live, what is superseded, what is missing, and `verify` as a page.

import { h, replace } from "./dom.js";
import { count, formatAge, formatBytes, formatMoment, group } from "./format.js";
import { Panel } from "./panel.js";
import { table } from "./plaintable.js";

export class HealthPanel extends Panel {
  #verified = null;

  constructor(app, codes) {
    super(app, codes);
    this.button = h(
      "button.text-button",
      { type: "button", title: "As `trackio verify` does", on: { click: () => this.#verify() } },
      "Read every file",
    );
    this.status = h("span.count", { role: "status" });
    this.bar.append(h("strong", {}, "Store health"), this.button, this.status);
    if (app.api.isFiles) this.button.hidden = true;
  }

  update(changed) {
    if (changed !== null && this.found) return undefined;
    return this.ask("health.json", {}, (found) => {
      this.found = found;
      this.#draw();
    });
  }

  async #verify() {
    const { api, project } = this.app;
    this.button.disabled = true;
    this.status.textContent = "Reading …";
    try {
      const found = await api.json("health.json", { project: project.name, verify: 1 });
      [this.found, this.#verified] = [found, found.verified];
      this.status.textContent = "";
      this.#draw();
    } catch (error) {
      this.status.textContent = error.message;
    }
    this.button.disabled = false;
  }

  #draw() {
    const { counts, store, lag, gaps, unreadable, files } = this.found;
    const of = (name) => counts[name] ?? 0;
    const live = of("shards_bytes") + of("packs_bytes");
    replace(
      this.body,
      h("p.quiet", {}, "Store ", h("code", {}, store)),
      h("dl.figures", {}, [
        figure(
          "Live data",
          formatBytes(live),
          `${count(of("calls"), "call")} by ${count(of("writers"), "writer")}`,
        ),
        figure("Shards", group(of("shards")), formatBytes(of("shards_bytes"))),
        figure(
          "Packs",
          group(of("packs")),
          `${formatBytes(of("packs_bytes"))} · ${count(of("pointers"), "pointer")}`,
        ),
        figure("Media", group(of("media")), formatBytes(of("media_bytes"))),
        figure(
          "Superseded",
          group(of("superseded")),
          `${formatBytes(of("superseded_bytes"))} that collecting frees`,
        ),
        figure(
          "Not packed yet",
          group(lag.calls ?? 0),
          `calls of ${count(lag.writers ?? 0, "writer")}`,
        ),
        figure(
          "Gaps",
          group(gaps.length),
          gaps.length ? "see below" : "none",
          gaps.some((gap) => !gap.is_late),
        ),
        figure(
          "Damaged",
          group(unreadable.length),
          unreadable.length ? "see below" : "none seen",
          unreadable.length > 0,
        ),
        figure(
          "Runs",
          group(of("runs")),
          of("deleted") ? `${group(of("deleted"))} deleted` : "none deleted",
        ),
      ]),
      this.#verified && this.#findings(this.#verified),
      gaps.length ? gapTable(gaps) : null,
      unreadable.length ? damaged(unreadable) : null,
      this.#files(files),
    );
  }

  #findings({ files, rows, findings, left_out: leftOut }) {
    const errors = findings.filter(({ level }) => level === "error").length;
    const summary = `${count(files, "file")} and ${count(rows, "row")} read to the end: ${errors ? count(errors, "error") : "no error"}`;
    const row = ({ level, kind, subject, message, command }) =>
      h(
        "tr",
        {},
        h("td", {}, h(`span.level.is-${level === "error" ? "error" : "info"}`, {}, level)),
        h("td", {}, kind),
        h("td", {}, message, command ? h("code.command", {}, command) : null),
        h("td.path", {}, subject),
      );
    return h(
      "section.block",
      { "aria-label": "What verify found" },
      h("h2", {}, summary),
      findings.length ? table(["Level", "Kind", "What", "Where"], findings.map(row)) : null,
      leftOut ? h("p.quiet", {}, `and ${group(leftOut)} more: run trackio verify`) : null,
    );
  }

  #files(files) {
    const { api, project } = this.app;
    const row = ({ key, size, time_s: timeS }) => {
      const link = api.isFiles
        ? h("span", {}, key)
        : h("a", { href: api.url("file", { project: project.name, key }), download: "" }, key);
      return h(
        "tr",
        {},
        h("td.path", {}, link),
        h("td.number-cell", {}, formatBytes(size)),
        h("td", {}, formatMoment(timeS)),
      );
    };
    return h(
      "section.block",
      { "aria-label": "Files" },
      h("h2", {}, "Newest files of the store"),
      h("p.quiet", {}, "Plain Parquet: any engine reads it."),
      table(["Key", "Size", "Stored"], files.map(row)),
    );
  }
}

function figure(name, value, more, isBad = false) {
  return h(
    "div",
    { class: isBad ? "figure is-bad" : "figure" },
    h("dt", {}, name),
    h("dd", {}, h("strong", {}, value), h("span", {}, more)),
  );
}

function gapTable(gaps) {
  const row = ({ run, writer, first, last, age_s: ageS, is_late: isLate }) =>
    h(
      "tr",
      {},
      h("td", {}, run),
      h("td.path", {}, writer),
      h("td.number-cell", {}, `${group(first)}–${group(last)}`),
      h("td", {}, isLate ? "late: may still come" : "missing"),
      h("td", {}, formatAge(ageS)),
    );
  return h(
    "section.block",
    { "aria-label": "Gaps" },
    h("h2", {}, "Gaps"),
    h(
      "p.quiet",
      {},
      "Calls that no file holds. trackio recover publishes what a dead process left in its journal.",
    ),
    table(["Run", "Writer", "Calls", "State", "Age"], gaps.map(row)),
  );
}

function damaged(unreadable) {
  const row = ({ key, why }) => h("tr", {}, h("td.path", {}, key), h("td", {}, why));
  return h(
    "section.block",
    { "aria-label": "Damaged files" },
    h("h2", {}, "Damaged files"),
    table(["Key", "What is wrong"], unreadable.map(row)),
  );
}
