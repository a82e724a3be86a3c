"""The points of one long series in parts that follow each other in x. Reads what it is told to.

A part is a section, or what small files hold. Parts that overlap in x are read and sorted as one.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from trackio.query.attempts import Attempt
from trackio.query.blocks import Bools, Floats, Ints
from trackio.query.digests import Columns, Digests, Scale, by_x, fill
from trackio.query.pieces import Piece
from trackio.query.points import Window
from trackio.query.sections import Rows, Section, SectionReader

_AT_ONCE: Final = 16
_MOST_THREADS: Final = 8
_NEVER: Final = int(np.iinfo(np.int64).max)
XY = tuple[Ints, Floats]


class Limits(NamedTuple):
    """Which rows of a section count: by seq, by step as it was logged, and by x.

    Bounds are included, but for `cut`, from which on an attempt was abandoned.
    """

    first_seq: int
    last_seq: int
    cut: int
    low: int
    high: int

    @classmethod
    def of(cls, piece: Piece, attempt: Attempt, key: str, window: Window) -> "Limits":
        """What counts of a piece and an attempt in a window."""
        cut = attempt.cuts.get(key)
        return cls(
            first_seq=piece.first,
            last_seq=piece.last,
            cut=_NEVER if cut is None else cut - attempt.offset,
            low=-_NEVER if window.first is None else window.first,
            high=_NEVER if window.last is None else window.last,
        )


@dataclass(slots=True)
class Part:
    """Some points of a series, in the order of logging the `order`th, between two x.

    They are what lies within `limits` of a section, all of it where there are none, or what was
    read already, or the points of `members`.
    """

    order: tuple[int, int]
    low: int
    high: int
    scale: Scale
    section: Section | None = None
    limits: Limits | None = None
    members: Sequence["Part"] = ()
    points: XY | None = field(default=None, repr=False)

    @property
    def has_exact_ends(self) -> bool:
        """Whether there are points just at `low` and at `high`, as far as is known."""
        return self.section is not None and self.limits is None and self.section.is_plain


def part_of(section: Section, place: int, scale: Scale, limits: Limits) -> Part | None:
    """A section of the attempt at some place, as far as it is within limits; None if it is not."""
    span = scale.span(section)
    first, last = section.seqs
    if span is None or span[0] > limits.high or span[1] < limits.low:
        return None
    if first > limits.last_seq or last < limits.first_seq:
        return None
    is_whole = (
        limits.low <= span[0]
        and span[1] <= limits.high
        and limits.first_seq <= first
        and last <= limits.last_seq
        and (section.steps is None or section.steps[1] < limits.cut)
    )
    low, high = max(span[0], limits.low), min(span[1], limits.high)
    part = Part((place, max(first, limits.first_seq)), low, high, scale, section)
    part.limits = None if is_whole else limits
    return part


def part_of_points(order: tuple[int, int], scale: Scale, points: XY) -> Part:
    """Points that were read already; at least one."""
    x, value = by_x(*points)
    return Part(order, int(x[0]), int(x[-1]), scale, points=(x, value))


def in_line(parts: Iterable[Part]) -> list[Part]:
    """Parts that follow each other in x, made of these by joining those that do not."""
    line: list[Part] = []
    for part in _without_crumbs(sorted(parts, key=lambda part: part.order)):
        overlapping, low = [part], part.low
        while line and line[-1].high > low:
            overlapping.insert(0, line.pop())
            low = min(low, overlapping[0].low)
        line.append(part if len(overlapping) == 1 else _joined(overlapping))
    return line


def _without_crumbs(parts: Sequence[Part]) -> list[Part]:
    """Neighbours that were read already as one part: there may be thousands."""
    found: list[list[Part]] = []
    for part in parts:
        if found and part.points is not None and found[-1][-1].points is not None:
            found[-1].append(part)
        else:
            found.append([part])
    return [some[0] if len(some) == 1 else _joined(some) for some in found]


def _joined(parts: Sequence[Part]) -> Part:
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    joined = Part(parts[0].order, low, high, parts[0].scale, members=parts)
    if all(part.points is not None for part in parts):
        joined.points = _merge([part.points for part in parts if part.points is not None])
    return joined


def _merge(points: Sequence[XY]) -> XY:
    x, value = (np.concatenate(columns) for columns in zip(*points, strict=True))
    return by_x(x, value)


class PartReader:
    """Reads parts; for one thread. Its methods raise as `SectionReader.read`."""

    def __init__(self, digests: Digests, metadata: Mapping[str, pq.FileMetaData]) -> None:
        self._digests = digests
        self._metadata = metadata
        self._sections = SectionReader(metadata)

    def prepare(self, wanted: Iterable[tuple[Part, int]]) -> None:
        """Sum up whole sections of which buckets of some width will be asked, many at once."""
        new = [
            (part.section, part.scale)
            for part, shift in wanted
            if part.section is not None
            and part.limits is None
            and self._digests.fine_shift(part.section, part.scale) <= shift
            and not self._digests.has(part.section, part.scale)
        ]
        lots = [new[i : i + _AT_ONCE] for i in range(0, len(new), _AT_ONCE)]
        if len(lots) > 1:
            with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
                list(pool.map(self._digest, lots))

    def _digest(self, lot: Iterable[tuple[Section, Scale]]) -> None:
        reader = SectionReader(self._metadata)
        for section, scale in lot:
            self._digests.buckets(reader, section, scale)

    def points(self, part: Part) -> XY:
        """The points, by x and then in the order of logging."""
        if part.points is None:
            part.points = self._read(part)
        return part.points

    def buckets(self, part: Part, shift: int) -> tuple[int, Columns]:
        """Buckets that are as wide as is asked, or finer, and how many bits of x they drop."""
        if part.section is None:
            return shift, fill(part.scale, self.points(part), shift)
        fine = self._digests.fine_shift(part.section, part.scale)
        if fine > shift or part.limits is not None:
            # Also where a window cuts a section numbers are added in the same order.
            return min(fine, shift), fill(part.scale, self.points(part), min(fine, shift))
        return fine, self._digests.buckets(self._sections, part.section, part.scale)

    def first_x(self, parts: Iterable[Part]) -> int | None:
        """The first x of all; None if there is no point."""
        for part in parts:
            x = np.array([part.low]) if part.has_exact_ends else self.points(part)[0]
            if len(x):
                return int(x[0])
        return None

    def last_x(self, parts: Sequence[Part]) -> int | None:
        """The last x of all; None if there is no point."""
        for part in reversed(parts):
            x = np.array([part.high]) if part.has_exact_ends else self.points(part)[0]
            if len(x):
                return int(x[-1])
        return None

    def _read(self, part: Part) -> XY:
        if part.section is None:
            return _merge([self.points(member) for member in part.members])
        if part.limits is None:
            return part.scale.points(self._sections.read(part.section, [part.scale.column]))
        rows = self._sections.read(part.section, {"seq", "step", part.scale.column})
        x, value = part.scale.points(rows.only(_counting(rows, part.limits)))
        begin = np.searchsorted(x, part.limits.low, side="left")
        end = np.searchsorted(x, part.limits.high, side="right")
        return x[begin:end], value[begin:end]


def _counting(rows: Rows, limits: Limits) -> Bools:
    """Which rows count by seq and step; those without a step are never abandoned."""
    seq, step = rows.seq, rows.step
    if seq is None or step is None:
        raise ValueError("these rows were read without what their limits need")
    counts: Bools = (seq >= limits.first_seq) & (seq <= limits.last_seq) & (step < limits.cut)
    return counts
