// The files of one version: searched, a page at a time, each to take away.

import { finder, searchBox, sheet } from "./artifact_parts.js";
import { debounce, h, replace, setText } from "./dom.js";
import { count, formatBytes, group } from "./format.js";

const PAGE = 300;
const SHA256 = /^[0-9a-f]{64}$/; // what lies elsewhere may be known by a tag, or by nothing

export class FileTable {
  #app;
  #version;
  #shown = PAGE;

  constructor(app, version) {
    this.#app = app;
    this.#version = version;
    const find = debounce((text) => app.state.set({ find: text }), 120);
    const { search, element } = searchBox(app, "files", find);
    this.search = search;
    this.search.value = app.state.get("find");
    this.count = h("span.count", { role: "status" });
    this.box = h("div");
    this.element = h(
      "section.block",
      { "aria-label": "Files" },
      h("div.data-bar", {}, element, this.count),
      this.box,
    );
    this.draw();
  }

  draw() {
    const find = finder(this.#app);
    const all = this.#version.files;
    const found = all.filter(({ path }) => find.test(path));
    const size = found.reduce((sum, file) => sum + file.size, 0);
    const total = found.length === all.length ? "" : ` of ${group(all.length)}`;
    setText(this.count, `${count(found.length, "file")}${total}, ${formatBytes(size)}`);
    const rows = found.slice(0, this.#shown).map((file) => this.#row(file));
    const left = found.length - rows.length;
    replace(
      this.box,
      rows.length
        ? sheet(["File", "Size", "SHA-256", ""], rows, { numbers: [1], name: "file-sheet" })
        : h("p.quiet", {}, "No file of that name."),
      left > 0 ? this.#more(left) : null,
    );
  }

  #more(left) {
    const show = () => ((this.#shown += 10 * PAGE), this.draw());
    const text = `Show ${group(Math.min(left, 10 * PAGE))} more`;
    return h("button.text-button", { type: "button", on: { click: show } }, text);
  }

  #row(file) {
    const { path, size, digest, ref } = file;
    const cut = path.lastIndexOf("/") + 1;
    const name = [h("span.folder", {}, path.slice(0, cut)), h("wbr"), path.slice(cut)];
    return h(
      "tr",
      {},
      h("td.path", {}, name),
      h("td.number-cell", {}, ref && size === 0 ? "–" : formatBytes(size)),
      h("td.path.digest", { title: digest }, SHA256.test(digest) ? digest.slice(0, 12) : "–"),
      h("td", {}, ref ? reference(ref) : this.#download(path)),
    );
  }

  #download(path) {
    const { api, project } = this.#app;
    const { name, version } = this.#version;
    if (api.isFiles) return h("span.quiet", {}, "not exported");
    const href = api.url("artifact_file", { project: project.name, name, version, path });
    return h("a.item-link", { href, download: "", "aria-label": `Download ${path}` }, "Download");
  }
}

/** Where a file lies that is not kept here. Only pages are links; nothing is asked of them. */
function reference(ref) {
  if (!/^https?:\/\//.test(ref)) return h("span.path", { title: "Lies elsewhere" }, ref);
  const more = { href: ref, target: "_blank", rel: "noopener noreferrer" };
  return h("a.path", { ...more, title: "Lies elsewhere" }, ref);
}
