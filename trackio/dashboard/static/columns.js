// The columns of the table of runs: what they hold, how it is written, how wide it is, how it sorts.

import { formatDuration, formatMoment, formatValue } from "./format.js";

const MEASURED_ROWS = 100;
const NARROW_PX = 76;
const WIDE_PX = 240;

/** The columns of a table as the server sends it; config that differs between runs comes first. */
export function makeColumns(table) {
  const config = table.config.map((column) => fromConfig(column));
  const differs = (column) => column.isVaried;
  const columns = [
    make({ id: "name", name: "Name", kind: "name", values: table.names }),
    make({ id: "status", name: "Status", kind: "status", values: table.status }),
    make({
      id: "created",
      name: "Created",
      kind: "time",
      values: table.created_s,
      say: formatMoment,
    }),
    make({
      id: "duration",
      name: "Duration",
      kind: "time",
      values: table.duration_s,
      say: formatDuration,
    }),
    make({ id: "step", name: "Last step", kind: "number", values: table.step }),
    table.group.some((group) => group !== null)
      ? make({ id: "group", name: "Group", kind: "text", values: table.group })
      : null,
    ...config.filter(differs),
    ...table.metrics.map((column) => fromMetric(column)),
    ...config.filter((column) => !differs(column)),
  ];
  return columns.filter((column) => column !== null);
}

function fromConfig({ key, values }) {
  const isNumber = values.every((value) => value === null || typeof value === "number");
  const isVaried = values.some((value) => value !== values[0]);
  return make({
    id: `config/${key}`,
    group: "config",
    name: key,
    kind: isNumber ? "number" : "text",
    values,
    isVaried,
  });
}

function fromMetric({ key, values }) {
  return make({
    id: `metric/${key}`,
    group: "last",
    name: key,
    kind: "number",
    values: values.map(fromJson),
  });
}

const NOT_FINITE = { NaN: NaN, Infinity, "-Infinity": -Infinity };
const fromJson = (value) =>
  typeof value === "string" && value in NOT_FINITE ? NOT_FINITE[value] : value;

function make({ id, group = "", name, kind, values, isVaried = true, say = null }) {
  const column = {
    id,
    group,
    name,
    kind,
    values,
    isVaried,
    say: say ? (value) => (value === null ? "–" : say(value)) : sayValue,
    title: (value) => (value === null || kind === "time" ? "" : String(value)),
    search: (i) => searchText(id, group, name, values[i]),
  };
  column.width = widthOf(column);
  return column;
}

function sayValue(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? formatValue(value, 5) : String(value);
}

function searchText(id, group, name, value) {
  if (value === null || value === undefined || id === "created" || id === "duration") return "";
  if (group === "last") return "";
  return group === "config" ? `${name}=${value}` : String(value);
}

function widthOf({ name, kind, values, say }) {
  let widest = textWidth(`${name} ↓`, 600);
  for (const value of values.slice(0, MEASURED_ROWS))
    widest = Math.max(widest, textWidth(say(value), kind === "name" ? 600 : 400));
  const extra = kind === "name" ? 56 : kind === "status" ? 48 : 26;
  const most = kind === "name" ? Math.min(340, window.innerWidth * 0.46) : WIDE_PX;
  return Math.round(Math.min(most, Math.max(NARROW_PX, widest + extra)));
}

const pen = document.createElement("canvas").getContext("2d");

function textWidth(text, weight) {
  pen.font = `${weight} 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif`;
  return pen.measureText(text).width;
}

/** Row numbers in the order of `sort`: a column's id, "-" before it for descending. */
export function order(rows, columns, sort) {
  const isDown = sort?.startsWith("-") ?? false;
  const column = columns.find(({ id }) => id === (isDown ? sort.slice(1) : sort));
  if (!column) return rows;
  const { values } = column;
  return [...rows].sort((a, b) => compare(values[a], values[b], isDown) || a - b);
}

/** Numbers before texts, by value; what is missing or not a number comes last either way. */
function compare(a, b, isDown) {
  const rank = (value) =>
    value === null || value === undefined
      ? 3
      : Number.isNaN(value)
        ? 2
        : typeof value === "string"
          ? 1
          : 0;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (rank(a) > 1) return 0;
  const by = rank(a) === 1 ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
  return isDown ? -by : by;
}
