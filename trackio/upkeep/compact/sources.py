"""Read the files a pack is made of, each to its end, and check it. Knows no plan.

What is read of a stretch is counted and fingerprinted, so that the pack can be compared with it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pyarrow as pa

from trackio import arrays, keys, pack, rows, shard
from trackio.cover import merge_ranges, subtract
from trackio.errors import NotFound, UnreadableFile
from trackio.ledger import Ledger
from trackio.model import SeqRange
from trackio.pack import Stretch
from trackio.store.base import Content, Store, is_local
from trackio.upkeep.compact.plan import Source, Task

_FETCHES_AT_ONCE: Final = 8
_BATCH_ROWS: Final = 65_536


class SourceLost(Exception):
    """This file of the plan is gone or cannot be read: plan again without it."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)  # as given: it may come from another process
        self.key = key

    def __str__(self) -> str:
        return ": ".join(self.args)


class Counted:
    """How many rows were read of each stretch of a task, and their fingerprint."""

    def __init__(self, task: Task) -> None:
        self._spans = list(task.stretches())
        self._sums = [[0, 0] for _ in self._spans]
        self._places = dict(_places(task.sources, self._spans))

    def add(self, source: Source, count: int, fingerprint: int) -> None:
        """Take in what was read of one source."""
        sums = self._sums[self._places[source]]
        sums[0] += count
        sums[1] += fingerprint

    def stretches(self) -> tuple[Stretch, ...]:
        """What was read so far, in the order of a pack's metadata."""
        return tuple(
            sorted(
                Stretch(
                    run_id=run_id,
                    writer_id=writer_id,
                    first=span.first,
                    last=span.last,
                    rows=count,
                    fingerprint=total % (1 << 64),
                )
                for (run_id, writer_id, span), (count, total) in zip(
                    self._spans, self._sums, strict=True
                )
            )
        )


Tell = Callable[[Source, int, int], None]
"""Hears how many rows of a source were read, and their fingerprint."""


def read_shards(store: Store, sources: Sequence[Source], tell: Tell) -> Iterator[pa.Table]:
    """The rows that count of each shard; `tell` hears how many, and their fingerprint.

    Raises:
        SourceLost: one of them is gone or cannot be read whole.
        StoreUnavailable, StoreRefused: the store does not give it now.
    """
    for source, data in _fetch(store, sources):
        meta, table = _decode(source, data)
        counting = rows.only(table, source.first, source.last)
        whole = counting.num_rows == table.num_rows
        tell(source, counting.num_rows, meta.fingerprint if whole else rows.fingerprint(counting))
        yield counting


def _fetch(store: Store, sources: Sequence[Source]) -> Iterator[tuple[Source, Content]]:
    """Each source's file, in order; of a remote store some are on their way at a time."""
    if is_local(store) or len(sources) < 2:
        for source in sources:
            yield source, _get(store, source.key)
        return
    with ThreadPoolExecutor(_FETCHES_AT_ONCE, "trackio-fetch") as pool:
        for start in range(0, len(sources), _FETCHES_AT_ONCE):
            some = sources[start : start + _FETCHES_AT_ONCE]
            yield from zip(some, pool.map(lambda s: _get(store, s.key), some), strict=True)


def read_pack(data: Content, key: str, sources: Sequence[Source], tell: Tell) -> Iterator[pa.Table]:
    """The rows that count of a pack, some at a time; raises as `read_shards`."""
    by_range = {(s.run_id, s.writer_id, s.first): s for s in sources}
    ledger = Ledger(map(_as_stretch, sources))
    try:
        opened = shard.open_file(data)
        _check_holds(pack.read_meta(opened.file), sources)
        for batch in opened.file.iter_batches(_BATCH_ROWS, columns=rows.SCHEMA.names):
            yield ledger.add(rows.as_written(pa.Table.from_batches([batch])))
    except (UnreadableFile, pa.ArrowException, OSError) as exc:
        raise SourceLost(key, str(exc)) from exc
    if (ledger.all_rows, ledger.fingerprint) != (opened.meta.rows, opened.meta.fingerprint):
        raise SourceLost(key, "it holds other rows than its metadata says")
    for counted in ledger.stretches():
        source = by_range[counted.run_id, counted.writer_id, counted.first]
        tell(source, counted.rows, counted.fingerprint)


