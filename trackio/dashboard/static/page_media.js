// Media and tables: by key, the selected runs side by side, at a step that a slider chooses.

import { debounce, h, icon, matcher, replace, setText } from "./dom.js";
import { group } from "./format.js";
import { Lightbox } from "./lightbox.js";
import { MediaMaker } from "./medium.js";
import { Panel } from "./panel.js";

const AT_ONCE = 24; // media of one run and key at one step
const CODE = 'wandb.log({"sample": wandb.Image(pixels), "scores": wandb.Table(dataframe=frame)})';

export class MediaPanel extends Panel {
  #found = null;
  #asked = "";
  #steps = [];
  #observer;

  constructor(app, codes) {
    super(app, codes);
    const find = () => app.state.set({ find: this.search.value });
    this.search = h("input.search", {
      type: "search",
      placeholder: "Search keys (regex)",
      "aria-label": "Search media by key",
      on: { input: debounce(find, 120) },
    });
    this.slider = h("input.slider.step-slider", {
      type: "range",
      min: "0",
      "aria-label": "Step",
      on: { input: () => this.#goTo(Number(this.slider.value)) },
    });
    this.said = h("span.count", { role: "status" });
    const turn = (by, label, text) =>
      h(
        "button.text-button",
        { type: "button", "aria-label": label, on: { click: () => this.#goTo(this.#at + by) } },
        text,
      );
    this.steps = h(
      "div.step-bar",
      {},
      turn(-1, "Step before", "‹"),
      this.slider,
      turn(1, "Next step", "›"),
      this.said,
    );
    this.bar.append(h("div.search-box", {}, icon("search"), this.search), this.steps);
    this.maker = new MediaMaker(app, (item) => this.#enlarge(item));
    this.lightbox = new Lightbox((item) => this.maker.make(item));
    this.element.append(this.lightbox.element);
    this.#observer = new IntersectionObserver((seen) => this.#onSeen(seen), {
      rootMargin: "300px 0px",
      scrollMargin: "300px 0px",
    });
  }

  update(changed) {
    const { state } = this.app;
    const codes = this.codes().join();
    this.search.value = state.get("find");
    if (changed !== null && codes === this.#asked) return this.#draw();
    this.#asked = codes;
    return this.ask("media.json", { r: codes }, (found) => {
      this.#found = found;
      const steps = new Set(found.keys.flatMap(({ items }) => items.map(({ step }) => step)));
      this.#steps = [...steps].filter((step) => step !== undefined).sort((a, b) => a - b);
      this.#draw();
    });
  }

  /** Which of the steps is shown: the one of the address, or the last. */
  get #at() {
    const chosen = this.app.state.get("step");
    if (chosen === null) return this.#steps.length - 1;
    const after = this.#steps.findLastIndex((step) => step <= Number(chosen));
    return Math.max(0, after);
  }

  #goTo(at) {
    const within = Math.min(this.#steps.length - 1, Math.max(0, at));
    const isLast = within === this.#steps.length - 1;
    this.app.state.set({ step: isLast ? null : String(this.#steps[within]) });
  }

  #draw() {
    if (!this.#found) return;
    const find = matcher(this.app.state.get("find"));
    const keys = this.#found.keys.filter(({ key }) => find.test(key));
    this.steps.hidden = this.#steps.length < 2;
    this.slider.max = String(Math.max(0, this.#steps.length - 1));
    this.slider.value = String(this.#at);
    this.slider.style.setProperty(
      "--filled",
      `${(100 * this.#at) / Math.max(1, this.#steps.length - 1)}%`,
    );
    setText(this.said, this.#steps.length ? `step ${group(this.#steps[this.#at])}` : "");
    if (this.#found.keys.length === 0)
      return this.say(
        "No media of these runs",
        "Images, video, audio, tables, pages and distributions are logged like numbers:",
        null,
        CODE,
      );
    if (keys.length === 0) return this.say("Nothing here", "No key matches.");
    return this.#lay(keys);
  }

  /** Sections stay what they are while only the step changes. */
  #lay(keys) {
    const known = new Map([...this.body.children].map((section) => [section.mediaKey, section]));
    const sections = keys.map((of) => {
      const section = known.get(of.key) ?? this.#section(of);
      Object.assign(section, { mediaOf: of, isStale: true });
      return section;
    });
    replace(this.body, sections);
    for (const section of sections) {
      this.#observer.unobserve(section);
      this.#observer.observe(section);
    }
  }

  #section({ key }) {
    const section = h(
      "section.media-key",
      { "aria-label": key },
      h("h2", {}, key),
      h("div.media-runs"),
    );
    section.mediaKey = key;
    return section;
  }

  #onSeen(seen) {
    for (const { target, isIntersecting } of seen)
      if (isIntersecting && target.isStale) {
        target.isStale = false;
        this.#fill(target);
      }
  }

  #fill(section) {
    const { project, theme } = this.app;
    const step = this.#steps[this.#at];
    const columns = this.codes().map((code) => {
      const run = project.runs.get(code);
      const items = latest(
        section.mediaOf.items.filter((item) => item.run === code),
        step,
      );
      if (!run || items.length === 0) return null;
      const said =
        items[0].step === undefined || items[0].step === step ? "" : `step ${group(items[0].step)}`;
      return h(
        "div.media-run",
        {},
        h(
          "h3",
          { title: run.name },
          h("i.swatch", { style: { "--color": theme.color(run.color) } }),
          h("span", {}, run.name),
          h("span.count", {}, said),
        ),
        h(
          "div.media-items",
          {},
          items.slice(0, AT_ONCE).map((item) => this.#figure(item)),
        ),
        items.length > AT_ONCE
          ? h("p.quiet", {}, `and ${items.length - AT_ONCE} more at this step`)
          : null,
      );
    });
    const shown = columns.filter(Boolean);
    replace(
      section.lastElementChild,
      shown.length ? shown : h("p.quiet", {}, "Nothing up to this step"),
    );
  }

  #figure(item) {
    const caption = item.caption ? h("figcaption", {}, item.caption) : null;
    return h("figure.medium", { class: `medium is-${item.type}` }, this.maker.make(item), caption);
  }

  #enlarge(item) {
    const of = this.#found?.keys.find(({ key }) => key === item.key);
    const fellows =
      of?.items.filter(
        ({ run, index, type }) => run === item.run && index === item.index && type === item.type,
      ) ?? [];
    this.lightbox.open(fellows.includes(item) ? fellows : [item], item);
  }

  close() {
    super.close();
    this.#observer.disconnect();
  }
}

/** Of ascending items those of the last step that is not beyond `step`. */
function latest(items, step) {
  const until = items.filter(
    (item) => item.step === undefined || step === undefined || item.step <= step,
  );
  const last = until.at(-1);
  return last ? until.filter((item) => item.step === last.step && item.seq === last.seq) : [];
}
