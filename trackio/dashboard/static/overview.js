// What is known of one run in a glance: state, where it ran, config, results.

import { debounce, h, icon, matcher, replace } from "./dom.js";
import { count, formatBytes, formatDuration, formatMoment, formatValue, group } from "./format.js";
import { markdown } from "./markdown.js";
import { Panel } from "./panel.js";
import { table } from "./plaintable.js";

export class Overview extends Panel {
  constructor(app, codes) {
    super(app, codes);
    this.search = h("input.search", {
      type: "search",
      placeholder: "Search keys (regex)",
      "aria-label": "Search config and results",
      on: { input: debounce(() => this.#lists(), 120) },
    });
    this.bar.append(h("div.search-box", {}, icon("search"), this.search));
  }

  update(changed) {
    const [run] = this.codes();
    if (changed !== null && run === this.asked) return undefined;
    this.asked = run;
    return this.ask("run.json", { run }, (found) => {
      this.found = found;
      this.#draw();
    });
  }

  #draw() {
    const { notes, writers, files, surroundings } = this.found;
    this.config = h("section.block", { "aria-label": "Config" });
    this.summary = h("section.block", { "aria-label": "Results" });
    replace(
      this.body,
      h(
        "div.overview",
        {},
        h("section.block", { "aria-label": "State" }, h("h2", {}, "State"), pairs(this.#state())),
        notes
          ? h("section.block", {}, h("h2", {}, "Notes"), h("div.markdown", {}, markdown(notes)))
          : null,
        this.#origin(surroundings, writers),
        this.config,
        this.summary,
        writers.length > 1 ? this.#writers(writers) : null,
        h(
          "section.block",
          {},
          h("h2", {}, "Storage"),
          pairs([
            ["Files", `${count(files.shards, "shard")}, ${formatBytes(files.shard_bytes)}`],
            [
              "Media",
              files.media ? `${group(files.media)}, ${formatBytes(files.media_bytes)}` : null,
            ],
            ["Gaps", files.gaps ? `${group(files.gaps)}: see Store health` : null],
          ]),
        ),
        this.#packages(surroundings.environment?.packages),
      ),
    );
    this.#lists();
  }

  #state() {
    const run = this.found;
    const last = run.writers.at(-1);
    const end = run.ended_s ?? run.updated_s;
    return [
      ["Status", run.status],
      ["Why", last?.reason],
      ["Id", run.id],
      ["Group", run.group],
      ["Tags", run.tags.join(", ")],
      ["Created", formatMoment(run.created_s)],
      ["Ran for", formatDuration(Math.max(0, end - run.started_s))],
      ["Last written", formatMoment(run.updated_s)],
      ["Last step", run.last_step === null ? null : group(run.last_step)],
    ];
  }

  /** Where it came from: what the environment row says, or else what the writer did. */
  #origin({ environment: env = {}, hardware = {} }, writers) {
    const start = writers.at(-1)?.start ?? {};
    const command = env.command ?? start.command;
    const git = env.git ?? {};
    const commit = git.commit && `${git.commit.slice(0, 10)}${git.dirty ? " with changes" : ""}`;
    const known = new Set(["branch", "remote", "commit", "dirty", "unclear", "root"]);
    const more = Object.entries(git).filter(([name, value]) => !known.has(name) && value);
    const rows = [
      ["Host", writers.at(-1)?.host],
      ["User", env.user ?? start.user],
      ["Command", command && code(Array.isArray(command) ? command.join(" ") : String(command))],
      ["Directory", env.directory && code(env.directory)],
      ["Commit", commit && code(commit)],
      ["Branch", git.branch],
      ["Remote", git.remote],
      ...more,
      ["Python", env.python ?? start.python],
      ["System", env.os],
      ["Trackio", start.trackio],
      ...Object.entries(env.scheduler ?? {}),
      ...flat(hardware),
    ];
    return h("section.block", { "aria-label": "Origin" }, h("h2", {}, "Where it ran"), pairs(rows));
  }

  #lists() {
    if (!this.found) return;
    const find = matcher(this.search.value);
    const config = Object.entries(this.found.config).filter(([key]) => find.test(key));
    const summary = Object.entries(this.found.summary).filter(([key]) => find.test(key));
    replace(
      this.config,
      h("h2", {}, "Config ", h("span.count", {}, group(config.length))),
      config.length
        ? pairs(config.map(([key, value]) => [key, say(value)]))
        : h("p.quiet", {}, "None"),
    );
    replace(
      this.summary,
      h("h2", {}, "Results ", h("span.count", {}, group(summary.length))),
      summary.length ? results(summary) : h("p.quiet", {}, "None yet"),
    );
  }

  #writers(writers) {
    const row = (one) => [
      one.label ?? one.id,
      `${one.host ?? ""} · ${formatMoment(one.start_s)} · ${one.state ?? "no finish yet"}${one.resumed_from.length ? " · resumed" : ""}`,
    ];
    return h(
      "section.block",
      {},
      h("h2", {}, "Writers ", h("span.count", {}, group(writers.length))),
      pairs(writers.slice(0, 200).map(row)),
    );
  }

  #packages(packages) {
    const listed = Object.entries(packages ?? {});
    if (listed.length === 0) return null;
    return h(
      "details.block",
      {},
      h("summary", {}, `Packages (${group(listed.length)})`),
      h(
        "pre",
        { tabindex: "0" },
        listed.map(([name, version]) => `${name}==${version}`).join("\n"),
      ),
    );
  }
}

const code = (text) => h("code", {}, text);
const say = (value) =>
  typeof value === "number"
    ? formatValue(value, 8)
    : typeof value === "string"
      ? value
      : JSON.stringify(value);

/** Nested facts as pairs, one level of names joined. */
function flat(facts, above = "") {
  return Object.entries(facts ?? {}).flatMap(([name, value]) => {
    const path = above ? `${above} ${name}` : name.replaceAll("_", " ");
    if (value && typeof value === "object") return flat(value, path);
    return [[path, value === null ? null : String(value)]];
  });
}

/** Names and values; what has none is left out. */
export function pairs(rows) {
  const there = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h(
    "dl.pairs",
    {},
    there.flatMap(([name, value]) => [h("dt", { title: name }, name), h("dd", {}, value)]),
  );
}

function results(summary) {
  const number = (value) =>
    h(
      "td.number-cell",
      { title: String(value) },
      typeof value === "number" ? formatValue(value, 6) : String(value ?? "–"),
    );
  const heads = ["Metric", "Last", "Min", "Max", "Mean", "Points"];
  const rows = summary.map(([key, { last, min, max, mean, count: points }]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, key),
      number(last),
      number(min),
      number(max),
      number(mean),
      number(points),
    ),
  );
  return h("div.numbers", {}, table(heads, rows));
}
