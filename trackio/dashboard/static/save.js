// Hands the browser a file to keep: a chart as a picture, or text. Asks no server.

import { h } from "./dom.js";

/** Offer `content` (a Blob, or text) as a download called `name`. */
export function offer(name, content, type = "text/plain") {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const href = URL.createObjectURL(blob);
  h("a", { href, download: safe(name) }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** A name that any file system takes. */
const safe = (name) => name.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 120) || "trackio";

/** Rows as CSV. */
export function csv(rows) {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\n`).join("");
}

/** A picture of an SVG text, `scale` times as large. */
export async function rasterize(svg, { width, height }, scale = 2) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = h("canvas", { width: width * scale, height: height * scale });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
