// The artifacts of a project: all of them by type, or the one that the address names.

import {
  LOOK_MS,
  ago,
  aliasChips,
  contentOf,
  finder,
  nothingFound,
  searchBox,
  segments,
  sheet,
  toVersion,
  viewLink,
} from "./artifact_parts.js";
import { VersionView } from "./artifact_version.js";
import { debounce, h, replace, setText } from "./dom.js";
import { count, formatBytes, group } from "./format.js";
import { Lineage } from "./lineage.js";
import { Panel } from "./panel.js";

const CODE = `model = trackio.Artifact("model", type="model")
model.add_dir("checkpoint")
run.log_artifact(model, aliases=["best"])`;
const HEADS = ["Artifact", "Newest", "Also called", "Versions", "Files", "Size", "Changed"];

/** The page: which of the two it shows follows from the address. */
export class ArtifactsPanel {
  #app;
  #view = null;

  constructor(app) {
    this.#app = app;
    this.element = h("div.view-stage");
  }

  get search() {
    return this.#view?.search;
  }

  update(changed) {
    const View = this.#app.state.get("at") === null ? ArtifactList : VersionView;
    if (this.#view instanceof View) return this.#view.update(changed);
    this.#view?.close();
    this.#view = new View(this.#app, () => []);
    replace(this.element, this.#view.element);
    return this.#view.update(null);
  }

  refresh() {
    this.#view?.refresh();
  }

  tick() {
    this.#view?.tick();
  }

  restyle() {
    this.#view?.restyle?.();
  }

  close() {
    this.#view?.close();
  }
}

class ArtifactList extends Panel {
  #asked = "";
  #lookedMs = 0;

  constructor(app, codes) {
    super(app, codes);
    this.body.classList.add("shelf");
    const find = debounce((text) => app.state.set({ find: text }), 120);
    const { search, element } = searchBox(app, "artifacts", find);
    this.search = search;
    this.choice = h("div");
    this.said = h("span.count", { role: "status" });
    this.bar.append(element, this.choice, this.said);
  }

  /** What is shown: the list, or who made what of what. */
  get #part() {
    return this.app.state.get("part") === "lineage" ? "lineage" : "list";
  }

  update(changed) {
    const { state } = this.app;
    if (this.search.getRootNode().activeElement !== this.search)
      this.search.value = state.get("find");
    const options = [
      ["list", "List"],
      ["lineage", "Lineage"],
    ];
    const choose = (part) => state.set({ part: part === "list" ? null : part }, { push: true });
    replace(this.choice, segments("View", options, this.#part, choose));
    if (changed !== null && this.#part === this.#asked) return this.#draw();
    this.#asked = this.#part;
    this.#lookedMs = Date.now();
    const path = this.#part === "list" ? "artifacts.json" : "lineage.json";
    return this.ask(path, {}, (found) => {
      const isSame = contentOf(found) === contentOf(this.found);
      this.found = found;
      if (!isSame) this.#draw();
    });
  }

  tick() {
    if (Date.now() - this.#lookedMs > LOOK_MS) this.update(null);
  }

  restyle() {
    this.#draw();
  }

  #draw() {
    if (this.found?.links && this.#part === "lineage") return this.#drawLineage();
    if (this.found?.artifacts && this.#part === "list") return this.#drawList();
    return undefined;
  }

  #drawLineage() {
    const { links, total } = this.found;
    const find = finder(this.app);
    const near = links.filter(
      ({ name, version, run }) => find.test(`${name}:${version}`) || find.test(run.name),
    );
    setText(this.said, near.length ? count(near.length, "link") : "");
    if (total === 0)
      return this.say("No lineage yet", "Runs that log and use artifacts appear here.", null, CODE);
    if (near.length === 0) return replace(this.body, nothingFound(this.app, "run or version"));
    this.lineage = new Lineage(this.app, near, { total, isTable: this.lineage?.isTable });
    return replace(this.body, this.lineage.element);
  }

  #drawList() {
    const { artifacts } = this.found;
    const find = finder(this.app);
    const shown = artifacts.filter(({ name, type }) => find.test(name) || find.test(type));
    const versions = shown.reduce((sum, one) => sum + one.versions, 0);
    const size = shown.reduce((sum, one) => sum + one.size, 0);
    const told = [
      count(shown.length, "artifact"),
      count(versions, "version"),
      `${formatBytes(size)} in the newest`,
    ];
    setText(this.said, shown.length ? told.join(" · ") : "");
    if (artifacts.length === 0)
      return this.say(
        "No artifacts yet",
        "Models, data sets, any files: kept once, in versions, with who made and who used them.",
        null,
        CODE,
      );
    if (shown.length === 0) return replace(this.body, nothingFound(this.app, "artifact"));
    const byType = new Map();
    for (const one of shown) byType.set(one.type, [...(byType.get(one.type) ?? []), one]);
    const rows = [...byType]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([type, members]) => [
        groupRow(type, members.length),
        ...members.map((one) => this.#row(one)),
      ]);
    const options = { numbers: [3, 4, 5], name: "artifact-sheet" };
    return replace(
      this.body,
      h("section.block", { "aria-label": "Artifacts" }, sheet(HEADS, rows, options)),
    );
  }

  #row({ name, latest, aliases, versions, files, size, updated_s: updatedS }) {
    const { app } = this;
    const project = app.project.name;
    const chip = ([alias, version]) =>
      viewLink(
        app,
        toVersion(app, { project, name, version }),
        [aliasChips([alias]), h("span.quiet", {}, ` ${version}`)],
        "a.alias-link",
      );
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, viewLink(app, toVersion(app, { project, name }), name)),
      h("td", {}, latest),
      h("td.alias-cell", {}, aliases.map(chip)),
      h("td.number-cell", { "data-of": versions === 1 ? "version" : "versions" }, group(versions)),
      h("td.number-cell", { "data-of": files === 1 ? "file" : "files" }, group(files)),
      h("td.number-cell", {}, formatBytes(size)),
      h("td.when", {}, ago(app, updatedS)),
    );
  }
}

/** The row above the artifacts of one type. */
function groupRow(type, members) {
  const name = [type, " ", h("span.count", {}, group(members))];
  return h("tr.group-row", {}, h("th", { scope: "rowgroup", colspan: String(HEADS.length) }, name));
}
