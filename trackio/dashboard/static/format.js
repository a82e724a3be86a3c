// How numbers, times and ages are written, the same everywhere. Nothing here touches the page.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/** A value as tooltips and tables show it: some `digits` significant digits, never padded. */
export function formatValue(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (Number.isInteger(value) && size < 1e7) return group(value);
  if (size < 1e-4 || size >= 1e7) return exponent(value.toExponential(digits - 1));
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return minus(trim(value.toFixed(Math.min(places, 12))));
}

/** A tick of an axis whose neighbours lie `step` apart. */
export function formatTick(value, step) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e15 || size < 1e-5) return exponent(value.toExponential(1));
  for (const [unit, suffix] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ]) {
    if (size >= unit && step >= unit / 10) {
      return minus(trim((value / unit).toFixed(places(step / unit)))) + suffix;
    }
  }
  const text = trim(value.toFixed(places(step)));
  return size >= 1000 && Number.isInteger(value) ? group(value) : minus(text);
}

/** How many decimals it takes to tell multiples of `step` apart: 1 for 0.5, 2 for 0.25. */
function places(step) {
  for (let digits = 0; digits < 12; digits++) {
    const scaled = step * 10 ** digits;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return digits;
  }
  return 12;
}

/** A whole number with thin spaces between thousands. */
export function group(value) {
  return minus(String(value).replace(/\B(?=(\d{3})+$)/g, "\u2009"));
}

function exponent(text) {
  const [digits, power] = text.split("e");
  return minus(`${trim(digits)}e${Number(power)}`);
}

const trim = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
const minus = (text) => text.replaceAll("-", "−");

/** A length of time: 850 ms, 12 s, 4 m 10 s, 2 h 5 m, 3 d 4 h. */
export function formatDuration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  const size = Math.abs(seconds);
  const sign = seconds < 0 ? "−" : "";
  if (size === 0) return "0 s";
  if (size < 1) return `${sign}${Math.round(size * 1000)} ms`;
  if (size < 10) return `${sign}${trim(size.toFixed(1))} s`;
  if (size < MINUTE) return `${sign}${Math.floor(size)} s`;
  if (size < HOUR) return sign + pair(size, MINUTE, "m", 1, "s");
  if (size < DAY) return sign + pair(size, HOUR, "h", MINUTE, "m");
  return sign + pair(size, DAY, "d", HOUR, "h");
}

function pair(seconds, unit, name, small, smallName) {
  const rest = Math.floor((seconds % unit) / small);
  return `${Math.floor(seconds / unit)} ${name}${rest ? ` ${rest} ${smallName}` : ""}`;
}

/** How long ago, in one unit: now, 12 s, 4 m, 2 h, 3 d. */
export function formatAge(seconds) {
  if (seconds < 2) return "now";
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} m`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

const two = (number) => String(number).padStart(2, "0");

/** The local time of day. */
export function formatClock(timeS) {
  const date = new Date(timeS * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The local date and time, to the second. */
export function formatMoment(timeS) {
  return `${formatDay(timeS)} ${formatClock(timeS)}`;
}

/** The local date. */
export function formatDay(timeS) {
  const date = new Date(timeS * 1000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** A position on the x axis, or the stretch of steps that its bucket of length `span` stands for. */
export function formatX(x, mode, span = 1) {
  if (mode === "relative") return formatDuration(x);
  if (mode === "time") return formatMoment(x);
  if (mode !== "step") return formatValue(x);
  if (span === 1) return group(Math.round(x));
  const first = Math.floor(x / span) * span;
  return `${group(first)}–${group(first + span - 1)}`;
}

/** A stretch of the x axis: 16 steps, 2 s, 0.5. */
export function formatSpan(span, mode) {
  if (mode === "step") return count(Math.max(1, Math.round(span)), "step");
  return mode.startsWith("metric:") ? formatValue(span, 2) : formatDuration(span);
}

/** What the x axis is called. */
export function formatAxis(mode) {
  if (mode === "relative") return "seconds since the run began";
  return mode.startsWith("metric:") ? mode.slice(7) : mode;
}

/** "1 run", "3 runs". */
export function count(number, noun) {
  return `${group(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** A number of bytes: 512 B, 3.2 MB. */
export function formatBytes(size) {
  if (size === null || size === undefined) return "–";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let [value, unit] = [size, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
