// The canvases that lie over the axes of a chart: one with all lines, one in front of it with the
// lines of the run that is looked at. To bring a run forward costs one line, however many there are.

import { h } from "./dom.js";
import { paint } from "./draw.js";

export class Layers {
  #plot;
  #all = h("canvas.lines");
  #front = h("canvas.lines");

  /** Layers over the plotting area of a uPlot. */
  constructor(plot) {
    this.#plot = plot;
    plot.over.before(this.#all, this.#front);
  }

  /** Paint `lines`, and those of the run `focus` in front. */
  paint(lines, focus, style) {
    this.#fit();
    paint(this.#all, lines, this.#plot.scales, { ...style, isFront: false });
    this.focus(lines, focus, style);
  }

  /** Bring the lines of a run forward, or of none. */
  focus(lines, focus, style) {
    const meant = focus === null ? [] : lines.filter((line) => line.run === focus);
    this.#all.classList.toggle("is-faded", meant.length > 0);
    this.#front.hidden = meant.length === 0;
    if (meant.length) paint(this.#front, meant, this.#plot.scales, { ...style, isFront: true });
  }

  /** Cover the plotting area, which moves with the labels of the axes. */
  #fit() {
    const { left, top, width, height } = this.#plot.bbox;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.#all, this.#front]) {
      if (canvas.width !== width || canvas.height !== height)
        Object.assign(canvas, { width, height });
      const place = { left, top, width, height };
      for (const [side, pixels] of Object.entries(place))
        canvas.style[side] = `${pixels / ratio}px`;
    }
  }
}
