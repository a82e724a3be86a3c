"""Buckets of long series for exported sites: every width that a chart may ask for, ready made.

The browser makes the same buckets of points (`static/bucketing.js`); these save it from reading
all of them. Buckets are those of `sampling`, added up in the order in which the server does.
"""

from collections import defaultdict
from typing import Final

import numpy as np
import pyarrow as pa

from trackio import sampling
from trackio.dashboard.site_parquet import ParquetBytes, number

LONG: Final = 4_096
"""A series of fewer points has no buckets: its points are as soon read."""
POINTS_A_BUCKET: Final = 32
"""How many points, on average, the narrowest buckets have at least."""
NONE: Final = -1
_GROUP_ROWS: Final = 4_096
_SCHEMA: Final = pa.schema(
    [
        number("series", pa.int32()),
        number("shift", pa.int32()),
        number("bucket", pa.int64()),
        number("first_x", pa.int64()),
        number("last_x", pa.int64()),
        number("mean", pa.float64()),
        number("min", pa.float64()),
        number("max", pa.float64()),
        number("finite", pa.int32()),
        number("nonfinite", pa.int32()),
    ]
)
_Columns = list[np.ndarray]


class AxisBuckets:
    """Collects the buckets of series along one axis, in which a unit is `unit` of x."""

    def __init__(self, unit: int = 1) -> None:
        self._unit = unit
        self._levels: defaultdict[int, list[pa.Table]] = defaultdict(list)

    def add(self, series: int, x: sampling.Ints, value: sampling.Floats) -> int:
        """Take in one series, ascending in x; returns the shift of its narrowest buckets.

        Bucket `b` of shift `k` holds the points with `x // unit >> k == b`. Wider ones are made
        until two are left, which hold the same points at any greater width, or all of them.
        """
        if len(x) < LONG:
            return NONE
        at = x if self._unit == 1 else x // self._unit
        shift = narrowest = sampling.choose_shift(
            int(at[-1]) - int(at[0]) + 1, len(at) // POINTS_A_BUCKET
        )
        while True:
            filled = sampling.fill_buckets(at >> shift, value)
            self._levels[shift].append(_table(series, shift, x, filled))
            if len(filled.index) <= 2:
                return narrowest
            shift += 1

    def finish(self) -> bytes | None:
        """The buckets as Parquet, the widest first, each width in row groups of its own."""
        if not self._levels:
            return None
        searched = ["series", "shift", "bucket"]
        with ParquetBytes(_SCHEMA, searched=searched, group_rows=_GROUP_ROWS) as out:
            for shift in sorted(self._levels, reverse=True):
                out.write(pa.concat_tables(self._levels[shift]))
            return out.finish()


def _table(series: int, shift: int, x: sampling.Ints, filled: sampling.Buckets) -> pa.Table:
    n = len(filled.index)
    ends = filled.start + filled.finite + filled.nonfinite - 1
    columns = [
        np.full(n, series, np.int32),
        np.full(n, shift, np.int32),
        filled.index,
        x[filled.start],
        x[ends],
        filled.mean,
        filled.min,
        filled.max,
        filled.finite.astype(np.int32),
        filled.nonfinite.astype(np.int32),
    ]
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=_SCHEMA)
