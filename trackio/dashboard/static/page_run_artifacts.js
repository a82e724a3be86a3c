// The artifacts of one run: what it made and what it used.

import { ago, versionLink } from "./artifact_parts.js";
import { h, replace } from "./dom.js";
import { group } from "./format.js";
import { Panel } from "./panel.js";
import { table } from "./plaintable.js";

const CODE = `data = run.use_artifact("digits:latest").download()
run.log_artifact("checkpoint", name="model", type="model")`;

export class RunArtifacts extends Panel {
  #asked = null;

  constructor(app, codes) {
    super(app, codes);
    this.bar.hidden = true;
    this.body.classList.add("shelf");
  }

  update(changed) {
    const [run] = this.codes();
    if (changed !== null && run === this.#asked) return undefined;
    this.#asked = run;
    const isFiles = this.app.api.isFiles; // where nobody is asked, the links of all runs are there
    const [path, params] = isFiles ? ["lineage.json", {}] : ["run_artifacts.json", { run }];
    return this.ask(path, params, ({ links }) =>
      this.#draw(links.filter((link) => link.run.code === run)),
    );
  }

  #draw(links) {
    if (links.length === 0)
      return this.say("No artifacts", "This run neither made nor used one.", null, CODE);
    return replace(
      this.body,
      this.#list(
        "Made",
        links.filter(({ made }) => made),
      ),
      this.#list(
        "Used",
        links.filter(({ made }) => !made),
      ),
    );
  }

  #list(title, links) {
    if (links.length === 0) return null;
    const row = (link) =>
      h(
        "tr",
        {},
        h("td", {}, versionLink(this.app, link)),
        h("td", {}, link.type),
        h("td", {}, ago(this.app, link.time_s)),
      );
    return h(
      "section.block",
      { "aria-label": title },
      h("h2", {}, `${title} `, h("span.count", {}, group(links.length))),
      table(["Version", "Type", "When"], links.map(row)),
    );
  }
}
