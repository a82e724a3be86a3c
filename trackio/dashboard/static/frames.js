// Decodes the binary frames of the route `series` (see frames.py: the layout is described there).

const BIG_HEADER = 1 << 26;

/** A frame: its JSON header, in which each series got typed arrays that look into the buffer. */
export function decodeFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  if (length > BIG_HEADER || 4 + length > buffer.byteLength) throw new Error("not a whole frame");
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const start = Math.ceil((4 + length) / 8) * 8;
  for (const metric of header.metrics) {
    for (const series of metric.series) readArrays(series, buffer, start);
  }
  return header;
}

function readArrays(series, buffer, start) {
  const Values = series.is_wide ? Float64Array : Float32Array;
  let at = start + series.at;
  const take = (Kind) => {
    const array = new Kind(buffer, at, series.n);
    at += Math.ceil((series.n * Kind.BYTES_PER_ELEMENT) / 8) * 8;
    return array;
  };
  const { n, base, is_dense: isDense, is_single: isSingle } = series;
  const offsets = isDense ? null : take(Uint32Array);
  series.index = Float64Array.from({ length: n }, (_, i) => base + (isDense ? i : offsets[i]));
  series.offset = series.is_exact ? take(Uint32Array) : null;
  series.mean = take(Values);
  series.count = isSingle
    ? new Uint32Array(n).fill(1)
    : take(series.is_few ? Uint8Array : Uint32Array);
  series.min = isSingle ? series.mean : take(Values);
  series.max = isSingle ? series.mean : take(Values);
}

/** The series `old` with everything from bucket `fresh.cut` on replaced by `fresh`. */
export function splice(old, fresh) {
  if (fresh.cut === null) return fresh;
  const keep = lowerBound(old.index, fresh.cut);
  const join = (name) => joinArrays(old[name].subarray(0, keep), fresh[name]);
  const mean = join("mean");
  const isSingle = old.is_single && fresh.is_single;
  return {
    ...fresh,
    is_single: isSingle,
    index: join("index"),
    mean,
    count: join("count"),
    offset: joinOffsets(old, fresh, keep),
    min: isSingle ? mean : join("min"),
    max: isSingle ? mean : join("max"),
    bad: [...old.bad.filter(([index]) => index < fresh.cut), ...fresh.bad],
  };
}

/** Where the points stand in their buckets; null unless both know. */
function joinOffsets(old, fresh, keep) {
  if (!old.offset && !fresh.offset) return null;
  const of = (series) => series.offset ?? new Uint32Array(series.index.length);
  return joinArrays(of(old).subarray(0, keep), of(fresh));
}

function joinArrays(left, right) {
  const joined = new Float64Array(left.length + right.length);
  joined.set(left);
  joined.set(right, left.length);
  return joined;
}

/** The first place in ascending `values` whose value is not below `wanted`. */
export function lowerBound(values, wanted) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
