"""Last, min, max, mean and count of each metric a writer has logged. Values only, no IO."""

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from trackio import arrays, journal
from trackio.model import METRIC, Call, Json, Value
from trackio.rows import of_kinds
from trackio.values.plain import dump_text


@dataclass(slots=True)
class MetricSummary:
    """What is known of one metric; min, max and sum are over its finite values."""

    count: int = 0
    finite: int = 0
    min: float = math.inf
    max: float = -math.inf
    sum: float = 0.0
    last: Value = None
    step: int | None = None

    def to_json(self) -> Json:
        """The text of the metric's `summary` row."""
        known: dict[str, Any] = {"last": self.last, "count": self.count, "step": self.step}
        if self.finite:
            known |= {"min": self.min, "max": self.max, "mean": self.sum / self.finite}
        return Json(dump_text(known))

    def choose(self, choice: str) -> Any:
        """What sums it up by `choice`: min, max or mean where it has a finite value, or last."""
        if self.finite and choice in ("min", "max"):
            return self.min if choice == "min" else self.max
        if self.finite and choice == "mean":
            return self.sum / self.finite
        return orjson.loads(str(self.last)) if isinstance(self.last, Json) else self.last


class Summary:
    """Adds up tables of one writer's rows, in the order of their seqs."""

    def __init__(self) -> None:
        self._metrics: dict[str, MetricSummary] = {}

    def add(self, rows: pa.Table) -> None:
        """Take in more rows, sorted for writing."""
        metrics = _metrics_of(rows)
        if not metrics.num_rows:
            return
        column = metrics.column("key").combine_chunks()
        codes = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        keys = codes.dictionary.to_pylist()
        indices = arrays.to_numpy(codes.indices)
        starts = np.flatnonzero(np.concatenate(([True], indices[1:] != indices[:-1])))
        for key, known in zip(indices[starts], _summarize(metrics, starts), strict=True):
            _merge(self._metrics.setdefault(keys[key], MetricSummary()), known)

    def copy(self) -> dict[str, MetricSummary]:
        """What is known of each metric now; for any thread."""
        while True:
            try:
                return {key: replace(metric) for key, metric in self._metrics.items()}
            except RuntimeError:  # another thread has added one meanwhile
                continue

    def rows(self) -> dict[str, Value]:
        """The `summary` row of each metric."""
        return {key: metric.to_json() for key, metric in self._metrics.items()}


Published = Callable[[], tuple[int, dict[str, MetricSummary]]]
"""Tells up to which seq calls are in shards, and how their metrics add up; a copy."""


class Latest:
    """How metrics add up so far, for who asks often: only calls since the last time are decoded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seq = -1
        self._known: dict[str, MetricSummary] = {}

    def update(self, lines: Sequence[bytes], published: Published) -> dict[str, MetricSummary]:
        """What is known with `lines`, which are in no shard yet.

        `published` is asked where calls between the last time and these are in a shard by now.
        """
        with self._lock:
            if not lines or _seq(lines[0]) > self._seq + 1:
                self._seq, self._known = published()
            place = len(lines)
            while place and _seq(lines[place - 1]) > self._seq:
                place -= 1
            if fresh := lines[place:]:
                add_calls(self._known, journal.decode_calls(fresh))
                self._seq = _seq(fresh[-1])
            return dict(self._known)


def _seq(line: bytes) -> int:
    """The seq of a journal line, which stands first."""
    return int(line[7 : line.index(b",", 7)])


def add_calls(known: dict[str, MetricSummary], calls: Iterable[Call]) -> None:
    """Take in calls that are in no table yet, in the order of their seqs."""
    for call in calls:
        if call.kind != METRIC:
            continue
        for key, value in call.data.items():
            seen = MetricSummary(1, last=value, step=call.step)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and math.isfinite(number := float(value or 0)):
                seen.finite, seen.min, seen.max, seen.sum = 1, number, number, number
            _merge(known.setdefault(key, MetricSummary()), seen)


def _metrics_of(rows: pa.Table) -> pa.Table:
    """The rows of metrics, which lie together where rows are sorted for writing."""
    places = np.flatnonzero(of_kinds(rows, {METRIC}))
    if not len(places):
        return rows.slice(0, 0)
    return rows.slice(int(places[0]), int(places[-1]) + 1 - int(places[0]))


def _summarize(rows: pa.Table, starts: np.ndarray[Any, Any]) -> list[MetricSummary]:
    """One summary for each group of rows that begins at `starts`."""
    column = rows.column("value")
    nulls = arrays.nulls(column)
    value = arrays.to_numpy(column)
    value = value if nulls is None else np.where(nulls, math.nan, value)
    finite = np.isfinite(value)
    ends = np.append(starts[1:], len(value))
    lasts = arrays.from_numpy(ends - 1, pa.int64())
    steps = rows.column("step").take(lasts).to_pylist()
    texts = rows.column("text").take(lasts).to_pylist()
    numbers = column.take(lasts).to_pylist()
    return [
        MetricSummary(count, n, least, most, total, _last(number, text), step)
        for count, n, least, most, total, number, text, step in zip(
            (ends - starts).tolist(),
            np.add.reduceat(finite, starts, dtype=np.int64).tolist(),
            np.minimum.reduceat(np.where(finite, value, math.inf), starts).tolist(),
            np.maximum.reduceat(np.where(finite, value, -math.inf), starts).tolist(),
            _sums(np.where(finite, value, 0.0), starts).tolist(),
            numbers,
            texts,
            steps,
            strict=True,
        )
    ]


def _sums(values: np.ndarray[Any, Any], starts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with np.errstate(over="ignore"):  # a sum too large for a double is infinite
        sums: np.ndarray[Any, Any] = np.add.reduceat(values, starts)
    return sums


def _last(number: float | None, text: str | None) -> Value:
    if text is None:
        return number
    return Json(text)


def _merge(total: MetricSummary, more: MetricSummary) -> None:
    total.count += more.count
    total.finite += more.finite
    total.min = min(total.min, more.min)
    total.max = max(total.max, more.max)
    total.sum += more.sum
    total.last, total.step = more.last, more.step
