// Which runs the filter lets through: a regular expression over what a run is called, or an
// expression over its config and results, whose columns are asked for.

import { matcher } from "./dom.js";
import { isExpression, namesIn, parse, passes, resolve } from "./where.js";

const MOST_TEXT_COLUMNS = 60;
const EVERY_MS = 5000; // how often values of a live project are looked at anew

export class RunFilter {
  #columns;
  #onReady;
  #text = "";
  #codes = null; // those that pass, where values had to be looked at
  #plain = matcher("");
  #rev = null;
  #lookedMs = 0;
  #timer = 0;

  constructor(columns, onReady) {
    this.#columns = columns;
    this.#onReady = onReady;
    this.error = "";
  }

  /** Filter by `text` from here on; looks again at what may have changed since. */
  set(text, rev) {
    const isSame = text === this.#text;
    const isFresh = rev === this.#rev || Date.now() - this.#lookedMs < EVERY_MS;
    clearTimeout(this.#timer);
    if (isSame && !this.#needsValues) return;
    if (isSame && isFresh) {
      if (rev !== this.#rev) this.#timer = setTimeout(() => this.set(text, rev), EVERY_MS);
      return;
    }
    if (!isSame) [this.#codes, this.error] = [null, ""];
    [this.#text, this.#rev, this.#lookedMs] = [text, rev, Date.now()];
    this.#plain = matcher(text);
    if (this.#needsValues) this.#look(text);
  }

  get #needsValues() {
    return isExpression(this.#text) || this.#text.includes("=");
  }

  /** Whether the text is one that is understood. */
  get isValid() {
    return this.#codes !== null || this.#plain.isValid;
  }

  async #look(text) {
    const found = await this.#test(text).catch((error) => error);
    if (text !== this.#text) return;
    if (found instanceof Error) this.error = found.message;
    else this.#codes = found;
    this.#onReady();
  }

  async #test(text) {
    const { columns } = await this.#columns.list();
    const { tree, error } = isExpression(text) ? understand(text, columns) : {};
    if (text === this.#text) this.error = error ?? "";
    return tree ? this.#where(tree, columns) : this.#regular(text, columns);
  }

  async #where(tree, columns) {
    const ids = new Map(namesIn(tree).map((name) => [name, resolve(name, columns)]));
    const { codes, values } = await this.#columns.valuesOf([...new Set(ids.values())]);
    return new Set(codes.filter((_, i) => passes(tree, (name) => values.get(ids.get(name))[i])));
  }

  /** A regular expression over `key=value` of the config, as well as over names. */
  async #regular(text, columns) {
    const test = matcher(text);
    const config = columns.filter(({ id }) => id.startsWith("config/")).slice(0, MOST_TEXT_COLUMNS);
    const { codes, values } = await this.#columns.valuesOf(["name", ...config.map(({ id }) => id)]);
    const said = (i) =>
      config.map(({ id, name }) =>
        values.get(id)[i] === null ? "" : `${name}=${values.get(id)[i]}`,
      );
    return new Set(
      codes.filter((_, i) => test.test([values.get("name")[i], ...said(i)].join("\n"))),
    );
  }

  /** Whether a run passes. */
  passes(run) {
    if (this.#codes) return this.#codes.has(run.code);
    return this.#plain.test(
      [run.name, run.status, run.group ?? "", ...(run.tags ?? [])].join("\n"),
    );
  }
}

/** The tree of an expression whose names are all known, or what is wrong with it. */
function understand(text, columns) {
  try {
    const tree = parse(text);
    const unknown = namesIn(tree).find((name) => !resolve(name, columns));
    return unknown === undefined ? { tree } : { error: `there is no ${unknown}` };
  } catch (error) {
    return { error: error.message };
  }
}
