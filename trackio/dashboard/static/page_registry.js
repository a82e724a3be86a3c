// Registries: collections of versions of artifacts from all projects of the store, with what they
// are called there and everything that happened. They belong to no project.

import {
  LOOK_MS,
  ago,
  aliasChips,
  contentOf,
  crumbs,
  finder,
  nothingFound,
  searchBox,
  sheet,
  snippet,
  versionLink,
  viewLink,
} from "./artifact_parts.js";
import { debounce, h, replace, setText } from "./dom.js";
import { count, formatMoment, group } from "./format.js";
import { markdown } from "./markdown.js";
import { pairs } from "./overview.js";
import { Panel } from "./panel.js";
import { history } from "./registry_history.js";

const CODE = `api = trackio.Api()
api.create_registry("prod", "what we ship")
api.artifact("digits/model:best").link("prod/classifiers", aliases=["live"])`;

export class RegistryPanel extends Panel {
  #told = "";
  #lookedMs = 0;

  constructor(app, codes) {
    super(app, codes);
    this.body.classList.add("shelf");
    const find = debounce((text) => app.state.set({ find: text }), 120);
    const { search, element } = searchBox(app, "collections", find);
    this.search = search;
    this.path = h("div");
    this.said = h("span.count", { role: "status" });
    this.bar.append(this.path, element, this.said);
    this.box = element;
  }

  update(changed) {
    if (this.search.getRootNode().activeElement !== this.search)
      this.search.value = this.app.state.get("find");
    if (changed !== null && this.found) return this.#draw();
    this.#lookedMs = Date.now();
    return this.ask("registries.json", {}, (found) => {
      const told = contentOf(found);
      this.found = found;
      if (told !== this.#told) this.#draw();
      this.#told = told;
    });
  }

  tick() {
    if (Date.now() - this.#lookedMs > LOOK_MS) this.update(null);
  }

  #draw() {
    const [name, collection] = (this.app.state.get("at") ?? "").split("/");
    const registry = this.found.registries.find((one) => one.name === name);
    const shown = registry?.collections.find((one) => one.name === collection);
    this.#where(name, collection);
    this.box.hidden = Boolean(name);
    setText(this.said, "");
    if (name && !registry) return this.say("No such registry", `There is no registry ${name}.`);
    if (collection && !shown)
      return this.say("No such collection", `Registry ${name} has no collection ${collection}.`);
    if (shown) return this.#drawCollection(registry, shown);
    if (registry) return this.#drawRegistry(registry);
    return this.#drawAll();
  }

  #patch(at) {
    return { page: "registry", at, part: null, find: "" };
  }

