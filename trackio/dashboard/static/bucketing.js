// Makes of points what the server makes of them: buckets as wide as a power of two, with the mean,
// the lowest, the highest and the number of values in each, to the last bit. Pure. It follows
// trackio/sampling.py, and dashboard/frames.py in what of it goes to a browser.

const WIDE_FROM = 1e4; // where values are so large against their spread, 32 bits would show steps
const FLOAT32_MAX = 3.4028234663852886e38;

/** The smallest `k` for which `span / 2^k ≤ target`. */
export function chooseShift(span, target) {
  let shift = 0;
  for (let left = Math.floor((Math.max(span, 1) - 1) / target); left >= 1; left /= 2) shift++;
  return shift;
}

/** Which bucket each x is in. */
export function indexOf(x, unit, width) {
  const index = new Float64Array(x.length);
  if (unit === 1) for (let i = 0; i < x.length; i++) index[i] = Math.floor(x[i] / width);
  else for (let i = 0; i < x.length; i++) index[i] = Math.floor(Math.floor(x[i] / unit) / width);
  return index;
}

/** Points with ascending `x` as buckets: columns that are as long as there are buckets. */
export function fillBuckets(index, x, y) {
  const starts = [];
  for (let i = 0; i < index.length; i++) if (i === 0 || index[i] !== index[i - 1]) starts.push(i);
  const n = starts.length;
  const found = emptyBuckets(n);
  const values = y.filter(Number.isFinite);
  let at = 0;
  for (let i = 0; i < n; i++) {
    const [start, end] = [starts[i], starts[i + 1] ?? index.length];
    let finite = 0;
    for (let j = start; j < end; j++) if (Number.isFinite(y[j])) finite++;
    found.index[i] = index[start];
    found.first[i] = x[start];
    found.last[i] = x[end - 1];
    found.finite[i] = finite;
    found.nonfinite[i] = end - start - finite;
    tell(found, i, values, at, finite);
    at += finite;
  }
  found.final = n && found.finite[n - 1] ? values[at - 1] : NaN;
  return found;
}

/** So many buckets, to be filled. `final` is the last finite value, if it is in the last one. */
export function emptyBuckets(n) {
  const column = () => new Float64Array(n);
  return {
    ...{ index: column(), first: column(), last: column(), finite: column(), nonfinite: column() },
    ...{ mean: column(), low: column(), high: column(), final: NaN },
  };
}

const COLUMNS = ["index", "first", "last", "finite", "nonfinite", "mean", "low", "high"];

/** Buckets that follow one another as one. */
export function joinBuckets(parts) {
  const some = parts.filter((part) => part.index.length);
  if (some.length === 1) return some[0];
  const joined = emptyBuckets(some.reduce((sum, part) => sum + part.index.length, 0));
  let at = 0;
  for (const part of some) {
    for (const name of COLUMNS) joined[name].set(part[name], at);
    at += part.index.length;
  }
  return { ...joined, final: some.at(-1)?.final ?? NaN };
}

/** Between the lowest and the highest, whatever rounding and overflow make of the sum. */
function tell(found, i, values, from, n) {
  let [low, high] = n ? [Infinity, -Infinity] : [NaN, NaN];
  for (let j = from; j < from + n; j++) {
    if (values[j] < low) low = values[j];
    if (values[j] > high) high = values[j];
  }
  let mean = n ? sumOf(values, from, n) / n : NaN;
  if (n && !Number.isFinite(mean))
    mean = sumOf(
      values.subarray(from, from + n).map((value) => value / n),
      0,
      n,
    );
  found.low[i] = low;
  found.high[i] = high;
  found.mean[i] = n ? Math.min(high, Math.max(low, mean)) : NaN;
}

/** The sum in the order of numpy's `reduceat`: the first, and all others pairwise. */
const sumOf = (values, from, n) =>
  n === 1 ? values[from] : values[from] + pairwise(values, from + 1, n - 1);

function pairwise(values, from, n) {
  if (n < 8) {
    let sum = values[from];
    for (let i = 1; i < n; i++) sum += values[from + i];
    return sum;
  }
  if (n > 128) {
    let half = Math.floor(n / 2);
    half -= half % 8;
    return pairwise(values, from, half) + pairwise(values, from + half, n - half);
  }
  let [a, b, c, d, e, f, g, h] = values.subarray(from, from + 8);
  const even = n - (n % 8);
  for (let i = from + 8; i < from + even; i += 8) {
    a += values[i];
    b += values[i + 1];
    c += values[i + 2];
    d += values[i + 3];
    e += values[i + 4];
    f += values[i + 5];
    g += values[i + 6];
    h += values[i + 7];
  }
  let sum = a + b + (c + d) + (e + f + (g + h));
  for (let i = from + even; i < from + n; i++) sum += values[i];
  return sum;
}

/**
 * Buckets as a series of a frame, as frames.js decodes one. `axis` says what x counts: steps, or
 * microseconds that are told in seconds; `offsets`, how far in its bucket the first point stands.
 */
export function asSeries({ run, label }, buckets, { width, isTime = false, offsets = null }) {
  const { index, finite, nonfinite } = buckets;
  const n = index.length;
  const scaled = (x) => (isTime ? x / 1e6 : x);
  const isSingle = finite.every((count, i) => count === 1 || (count === 0 && nonfinite[i] === 1));
  const isWide = isSingle || needsWide(buckets);
  const floats = (column) => (isWide ? column : Float32Array.from(column));
  const Count = finite.every((count) => count < 256) ? Uint8Array : Uint32Array;
  const mean = floats(buckets.mean);
  const bad = [];
  for (let i = 0; i < n; i++) if (nonfinite[i]) bad.push([index[i], nonfinite[i]]);
  return {
    ...{ run, label, n, is_single: isSingle, is_wide: isWide, bad, cut: null },
    points: sum(finite) + sum(nonfinite),
    x_first: scaled(buckets.first[0]),
    x_last: scaled(buckets.last[n - 1]),
    final: Number.isFinite(buckets.final) ? buckets.final : null,
    index,
    offset: isSingle ? exactPlaces(offsets ?? offsetsOf(buckets, width, isTime)) : null,
    mean,
    count: isSingle ? new Uint32Array(n).fill(1) : Count.from(finite),
    min: isSingle ? mean : floats(buckets.low),
    max: isSingle ? mean : floats(buckets.high),
  };
}

const sum = (column) => column.reduce((total, one) => total + one, 0);

const exactPlaces = (offsets) => (offsets.some((one) => one) ? Uint32Array.from(offsets) : null);

/** How far in its bucket, in steps or milliseconds, the first point of each stands. */
function offsetsOf({ index, first }, width, isTime) {
  return first.map((x, i) => {
    const unit = isTime ? Math.floor((x / 1e6) * 1000) : x;
    return Math.min(width - 1, Math.max(0, unit - index[i] * width));
  });
}

/** Means keep every digit only where a chart would show the difference. */
function needsWide({ finite, low, high }) {
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < finite.length; i++) {
    if (!finite[i]) continue;
    least = Math.min(least, low[i]);
    most = Math.max(most, high[i]);
  }
  if (least > most) return false;
  const size = Math.max(Math.abs(least), Math.abs(most));
  return size > WIDE_FROM * (most - least) || size > FLOAT32_MAX;
}
