// Light or dark: what Gradio chose (`body.dark`, from `?__theme=` or the system), unless a person
// chose here. Gives charts their colours and tells when they change.

import { colorOf } from "./colors.js";

const KEY = "trackio.theme";

export class Theme {
  #host;
  #observer;
  #onChange;

  /** `host` is the element whose style holds the colours; `onChange()` is called after a change. */
  constructor(host, onChange) {
    this.#host = host;
    this.#onChange = onChange;
    const chosen = new URLSearchParams(window.location.search).has("__theme") ? null : stored();
    if (chosen) document.body.classList.toggle("dark", chosen === "dark");
    this.#apply();
    this.#observer = new MutationObserver(() => this.#apply() && this.#onChange());
    this.#observer.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }

  /** Take over the class of the body; returns whether that changed anything. */
  #apply() {
    const isDark = document.body.classList.contains("dark");
    const isOther = isDark !== this.isDark;
    this.isDark = isDark;
    this.#host.classList.toggle("is-dark", isDark);
    document.documentElement.style.colorScheme = isDark ? "dark" : "light";
    return isOther;
  }

  /** Swap light and dark, and remember it. */
  toggle() {
    const isDark = document.body.classList.toggle("dark");
    try {
      localStorage.setItem(KEY, isDark ? "dark" : "light");
    } catch {
      // A browser that keeps nothing follows the system next time.
    }
  }

  /** The colour of a run. */
  color(number) {
    return colorOf(number, this.isDark);
  }

  /** What a chart is drawn with. */
  chart() {
    const style = getComputedStyle(this.#host);
    return {
      muted: style.getPropertyValue("--muted").trim(),
      gridLine: style.getPropertyValue("--grid").trim(),
      card: style.getPropertyValue("--card").trim(),
      text: style.getPropertyValue("--text").trim(),
      colorOf: (number) => this.color(number),
    };
  }

  close() {
    this.#observer.disconnect();
  }
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
