"""Count what was read and what was written, apart from each other, and compare. Values only.

`add_calls` looks at values before they become rows, `add_table` at the rows of a file that
was read back. Sums are exact to the last bit or two: `math.fsum`, with its own remainder.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final, cast

import numpy as np
import orjson
import pyarrow as pa

from trackio import arrays, rows
from trackio.model import RUN, SUMMARY, Call, Json, Value

Series = tuple[str, str]
"""Kind and key."""

_NUMBER: Final = "number"
_NUMERIC: Final = frozenset({float, int})
_LARGE: Final = float(1 << 53)
"""Smaller integers are doubles without loss."""
_KINDS_OF_JSON: Final = {
    '"': "str",
    "t": "bool",
    "f": "bool",
    "n": "null",
    "[": "list",
    "{": "dict",
}
_OWN: Final = frozenset({RUN, SUMMARY})
"""What the migration adds of its own is not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is known of one series; sum, least and largest are over its finite numbers."""

    count: int
    sum: float
    min: float | None
    max: float | None
    kinds: dict[str, int]


@dataclass(slots=True)
class Stats:
    """Adds up the values of one series; bools count as 0 and 1."""

    kinds: Counter[str] = field(default_factory=Counter)
    min: float = math.inf
    max: float = -math.inf
    parts: list[float] = field(default_factory=list)

    def add(self, numbers: Sequence[float]) -> None:
        """Take in finite numbers, whose kinds are counted elsewhere."""
        if not numbers:
            return
        self.min = min(self.min, *_extremes(numbers))
        self.max = max(self.max, *_extremes(numbers))
        self.parts = _sum([*self.parts, *numbers])

    def figures(self) -> Figures:
        """What it came to."""
        has_numbers = self.min <= self.max
        return Figures(
            count=self.kinds.total(),
            sum=math.fsum(self.parts) if all(map(math.isfinite, self.parts)) else math.inf,
            min=self.min if has_numbers else None,
            max=self.max if has_numbers else None,
            kinds=dict(sorted(self.kinds.items())),
        )


class Tally:
    """The series of one run."""

    def __init__(self) -> None:
        self._series: defaultdict[Series, Stats] = defaultdict(Stats)

    def add_calls(self, calls: Sequence[Call]) -> None:
        """Take in calls, as they are before they become rows."""
        shapes: defaultdict[tuple[str, tuple[str, ...]], list[Call]] = defaultdict(list)
        for call in calls:
            shapes[call.kind, tuple(call.data)].append(call)
        for (kind, keys), alike in shapes.items():
            if kind in _OWN:
                continue
            columns = zip(*(call.data.values() for call in alike), strict=True)
            for key, column in zip(keys, columns, strict=True):
                _add_values(self._series[kind, key], column)

    def add_table(self, table: pa.Table) -> None:
        """Take in rows that were read back, sorted as they are written."""
        for (_, kind, key, _, _), part in rows.cut_by_series(table):
            if kind not in _OWN:
                _add_rows(self._series[kind, key], part)

    def has(self, kind: str) -> bool:
        """Whether there is a series of this kind."""
        return any(known == kind for known, _ in self._series)

    def figures(self) -> dict[Series, Figures]:
        """What each series came to."""
        return {series: stats.figures() for series, stats in sorted(self._series.items())}


def compare(read: Mapping[Series, Figures], written: Mapping[Series, Figures]) -> Iterator[str]:
    """What differs, in words."""
    for series in sorted({*read, *written}):
        before, after = read.get(series), written.get(series)
        if before is None or after is None or not _is_same(before, after):
            yield f"{series[0]} {series[1]!r}: read {_said(before)}, written {_said(after)}"


def _is_same(a: Figures, b: Figures) -> bool:
    return (a.count, a.min, a.max, a.kinds) == (b.count, b.min, b.max, b.kinds) and (
        a.sum == b.sum or math.isclose(a.sum, b.sum, rel_tol=1e-15)
    )


def _said(figures: Figures | None) -> str:
    return "nothing" if figures is None else str(asdict(figures))


def _add_values(stats: Stats, column: Sequence[Value]) -> None:
    if _NUMERIC.issuperset(map(type, column)):
        numbers = cast("Sequence[float]", column)
        if abs(min(numbers)) < _LARGE and abs(max(numbers)) < _LARGE and not _has_nan(numbers):
            stats.kinds[_NUMBER] += len(numbers)
            stats.add(numbers)
            return
    stats.kinds.update(map(_kind_of_value, column))
    stats.add([number for value in column if (number := _finite(value)) is not None])


def _has_nan(numbers: Sequence[float]) -> bool:
    """Whether one of finite numbers that are not large is NaN."""
    return math.isnan(sum(numbers))


def _kind_of_value(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case Json():
            return _KINDS_OF_JSON.get(value[0], _NUMBER)
        case str():
            return "str"
        case float() if not math.isfinite(value):
            return str(value)
    return _NUMBER


def _finite(value: Value) -> float | None:
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _add_rows(stats: Stats, part: pa.Table) -> None:
    column, texts = part.column("value"), part.column("text")
    values = arrays.to_numpy(column)
    if texts.null_count == len(texts) and not column.null_count and np.isfinite(values).all():
        stats.kinds[_NUMBER] += len(values)
        stats.add(values.tolist())
        return
    nulls = arrays.nulls(column)
    valid = np.ones(len(values), dtype=bool) if nulls is None else ~nulls
    numbers = []
    for is_valid, value, text in zip(valid, values.tolist(), texts.to_pylist(), strict=True):
        kind, number = _kind_of_row(value if is_valid else None, text)
        stats.kinds[kind] += 1
        if number is not None and math.isfinite(number):
            numbers.append(number)
    stats.add(numbers)


def _kind_of_row(value: float | None, text: str | None) -> tuple[str, float | None]:
    if text is None:
        is_finite = value is not None and math.isfinite(value)
        return (_NUMBER if is_finite else str(value)), value
    kind = _KINDS_OF_JSON.get(text[0], _NUMBER)
    if kind == "bool":
        return kind, float(orjson.loads(text))
    return kind, value


def _extremes(numbers: Sequence[float]) -> tuple[float, float]:
    return min(numbers), max(numbers)


def _sum(numbers: list[float]) -> list[float]:
    """A few numbers with the same sum as `numbers`, as exactly as two doubles can tell."""
    try:
        total = math.fsum(numbers)
        return [total, math.fsum([*numbers, -total])] if math.isfinite(total) else [total]
    except OverflowError:
        return [math.inf]
