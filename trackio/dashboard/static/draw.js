// Paints lines, bands and marks onto the canvas of a chart. Knows pixels, colours and nothing else.

import { DASHES } from "./colors.js";
import { within } from "./lines.js";

const FADED = 0.13;
const BAND = 0.13;
const SPIKE = 0.45;
const RAW = 0.3;
const DOTS_PX = 7; // how far apart points must be for each to get a dot

/** The chart's plotting area and scales, in canvas pixels. */
export function projector(u, isLog) {
  const { left, top, width, height } = u.bbox;
  const { x, y } = u.scales;
  const fromY = isLog ? Math.log10(y.min) : y.min;
  const perX = width / (x.max - x.min);
  const perY = height / ((isLog ? Math.log10(y.max) : y.max) - fromY);
  const bottom = top + height;
  return {
    x: (value) => left + (value - x.min) * perX,
    y: isLog
      ? (value) => (value > 0 ? bottom - (Math.log10(value) - fromY) * perY : NaN)
      : (value) => bottom - (value - fromY) * perY,
    range: [x.min, x.max],
    left,
    top,
    width,
    height,
    bottom,
  };
}

/** Paint all lines; the one of the run `focus`, if any, in front and the others faded. */
export function drawLines(u, lines, { isLog, focus, colorOf, isSmoothed }) {
  const area = projector(u, isLog);
  const ratio = window.devicePixelRatio || 1;
  const { ctx } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left, area.top - ratio, area.width, area.height + 2 * ratio);
  ctx.clip();
  ctx.lineJoin = "round";
  const isFocused = focus !== null && lines.some((line) => line.run === focus);
  const order = isFocused ? [...lines].sort((a, b) => (a.run === focus) - (b.run === focus)) : lines;
  const crowd = Math.min(1, Math.sqrt(2 / lines.length)); // many bands upon another stay pale
  for (const line of order) {
    const strength = !isFocused || line.run === focus ? 1 : FADED;
    ctx.fillStyle = ctx.strokeStyle = colorOf(line.color);
    drawBand(ctx, area, line, strength * BAND * crowd);
    drawSpikes(ctx, area, line, strength * SPIKE, ratio);
    if (isSmoothed) drawRaw(ctx, area, line, strength * RAW * crowd, ratio);
  }
  for (const line of order) {
    const isFront = isFocused && line.run === focus;
    ctx.globalAlpha = isFocused && !isFront ? FADED * 1.6 : 1;
    ctx.fillStyle = ctx.strokeStyle = colorOf(line.color);
    drawLine(ctx, area, line, (isFront ? 2.4 : 1.5) * ratio, ratio);
    drawBad(ctx, area, line, ratio);
  }
  ctx.restore();
}

/** The span of indices to draw: what is in view and one point beyond each end. */
function span(line, area) {
  const [from, to] = within(line.x, area.range);
  return [Math.max(0, from - 1), Math.min(line.x.length, to + 1)];
}

function drawBand(ctx, area, line, alpha) {
  if (line.isSingle) return;
  const [from, to] = span(line, area);
  const edge = (value) => {
    const y = area.y(value);
    return Number.isNaN(y) ? area.bottom : y;
  };
  ctx.globalAlpha = alpha;
  ctx.beginPath();
  for (let i = from; i < to; i++) {
    if (!Number.isFinite(line.high[i])) continue;
    ctx.lineTo(area.x(line.x[i]), edge(line.high[i]));
  }
  for (let i = to - 1; i >= from; i--) {
    if (!Number.isFinite(line.low[i])) continue;
    // A band of no height would vanish, and with it a single outlier.
    ctx.lineTo(area.x(line.x[i]), edge(line.low[i]) + 0.5);
  }
  ctx.closePath();
  ctx.fill();
}

/** Buckets that reach much further than their neighbours, so that a pale band hides no outlier. */
function drawSpikes(ctx, area, line, alpha, ratio) {
  if (line.isSingle) return;
  const [from, to] = span(line, area);
  ctx.globalAlpha = alpha;
  ctx.lineWidth = ratio;
  ctx.beginPath();
  for (let i = from; i < to; i++) {
    if (!(line.high[i] - line.low[i] > line.spike)) continue;
    const [x, low] = [area.x(line.x[i]), area.y(line.low[i])];
    ctx.moveTo(x, Number.isNaN(low) ? area.bottom : low);
    ctx.lineTo(x, area.y(line.high[i]));
  }
  ctx.stroke();
}

function drawRaw(ctx, area, line, alpha, ratio) {
  ctx.globalAlpha = alpha;
  ctx.lineWidth = ratio;
  ctx.setLineDash([]);
  stroke(ctx, area, line.x, line.raw, span(line, area));
}

function drawLine(ctx, area, line, width, ratio) {
  ctx.lineWidth = width;
  ctx.setLineDash(DASHES[line.dash].map((length) => length * ratio));
  const [from, to] = span(line, area);
  stroke(ctx, area, line.x, line.y, [from, to]);
  ctx.setLineDash([]);
  const apart = (area.x(line.x[to - 1]) - area.x(line.x[from])) / (to - from - 1 || 1);
  if (to - from === 1 || apart > DOTS_PX * ratio) drawDots(ctx, area, line, [from, to], width * 1.35);
}

/** A line through the finite points; one that is not finite leaves a gap. */
function stroke(ctx, area, x, y, [from, to]) {
  ctx.beginPath();
  let isDown = false;
  for (let i = from; i < to; i++) {
    const at = area.y(y[i]);
    if (!Number.isFinite(at)) {
      isDown = false;
    } else if (isDown) {
      ctx.lineTo(area.x(x[i]), at);
    } else {
      ctx.moveTo(area.x(x[i]), at);
      isDown = true;
    }
  }
  ctx.stroke();
}

function drawDots(ctx, area, line, [from, to], radius) {
  ctx.beginPath();
  for (let i = from; i < to; i++) {
    const y = area.y(line.y[i]);
    if (!Number.isFinite(y)) continue;
    const x = area.x(line.x[i]);
    ctx.moveTo(x + radius, y);
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
  }
  ctx.fill();
}

/** A ✕ at the axis wherever values were not numbers. */
function drawBad(ctx, area, line, ratio) {
  const arm = 3 * ratio;
  const y = area.bottom - arm - ratio;
  ctx.lineWidth = 1.4 * ratio;
  ctx.beginPath();
  let before = -Infinity;
  for (const [at] of line.bad) {
    const x = area.x(at);
    if (x < area.left || x > area.left + area.width || x - before < 2 * arm) continue;
    ctx.moveTo(x - arm, y - arm);
    ctx.lineTo(x + arm, y + arm);
    ctx.moveTo(x + arm, y - arm);
    ctx.lineTo(x - arm, y + arm);
    before = x;
  }
  ctx.stroke();
}
