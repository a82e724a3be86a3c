// By which column runs are grouped in charts, and which group a run belongs to.

import { PALETTE } from "./colors.js";
import { formatValue } from "./format.js";

const EVERY_MS = 5000;
const MOST_KEYS = 1000;

export class Groups {
  #columns;
  #onCome;
  #id = null;
  #asked = null;
  #askedMs = 0;
  #of = new Map(); // code → the name of its group
  #rank = new Map(); // the name of a group → its number, which gives it its colour

  /** `columns` gives values of columns; `onCome()` is called when those of the groups are here. */
  constructor(columns, onCome) {
    this.#columns = columns;
    this.#onCome = onCome;
  }

  get isOn() {
    return this.#id !== null;
  }

  /** Group the runs `codes` by the column `id`, or by none; values are asked for now and then. */
  async set(id, codes) {
    if (id === null) {
      this.#id = this.#asked = null;
      return;
    }
    const isKnown = id === this.#id && codes.every((code) => this.#of.has(code));
    const isRecent = id === this.#asked && Date.now() - this.#askedMs < EVERY_MS;
    if (isRecent && (isKnown || id !== this.#id)) return;
    [this.#asked, this.#askedMs] = [id, Date.now()];
    const found = await this.#columns.valuesOf([id]).catch(() => null);
    if (!found || id !== this.#asked) return;
    const name = id.slice(id.indexOf("/") + 1);
    const values = found.values.get(id);
    this.#of = new Map(found.codes.map((code, i) => [code, `${name} = ${say(values[i])}`]));
    const names = [...new Set(this.#of.values())];
    names.sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    this.#rank = new Map(names.map((text, i) => [text, i]));
    this.#id = id;
    this.#onCome();
  }

  /** The name of the group of a run; undefined for one that is not known yet. */
  of(code) {
    return this.#of.get(code);
  }

  /** The number of a group: the same on every chart. */
  rank(name) {
    return this.#rank.get(name) ?? 0;
  }

  /** The number of the colour of a group. */
  colorOfGroup(name) {
    return this.rank(name) % PALETTE.length;
  }

  /** The number of the colour in which a run is drawn, as a member of its group or itself. */
  colorOf(run) {
    return this.isOn ? this.colorOfGroup(this.of(run.code)) : run.color;
  }
}

/** The columns by which runs can be grouped, as `[id, name]`: first those in which runs differ. */
export function groupKeys(columns) {
  const config = columns.filter(({ id }) => id.startsWith("config/"));
  const wanted = [
    ...columns.filter(({ id }) => ["group", "status", "host"].includes(id)),
    ...config.filter(({ is_varied: isVaried }) => isVaried),
    ...config.filter(({ is_varied: isVaried }) => !isVaried),
  ];
  return wanted.slice(0, MOST_KEYS).map(({ id, name }) => [id, name]);
}

/** What a band of a group may show. */
export const BANDS = [
  ["std", "Mean ± deviation"],
  ["range", "Lowest to highest"],
];

const say = (value) =>
  value === null ? "none" : typeof value === "number" ? formatValue(value, 6) : String(value);
