// Smoothing of a series. The weight of the past fades with distance along x, not with the number
// of points, so a curve looks the same at every zoom and bucket width, and sparse points stay as
// they are. The first values are not pulled towards zero (the average is debiased).

/** The slider's 0…1 says how much of the past is left a thousandth of the whole range further. */
export const UNITS = 1000;

/**
 * The exponential moving average of `y`, the mean of `count` points around `x`. Values that are
 * not finite are passed over. `range` is the extent of x in the whole data, not in what is shown.
 */
export function smooth({ x, y, count }, alpha, range) {
  const out = new Float64Array(y.length).fill(NaN);
  const rate = range > 0 ? (Math.log(alpha) * UNITS) / range : -Infinity;
  let sum = 0;
  let weight = 0;
  let last = -Infinity;
  for (let i = 0; i < y.length; i++) {
    if (!Number.isFinite(y[i])) continue;
    const kept = weight === 0 ? 0 : Math.exp(rate * Math.max(0, x[i] - last));
    sum = sum * kept + y[i] * count[i];
    weight = weight * kept + count[i];
    out[i] = sum / weight;
    last = x[i];
  }
  return out;
}

/** Over which stretch of x the average looks back: the distance at which 1/e of a value is left. */
export function reach(alpha, range) {
  return alpha > 0 && range > 0 ? range / UNITS / -Math.log(alpha) : 0;
}
