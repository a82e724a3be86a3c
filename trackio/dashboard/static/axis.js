// Along which axis a metric is drawn: the one that is chosen for all charts, or its own, which is
// what `define_metric` named for it and otherwise the step. Pure.

export const STEP = "step";

/**
 * The axis of a metric whose own is `own`, or undefined, and what of a zoom holds there: a zoom
 * into charts along one axis says nothing to those along another.
 */
export function axisOf({ x, zoom }, own) {
  const [low, high, along = STEP] = zoom ?? [];
  if (x !== "own") return { x, zoom: zoom && [low, high] };
  const found = own ? `metric:${own}` : STEP;
  return { x: found, zoom: zoom && along === found ? [low, high] : null };
}

/** A zoom as it is kept: with its axis where that does not go without saying. */
export function zoomAlong(x, [low, high], along) {
  return x === "own" && along !== STEP ? [low, high, along] : [low, high];
}

/** The axis that a view without a metric is about: of a zoom its own. */
export function mainAxis({ x, zoom }) {
  return x === "own" ? (zoom?.[2] ?? STEP) : x;
}