def packs_among(sources: Iterable[Source]) -> dict[str, list[Source]]:
    """The sources that are packs, by key."""
    found: defaultdict[str, list[Source]] = defaultdict(list)
    for source in sources:
        if source.is_pack:
            found[source.key].append(source)
    return dict(found)


def keep_locally(store: Store, key: str, folder: Path) -> Path:
    """The local path of a file; one of a remote store is written into `folder`."""
    data = _get(store, key)
    if isinstance(data, Path):
        return data
    path = folder / key.rpartition("/")[2]
    path.write_bytes(data)
    return path


def _get(store: Store, key: str) -> Content:
    try:
        if is_local(store):
            return store.path(key)
        return store.get(key)
    except NotFound as exc:
        raise SourceLost(key, "it is gone") from exc


def _decode(source: Source, data: Content) -> tuple[shard.ShardMeta, pa.Table]:
    try:
        opened = shard.open_file(data)
        table = rows.as_written(opened.file.read(columns=rows.SCHEMA.names))
        found = table.num_rows, rows.fingerprint(table)
    except (UnreadableFile, pa.ArrowException, OSError, KeyError, ValueError) as exc:
        raise SourceLost(source.key, str(exc)) from exc
    if found != (opened.meta.rows, opened.meta.fingerprint):
        raise SourceLost(source.key, "it holds other rows than its metadata says")
    if not _is_named_rightly(source, opened.meta, table):
        raise SourceLost(source.key, "it holds other rows than its name says")
    return opened.meta, table


def _is_named_rightly(source: Source, meta: shard.ShardMeta, table: pa.Table) -> bool:
    key = keys.parse(source.key)
    owners = (("run_id", source.run_id), ("writer_id", source.writer_id))
    return (
        isinstance(key, keys.ShardKey)
        and (meta.first, meta.last) == (key.first, key.last)
        and all(_is_only(table.column(name), owner) for name, owner in owners)
    )


def _is_only(column: pa.ChunkedArray, text: str) -> bool:
    codes = rows.encoded(column)
    used = set(arrays.to_numpy(codes.indices).tolist())
    return all(codes.dictionary[code].as_py() == text for code in used)


def _check_holds(meta: pack.PackMeta, sources: Iterable[Source]) -> None:
    """Whether a pack says that it has what its pointers say.

    Raises:
        UnreadableFile: it does not.
    """
    held: defaultdict[tuple[str, str], list[SeqRange]] = defaultdict(list)
    for stretch in meta.stretches:
        held[stretch.run_id, stretch.writer_id].append(SeqRange(stretch.first, stretch.last))
    for source in sources:
        wanted = SeqRange(source.first, source.last)
        if subtract([wanted], merge_ranges(held[source.run_id, source.writer_id])):
            raise UnreadableFile(f"it has no calls {wanted} of {source.run_id}/{source.writer_id}")


def _as_stretch(source: Source) -> Stretch:
    return Stretch(
        run_id=source.run_id,
        writer_id=source.writer_id,
        first=source.first,
        last=source.last,
        rows=0,
        fingerprint=0,
    )


def _places(
    sources: Iterable[Source], spans: Sequence[tuple[str, str, SeqRange]]
) -> Iterator[tuple[Source, int]]:
    """The stretch that each source lies in."""
    of_writer: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (run_id, writer_id, _) in enumerate(spans):
        of_writer[run_id, writer_id].append(place)
    for source in sources:
        for place in of_writer[source.run_id, source.writer_id]:
            if spans[place][2].first <= source.first <= spans[place][2].last:
                yield source, place
