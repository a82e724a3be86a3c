"""Tell which entries of a writer may be relied on when others are deleted. Deletes nothing.

An entry is relied on when it is older than grace and was read to its end, after the listing,
with the row count and fingerprint of its metadata; a pointer when that holds for its pack too
and the pack is listed and not condemned (`docs/format.md`, Compacting and collecting).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from trackio import merge, pack, rows, shard
from trackio.catalog import WriterFiles
from trackio.cover import merge_ranges, subtract
from trackio.errors import FormatTooNew, NotFound, UnreadableFile
from trackio.keys import PackKey, PointerKey, RangeKey
from trackio.ledger import Ledger, check_same
from trackio.model import Entry, PackId, RunId, SeqRange, WriterId
from trackio.store.base import Content, Store, readable

Check = Callable[[RangeKey], bool]
"""Whether a shard, or the pack of a pointer, was read to its end and holds what its name says."""
Held = Mapping[tuple[RunId, WriterId], tuple[SeqRange, ...]]

_BATCH_ROWS: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What to rely on, given the packs of a listing and the store's time less grace."""

    check: Check
    older_than_s: float
    packs: Mapping[PackId, Entry]
    condemned: Mapping[PackId, Entry]

    def is_old(self, entry: Entry) -> bool:
        """Whether it is older than grace."""
        return entry.time_s < self.older_than_s

    def could_hold(self, key: RangeKey, entry: Entry) -> bool:
        """Whether it may be relied on if it can be read."""
        if isinstance(key, PointerKey):
            listed = self.packs.get(key.pack_id)
            if listed is None or key.pack_id in self.condemned or not self.is_old(listed):
                return False
        return self.is_old(entry)

    def holds(self, key: RangeKey, entry: Entry) -> bool:
        """Whether it is relied on; reads it."""
        return self.could_hold(key, entry) and self.check(key)

    def is_without_pack(self, key: RangeKey) -> bool:
        """Whether it is a pointer whose pack is gone for good: unlisted, its mark old."""
        if not isinstance(key, PointerKey) or key.pack_id in self.packs:
            return False
        mark = self.condemned.get(key.pack_id)
        return mark is not None and self.is_old(mark)


def safe_ranges(files: WriterFiles, trust: Trust) -> tuple[SeqRange, ...]:
    """The seqs that a writer's relied-on entries hold."""
    held = [
        SeqRange(key.first, key.last)
        for key, entry in files.ranges.items()
        if not key.is_pointer and trust.holds(key, entry)
    ]
    missing = subtract(files.cover.ranges, merge_ranges(held))
    for key, entry in files.ranges.items():  # a pack is read only for what shards do not hold
        span = SeqRange(key.first, key.last)
        if key.is_pointer and subtract([span], missing) != (span,) and trust.holds(key, entry):
            held.append(span)
    return merge_ranges(held)


def make_check(store: Store) -> Check:
    """A check that reads each file of `store` to its end, once."""
    shards: dict[RangeKey, bool] = {}
    packs: dict[str, Held] = {}

    def check(key: RangeKey) -> bool:
        if isinstance(key, PointerKey):
            name = str(PackKey(key.project, key.pack_id))
            if name not in packs:
                packs[name] = read_pack(store, name)
            held = packs[name].get((key.run_id, key.writer_id), ())
            return not subtract([SeqRange(key.first, key.last)], held)
        if key not in shards:
            shards[key] = _reads_whole(store, key)
        return shards[key]

    return check


def read_pack(store: Store, key: str) -> Held:
    """Which seqs of each writer a pack holds; none if it cannot be read whole."""
    try:
        return check_pack(readable(store, key), key)
    except (UnreadableFile, FormatTooNew, NotFound):
        return {}


def check_pack(data: Content, name: str) -> Held:
    """Which seqs of each writer a pack holds, once all of it was read and compared.

    Raises:
        UnreadableFile: it cannot be read whole, or holds other rows than its metadata says.
        FormatTooNew: written in a higher major format.
    """
    opened = shard.open_file(data)
    meta = pack.read_meta(opened.file)
    ledger = Ledger(meta.stretches)
    try:
        for batch in opened.file.iter_batches(_BATCH_ROWS, columns=rows.SCHEMA.names):
            ledger.add(rows.as_written(pa.Table.from_batches([batch])))
    except (pa.ArrowException, OSError, KeyError, ValueError) as exc:
        raise UnreadableFile(f"rows cannot be read: {exc}") from exc
    if (ledger.all_rows, ledger.fingerprint) != (opened.meta.rows, opened.meta.fingerprint):
        raise UnreadableFile("it holds other rows than its metadata says")
    check_same(meta.stretches, ledger.stretches(), name)
    held: defaultdict[tuple[RunId, WriterId], list[SeqRange]] = defaultdict(list)
    for each in meta.stretches:
        held[each.run_id, each.writer_id].append(SeqRange(each.first, each.last))
    return {owner: merge_ranges(spans) for owner, spans in held.items()}


def _reads_whole(store: Store, key: RangeKey) -> bool:
    try:
        meta = merge.check(readable(store, str(key)))
    except (UnreadableFile, FormatTooNew, NotFound):
        return False
    return (meta.first, meta.last) == (key.first, key.last)
