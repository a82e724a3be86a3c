// Reports: text that runs or people wrote, in Markdown.

import { h, replace } from "./dom.js";
import { formatMoment } from "./format.js";
import { markdown } from "./markdown.js";
import { Panel } from "./panel.js";

const CODE = 'wandb.log({"report": wandb.Markdown("# What we learned\\n…")})';

export class ReportsPanel extends Panel {
  #rev = null;

  constructor(app, codes) {
    super(app, codes);
    this.bar.hidden = true;
    this.shown = [];
  }

  update(changed) {
    if (changed !== null && this.#rev !== null) return this.#draw();
    return this.ask("reports.json", {}, (found) => {
      this.found = found.reports;
      this.#rev = found.rev;
      this.#draw();
    });
  }

  #draw() {
    if (!this.found) return;
    if (this.found.length === 0)
      return this.say(
        "No reports",
        "Anything can be written down where it was found out:",
        null,
        CODE,
      );
    const runs = new Set(this.codes());
    const shown = this.found.filter(({ run }) => runs.has(run));
    if (shown.length === 0) return this.say("Nothing here", "The selected runs have no reports.");
    const ids = shown.map((one) => `${one.run} ${one.writer} ${one.seq} ${one.key}`).join("\n");
    if (ids === this.ids) return undefined;
    this.ids = ids;
    return replace(
      this.body,
      shown.map((report) => this.#report(report)),
    );
  }

  #report({ run, key, time_s: timeS, step, value, writer, seq, index }) {
    const name = this.app.project.runs.get(run)?.name ?? run;
    const text = h("div.markdown");
    if (typeof value === "string") text.append(...markdown(value));
    else this.#load(text, { run, writer, seq, key, index });
    const about = [name, step === undefined ? null : `step ${step}`, formatMoment(timeS)];
    return h(
      "article.report",
      { "aria-label": key },
      h("header", {}, h("h2", {}, key), h("span.count", {}, about.filter(Boolean).join(" · "))),
      text,
    );
  }

  async #load(text, place) {
    const params = { project: this.app.project.name, ...place };
    const said = await this.app.api
      .json("value.json", params)
      .catch((error) => ({ _value: error.message }));
    text.append(...markdown(String(said._value ?? said)));
  }
}
