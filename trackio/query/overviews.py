"""What overviews of packs say: sums and buckets of series, without reading a row of them.

An overview is derived: one that is missing, damaged or too large to be fetched for a look is
done without, and the rows are read instead.
"""

import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from trackio import arrays, keys, overview, pack
from trackio.catalog import Snapshot
from trackio.errors import TrackioError
from trackio.model import RunId, WriterId
from trackio.pack import MetaCopy, PackMeta
from trackio.query.files import MIN_EXCERPTED_BYTES, Files, StaleError, VanishedError
from trackio.query.pieces import Piece
from trackio.store.base import Store, is_local

_NAMES: Final = ["run_id", "writer_id", "first", "key"]
_SUMS: Final = [name for name in overview.SCHEMA.names if name not in overview.BUCKETS]
# An overview of another version may lack a column.
_TROUBLE: Final = (TrackioError, VanishedError, StaleError, pa.ArrowException, OSError, KeyError)
Stretch = tuple[RunId, WriterId, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """One overview: where it lies, and which row tells of which series."""

    path: str
    metadata: pq.FileMetaData
    meta: PackMeta
    stretches: frozenset[Stretch]
    rows: Mapping[tuple[RunId, WriterId, int], Mapping[str, int]]
    starts: Sequence[int]

    def read(self, wanted: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """These rows, in the order given."""
        groups = sorted({bisect_right(self.starts, row) - 1 for row in wanted})
        file = pq.ParquetFile(self.path, metadata=self.metadata, pre_buffer=False)
        table = file.read_row_groups(groups, columns=list(columns))
        sizes = [file.metadata.row_group(group).num_rows for group in groups]
        begins = dict(zip(groups, accumulate(sizes, initial=0), strict=False))
        places = []
        for row in wanted:
            group = bisect_right(self.starts, row) - 1
            places.append(begins[group] + row - self.starts[group])
        if places != list(range(table.num_rows)):
            table = table.take(arrays.numbers(places, pa.int64()))
        return table.combine_chunks()


class Overviews:
    """The overviews of a project's packs, each opened once. Safe to use from many threads.

    Args:
        store: where they are.
        files: where they lie on this machine.
    """

    def __init__(self, store: Store, files: Files) -> None:
        self._files = files
        self._most_bytes = None if is_local(store) else MIN_EXCERPTED_BYTES
        self._lock = threading.Lock()
        self._opened: dict[str, Opened | None] = {}
        self._packs: dict[str, PackMeta | None] = {}

    def of(self, snapshot: Snapshot, pieces: Iterable[Piece]) -> dict[Piece, Opened]:
        """The overview of each piece that is a whole stretch of a pack that has one."""
        found: dict[Piece, Opened] = {}
        by_key: dict[str, Opened | None] = {}
        for piece in pieces:
            if piece.key not in by_key:
                by_key[piece.key] = self._of_pack(snapshot, piece.key)
            opened = by_key[piece.key]
            stretch = (piece.run_id, piece.writer_id, piece.first, piece.last)
            if opened is not None and stretch in opened.stretches:
                found[piece] = opened
        return found

    def metas(self, pieces: Iterable[Piece]) -> dict[RunId, MetaCopy]:
        """The copies of `meta.json` that packs hold of the runs of these pieces."""
        copies: dict[RunId, MetaCopy] = {}
        of_key: dict[str, PackMeta | None] = {}
        for piece in pieces:
            if piece.key not in of_key:
                is_pack = isinstance(keys.parse(piece.key), keys.PackKey)
                of_key[piece.key] = self._said(piece.key) if is_pack else None
            said = of_key[piece.key]
            if said is not None and piece.run_id in said.metas:
                copies[piece.run_id] = said.metas[piece.run_id]
        return copies

    def give_up(self, opened: Iterable[Opened]) -> None:
        """These could not be read after all."""
        bad = {each.path for each in opened}
        with self._lock:
            for key, known in self._opened.items():
                if known is not None and known.path in bad:
                    self._opened[key] = None

    def forget_others(self, packs: Collection[str]) -> None:
        """Drop what is known of the overviews of other packs."""
        with self._lock:
            for known in (self._opened, self._packs):
                for key in known.keys() - packs:
                    del known[key]

    def sums(self, found: Mapping[Piece, Opened]) -> dict[Piece, pa.Table]:
        """How each metric of each piece adds up, by key."""
        sums: dict[Piece, pa.Table] = {}
        for opened, pieces in _by_overview(found).items():
            rows = {p: sorted(_series(opened, p).items()) for p in pieces}
            wanted = [row for series in rows.values() for _, row in series]
            if not wanted:
                sums |= dict.fromkeys(pieces, overview.empty(_SUMS))
                continue
            table = opened.read(wanted, _SUMS)
            begin = 0
            for piece in pieces:
                sums[piece] = table.slice(begin, len(rows[piece]))
                begin += len(rows[piece])
        return sums

    def buckets(
        self, found: Mapping[Piece, Opened], names: Collection[str]
    ) -> tuple[list[tuple[Piece, str]], pa.Table]:
        """The buckets of some metrics of each piece, and which row is of which."""
        whose: list[tuple[Piece, str]] = []
        tables = []
        for opened, pieces in _by_overview(found).items():
            rows = []
            for piece in pieces:
                series = _series(opened, piece)
                for name in names:
                    if name in series:
                        whose.append((piece, name))
                        rows.append(series[name])
            if rows:
                tables.append(opened.read(rows, ["shift", *overview.BUCKETS]))
        if not tables:
            return whose, overview.empty(["shift", *overview.BUCKETS])
        return whose, pa.concat_tables(tables)

    def _of_pack(self, snapshot: Snapshot, pack_key: str) -> Opened | None:
        key = keys.parse(pack_key)
        if not isinstance(key, keys.PackKey):
            return None
        entry = snapshot.overviews.get(key.pack_id)
        if entry is None or (self._most_bytes is not None and entry.size_bytes > self._most_bytes):
            return None
        if pack_key not in self._opened:
            opened = self._open(entry.key)
            with self._lock:
                self._opened[pack_key] = opened
        return self._opened.get(pack_key)

    def _said(self, pack_key: str) -> PackMeta | None:
        """What a pack says of itself, which needs its footer alone."""
        if pack_key not in self._packs:
            said = self._read_footer(pack_key)
            with self._lock:
                self._packs[pack_key] = said
        return self._packs.get(pack_key)

    def _read_footer(self, pack_key: str) -> PackMeta | None:
        try:
            entry = self._files.excerpted(pack_key)
            if entry is not None and self._files.excerpts is not None:
                return pack.decode_meta(self._files.excerpts.outline(entry).metadata)
            return pack.read_meta(pack.open_parquet(Path(self._files.paths([pack_key])[pack_key])))
        except _TROUBLE:
            return None  # whoever needs its rows finds out why

    def _open(self, key: str) -> Opened | None:
        try:
            path = self._files.paths([key])[key]
            file = pack.open_parquet(Path(path))
            meta = pack.read_meta(file)
            return _opened(path, file, meta)
        except _TROUBLE:
            return None


TROUBLE: Final = _TROUBLE
"""What reading an opened overview may raise: then give it up."""


def _opened(path: str, file: pq.ParquetFile, meta: PackMeta) -> Opened:
    names = file.read(columns=_NAMES)
    rows: defaultdict[tuple[RunId, WriterId, int], dict[str, int]] = defaultdict(dict)
    columns = (names.column(name).to_pylist() for name in _NAMES)
    for place, (run_id, writer_id, first, key) in enumerate(zip(*columns, strict=True)):
        rows[run_id, writer_id, first][key] = place
    sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    return Opened(
        path=path,
        metadata=file.metadata,
        meta=meta,
        stretches=frozenset((s.run_id, s.writer_id, s.first, s.last) for s in meta.stretches),
        rows=rows,
        starts=list(accumulate(sizes, initial=0))[:-1],
    )


def _by_overview(found: Mapping[Piece, Opened]) -> dict[Opened, list[Piece]]:
    by_path: dict[str, tuple[Opened, list[Piece]]] = {}
    for piece, opened in found.items():
        by_path.setdefault(opened.path, (opened, []))[1].append(piece)
    return dict(by_path.values())


def _series(opened: Opened, piece: Piece) -> Mapping[str, int]:
    return opened.rows.get((piece.run_id, piece.writer_id, piece.first), {})
