"""Series as one binary frame, for `static/frames.js` to read without copying. No HTTP, no query.

A frame is, little-endian:

    u32 length of the header | header, JSON in UTF-8 | zeros up to a multiple of 8 | arrays

The header's `metrics` list holds for each metric its bucket `width`, the length `scale` of one
unit of it on the x axis, and its `series`; each
series tells `n`, how many buckets it has, and `at`, where its arrays begin, counted from the
end of the zeros. They follow one another, each padded to a multiple of 8 bytes:

    u32[n]       bucket numbers less `base`; left out if `is_dense` (base, base + 1, …)
    u32[n]       how far in its bucket the point stands; only if `is_exact`
    float[n]     means of the finite values
    u8|u32[n]    how many finite values, 8 bits if `is_few`; left out if `is_single` (one each)
    float[n] ×2  lowest and highest finite values; left out if `is_single`

Floats have 32 bits, or 64 if `is_wide`. `bad` lists [bucket number, how many values were not
finite]. With `cut`, the buckets replace those from that number on; without, all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import orjson
from numpy.typing import NDArray

_ALIGN: Final = 8
_WIDE_FROM: Final = 1e4
"""Where values are so large against their spread, 32 bits would show steps."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSeries:
    """One series of a metric. Arrays are alike in length and ascend in `index`.

    `offset` is how far in its bucket the first point stands, `final` the value of the last point.
    """

    ARRAYS: ClassVar = ("index", "offset", "mean", "low", "high", "finite", "bad")

    run: str
    label: str
    index: Ints
    offset: Ints
    mean: Floats
    low: Floats
    high: Floats
    finite: Ints
    bad: Ints
    x_first: float
    x_last: float
    points: int
    final: float | None = None
    cut: int | None = None

    @property
    def size_bytes(self) -> int:
        """Memory held by the arrays."""
        return sum(getattr(self, name).nbytes for name in self.ARRAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMetric:
    """One metric in buckets of one width. `chosen` says that the server chose that width.

    `scale` is the length of one unit of width, index and offset on the x axis.
    """

    metric: str
    width: int
    scale: float
    series: Sequence[FrameSeries]
    chosen: bool
    is_delta: bool = False


def encode_frame(head: Mapping[str, Any], metrics: Sequence[FrameMetric]) -> bytes:
    """The frame of these metrics; `head` is what else the header says."""
    body: list[bytes] = []
    at = 0
    described = []
    for metric in metrics:
        said = []
        for series in metric.series:
            parts, extra = _encode_series(series)
            said.append({**extra, "at": at})
            at += sum(map(len, parts))
            body += parts
        described.append(
            {
                "metric": metric.metric,
                "width": metric.width,
                "scale": metric.scale,
                "chosen": metric.chosen,
                "is_delta": metric.is_delta,
                "series": said,
            }
        )
    header = orjson.dumps({**head, "metrics": described})
    prefix = len(header).to_bytes(4, "little") + header
    return b"".join((prefix, bytes(-len(prefix) % _ALIGN), *body))


def _encode_series(series: FrameSeries) -> tuple[list[bytes], dict[str, Any]]:
    index = series.index
    n = len(index)
    base = int(index[0]) if n else 0
    is_dense = n == 0 or int(index[-1]) - base == n - 1
    is_single = bool(np.all((series.finite == 1) | (series.bad == 1) & (series.finite == 0)))
    is_exact = is_single and bool(series.offset.any())
    is_wide = _needs_wide(series, is_single)
    floats = np.float64 if is_wide else np.float32
    parts = [] if is_dense else [_pad((index - base).astype(np.uint32))]
    if is_exact:
        parts.append(_pad(series.offset.astype(np.uint32)))
    parts.append(_pad(series.mean.astype(floats)))
    is_few = not is_single and int(series.finite.max(initial=0)) < 256
    if not is_single:
        counts = np.minimum(series.finite, 0xFFFF_FFFF)
        parts.append(_pad(counts.astype(np.uint8 if is_few else np.uint32)))
        parts += [_pad(series.low.astype(floats)), _pad(series.high.astype(floats))]
    with_bad = np.flatnonzero(series.bad)
    bad = np.stack([index[with_bad], series.bad[with_bad]], axis=1).tolist()
    return parts, {
        "run": series.run,
        "label": series.label,
        "n": n,
        "base": base,
        "is_dense": is_dense,
        "is_single": is_single,
        "is_exact": is_exact,
        "is_few": is_few,
        "is_wide": is_wide,
        "bad": bad,
        "x_first": series.x_first,
        "x_last": series.x_last,
        "points": series.points,
        "final": series.final,
        "cut": series.cut,
    }


def _needs_wide(series: FrameSeries, is_single: bool) -> bool:
    """Exact points keep every digit; means only where a chart would show the difference."""
    if is_single:
        return True
    finite = series.finite > 0
    if not finite.any():
        return False
    low, high = float(series.low[finite].min()), float(series.high[finite].max())
    size = max(abs(low), abs(high))
    return size > _WIDE_FROM * (high - low) or size > float(np.finfo(np.float32).max)


def _pad(array: NDArray[Any]) -> bytes:
    data = array.tobytes()
    return data + bytes(-len(data) % _ALIGN)
