"""Choose the files that hold each row of a writer exactly once, from their names alone. Pure.

The walk is the one of `docs/format.md`, Reading.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from trackio.keys import RangeKey
from trackio.model import PackId, SeqRange


@dataclass(frozen=True, slots=True)
class Taken:
    """Of the file `key`, the rows `first ≤ seq ≤ last` count (`last` is the file's own)."""

    key: RangeKey
    first: int
    last: int

    @property
    def is_whole(self) -> bool:
        """Whether every row of the file counts."""
        return self.first == self.key.first


@dataclass(frozen=True, slots=True)
class Cover:
    """What the names of one writer's files say.

    `end` is one past the last covered seq, 0 for a writer without files. `gaps` are the
    seqs below `end` that no file holds; `superseded` the files that give nothing.
    """

    taken: tuple[Taken, ...]
    gaps: tuple[SeqRange, ...]
    superseded: tuple[RangeKey, ...]
    end: int

    @property
    def ranges(self) -> tuple[SeqRange, ...]:
        """The covered seqs, ascending, neighbours joined."""
        return merge_ranges(SeqRange(taken.first, taken.last) for taken in self.taken)


def in_walk_order(keys: Iterable[RangeKey]) -> list[RangeKey]:
    """By `first`, wider before narrower, pointers before shards, newer pack before older."""
    newest_first = sorted(keys, key=lambda key: key.pack_id, reverse=True)
    return sorted(newest_first, key=lambda key: (key.first, -key.last, not key.is_pointer))


def cover(keys: Iterable[RangeKey], packs: Collection[PackId] = frozenset()) -> Cover:
    """Walk the files of one writer; pointers whose pack is not in `packs` hold nothing."""
    taken: list[Taken] = []
    gaps: list[SeqRange] = []
    superseded: list[RangeKey] = []
    end = 0
    for key in in_walk_order(keys):
        if key.is_pointer and key.pack_id not in packs:
            continue
        if key.last < end:
            superseded.append(key)
            continue
        if key.first > end:
            gaps.append(SeqRange(end, key.first - 1))
        taken.append(Taken(key, max(key.first, end), key.last))
        end = key.last + 1
    return Cover(tuple(taken), tuple(gaps), tuple(superseded), end)


def added(new: Cover, old: Cover) -> tuple[SeqRange, ...]:
    """The covered seqs of `new` that `old` did not cover, late ones included."""
    return subtract(new.ranges, old.ranges)


def subtract(ranges: Iterable[SeqRange], holes: Iterable[SeqRange]) -> tuple[SeqRange, ...]:
    """What is left of ascending `ranges` when ascending `holes` are taken out."""
    left: list[SeqRange] = []
    taken_out = tuple(holes)
    for first, last in ranges:
        start = first
        for hole in taken_out:
            if hole.last < start or hole.first > last:
                continue
            if hole.first > start:
                left.append(SeqRange(start, hole.first - 1))
            start = hole.last + 1
        if start <= last:
            left.append(SeqRange(start, last))
    return tuple(left)


def merge_ranges(ranges: Iterable[SeqRange]) -> tuple[SeqRange, ...]:
    """Ranges in any order as ascending ones, those that overlap or touch joined."""
    joined: list[SeqRange] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1].last + 1:
            joined[-1] = SeqRange(joined[-1].first, max(last, joined[-1].last))
        else:
            joined.append(SeqRange(first, last))
    return tuple(joined)
