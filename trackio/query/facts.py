"""What was read once and stays true: of each immutable piece what it says, and how it adds up.

Shared by all views of a project; what no view needs any more is dropped by `forget_others`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa

from trackio.catalog import RunFiles
from trackio.errors import UnreadableFile
from trackio.meta import decode_meta
from trackio.model import METRIC, Entry, RunId, RunMeta
from trackio.pack import MetaCopy
from trackio.query.files import Files
from trackio.query.pieces import Piece
from trackio.query.reader import Reader
from trackio.query.said import Said, WriterSaid, decode_value, hear_writer

K = TypeVar("K")
V = TypeVar("V")
Version = tuple[str, str]
"""The key of a file that may change, and its version."""


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
    last_seq: int


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
        self._counts: dict[str, dict[Piece, tuple[Count, ...]]] = {}
        self._metas: dict[Version, RunMeta | None] = {}
        self._rows: dict[RunId, tuple[RunFiles, object]] = {}

    def said(self, pieces: Iterable[Piece]) -> dict[Piece, tuple[Said, ...]]:
        """What each piece says beside its points, by seq."""
        return _remember(self._said, pieces, self._read_said)

    def heard(self, writers: Iterable[tuple[Piece, ...]]) -> dict[tuple[Piece, ...], WriterSaid]:
        """What each writer said in all of its pieces."""
        return _remember(self._heard, writers, self._hear)

    def tallies(self, pieces: Iterable[Piece]) -> dict[Piece, tuple[Tally, ...]]:
        """How each metric of each piece adds up."""
        return _remember(self._tallies, pieces, self._read_tallies)

    def untold(self, pieces: Iterable[Piece], kind: str | None = None) -> list[Piece]:
        """Those of which it is not known how they add up; or of a kind, how many rows they have."""
        known = self._tallies if kind is None else self._counts.get(kind, {})
        return [piece for piece in dict.fromkeys(pieces) if piece not in known]

    def learn_sums(self, sums: Mapping[Piece, pa.Table]) -> None:
        """Take what overviews say of the metrics of pieces."""
        counts = self._counts.setdefault(METRIC, {})
        for piece, table in sums.items():
            tallies = tuple(_summed_tallies(table))
            self._tallies[piece] = tallies
            counts[piece] = tuple(
                Count(each.key, each.points + each.others, each.first_seq) for each in tallies
            )

    def tallies_below(self, asked: Iterable[Below]) -> dict[Below, Tally | None]:
        """How some points add up; None where there are none. One step for each piece and key."""
        return _remember(self._below, asked, self._read_tallies_below)

    def counts(self, pieces: Iterable[Piece], kind: str) -> dict[Piece, tuple[Count, ...]]:
        """How many rows of each key of a kind each piece has."""
        known = self._counts.setdefault(kind, {})
        return _remember(known, pieces, lambda new: self._read_counts(new, kind))

    def knows_metas(self, entries: Iterable[Entry]) -> bool:
        """Whether every one of these was read."""
        return all((entry.key, entry.version) in self._metas for entry in entries)

    def learn_metas(self, copies: Iterable[tuple[Entry, MetaCopy]]) -> None:
        """Take a pack's copy for what is listed, if it has the same identity."""
        for entry, copy in copies:
            if (entry.version, entry.size_bytes) == (copy.version, copy.size_bytes):
                self._metas.setdefault(
                    (entry.key, entry.version), _meta_or_none(copy.data.encode())
                )

    def metas(self, entries: Iterable[Entry]) -> dict[str, RunMeta | None]:
        """What each `meta.json` says, by its key; None for one that is gone or damaged."""
        versions = [(entry.key, entry.version) for entry in entries]
        found = _remember(self._metas, versions, self._read_metas)
        return {key: meta for (key, _), meta in found.items()}

    def remembered(self, run: RunFiles) -> object | None:
        """What was remembered of a run, if its files are the very same."""
        files, row = self._rows.get(run.run_id, (None, None))
        return row if files is run else None

    def remember(self, run: RunFiles, row: object) -> None:
        """Keep what follows from the files of a run alone."""
        self._rows[run.run_id] = run, row

    def forget_others(self, pieces: Iterable[Piece]) -> None:
        """Drop what is known of all other pieces."""
        live = set(pieces)
        runs = {piece.run_id for piece in live}
        _drop(self._rows, lambda run_id: run_id in runs)
        _drop(self._said, lambda piece: piece in live)
        _drop(self._tallies, lambda piece: piece in live)
        _drop(self._below, lambda below: below.piece in live)
        for known in self._counts.values():
            _drop(known, lambda piece: piece in live)
        _drop(self._heard, live.issuperset)

    def _read_said(self, pieces: Sequence[Piece]) -> dict[Piece, tuple[Said, ...]]:
        found: dict[Piece, list[Said]] = {piece: [] for piece in pieces}
        ordered, table = self._reader.table("said", pieces)
        for number, row in _said_rows(table):
            found[ordered[number]].append(row)
        return {piece: tuple(rows) for piece, rows in found.items()}

    def _hear(self, writers: Sequence[tuple[Piece, ...]]) -> dict[tuple[Piece, ...], WriterSaid]:
        said = self.said(piece for pieces in writers for piece in pieces)
        return {
            pieces: hear_writer(pieces[0].writer_id, [row for p in pieces for row in said[p]])
            for pieces in writers
        }

    def _read_tallies(self, pieces: Sequence[Piece]) -> dict[Piece, tuple[Tally, ...]]:
        found: dict[Piece, list[Tally]] = {piece: [] for piece in pieces}
        ordered, table = self._reader.table("tallies", pieces)
        for number, tally in _tally_rows(table):
            found[ordered[number]].append(tally)
        return {piece: tuple(rows) for piece, rows in found.items()}

    def _read_tallies_below(self, asked: Sequence[Below]) -> dict[Below, Tally | None]:
        pieces, keys, steps = zip(*asked, strict=True)
        picked = {"below_piece": pieces, "below_key": keys, "below_step": steps}
        ordered, table = self._reader.table("tallies", pieces, only=("rows_below", picked))
        found = {(ordered[number], tally.key): tally for number, tally in _tally_rows(table)}
        return {below: found.get((below.piece, below.key)) for below in asked}

    def _read_counts(self, pieces: Sequence[Piece], kind: str) -> dict[Piece, tuple[Count, ...]]:
        found: dict[Piece, list[Count]] = {piece: [] for piece in pieces}
        ordered, table = self._reader.table("counts", pieces, {"kind": kind})
        for number, *fields in _tuples(table, ("piece", *Count._fields)):
            found[ordered[number]].append(Count(*fields))
        return {piece: tuple(rows) for piece, rows in found.items()}

    def _read_metas(self, versions: Sequence[Version]) -> dict[Version, RunMeta | None]:
        contents = self._files.contents(key for key, _ in versions)
        return {version: _meta_or_none(contents[version[0]]) for version in versions}


def _remember(
    known: dict[K, V], wanted: Iterable[K], read: Callable[[Sequence[K]], Mapping[K, V]]
) -> dict[K, V]:
    """What is known of all that is wanted, once what is not known yet was read."""
    found: dict[K, V] = {}
    new = []
    for key in dict.fromkeys(wanted):
        try:
            found[key] = known[key]
        except KeyError:
            new.append(key)
    if new:
        fresh = read(new)
        known.update(fresh)
        found.update(fresh)
    return found


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


def _summed_tallies(table: pa.Table) -> Iterator[Tally]:
    """Rows of an overview, which has its times in microseconds."""
    times_s = [time_us / 1e6 for time_us in table.column("last_time_us").to_pylist()]
    columns = {
        name: times_s if name == "last_time_s" else table.column(name).to_pylist()
        for name in Tally._fields
    }
    return (Tally(*fields) for fields in zip(*columns.values(), strict=True))


def _tuples(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(table.column(name).to_pylist() for name in names), strict=True)


def _meta_or_none(data: bytes | None) -> RunMeta | None:
    try:
        return None if data is None else decode_meta(data)
    except UnreadableFile:
        return None
