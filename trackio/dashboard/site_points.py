"""The points of a project as Parquet for exported sites, and an index of the series in them.

A metric is one file of plain rows (run, label, metric, step, time, value), series after series,
each by step; `series.parquet` says where each begins and how far it reaches on each axis. That
is what anybody can query, and what `static/pointfiles.js` reads a few pages of. It reads the
store and encodes; names of files and where they go are up to `put`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from trackio.dashboard.meta import Meta
from trackio.dashboard.site_buckets import NONE, AxisBuckets
from trackio.dashboard.site_parquet import ParquetBytes, number, repeated, text
from trackio.query.metrics import Metric, list_metrics
from trackio.query.points import AXES, NO_STEP, Axis, Points, Window, read_points
from trackio.query.runs import RunRow

Put = Callable[[str, bytes], None]
_POINTS_AT_ONCE: Final = 4_000_000
_TIME: Final = pa.timestamp("us", tz="UTC")
_SERIES: Final = pa.schema(
    [
        number("series", pa.int32()),
        text("metric"),
        text("run_id"),
        text("run"),
        text("run_code"),
        text("label"),
        number("start", _TIME),
        number("row", pa.int64()),
        number("points", pa.int64()),
        number("without_step", pa.int64()),
        number("first_step", pa.int64()),
        number("last_step", pa.int64()),
        number("first_time", _TIME),
        number("last_time", _TIME),
        number("is_in_time", pa.bool_()),
        number("last_finite", pa.float64()),
        number("last_finite_step", pa.int64()),
        number("last_finite_time", _TIME),
        *(number(f"{axis}_shift", pa.int32()) for axis in AXES),
    ]
)
_MILLISECOND: Final = 1000


@dataclass(slots=True)
class PointFiles:
    """Writes the series of one kind through `put`; `index` tells where those of a metric stand."""

    meta: Meta
    kind: str
    put: Put
    index: dict[str, tuple[int, int]] = field(default_factory=dict)
    _rows: list[dict[str, Any]] = field(default_factory=list)

    def write(self) -> Iterator[str]:
        """Write every metric, then the index; tells before each what is written next."""
        codes = self.meta.codes(self.kind)
        metrics = {metric.key: metric for metric in list_metrics(self.meta.view, self.kind)}
        for done, (key, code) in enumerate(codes.items(), start=1):
            yield f"{self.kind} series {done} of {len(codes)}"
            first = len(self._rows)
            _MetricFiles(self, metrics[key], code).write()
            self.index[code] = (first, len(self._rows))
        self.put(f"series/{self.kind}.parquet", _encode_index(self._rows))

    @property
    def next_number(self) -> int:
        """The number of the next series."""
        return len(self._rows)

    def add(self, row: dict[str, Any]) -> None:
        """Take a series into the index."""
        self._rows.append(row)


class _MetricFiles:
    """The files of one metric: its points, and the buckets of its long series on each axis."""

    def __init__(self, files: PointFiles, metric: Metric, code: str) -> None:
        self._files, self._metric, self._code = files, metric, code
        self._axes = {axis: AxisBuckets(1 if axis == "step" else _MILLISECOND) for axis in AXES}
        self._runs = {run.run_id: run for run in files.meta.runs}
        self._row = 0

    def write(self) -> None:
        """Write them."""
        tables = [self._take(points) for points in self._read()]
        has_all_steps = not any(table.column("step").null_count for table in tables)
        schema = _points_schema(has_all_steps=has_all_steps)
        with ParquetBytes(schema, searched=["step", "time"]) as out:
            for table in tables:
                out.write(table.cast(schema))
            self._files.put(f"points/{self._files.kind}/{self._code}.parquet", out.finish())
        for axis, buckets in self._axes.items():
            content = buckets.finish()
            if content is not None:
                self._files.put(f"buckets/{self._files.kind}/{axis}/{self._code}.parquet", content)

    def _read(self) -> Iterator[Points]:
        """The points, of so many runs at once that they fit into memory."""
        run_ids = list(self._runs)
        of_one = max(1, self._metric.points // max(1, self._metric.runs))
        at_once = max(1, _POINTS_AT_ONCE // of_one)
        for begin in range(0, len(run_ids), at_once):
            some = run_ids[begin : begin + at_once]
            view, key = self._files.meta.view, self._metric.key
            yield read_points(view, some, [key], self._files.kind, Window("step"))

    def _take(self, points: Points) -> pa.Table:
        """The rows of some series, which are noted in the index."""
        for i, name in enumerate(points.names):
            here = slice(*points.bounds[i : i + 2].tolist())
            self._note(self._runs[name.run_id], name.label, points, here)
        sizes = np.diff(points.bounds)
        runs = [self._runs[name.run_id] for name in points.names]
        has_step = points.step != NO_STEP
        return pa.table(
            {
                "run_id": repeated([run.run_id for run in runs], sizes),
                "run": repeated([run.name for run in runs], sizes),
                "label": repeated([name.label for name in points.names], sizes),
                "metric": repeated([name.key for name in points.names], sizes),
                "step": pa.array(points.step, mask=None if has_step.all() else ~has_step),
                "time": pa.array(points.times_us()).cast(_TIME),
                "value": points.value,
            }
        )

    def _note(self, run: RunRow, label: str, points: Points, here: slice) -> None:
        step, time_us, value = points.step[here], points.times_us()[here], points.value[here]
        row = _Extent(step, time_us, value).row()
        start_us = round(run.started_s * 1000) * 1000
        has_step = step[row["without_step"] :]
        xs: dict[Axis, Any] = {"step": has_step, "time": time_us, "relative": time_us - start_us}
        number = self._files.next_number
        for axis, x in xs.items():
            is_long = axis == "step" or row["is_in_time"]
            at = value[row["without_step"] :] if axis == "step" else value
            row[f"{axis}_shift"] = self._axes[axis].add(number, x, at) if is_long else NONE
        names = {"metric": self._metric.key, "run_id": run.run_id, "run": run.name}
        code = self._files.meta.run_codes[run.run_id]
        place = {"series": number, "run_code": code, "label": label, "row": self._row}
        self._files.add({**names, **place, "start": start_us, **row})
        self._row += len(value)


@dataclass(frozen=True, slots=True)
class _Extent:
    """One series: points without a step first, the others by step."""

    step: Any
    time_us: Any
    value: Any

    def row(self) -> dict[str, Any]:
        """What of the index follows from the points alone."""
        finite = np.flatnonzero(np.isfinite(self.value))
        last = int(finite[-1]) if len(finite) else None
        without_step = int(np.searchsorted(self.step, NO_STEP, side="right"))
        has_step = without_step < len(self.step)
        return {
            "points": len(self.value),
            "without_step": without_step,
            "first_step": int(self.step[without_step]) if has_step else 0,
            "last_step": int(self.step[-1]) if has_step else 0,
            "first_time": int(self.time_us.min()),
            "last_time": int(self.time_us.max()),
            "is_in_time": bool(np.all(self.time_us[1:] >= self.time_us[:-1])),
            "last_finite": float("nan") if last is None else float(self.value[last]),
            "last_finite_step": 0 if last is None or not has_step else int(self.step[last]),
            "last_finite_time": 0 if last is None else int(self.time_us[last]),
        }


def _points_schema(*, has_all_steps: bool) -> pa.Schema:
    """A step that may be missing costs every reader; most metrics have one everywhere."""
    return pa.schema(
        [
            *map(text, ("run_id", "run", "label", "metric")),
            number("step", pa.int64(), nullable=not has_all_steps),
            number("time", _TIME),
            number("value", pa.float64()),
        ]
    )


def _encode_index(rows: Sequence[dict[str, Any]]) -> bytes:
    arrays = []
    for each in _SERIES:
        values = [row[each.name] for row in rows]
        is_text = pa.types.is_dictionary(each.type)
        arrays.append(repeated(values, [1] * len(rows)) if is_text else pa.array(values, each.type))
    with ParquetBytes(_SERIES, searched=["series"]) as out:
        out.write(pa.Table.from_arrays(arrays, schema=_SERIES))
        return out.finish()
