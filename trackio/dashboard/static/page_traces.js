// Traces: a list by the page, and of the one that is open the conversation and the tree of spans.

import { debounce, h, icon, replace, setText } from "./dom.js";
import { formatDuration, formatMoment, formatValue, group } from "./format.js";
import { Panel } from "./panel.js";
import { traceView } from "./trace.js";

const PAGE = 50;
const CODE =
  'wandb.log({"chat": wandb.Trace(messages=[{"role": "user", "content": "…"}], spans=[…])})';

export class TracesPanel extends Panel {
  #offset = 0;
  #asked = "";
  #found = null;

  constructor(app, codes) {
    super(app, codes);
    const find = () => ((this.#offset = 0), app.state.set({ find: this.search.value }));
    this.search = h("input.search", {
      type: "search",
      placeholder: "Search in traces",
      "aria-label": "Search in traces",
      on: { input: debounce(find, 250) },
    });
    this.count = h("span.count", { role: "status" });
    const turn = (by, label, text) =>
      h(
        "button.text-button",
        { type: "button", "aria-label": label, on: { click: () => this.#turn(by) } },
        text,
      );
    this.pager = h("div.pager", {}, turn(-PAGE, "Page before", "‹"), turn(PAGE, "Next page", "›"));
    this.bar.append(h("div.search-box", {}, icon("search"), this.search), this.count, this.pager);
    this.detail = h("aside.trace-detail", { hidden: true, tabindex: "-1", "aria-label": "Trace" });
    this.scroller.after(this.detail);
    this.scroller.remove();
    this.element.append(h("div.trace-split", {}, this.scroller, this.detail));
  }

  update(changed) {
    const find = this.app.state.get("find");
    if (this.search.getRootNode().activeElement !== this.search) this.search.value = find;
    const asked = `${this.codes().join()} ${find} ${this.#offset}`;
    if (changed !== null && asked === this.#asked) return this.#open();
    this.#asked = asked;
    const params = { r: this.codes().join(), find: find || null, offset: this.#offset || null };
    return this.ask("traces.json", params, (found) => {
      this.#found = found;
      this.#draw();
      this.#open();
    });
  }

  #turn(by) {
    const last = Math.max(0, (this.#found?.total ?? 1) - 1);
    this.#offset = Math.min(Math.max(0, this.#offset + by), Math.floor(last / PAGE) * PAGE);
    this.update(new Set());
  }

  #draw() {
    const { total, traces, offset } = this.#found;
    setText(
      this.count,
      total ? `${group(offset + 1)}–${group(offset + traces.length)} of ${group(total)}` : "",
    );
    this.pager.hidden = total <= PAGE;
    if (total === 0)
      return this.app.state.get("find")
        ? this.say("Nothing here", "No trace of the selected runs has that text.")
        : this.say(
            "No traces of these runs",
            "Conversations and what agents did are logged whole:",
            null,
            CODE,
          );
    const heads = ["Trace", "Run", "Step", "Messages", "Spans", "Time", "Tokens", "Cost", "Logged"];
    const head = h(
      "tr",
      {},
      heads.map((text) => h("th", { scope: "col" }, text)),
    );
    return replace(
      this.body,
      h(
        "div.table-box",
        {},
        h(
          "table.plain.traces",
          {},
          h("thead", {}, head),
          h(
            "tbody",
            {},
            traces.map((trace) => this.#row(trace)),
          ),
        ),
      ),
    );
  }

  #row(trace) {
    const id = idOf(trace);
    const open = () => this.app.state.set({ at: id }, { push: true });
    const number = (value, say) =>
      h("td.number-cell", {}, value === null || value === undefined ? "–" : say(value));
    const run = this.app.project.runs.get(trace.run);
    return h(
      "tr",
      { class: this.app.state.get("at") === id ? "is-open" : "" },
      h(
        "td",
        {},
        h(
          "button.run-link",
          { type: "button", on: { click: open } },
          h(`span.dot.is-${trace.status}`, { title: trace.status }),
          trace.problem ?? (trace.begin || trace.key),
        ),
      ),
      h("td", {}, run?.name ?? trace.run),
      number(trace.step, group),
      number(trace.messages, group),
      number(trace.spans, group),
      number(trace.duration_ms, (ms) => formatDuration(ms / 1000)),
      number(trace.tokens, group),
      number(trace.cost_usd, (cost) => `$${formatValue(cost, 3)}`),
      h("td", {}, formatMoment(trace.time_s)),
    );
  }

  async #open() {
    const { state, api, project } = this.app;
    const at = state.get("at");
    this.detail.hidden = at === null;
    if (at === this.#shown) return;
    this.#shown = at;
    if (this.#found) this.#draw();
    if (at === null) return;
    const [run, writer, seq, index, ...key] = at.split("/");
    const params = {
      project: project.name,
      run,
      writer,
      seq,
      index: index || null,
      key: key.join("/"),
    };
    const said = await api.json("value.json", params).catch((error) => error);
    if (this.#shown !== at) return;
    const url = (item) =>
      api.url("media", {
        project: project.name,
        run,
        writer,
        file: `${item.sha256}.${item.extension}`,
      });
    replace(
      this.detail,
      traceView(said, url, () => state.set({ at: null })),
    );
    this.detail.focus();
  }

  #shown = null;
}

const idOf = ({ run, writer, seq, index, key }) => [run, writer, seq, index ?? "", key].join("/");
