// The page of what machines measured while runs ran: one chart a quantity, one line a device.

import { ChartingPage } from "./charting.js";
import { h, replace } from "./dom.js";
import { byDevice } from "./parts.js";

const HELP = `pip install "trackio[gpu]"`;

export class SystemPage extends ChartingPage {
  kind = "system";
  #app;
  #metrics;
  #isClosed = false;

  constructor(app, options = {}) {
    const metrics = [];
    super(app, { metrics: () => metrics, ...options });
    this.#app = app;
    this.#metrics = metrics;
    this.#read();
  }

  async #read() {
    const { api, project } = this.#app;
    const found = await api.json("system.json", { project: project.name }).catch(() => null);
    if (!found || this.#isClosed) return;
    const isSame = found.metrics.length === this.#count;
    this.#count = found.metrics.length;
    if (isSame) return;
    this.#metrics.splice(0, Infinity, ...byDevice(found.metrics));
    this.board.layOut();
    if (this.#metrics.length === 0) replace(this.board.board, nothing());
  }

  #count = -1;

  refresh(isOther) {
    super.refresh(isOther);
    this.#read();
  }

  close() {
    this.#isClosed = true;
    super.close();
  }
}

function nothing() {
  return h(
    "div.empty",
    {},
    h("h2", {}, "No system metrics"),
    h("p", {}, "Runs measure processor, memory, disk and network by themselves. For NVIDIA cards:"),
    h("div.code", {}, h("pre", {}, h("code", {}, HELP))),
  );
}
