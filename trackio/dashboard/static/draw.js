// Paints lines, bands and marks onto the canvas of a chart. Knows pixels, colours and nothing else.

import { DASHES } from "./colors.js";
import { within } from "./measures.js";

const BAND = 0.13;
const SPIKE = 0.45;
const RAW = 0.3;
const DOTS_PX = 7; // how far apart points must be for each to get a dot
const MANY = 60; // among more lines than these, dots and bands would only make a fog

/** How values become pixels of a canvas that covers the plotting area. */
export function projector({ x, y }, { width, height }, isLog, isLogX = false) {
  const fromY = isLog ? Math.log10(y.min) : y.min;
  const fromX = isLogX ? Math.log10(x.min) : x.min;
  const perX = width / ((isLogX ? Math.log10(x.max) : x.max) - fromX);
  const perY = height / ((isLog ? Math.log10(y.max) : y.max) - fromY);
  return {
    x: isLogX
      ? (value) => (value > 0 ? (Math.log10(value) - fromX) * perX : NaN)
      : (value) => (value - fromX) * perX,
    y: isLog
      ? (value) => (value > 0 ? height - (Math.log10(value) - fromY) * perY : NaN)
      : (value) => height - (value - fromY) * perY,
    range: [x.min, x.max],
    width,
    bottom: height,
  };
}

/** Paint these lines onto an empty canvas. `isFront` makes them heavier. */
export function paint(canvas, lines, scales, { isLog, isLogX, isFront, colorOf, isSmoothed }) {
  const ctx = canvas.getContext("2d");
  const area = projector(scales, canvas, isLog, isLogX);
  const ratio = window.devicePixelRatio || 1;
  const crowd = Math.min(1, Math.sqrt(2 / lines.length)); // many bands upon another stay pale
  ctx.clearRect(0, 0, canvas.width, canvas.height);
  ctx.lineJoin = lines.length > MANY ? "bevel" : "round";
  for (const line of lines) {
    ctx.fillStyle = ctx.strokeStyle = colorOf(line.color);
    if (lines.length <= MANY) drawBand(ctx, area, line, BAND * crowd);
    drawSpikes(ctx, area, line, SPIKE, ratio);
    if (isSmoothed) drawRaw(ctx, area, line, RAW * crowd, ratio);
  }
  ctx.globalAlpha = 1;
  for (const line of lines) {
    ctx.fillStyle = ctx.strokeStyle = colorOf(line.color);
    const dash = isFront ? [] : DASHES[line.dash];
    const hasDots = lines.length <= MANY || line.x.length === 1;
    const width = isFront ? 2.4 : line.isBase ? 3 : lines.length > MANY ? 1 : 1.5;
    drawLine(ctx, area, { ...line, hasDots }, width * ratio, dash, ratio);
    drawBad(ctx, area, line, ratio);
  }
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
    if (!Number.isFinite(line.high[i]) || Number.isNaN(area.x(line.x[i]))) continue;
    ctx.lineTo(area.x(line.x[i]), edge(line.high[i]));
  }
  for (let i = to - 1; i >= from; i--) {
    if (!Number.isFinite(line.low[i]) || Number.isNaN(area.x(line.x[i]))) continue;
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

function drawLine(ctx, area, line, width, dash, ratio) {
  ctx.lineWidth = width;
  ctx.setLineDash(dash.map((length) => length * ratio));
  const [from, to] = span(line, area);
  stroke(ctx, area, line.x, line.y, [from, to]);
  ctx.setLineDash([]);
  const apart = (area.x(line.x[to - 1]) - area.x(line.x[from])) / (to - from - 1 || 1);
  if (line.hasDots && (to - from === 1 || apart > DOTS_PX * ratio))
    drawDots(ctx, area, line, [from, to], width * 1.35);
}

/** A line through the finite points; one that is not finite leaves a gap. */
function stroke(ctx, area, x, y, [from, to]) {
  ctx.beginPath();
  let isDown = false;
  for (let i = from; i < to; i++) {
    const [across, at] = [area.x(x[i]), area.y(y[i])];
    if (!Number.isFinite(at) || Number.isNaN(across)) {
      isDown = false;
    } else if (isDown) {
      ctx.lineTo(across, at);
    } else {
      ctx.moveTo(across, at);
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
    if (x < 0 || x > area.width || x - before < 2 * arm) continue;
    ctx.moveTo(x - arm, y - arm);
    ctx.lineTo(x + arm, y + arm);
    ctx.moveTo(x + arm, y - arm);
    ctx.lineTo(x - arm, y + arm);
    before = x;
  }
  ctx.stroke();
}
