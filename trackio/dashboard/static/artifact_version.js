// One artifact: its versions beside what one of them holds, how it differs from another, and where
// it came from.

import {
  LOOK_MS,
  ago,
  aliasChips,
  contentOf,
  crumbs,
  parseAt,
  runLink,
  toVersion,
  viewLink,
} from "./artifact_parts.js";
import { comparison } from "./artifact_compare.js";
import { FileTable } from "./artifact_files.js";
import { makerOf, overview } from "./artifact_overview.js";
import { h, replace } from "./dom.js";
import { formatBytes, group } from "./format.js";
import { Lineage } from "./lineage.js";
import { Panel } from "./panel.js";

const EVERY_MS = 4000;

export class VersionView extends Panel {
  #ticket = 0;
  #asked = "";
  #askedMs = 0;
  #told = "";
  #found = null;
  #files = null;

  constructor(app, codes) {
    super(app, codes);
    this.bar.setAttribute("aria-label", "Artifact");
    this.versions = h("nav.version-list", { "aria-label": "Versions" });
    this.main = h("div.version-main");
    this.body.classList.add("shelf", "is-version");
    this.body.append(this.versions, this.main);
  }

  get search() {
    return this.#files?.search;
  }

  #part() {
    const part = this.app.state.get("part");
    return ["files", "lineage", "compare"].includes(part) ? part : "overview";
  }

  refresh() {
    if (Date.now() - this.#askedMs > EVERY_MS) this.update(null);
  }

  tick() {
    if (Date.now() - this.#askedMs > LOOK_MS) this.update(null);
  }

  update(changed) {
    const { state } = this.app;
    const asked = `${state.get("at")} ${this.#part()}`;
    if (changed !== null && asked === this.#asked) {
      if (changed.has("find")) this.#files?.draw();
      return undefined;
    }
    if (asked !== this.#asked) this.#told = "";
    this.#asked = asked;
    return this.#load();
  }

  restyle() {
    if (this.#found) this.#draw();
  }

  close() {
    super.close();
    this.#ticket += 1;
  }

  async #load() {
    const ticket = ++this.#ticket;
    this.#askedMs = Date.now();
    const { name, version, before } = parseAt(this.app.state.get("at"));
    const part = this.#part();
    try {
      const known = this.#found?.name === name ? this.#found.versions : null;
      const listing = this.#get("artifact.json", { name }).then((found) => found.versions);
      const number = numberOf(version, known ?? (await listing));
      const [versions, shown] = await Promise.all([
        listing,
        this.#get("version.json", { name, version: number }),
      ]);
      const older = versions[versions.findIndex((one) => one.id === shown.id) + 1];
      const other = before ?? older?.version ?? null;
      const [links, compared] = await Promise.all([
        part === "lineage" ? this.#get("lineage.json", { name, version: shown.version }) : null,
        part === "compare" && other ? this.#get("version.json", { name, version: other }) : null,
      ]);
      if (ticket !== this.#ticket) return;
      this.#found = { name, versions, shown, links, compared };
      const told = contentOf(this.#found);
      if (told !== this.#told) this.#draw();
      this.#told = told;
    } catch (error) {
      if (ticket === this.#ticket) this.#fail(name, error);
    }
  }

  #get(path, params) {
    return this.app.api.json(path, { project: this.app.project.name, ...params });
  }

  #fail(name, error) {
    this.#bar(name, null);
    replace(this.versions);
    replace(
      this.main,
      h(
        "div.empty",
        { role: "alert" },
        h("h2", {}, "This cannot be shown"),
        h("p", {}, error.message),
      ),
    );
  }

  #bar(name, version) {
    const { app } = this;
    const all = { page: "artifacts", at: null, part: null, find: "" };
    const path = [viewLink(app, all, "Artifacts"), h("span", {}, name)];
    replace(this.bar, crumbs(version ? [...path, h("span", {}, version)] : path));
  }

  #draw() {
    const { name, versions, shown } = this.#found;
    this.#bar(name, shown.version);
    replace(
      this.versions,
      h("h2", {}, "Versions ", h("span.count", {}, group(versions.length))),
      h(
        "ol",
        {},
        versions.map((one) => h("li", {}, this.#versionItem(one))),
      ),
    );
    this.versions.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    replace(this.main, this.#head(), this.#tabs(), this.#stage());
  }

  #versionItem(one) {
    const { app } = this;
    const { project } = app;
    const isShown = one.id === this.#found.shown.id;
    const patch = { ...toVersion(app, { ...one, project: project.name }) };
    if (this.#part() !== "compare") patch.part = app.state.get("part");
    return viewLink(
      app,
      patch,
      [
        h("span.version-line", {}, h("strong", {}, one.version), aliasChips(one.aliases)),
        h("span.version-about", {}, formatBytes(one.size), " · ", ago(app, one.created_s)),
      ],
      "a.version-item",
      { "aria-current": isShown ? "true" : null },
    );
  }

  #head() {
    const { shown } = this.#found;
    const maker = makerOf(shown);
    return h(
      "header.version-head",
      {},
      h("h1", {}, `${shown.name}:${shown.version}`),
      h("span.tag", {}, shown.type),
      aliasChips(shown.aliases),
      h(
        "span.version-by",
        {},
        "by ",
        runLink(this.app, maker),
        " · ",
        ago(this.app, shown.created_s),
      ),
    );
  }

  #tabs() {
    const { app } = this;
    const { shown, versions } = this.#found;
    const names = [
      ["overview", "Overview"],
      ["files", `Files ${group(shown.count)}`],
      ["lineage", "Lineage"],
      versions.length > 1 ? ["compare", "Compare"] : null,
    ];
    const at = `${shown.name}:${shown.version}`;
    const tab = ([part, text]) =>
      viewLink(app, { part: part === "overview" ? null : part, at, find: "" }, text, "a.tab", {
        "aria-current": part === this.#part() ? "page" : null,
      });
    const shownTabs = names.filter(Boolean).map(tab);
    return h("nav.subtabs", { "aria-label": "Parts of the version" }, shownTabs);
  }

  #stage() {
    const { shown, links, compared, versions } = this.#found;
    this.#files = null;
    switch (this.#part()) {
      case "files":
        this.#files = new FileTable(this.app, shown);
        return this.#files.element;
      case "lineage":
        return this.#lineage(shown, links);
      case "compare":
        return comparison(this.app, compared, shown, versions);
      default:
        return overview(this.app, shown);
    }
  }

  #lineage(shown, { links, total }) {
    const focus = { project: this.app.project.name, name: shown.name, id: shown.id };
    if (links.length) {
      const isTable = this.lineage?.isTable;
      this.lineage = new Lineage(this.app, links, { focus, total, isTable });
      return this.lineage.element;
    }
    return h(
      "div.empty",
      {},
      h("h2", {}, "No lineage"),
      h("p", {}, "No run of this project says that it made or used this version."),
    );
  }
}

/** The number of a version that is named by its number or an alias; the newest without either. */
function numberOf(spec, versions) {
  const found = versions.find(({ version, aliases }) => version === spec || aliases.includes(spec));
  return found?.version ?? spec ?? versions[0]?.version ?? null;
}