  #where(name, collection) {
    const parts = [name ? viewLink(this.app, this.#patch(null), "Registries") : null];
    if (name && collection) parts.push(viewLink(this.app, this.#patch(name), name));
    else if (name) parts.push(h("span", {}, name));
    if (collection) parts.push(h("span", {}, collection));
    this.path.hidden = !name;
    replace(this.path, name ? crumbs(parts.filter(Boolean)) : []);
  }

  #drawAll() {
    const { registries } = this.found;
    const find = finder(this.app);
    const isFound = (registry) => (one) =>
      find.test(one.name) || find.test(one.type) || find.test(registry.name);
    const shown = registries
      .map((one) => ({ ...one, collections: one.collections.filter(isFound(one)) }))
      .filter((one) => one.collections.length || find.test(one.name));
    if (registries.length === 0)
      return this.say(
        "No registries yet",
        "A registry holds versions of artifacts from any project, under aliases of its own.",
        null,
        CODE,
      );
    if (shown.length === 0) return replace(this.body, nothingFound(this.app, "collection"));
    const collections = shown.reduce((sum, one) => sum + one.collections.length, 0);
    const many = shown.length === 1 ? "1 registry" : `${group(shown.length)} registries`;
    setText(this.said, `${many} · ${count(collections, "collection")}`);
    return replace(
      this.body,
      shown.map((one) =>
        h(
          "section.block",
          { "aria-label": one.name },
          h(
            "h2.registry-name",
            {},
            viewLink(this.app, this.#patch(one.name), one.name),
            h("span.count", {}, one.description ?? ""),
          ),
          this.#collections(one),
        ),
      ),
    );
  }

  #drawRegistry(registry) {
    const { description, created_s: createdS, events, total } = registry;
    return replace(
      this.body,
      description ? h("div.markdown.registry-about", {}, markdown(description)) : null,
      h(
        "section.block",
        { "aria-label": "Collections" },
        h("h2", {}, "Collections ", h("span.count", {}, group(registry.collections.length))),
        this.#collections(registry),
        createdS === null ? null : h("p.quiet", {}, `Made ${formatMoment(createdS)}`),
      ),
      history(this.app, events, total),
    );
  }

  #collections(registry) {
    const { app } = this;
    if (registry.collections.length === 0) return h("p.quiet", {}, "No collection yet");
    const row = ({ name, type, versions, description }) => {
      const live = versions.filter((one) => !one.is_unlinked);
      const [newest] = live;
      const called = live.flatMap((one) =>
        one.aliases
          .filter((alias) => alias !== "latest")
          .map((alias) =>
            h("span.alias-link", {}, aliasChips([alias]), h("span.quiet", {}, ` ${one.version}`)),
          ),
      );
      return h(
        "tr",
        {},
        h(
          "th",
          { scope: "row" },
          viewLink(app, this.#patch(`${registry.name}/${name}`), name),
          description ? h("div.quiet", {}, description) : null,
        ),
        h("td", {}, type),
        h("td.alias-cell", {}, called),
        h(
          "td",
          {},
          newest
            ? [
                versionLink(app, { ...newest, version: newest.source }),
                h("span.quiet", {}, ` as ${newest.version}`),
              ]
            : "empty",
        ),
        h("td.number-cell", {}, group(live.length)),
        h("td", {}, newest ? ago(app, newest.linked_s) : ""),
      );
    };
    const heads = ["Collection", "Type", "Called", "Newest", "Versions", "Linked"];
    const options = { numbers: [4], name: "collection-sheet" };
    return sheet(heads, registry.collections.map(row), options);
  }

  #drawCollection(registry, collection) {
    const { description, type, created_s: createdS, versions, name } = collection;
    const own = registry.events.filter(({ said }) => said.collection === name);
    const live = versions.filter((one) => !one.is_unlinked);
    const alias = live.flatMap((one) => one.aliases).find((one) => one !== "latest");
    return replace(
      this.body,
      h(
        "div.overview",
        {},
        h(
          "section.block",
          { "aria-label": "Use it" },
          h("h2", {}, "Use it"),
          snippet(useCode(registry.name, name, alias), "Copy the lines of Python"),
        ),
        h(
          "section.block",
          { "aria-label": "About" },
          h("h2", {}, "About"),
          description ? h("div.markdown", {}, markdown(description)) : null,
          pairs([
            ["Type", type],
            ["Versions", group(live.length)],
            ["Made", createdS === null ? null : formatMoment(createdS)],
          ]),
        ),
      ),
      h(
        "section.block",
        { "aria-label": "Versions" },
        h("h2", {}, "Versions ", h("span.count", {}, group(live.length))),
        versions.length ? this.#versions(versions) : h("p.quiet", {}, "Nothing is linked to it."),
      ),
      history(this.app, own, own.length),
    );
  }

  #versions(versions) {
    const { app } = this;
    const row = (one) =>
      h(
        "tr",
        { class: one.is_unlinked ? "is-unlinked" : "" },
        h("th", { scope: "row" }, one.version),
        h(
          "td.alias-cell",
          {},
          one.is_unlinked ? h("span.quiet", {}, "taken out") : aliasChips(one.aliases),
        ),
        h("td", {}, versionLink(app, { ...one, version: one.source })),
        h("td", {}, one.project),
        h("td.path.digest", { title: one.digest }, one.digest.slice(0, 12)),
        h("td", {}, one.linked_by ?? ""),
        h("td", {}, ago(app, one.linked_s)),
      );
    const heads = ["Version", "Called", "Artifact", "Project", "Digest", "By", "Linked"];
    return sheet(heads, versions.map(row));
  }
}

function useCode(registry, collection, alias = "latest") {
  const spec = JSON.stringify(`registry-${registry}/${collection}:${alias}`);
  return `artifact = trackio.use_artifact(${spec})\nfolder = artifact.download()`;
}
