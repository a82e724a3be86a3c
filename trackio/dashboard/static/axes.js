// Where the ticks of an axis stand and what they say. Pure: numbers in, numbers and texts out.

import { formatTick } from "./format.js";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const TIME_STEPS = [
  0.001,
  0.002,
  0.005,
  0.01,
  0.02,
  0.05,
  0.1,
  0.2,
  0.5,
  1,
  2,
  5,
  10,
  15,
  30,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
  90 * DAY,
  365 * DAY,
];

/** Round numbers between min and max, about `wanted` of them, and the step between them. */
export function linearTicks(min, max, wanted, isWhole = false) {
  if (!(max > min)) return { ticks: [min], step: Math.abs(min) || 1 };
  const rough = (max - min) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.8);
  const whole = isWhole ? Math.max(1, Math.ceil(step)) : step;
  return { ticks: multiples(whole, min, max), step: whole };
}

function multiples(step, min, max) {
  const ticks = [];
  const first = Math.ceil(min / step - 1e-9);
  for (let i = first; i * step <= max + step * 1e-9 && ticks.length < 100; i++) {
    ticks.push(Number((i * step).toPrecision(14)));
  }
  return ticks;
}

/** Ticks of a logarithmic axis: powers of ten, with 2 and 5 between where there is room. */
export function logTicks(min, max, wanted) {
  const decades = Math.log10(max / min);
  if (decades < 0.8) return linearTicks(min, max, wanted).ticks.filter((tick) => tick > 0);
  const every = Math.max(1, Math.ceil(decades / wanted));
  const between = decades * 3 <= wanted + 1 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
    if (power % every !== 0) continue;
    for (const factor of between) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= min * (1 - 1e-9) && tick <= max * (1 + 1e-9)) ticks.push(tick);
    }
  }
  return ticks.length > 1 ? ticks : linearTicks(min, max, wanted).ticks.filter((tick) => tick > 0);
}

/** What finds the ticks of an x axis: (min, max, wanted) → {ticks, step}. */
export function xTicks(mode, isLog) {
  if (isLog) return (...range) => ({ ticks: logTicks(...range), step: 0 });
  if (mode === "relative") return durationTicks;
  if (mode === "time") return clockTicks;
  return (...range) => linearTicks(...range, mode === "step");
}

/** Ticks of a span of seconds, at steps that people count time in. */
export function durationTicks(min, max, wanted) {
  const rough = (max - min) / Math.max(1, wanted);
  const step = TIME_STEPS.find((known) => known >= rough) ?? 365 * DAY;
  return { ticks: multiples(step, min, max), step };
}

/** Ticks of wall time, at round local times. */
export function clockTicks(min, max, wanted) {
  const offset = new Date(min * 1000).getTimezoneOffset() * -MINUTE;
  const { ticks, step } = durationTicks(min + offset, max + offset, wanted);
  return { ticks: ticks.map((tick) => tick - offset), step };
}

const two = (number) => String(number).padStart(2, "0");

/** What the ticks of an x axis say, by mode. */
export function xLabels(mode, ticks, step) {
  if (mode === "step" || mode.startsWith("metric:"))
    return ticks.map((tick) => formatTick(tick, step));
  if (mode === "relative") return ticks.map((tick) => durationLabel(tick, step));
  return ticks.map((tick, i) => clockLabel(tick, step, i === 0 ? null : ticks[i - 1]));
}

function durationLabel(seconds, step) {
  if (seconds === 0) return "0";
  if (step >= DAY) return `${formatTick(seconds / DAY, step / DAY)} d`;
  if (step >= HOUR || seconds >= 10 * HOUR) return `${formatTick(seconds / HOUR, step / HOUR)} h`;
  if (step >= MINUTE) return `${formatTick(seconds / MINUTE, step / MINUTE)} m`;
  if (seconds >= MINUTE && step >= 1)
    return `${Math.floor(seconds / MINUTE)}:${two(seconds % MINUTE)}`;
  return step < 0.1
    ? `${formatTick(seconds * 1000, step * 1000)} ms`
    : `${formatTick(seconds, step)} s`;
}

function clockLabel(seconds, step, before) {
  const date = new Date(seconds * 1000);
  const day = `${date.toLocaleString("en", { month: "short" })} ${date.getDate()}`;
  const isNewDay = before !== null && new Date(before * 1000).getDate() !== date.getDate();
  if (step >= DAY || isNewDay) return day;
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return step >= MINUTE ? minutes : `${minutes}:${two(date.getSeconds())}`;
}

/** The y range that shows min…max with a little room. On a log axis both are above zero. */
export function yRange(min, max, isLog) {
  if (!(min <= max)) return isLog ? [0.1, 10] : [0, 1];
  if (isLog) {
    const room = Math.max(1.08, (max / min) ** 0.05);
    return [min / room, max * room];
  }
  if (min === max) {
    const room = Math.abs(min) * 0.1 || 1;
    return [min - room, max + room];
  }
  const room = (max - min) * 0.05;
  const low = min >= 0 && min < room ? 0 : min - room;
  return [low, max + room];
}
