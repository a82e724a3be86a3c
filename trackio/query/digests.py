"""Sums up sections of long series in fine buckets, once each, and keeps those used last.

A fine bucket is a bucket of `sampling`, so that a coarser one is made of whole fine ones. What is
said of a section follows from its rows alone, whether it was kept or is read anew.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from trackio import sampling
from trackio.query.blocks import NO_STEP, Floats, Ints
from trackio.query.sections import Index, Rows, Section, SectionReader, Span

KEPT_BYTES: Final = 128 << 20
_OVERHEAD_BYTES: Final = 2_000

Columns = Mapping[str, Any]
"""The columns of `overview.BUCKETS`, as arrays of one length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LongPolicy:
    """Which runs are read section by section, and how finely a section is summed up.

    Those of which files of at least `large_rows` hold `long_rows` of one of the series, in row
    groups of its own. Of such a run files of fewer than `indexed_rows` are as soon read.
    """

    large_rows: int = 1 << 17
    long_rows: int = 1 << 16
    indexed_rows: int = 1 << 13
    fine_buckets: int = 128


class Scale(NamedTuple):
    """The axis: steps, or microseconds which buckets count in thousands; `add` moves it."""

    is_step: bool
    add: int

    def span(self, section: Section) -> Span | None:
        """The least and the greatest x of a section; None if no row has one."""
        span = section.steps if self.is_step else section.times_us
        return None if span is None else (span[0] + self.add, span[1] + self.add)

    def unit(self, x: Any) -> Any:
        """What buckets count."""
        return x if self.is_step else x // 1000

    def points(self, rows: Rows) -> tuple[Ints, Floats]:
        """The rows that have an x, by x and then in their order."""
        if self.is_step and rows.step is not None and rows.step.min(initial=0) == NO_STEP:
            rows = rows.only(rows.step != NO_STEP)
        raw = rows.step if self.is_step else rows.time_us
        if raw is None:
            raise ValueError("these rows were read without what the axis needs")
        return by_x(raw + self.add if self.add else raw, rows.value)

    @property
    def column(self) -> str:
        """The column that the axis needs."""
        return "step" if self.is_step else "time"


def by_x(x: Ints, value: Floats) -> tuple[Ints, Floats]:
    """The points by x; those of one x stay in their order."""
    if not np.any(x[1:] < x[:-1]):
        return x, value
    order = np.argsort(x, kind="stable")
    return x[order], value[order]


def fill(scale: Scale, points: tuple[Ints, Floats], shift: int) -> Columns:
    """The buckets of some points."""
    x, value = points
    filled = sampling.fill_buckets(scale.unit(x) >> shift, value)
    ends = filled.start + filled.finite + filled.nonfinite - 1
    return {
        "bucket": filled.index,
        "bucket_mean": filled.mean,
        "bucket_min": filled.min,
        "bucket_max": filled.max,
        "bucket_first": filled.first,
        "bucket_last": filled.last,
        "bucket_finite": filled.finite,
        "bucket_nonfinite": filled.nonfinite,
        "bucket_x_first": x[filled.start],
        "bucket_x_last": x[ends],
    }


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose buckets: a section on an axis."""

    path: str
    group: int
    begin: int
    scale: Scale


class Digests:
    """Fine buckets and indexes of large files. Safe to use from many threads."""

    def __init__(self, policy: LongPolicy, kept_bytes: int = KEPT_BYTES) -> None:
        self.policy = policy
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Place, Columns] = OrderedDict()
        self._room = kept_bytes
        self._indexes: dict[str, dict[tuple[str, ...], Index]] = {}

    def index(self, key: str, paths: Iterable[str]) -> Index:
        """What stands where in a file, which lies in these paths; raises as `Index.of`."""
        known = self._indexes.get(key, {})
        asked = tuple(paths)
        if asked not in known:
            index = Index.of(asked)
            with self._lock:
                self._indexes.setdefault(key, {})[asked] = index
            return index
        return known[asked]

    def fine_shift(self, section: Section, scale: Scale) -> int:
        """How many low bits of x the fine buckets of a section drop."""
        low, high = map(scale.unit, scale.span(section) or (0, 0))
        return sampling.choose_shift(high - low + 1, self.policy.fine_buckets)

    def has(self, section: Section, scale: Scale) -> bool:
        """Whether its fine buckets are known."""
        return _Place(section.path, section.group, section.begin, scale) in self._kept

    def buckets(self, reader: SectionReader, section: Section, scale: Scale) -> Columns:
        """The fine buckets of a whole section; raises as `SectionReader.read`."""
        place = _Place(section.path, section.group, section.begin, scale)
        with self._lock:
            known = self._kept.get(place)
            if known is not None:
                self._kept.move_to_end(place)
                return known
        points = scale.points(reader.read(section, [scale.column]))
        made = fill(scale, points, self.fine_shift(section, scale))
        self._keep(place, made)
        return made

    def forget_others(self, keys: Iterable[str]) -> None:
        """Drop the indexes of all other files; their buckets go as others come."""
        with self._lock:
            for key in self._indexes.keys() - set(keys):
                del self._indexes[key]

    def forget(self, keys: Iterable[str]) -> None:
        """Something is wrong with these files, so that nothing that is known of them counts."""
        with self._lock:
            gone = {path for key in keys for paths in self._indexes.pop(key, {}) for path in paths}
            for place in [place for place in self._kept if place.path in gone]:
                self._room += _size(self._kept.pop(place))

    def _keep(self, place: _Place, columns: Columns) -> None:
        with self._lock:
            if place in self._kept:
                return
            self._kept[place] = columns
            self._room -= _size(columns)
            while self._room < 0 and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._room += _size(oldest)


def _size(columns: Columns) -> int:
    return _OVERHEAD_BYTES + sum(int(column.nbytes) for column in columns.values())
