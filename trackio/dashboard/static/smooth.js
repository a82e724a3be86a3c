// Smoothing of a series by distance along x, not by the number of points, so that a curve looks
// the same at every zoom and bucket width, and sparse points stay as they are. Over buckets it is
// what is drawn at once; the server tells what it is over all points (query/smooth.py, alike).

/** The slider's 0…1 says how much of the past is left a thousandth of the whole range further. */
export const UNITS = 1000;

/** The slider is finer where a small change means much: close to one. Its end is 0.999. */
const BEND = 1 - Math.sqrt(0.001);
export const fromSlider = (position) => 1 - (1 - position * BEND) ** 2;
export const toSlider = (value) => (1 - Math.sqrt(1 - value)) / BEND;

export const KINDS = [
  ["ema", "Exponential", "Moving average of the past, which fades"],
  ["gaussian", "Gaussian", "Mean of what is near, on both sides"],
  ["mean", "Running mean", "Mean of all within the reach, on both sides"],
];

/** How far the smoothing reaches along x: where 1/e of a value is left. Two digits are enough. */
export function reach(alpha, range) {
  return alpha > 0 && range > 0 ? Number((range / UNITS / -Math.log(alpha)).toPrecision(2)) : 0;
}

/**
 * The smoothed `y`, the means of `count` points around ascending `x`. Values that are not finite
 * are passed over; the first values are not pulled towards zero.
 */
export function smooth({ x, y, count }, kind, far) {
  if (!(far > 0)) return Float64Array.from(y);
  if (kind === "ema") return ema(x, y, count, far);
  return around(x, y, count, kind === "mean" ? meanOf(far) : gaussianOf(far / 2));
}

function ema(x, y, count, far) {
  const out = new Float64Array(y.length).fill(NaN);
  let [sum, weight, last] = [0, 0, 0];
  for (let i = 0; i < y.length; i++) {
    if (Number.isFinite(y[i])) {
      const kept = weight === 0 ? 0 : Math.exp(-Math.max(0, x[i] - last) / far);
      sum = sum * kept + y[i] * count[i];
      weight = weight * kept + count[i];
      last = x[i];
    }
    out[i] = weight ? sum / weight : NaN;
  }
  return out;
}

const meanOf = (far) => ({ far, weigh: () => 1 });
const gaussianOf = (sigma) => ({
  far: 5 * sigma,
  weigh: (distance) => Math.exp(-0.5 * (distance / sigma) ** 2),
});

function around(x, y, count, { far, weigh }) {
  const out = new Float64Array(y.length).fill(NaN);
  let first = 0;
  for (let i = 0; i < y.length; i++) {
    while (x[first] < x[i] - far) first++;
    let [sum, weight] = [0, 0];
    for (let j = first; j < y.length && x[j] <= x[i] + far; j++) {
      if (!Number.isFinite(y[j])) continue;
      const w = weigh(x[j] - x[i]) * count[j];
      sum += w * y[j];
      weight += w;
    }
    if (weight) out[i] = sum / weight;
  }
  return out;
}
