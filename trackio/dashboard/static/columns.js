// The columns of the table of runs: how values are written, how wide a column is, how it sorts.

import { formatAge, formatDuration, formatMoment, formatValue } from "./format.js";

export const STATS = ["last", "min", "max", "mean", "count", "best"];

const MEASURED_ROWS = 100;
const NARROW_PX = 76;
const USUAL_PX = 108;
const WIDE_PX = 240;
const TAG_PX = 20;
const USUAL = { config: 24, metric: 24 };

/** A column by its id: what the server said of it, and how it is shown. `nowS` is the time there. */
export function describe(id, known, nowS) {
  const cut = id.indexOf("/");
  const group = cut < 0 ? "" : id.slice(0, cut);
  const said = known.get(id) ??
    known.get(`last/${id.slice(cut + 1)}`) ?? { name: id, kind: "text" };
  const column = { id, group, name: said.name, kind: said.kind, width: USUAL_PX };
  return { ...column, say: teller(column.kind, nowS) };
}

function teller(kind, nowS) {
  const say = {
    age: (value) => `${formatAge(Math.max(0, nowS() - value))} ago`,
    time: formatMoment,
    duration: formatDuration,
    tags: (value) => tagsOf(value).join(", "),
  }[kind];
  if (say) return (value) => (value === null || value === undefined ? "–" : say(value));
  return sayValue;
}

/** The tags that a value of the column of tags holds. */
export function tagsOf(value) {
  try {
    return value === null ? [] : JSON.parse(value);
  } catch {
    return [String(value)];
  }
}

function sayValue(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? formatValue(value, 5) : String(value);
}

/** Whether numbers stand right and sort from the highest. */
export const isNumeric = ({ kind }) => ["number", "time", "duration", "age"].includes(kind);

/** The columns that are shown while nobody chose: what differs between runs, and what sums up. */
export function usual(columns) {
  const fields = columns.filter(
    ({ id, is_varied: v }) => !id.includes("/") && v && id !== "created",
  );
  const config = columns.filter(({ id, is_varied: v }) => id.startsWith("config/") && v);
  const metrics = columns
    .filter(({ id, usual: stat }) => id.startsWith("last/") && stat !== "none")
    .map(({ id, usual: stat = "last" }) => id.replace("last", stat));
  const named = [...fields, ...config.slice(0, USUAL.config)].map(({ id }) => id);
  return [...named, ...metrics.slice(0, USUAL.metric)];
}

/** How wide a column has to be for its heading and the first of its values. */
export function widthOf({ name, kind, say }, values) {
  const weight = kind === "name" ? 600 : 400;
  let widest = textWidth(`${name} ↓`, 600);
  for (const value of values.slice(0, MEASURED_ROWS))
    widest = Math.max(widest, kind === "tags" ? tagsWidth(value) : textWidth(say(value), weight));
  const extra = kind === "name" ? 84 : kind === "status" ? 48 : 26;
  const most = kind === "name" ? Math.min(340, window.innerWidth * 0.5) : WIDE_PX;
  return Math.round(Math.min(most, Math.max(NARROW_PX, widest + extra)));
}

/** Each tag is a pill with room around it. */
const tagsWidth = (value) =>
  tagsOf(value).reduce((sum, tag) => sum + textWidth(tag, 400) + TAG_PX, 0);

const pen = document.createElement("canvas").getContext("2d");

function textWidth(text, weight) {
  pen.font = `${weight} 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif`;
  return pen.measureText(text).width;
}

/** Row numbers by `values`, from the largest with `isDown`; what is missing comes last either way. */
export function order(rows, values, isDown) {
  if (!values) return rows;
  return [...rows].sort((a, b) => compare(values[a], values[b], isDown) || a - b);
}

const rank = (value) =>
  value === null || value === undefined
    ? 3
    : Number.isNaN(value)
      ? 2
      : typeof value === "string"
        ? 1
        : 0;

const collator = new Intl.Collator(undefined, { numeric: true });

/** Numbers before texts, by value. */
function compare(a, b, isDown) {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (rank(a) > 1) return 0;
  const by = rank(a) === 1 ? collator.compare(a, b) : a - b;
  return isDown ? -by : by;
}
