"""Ask the files what names do not tell: who has finished, and what packs say of themselves."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from trackio import pack, shard
from trackio.catalog import Snapshot, WriterFiles
from trackio.errors import FormatTooNew, NotFound, UnreadableFile
from trackio.keys import OverviewKey, PackKey, ShardKey
from trackio.model import FINISH, RUN, PackId
from trackio.pack import PackMeta
from trackio.store.base import Store, readable
from trackio.upkeep.compact.plan import CompactPolicy, Seen, packs_in_doubt

_UNREADABLE: Final = (UnreadableFile, FormatTooNew, NotFound)


class Looker:
    """Looks into files; what it found in an immutable file it remembers.

    Raises (every method):
        StoreUnavailable, StoreRefused: the store does not answer.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._finishes: dict[str, bool] = {}
        self._packs: dict[PackId, PackMeta | None] = {}

    def look(self, snapshot: Snapshot, policy: CompactPolicy, *, now_s: float) -> Seen:
        """What `plan` wants to know of a listing."""
        young = [w for w in _writers(snapshot) if now_s - w.newest_s <= policy.settle_s]
        finished = {writer.writer_id for writer in young if self._has_finished(writer)}
        said = {pack_id: self._read_pack(snapshot, pack_id) for pack_id in packs_in_doubt(snapshot)}
        self._forget_others(snapshot)
        return Seen(
            finished=frozenset(finished),
            packs={pack_id: meta for pack_id, meta in said.items() if meta is not None},
        )

    def _has_finished(self, writer: WriterFiles) -> bool:
        """Whether the last file of a writer without gaps has its finish row."""
        taken = writer.cover.taken
        if not taken or writer.cover.gaps or not isinstance(taken[-1].key, ShardKey):
            return False
        key = str(taken[-1].key)
        if key not in self._finishes:
            self._finishes[key] = self._holds_finish(key)
        return self._finishes[key]

    def _holds_finish(self, key: str) -> bool:
        try:
            return any(map(_is_finish, _heads(shard.open_file(readable(self._store, key)).file)))
        except (*_UNREADABLE, pa.ArrowException, OSError):
            return False

    def _read_pack(self, snapshot: Snapshot, pack_id: PackId) -> PackMeta | None:
        """What a pack says of itself; its overview, which is smaller, repeats it."""
        if pack_id not in self._packs:
            found = None
            for key in (OverviewKey(snapshot.project, pack_id), PackKey(snapshot.project, pack_id)):
                try:
                    source = readable(self._store, str(key))
                    found = pack.read_meta(pack.open_parquet(source))
                    break
                except (*_UNREADABLE, pa.ArrowException, OSError):
                    continue
            self._packs[pack_id] = found
        return self._packs[pack_id]

    def _forget_others(self, snapshot: Snapshot) -> None:
        listed = {str(key) for writer in _writers(snapshot) for key in writer.ranges}
        self._finishes = {key: found for key, found in self._finishes.items() if key in listed}
        self._packs = {p: meta for p, meta in self._packs.items() if p in snapshot.packs}


def _writers(snapshot: Snapshot) -> Iterator[WriterFiles]:
    for run in snapshot.runs.values():
        yield from run.writers.values()


def _heads(file: pq.ParquetFile) -> Iterator[pa.Table]:
    """Kind and key of what is no series, which stands in row groups of its own at the front."""
    place = file.schema_arrow.names.index("kind")
    for number in range(file.num_row_groups):
        told = file.metadata.row_group(number).column(place).statistics
        if told is None or not told.has_min_max or told.min <= RUN <= told.max:
            yield file.read_row_group(number, columns=["kind", "key"])


def _is_finish(rows: pa.Table) -> bool:
    pairs = zip(rows.column("kind").to_pylist(), rows.column("key").to_pylist(), strict=True)
    return (RUN, FINISH) in pairs
