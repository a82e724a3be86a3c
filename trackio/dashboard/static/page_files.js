// The files of the selected runs as they lie in the store: plain Parquet, pictures, JSON.

import { debounce, h, icon, matcher, replace } from "./dom.js";
import { count, formatBytes, formatMoment } from "./format.js";
import { Panel } from "./panel.js";
import { table } from "./plaintable.js";

const SHOWN = 1000;

export class FilesPanel extends Panel {
  #asked = "";

  constructor(app, codes) {
    super(app, codes);
    this.search = h("input.search", {
      type: "search",
      placeholder: "Search files (regex)",
      "aria-label": "Search files",
      on: { input: debounce(() => this.#draw(), 120) },
    });
    this.said = h("span.count", { role: "status" });
    this.bar.append(h("div.search-box", {}, icon("search"), this.search), this.said);
  }

  update(changed) {
    const asked = this.codes().join();
    if (changed !== null && asked === this.#asked) return undefined;
    this.#asked = asked;
    return this.ask("files.json", { r: asked }, (found) => {
      this.found = found;
      this.#draw();
    });
  }

  #draw() {
    const find = matcher(this.search.value);
    const files = this.found.files.filter(({ key }) => find.test(key));
    const size = files.reduce((sum, file) => sum + file.size, 0);
    this.said.textContent = `${count(files.length, "file")}, ${formatBytes(size)}`;
    if (files.length === 0)
      return this.say("No files", "The selected runs have no files of that name.");
    return replace(
      this.body,
      h(
        "section.block",
        {},
        table(
          ["File", "What it is", "Run", "Size", "Stored"],
          files.slice(0, SHOWN).map((file) => this.#row(file)),
        ),
      ),
    );
  }

  #row({ key, kind, run, size, time_s: timeS }) {
    const { api, project } = this.app;
    const name = key.slice(key.lastIndexOf("/") + 1);
    const href = api.url("file", { project: project.name, key });
    const link = api.isFiles
      ? h("span", { title: key }, name)
      : h("a", { href, download: name, title: key }, name);
    return h(
      "tr",
      {},
      h("td.path", {}, link),
      h("td", {}, kind),
      h("td", {}, project.runs.get(run)?.name ?? ""),
      h("td.number-cell", {}, formatBytes(size)),
      h("td", {}, formatMoment(timeS)),
    );
  }
}
