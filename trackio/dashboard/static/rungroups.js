// The rows of the table of runs in groups, and what a group says in each column. Pure.

import { STATS, tagsOf } from "./columns.js";
import { count, formatValue } from "./format.js";

const NAMED = 3; // values that differ are named up to so many
const LISTED = 40; // and so many where there is room
const UNKNOWN = "not known yet";

/** `[{name, rows}]` of these row numbers, in the order of `rank(name)`; rows keep theirs. */
export function inGroups(rows, nameOf, rank) {
  const found = new Map();
  for (const i of rows) {
    const name = nameOf(i) ?? UNKNOWN;
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(i);
  }
  const groups = [...found].map(([name, members]) => ({ name, rows: members }));
  return groups.sort((a, b) => rank(a.name) - rank(b.name));
}

/** What a group is sorted by in a column: the mean of its numbers, or the first of its texts. */
export function keyOf({ rows }, values) {
  const { n, mean } = measure(rows, values);
  if (n) return mean;
  return rows.map((i) => values[i]).find((value) => value !== null && value !== undefined) ?? null;
}

/** The finite numbers among the values of these rows: `{n, mean, std, low, high}`, by Welford. */
export function measure(rows, values) {
  let [n, mean, squares, low, high] = [0, 0, 0, Infinity, -Infinity];
  for (const i of rows) {
    const value = values[i];
    if (typeof value !== "number" || !Number.isFinite(value)) continue;
    n += 1;
    const apart = value - mean;
    mean += apart / n;
    squares += apart * (value - mean);
    [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  return { n, mean, std: n > 1 ? Math.sqrt(squares / (n - 1)) : 0, low, high };
}

/** What a group says in a column, and at more length: `{text, title}`. */
export function tell(column, { rows }, values, band) {
  if (STATS.includes(column.group)) return tellNumbers(rows, values, band);
  if (column.kind === "tags") return tellList(rows.flatMap((i) => tagsOf(values[i])), String);
  if (column.kind === "status") return { text: tally(rows, values), title: "" };
  if (["age", "time", "duration"].includes(column.kind)) return tellTime(column, rows, values);
  return tellList(
    rows.map((i) => values[i]),
    column.say,
  );
}

function tellNumbers(rows, values, band) {
  const { n, mean, std, low, high } = measure(rows, values);
  if (n === 0) return { text: "–", title: "None of these runs has a number here" };
  const spread = band === "range" ? `${say(low)} – ${say(high)}` : `${say(mean)} ± ${say(std, 2)}`;
  const lines = [
    `Mean ${say(mean, 6)} of ${count(n, "run")}`,
    n > 1 ? `standard deviation ${say(std, 4)}` : "",
    `lowest ${say(low, 6)}, highest ${say(high, 6)}`,
    n < rows.length ? `${count(rows.length - n, "run")} without a number` : "",
  ];
  return { text: n === 1 ? say(mean) : spread, title: lines.filter(Boolean).join("\n") };
}

/** "10 finished, 2 failed", the most frequent first. */
function tally(rows, values) {
  const found = new Map();
  for (const i of rows) found.set(values[i], (found.get(values[i]) ?? 0) + 1);
  const sorted = [...found].sort((a, b) => b[1] - a[1]);
  return sorted.map(([status, n]) => `${n} ${status ?? "–"}`).join(", ");
}

/** When the newest was, or how long they took on average. */
function tellTime(column, rows, values) {
  const { n, mean, low, high } = measure(rows, values);
  if (n === 0) return { text: "–", title: "" };
  const isLength = column.kind === "duration";
  return {
    text: column.say(isLength ? mean : high),
    title: isLength
      ? `Mean; from ${column.say(low)} to ${column.say(high)}`
      : `Newest; the oldest ${column.say(low)}`,
  };
}

/** What all share, or the few values that there are, or how many. */
function tellList(values, write) {
  const found = [...new Set(values)].filter((value) => value !== null && value !== undefined);
  if (found.every((value) => typeof value === "number")) found.sort((a, b) => a - b);
  const title = found.slice(0, LISTED).map(write).join("\n");
  if (found.length > NAMED) return { text: `${found.length} values`, title };
  return { text: found.map(write).join(", ") || "–", title };
}

const say = (value, digits = 4) => formatValue(value, digits);
