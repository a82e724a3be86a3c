// What was drawn over an image: boxes with their labels, and masks.

import { PALETTE } from "./colors.js";
import { h } from "./dom.js";

const NS = "http://www.w3.org/2000/svg";

/** Put the boxes and masks of an image over it; `urlOf(mask)` is where a mask's picture is. */
export function drawBoxes(picture, item, urlOf) {
  const boxes = Object.values(item.boxes ?? {}).flatMap(
    ({ box_data: boxData = [], class_labels: labels = {} }) =>
      boxData.map((box) => ({
        ...box,
        label: box.box_caption ?? labels[box.class_id] ?? String(box.class_id ?? ""),
      })),
  );
  if (boxes.length && item.width && item.height) picture.append(overlay(boxes, item));
  for (const mask of Object.values(item.masks ?? {}))
    if (mask.sha256) picture.append(maskOf(mask, urlOf(mask)));
}

/** A mask is a grey picture whose levels are classes: here each class gets a colour. */
function maskOf(mask, src) {
  const canvas = h("canvas.mask", { title: Object.values(mask.class_labels ?? {}).join(", ") });
  const levels = h("img", { src });
  levels.addEventListener("load", () => {
    Object.assign(canvas, { width: levels.naturalWidth, height: levels.naturalHeight });
    const ctx = canvas.getContext("2d");
    ctx.drawImage(levels, 0, 0);
    const pixels = ctx.getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      const level = pixels.data[i];
      const hex = PALETTE[level % PALETTE.length][1];
      for (let c = 0; c < 3; c++)
        pixels.data[i + c] = Number.parseInt(hex.slice(1 + 2 * c, 3 + 2 * c), 16);
      pixels.data[i + 3] = level ? 120 : 0;
    }
    ctx.putImageData(pixels, 0, 0);
  });
  return canvas;
}

function overlay(boxes, { width, height }) {
  const root = document.createElementNS(NS, "svg");
  root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  root.setAttribute("class", "boxes");
  root.setAttribute("aria-hidden", "true");
  for (const { position = {}, class_id: kind = 0, domain, label } of boxes) {
    const [sx, sy] = domain === "pixel" ? [1, 1] : [width, height];
    const { minX = 0, minY = 0, maxX = 0, maxY = 0 } = position;
    const rect = document.createElementNS(NS, "rect");
    const place = {
      x: minX * sx,
      y: minY * sy,
      width: (maxX - minX) * sx,
      height: (maxY - minY) * sy,
    };
    for (const [name, value] of Object.entries(place)) rect.setAttribute(name, String(value));
    rect.style.stroke = PALETTE[Math.abs(Number(kind) || 0) % PALETTE.length][1];
    const title = document.createElementNS(NS, "title");
    title.textContent = label;
    rect.append(title);
    root.append(rect);
  }
  return root;
}
