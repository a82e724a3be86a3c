"""What was read once and stays true: of each immutable piece what it says, and how it adds up.

Shared by all views of a project; what no view needs any more is dropped by `forget_others`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa

from trackio.errors import UnreadableFile
from trackio.model import Entry, RunMeta
from trackio.query.files import Files
from trackio.query.pieces import Piece
from trackio.query.reader import Reader
from trackio.query.said import Said, WriterSaid, decode_meta, decode_value, hear_writer

K = TypeVar("K")


class Tally(NamedTuple):
    """How the points of one metric in one piece add up, abandoned ones included.

    `points` are numbers, `others` values that are none; `last_*` are of the row with the
    highest seq; `first_step` is of the row with the lowest that has a step.
    """

    key: str
    points: int
    others: int
    finite: int
    min: float | None
    max: float | None
    sum: float | None
    first_seq: int
    first_step: int | None
    first_step_seq: int | None
    last_step: int | None
    last_value: float | None
    last_text: str | None
    max_step: int | None
    has_given: bool
    last_time_s: float


class Count(NamedTuple):
    """How many rows of one key a piece has, and the seq of the first."""

    key: str
    rows: int
    first_seq: int


class Below(NamedTuple):
    """The points of one metric in one piece whose step is lower, or that have none."""

    piece: Piece
    key: str
    step: int


class Facts:
    """Remembers, so that nothing is read twice. Safe to use from many threads.

    The methods raise as `Reader.table` does.
    """

    def __init__(self, reader: Reader, files: Files) -> None:
        self._reader = reader
        self._files = files
        self._said: dict[Piece, tuple[Said, ...]] = {}
        self._heard: dict[tuple[Piece, ...], WriterSaid] = {}
        self._tallies: dict[Piece, tuple[Tally, ...]] = {}
        self._below: dict[Below, Tally | None] = {}
        self._counts: dict[tuple[Piece, str], tuple[Count, ...]] = {}
        self._metas: dict[str, tuple[str, RunMeta | None]] = {}

    def said(self, pieces: Iterable[Piece]) -> dict[Piece, tuple[Said, ...]]:
        """What each piece says beside its points, by seq."""
        wanted = list(pieces)
        known = self._said
        if new := [piece for piece in wanted if piece not in known]:
            found: dict[Piece, list[Said]] = {piece: [] for piece in new}
            ordered, table = self._reader.table("said", new)
            for number, row in _said_rows(table):
                found[ordered[number]].append(row)
            known.update((piece, tuple(rows)) for piece, rows in found.items())
        return {piece: known[piece] for piece in wanted}

    def heard(self, writers: Iterable[Sequence[Piece]]) -> list[WriterSaid]:
        """What each writer said in all of its pieces."""
        wanted = [tuple(pieces) for pieces in writers]
        known = self._heard
        new = [pieces for pieces in wanted if pieces not in known]
        said = self.said(piece for pieces in new for piece in pieces)
        for pieces in new:
            rows = (row for piece in pieces for row in said[piece])
            known[pieces] = hear_writer(pieces[0].writer_id, rows)
        return [known[pieces] for pieces in wanted]

    def tallies(self, pieces: Iterable[Piece]) -> dict[Piece, tuple[Tally, ...]]:
        """How each metric of each piece adds up."""
        wanted = list(pieces)
        known = self._tallies
        if new := [piece for piece in wanted if piece not in known]:
            found: dict[Piece, list[Tally]] = {piece: [] for piece in new}
            ordered, table = self._reader.table("tallies", new)
            for number, tally in _tally_rows(table):
                found[ordered[number]].append(tally)
            known.update((piece, tuple(rows)) for piece, rows in found.items())
        return {piece: known[piece] for piece in wanted}

    def tallies_below(self, asked: Iterable[Below]) -> dict[Below, Tally | None]:
        """How some points add up; None where there are none. One step for each piece and key."""
        wanted = list(asked)
        known = self._below
        if new := [below for below in wanted if below not in known]:
            pieces, keys, steps = zip(*new, strict=True)
            picked = {"below_piece": pieces, "below_key": keys, "below_step": steps}
            ordered, table = self._reader.table("tallies", pieces, only=("rows_below", picked))
            found = {(ordered[number], tally.key): tally for number, tally in _tally_rows(table)}
            known.update((below, found.get((below.piece, below.key))) for below in new)
        return {below: known[below] for below in wanted}

    def counts(self, pieces: Iterable[Piece], kind: str) -> dict[Piece, tuple[Count, ...]]:
        """How many rows of each key of a kind each piece has."""
        wanted = list(pieces)
        known = self._counts
        if new := [piece for piece in wanted if (piece, kind) not in known]:
            found: dict[Piece, list[Count]] = {piece: [] for piece in new}
            ordered, table = self._reader.table("counts", new, {"kind": kind})
            for number, *fields in _tuples(table, ("piece", *Count._fields)):
                found[ordered[number]].append(Count(*fields))
            known.update(((piece, kind), tuple(rows)) for piece, rows in found.items())
        return {piece: known[piece, kind] for piece in wanted}

    def metas(self, entries: Iterable[Entry]) -> dict[str, RunMeta | None]:
        """What each `meta.json` says, by its key; None for one that is gone or damaged."""
        versions = {entry.key: entry.version for entry in entries}
        known = self._metas
        new = [k for k, version in versions.items() if k not in known or known[k][0] != version]
        for key, data in self._files.contents(new).items():
            known[key] = versions[key], _meta_or_none(data)
        return {key: known[key][1] for key in versions}

    def forget_others(self, pieces: Iterable[Piece]) -> None:
        """Drop what is known of all other pieces."""
        live = set(pieces)
        _drop(self._said, lambda piece: piece in live)
        _drop(self._tallies, lambda piece: piece in live)
        _drop(self._below, lambda below: below.piece in live)
        _drop(self._counts, lambda counted: counted[0] in live)
        _drop(self._heard, live.issuperset)


def _drop(known: dict[K, Any], is_live: Callable[[K], bool]) -> None:
    for key in [key for key in list(known) if not is_live(key)]:
        known.pop(key, None)


def _said_rows(table: pa.Table) -> Iterator[tuple[int, Said]]:
    for number, seq, time_us, step, kind, key, value, text in _tuples(
        table, ("piece", "seq", "time_us", "step", "kind", "key", "value", "text")
    ):
        yield number, Said(seq, time_us / 1e6, step, kind, key, decode_value(value, text))


def _tally_rows(table: pa.Table) -> Iterator[tuple[int, Tally]]:
    for number, *fields in _tuples(table, ("piece", *Tally._fields)):
        yield number, Tally(*fields)


def _tuples(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(table.column(name).to_pylist() for name in names), strict=True)


def _meta_or_none(data: bytes | None) -> RunMeta | None:
    try:
        return None if data is None else decode_meta(data)
    except UnreadableFile:
        return None
