// One medium as an element: picture, film, sound, page, table, distribution, text. It fetches what
// it shows from where this page is from, and nothing before it is seen.

import { PALETTE } from "./colors.js";
import { DataTable } from "./datatable.js";
import { h, replace } from "./dom.js";
import { histogram } from "./histogram.js";
import { drawBoxes } from "./overlays.js";
import { viewer3d } from "./viewer3d.js";

/** Elements for what was logged, by the type it says of itself. `open(item)` shows it large. */
export class MediaMaker {
  #app;
  #open;

  constructor(app, open) {
    this.#app = app;
    this.#open = open;
  }

  /** Where the bytes are. */
  url(item, more = {}) {
    const { api, project } = this.#app;
    const { run, writer, file } = item;
    return api.url("media", { project: project.name, run, writer, file, ...more });
  }

  /** The element of an item of `media.json`. */
  make(item) {
    const maker = {
      image: () => this.#image(item),
      video: () => this.#player("video", item),
      audio: () => this.#player("audio", item),
      html: () => this.#page(item),
      table: () => this.#table(item),
      histogram: () => this.#histogram(item),
      object3d: () => this.#solid(item),
    }[item.type];
    return (maker ?? (() => this.#text(item)))();
  }

  #image(item) {
    const image = h("img", {
      src: this.url(item),
      alt: item.caption ?? `${item.key} at step ${item.step ?? "?"}`,
      loading: "lazy",
      decoding: "async",
      width: item.width ?? null,
      height: item.height ?? null,
    });
    const picture = h(
      "button.picture",
      {
        type: "button",
        "aria-label": `Show ${item.key} large`,
        on: { click: () => this.#open(item) },
      },
      image,
    );
    drawBoxes(picture, item, (mask) =>
      this.url({ ...item, file: `${mask.sha256}.${mask.extension}` }),
    );
    return picture;
  }

  #player(tag, item) {
    return h(tag, {
      src: this.url(item),
      controls: true,
      preload: tag === "audio" ? "none" : "metadata",
      "aria-label": item.caption ?? item.key,
    });
  }

  /** A page in a frame of its own, without an origin. It reaches the network only when told to. */
  #page(item) {
    const frame = h("iframe", {
      sandbox: "allow-scripts",
      src: this.url(item),
      loading: "lazy",
      referrerpolicy: "no-referrer",
      title: item.caption ?? item.key,
    });
    const net = () => (frame.src = this.url(item, { net: 1 }));
    const title = "Plotly and others load their code from elsewhere: only for pages that you trust";
    const allow = this.#app.api.isFiles
      ? null
      : h(
          "button.text-button",
          { type: "button", title, on: { click: net } },
          "Let it load from the network",
        );
    return h("div.framed", {}, frame, allow);
  }

  #table(item) {
    const box = h("div.loading", {}, "Loading …");
    const show = (said) => {
      const inside = (cell) =>
        this.make({
          ...item,
          ...cell,
          type: cell._type.slice(8),
          file: cell.sha256 ? `${cell.sha256}.${cell.extension}` : undefined,
          value: cell,
        });
      replace(box, new DataTable(said, item.key, inside).element);
    };
    this.#load(item).then(show, (error) => replace(box, h("p", { role: "alert" }, error.message)));
    return box;
  }

  #histogram(item) {
    const box = h("div.loading");
    const show = (said) => replace(box, histogram(said, item.key));
    this.#load(item).then(show, (error) => replace(box, error.message));
    return box;
  }

  #text(item) {
    const box = h("pre.logged-text", { tabindex: "0" }, "…");
    const show = (said) =>
      (box.textContent =
        typeof said === "string" ? said : JSON.stringify(said?._value ?? said, null, 2));
    this.#load(item).then(show, (error) => (box.textContent = error.message));
    return box;
  }

  #solid(item) {
    const shade = this.#app.theme.isDark ? 1 : 0;
    const palette = PALETTE.map((pair) => pair[shade]);
    return viewer3d(item, { url: this.url(item), palette, enlarge: () => this.#open(item) });
  }

  /** What the value says: it came with the list, or is a file, or has to be asked for. */
  async #load(item) {
    if (item.value) return item.value;
    const { api, project } = this.#app;
    const { run, writer, seq, key, index } = item;
    return api.json("value.json", { project: project.name, run, writer, seq, key, index });
  }
}
