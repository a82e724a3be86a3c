// Alerts: what runs wanted somebody to see, newest first.

import { debounce, h, icon, matcher, replace } from "./dom.js";
import { formatMoment, group } from "./format.js";
import { Panel } from "./panel.js";

const LEVELS = ["info", "warn", "error"];
const SHOWN = 500;
const CODE = 'wandb.alert("Loss is not a number", "step 12", level="ERROR")';

export class AlertsPanel extends Panel {
  #found = null;
  #levels = new Set(LEVELS);

  constructor(app, codes) {
    super(app, codes);
    this.search = h("input.search", {
      type: "search",
      placeholder: "Search alerts (regex)",
      "aria-label": "Search alerts",
      on: { input: debounce(() => this.#draw(), 120) },
    });
    this.count = h("span.count", { role: "status" });
    const box = h("div.search-box", {}, icon("search"), this.search);
    this.bar.append(box, ...LEVELS.map((level) => this.#level(level)), this.count);
  }

  #level(level) {
    const box = h("input", {
      type: "checkbox",
      checked: true,
      on: {
        change: () => (
          box.checked ? this.#levels.add(level) : this.#levels.delete(level),
          this.#draw()
        ),
      },
    });
    return h("label.field", {}, box, h(`span.level.is-${level}`, {}, level));
  }

  update(changed) {
    if (this.#found && changed !== null) return this.#draw();
    return this.ask("alerts.json", {}, (found) => {
      this.#found = found;
      this.#draw();
    });
  }

  #draw() {
    if (!this.#found) return;
    const find = matcher(this.search.value);
    const runs = new Set(this.codes());
    const shown = this.#found.alerts.filter(
      ({ run, level, title, text }) =>
        runs.has(run) && this.#levels.has(level) && find.test(`${title}\n${text}`),
    );
    this.count.textContent = `${group(shown.length)} of ${group(this.#found.total)}`;
    if (this.#found.total === 0)
      return this.say(
        "No alerts",
        "Code that sees something odd can say so, and it appears here:",
        null,
        CODE,
      );
    if (shown.length === 0)
      return this.say("Nothing here", "No alert of the selected runs matches.");
    return replace(
      this.body,
      h(
        "ol.alerts",
        {},
        shown.slice(0, SHOWN).map((alert) => this.#row(alert)),
      ),
    );
  }

  #row({ run, level, title, text, time_s: timeS, step }) {
    const { project } = this.app;
    const of = project.runs.get(run);
    const where = step === null ? "" : `step ${group(step)}`;
    return h(
      "li.alert",
      { class: `alert is-${level}` },
      h("span.level", { class: `level is-${level}` }, level),
      h("div.alert-said", {}, h("strong", {}, title), text ? h("p", {}, text) : null),
      h(
        "div.alert-about",
        {},
        h(
          "button.run-link",
          { type: "button", on: { click: () => this.app.openRun(run) } },
          of?.name ?? run,
        ),
        h("span", {}, where),
        h("time", {}, formatMoment(timeS)),
      ),
    );
  }
}
