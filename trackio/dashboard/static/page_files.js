// The files that the selected runs saved, and below them how they lie in the store: plain Parquet,
// pictures, JSON. Each can be taken away.

import { debounce, h, icon, matcher, replace } from "./dom.js";
import { count, formatBytes, formatMoment } from "./format.js";
import { Panel } from "./panel.js";
import { table } from "./plaintable.js";

const SHOWN = 1000;
const HOW = 'trackio.save("checkpoints/*.pt")';

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
    const saved = this.found.saved.filter(({ name }) => find.test(name));
    const former = this.found.former.filter(({ name }) => find.test(name));
    const files = this.found.files.filter(({ key }) => find.test(key));
    const kept = saved.length + former.length;
    this.said.textContent = `${count(kept, "saved file")}, ${count(files.length, "file")} in the store`;
    if (kept + files.length === 0)
      return this.say("No files", "The selected runs have no files of that name.");
    return replace(
      this.body,
      this.#saved(saved),
      former.length ? this.#former(former) : null,
      this.#stored(files),
    );
  }

  /** What the runs saved, under the names it was given. */
  #saved(files) {
    const none = h(
      "p.quiet",
      {},
      this.found.saved.length ? "None of that name. " : "Nothing yet: ",
      this.found.saved.length ? null : h("code", {}, HOW),
    );
    return this.#block(
      "Saved by the runs",
      files,
      ["File", "Run", "Size", "Saved"],
      ({ name, run, writer, file, size, time_s: timeS }) => {
        const { api, project } = this.app;
        const href = api.url("media", { project: project.name, run, writer, file });
        return [this.#link(href, name), ...this.#facts(run, size, timeS)];
      },
      none,
    );
  }

  /** What the released Trackio kept for the whole project. */
  #former(files) {
    return this.#block(
      "Saved for the project before its migration",
      files,
      ["File", "Size", "Stored"],
      ({ name, key, size, time_s: timeS }) => {
        const { api, project } = this.app;
        const href = api.url("file", { project: project.name, key });
        return [
          this.#link(href, name),
          h("td.number-cell", {}, formatBytes(size)),
          h("td", {}, formatMoment(timeS)),
        ];
      },
    );
  }

  /** How all of it lies in the store. */
  #stored(files) {
    return this.#block(
      "In the store",
      files,
      ["File", "What it is", "Run", "Size", "Stored"],
      ({ key, kind, run, size, time_s: timeS }) => {
        const { api, project } = this.app;
        const name = key.slice(key.lastIndexOf("/") + 1);
        const href = api.isFiles ? null : api.url("file", { project: project.name, key });
        return [
          this.#link(href, name, key),
          h("td", {}, kind),
          ...this.#facts(run, size, timeS),
        ];
      },
    );
  }

  #block(title, files, heads, cells, none = h("p.quiet", {}, "None of that name.")) {
    const size = files.reduce((sum, file) => sum + (file.size ?? 0), 0);
    const rows = files.slice(0, SHOWN).map((file) => h("tr", {}, cells(file)));
    const more = files.length - rows.length;
    return h(
      "section.block",
      { "aria-label": title },
      h("h2", {}, title, " ", h("span.count", {}, files.length ? formatBytes(size) : "")),
      files.length ? table(heads, rows) : none,
      more > 0 ? h("p.quiet", {}, `and ${count(more, "file")} more: search for them`) : null,
    );
  }

  #link(href, name, title = name) {
    const shown = href
      ? h("a", { href, download: name.slice(name.lastIndexOf("/") + 1), title }, name)
      : h("span", { title }, name);
    return h("td.path", {}, shown);
  }

  #facts(run, size, timeS) {
    return [
      h("td", {}, this.app.project.runs.get(run)?.name ?? ""),
      h("td.number-cell", {}, formatBytes(size ?? 0)),
      h("td", {}, formatMoment(timeS)),
    ];
  }
}
