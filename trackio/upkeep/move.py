"""Move a run to another project or store: a copy under a new id, then a tombstone.

The new id follows from the old one and from where the run goes, so that a move that was
interrupted goes on where it stopped. The copy is read back before the tombstone is put.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa

from trackio import arrays, keys, merge, rows, shard
from trackio.catalog import RunFiles, Snapshot, WriterFiles, list_project
from trackio.cover import Taken
from trackio.errors import InvalidInput, NotFound, UnreadableFile
from trackio.ids import is_id
from trackio.ledger import Ledger
from trackio.meta import decode_meta, encode_meta
from trackio.model import RunId, SeqRange, WriterId
from trackio.pack import Stretch
from trackio.query.project import Project
from trackio.query.runs import find_run
from trackio.store.base import Store, readable
from trackio.upkeep import delete

_BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A project of a store."""

    store: Store
    project: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A move: which files are copied, and what the run is called afterwards."""

    run_id: RunId
    new_id: RunId
    source: Place
    target: Place
    run: RunFiles
    packs: Snapshot

    def __str__(self) -> str:
        files = sum(len(w.cover.taken) + len(w.media) for w in self.run.writers.values())
        return (
            f"{self.source.project}/{self.run_id} → {self.target.project}/{self.new_id} in "
            f"{self.target.store.url}: copy {files:,} files, then delete the run here"
        )


def plan(source: Place, run_id: RunId, target: Place) -> Plan:
    """What moving a run means now.

    Raises:
        NotFound: there is no such run.
        InvalidInput: it is live, or it is there already.
        StoreUnavailable, StoreRefused: one of the stores does not answer.
    """
    keys.project_prefix(target.project)  # or it cannot be a project's name
    if (source.store.url, source.project) == (target.store.url, target.project):
        raise InvalidInput(f"the run is in {target.project!r} already: name another project")
    view = Project(source.store, source.project).refresh()
    if find_run(view, run_id).status == "running":
        raise InvalidInput(
            f"the run {run_id} is live: finish it first, or wait until it is silent for minutes"
        )
    snapshot = list_project(source.store, source.project)
    run = snapshot.runs.get(run_id)
    if run is None or run.is_deleted:
        raise NotFound(f"there is no run {run_id!r} in {source.project!r}")
    return Plan(
        run_id=run_id,
        new_id=_new_id(run_id, source, target),
        source=source,
        target=target,
        run=run,
        packs=snapshot,
    )


def apply(plan: Plan, *, tick: Callable[[int], None] = lambda rows: None) -> RunId:
    """Copy, compare, delete; returns the id under which the run is found now.

    Raises:
        UnreadableFile: a file cannot be read whole; nothing was deleted.
        StoreUnavailable, StoreRefused: nothing was deleted; the same move goes on later.
    """
    target, there = plan.target, _listed(plan)
    _put_meta(plan, there)
    for writer in plan.run.writers.values():
        for media in writer.media:
            key = str(replace(media, project=target.project, run_id=plan.new_id))
            if key not in there:
                target.store.put({key: plan.source.store.get(str(media))})
        for taken in writer.cover.taken:
            _copy(plan, writer, taken, there)
            tick(taken.last - taken.first + 1)
    delete.delete_run(plan.source.store, plan.source.project, plan.run_id)
    return plan.new_id


def move_run(source: Place, run_id: RunId, target: Place) -> RunId:
    """Plan and apply in one; raises as they do."""
    return apply(plan(source, run_id, target))


def _new_id(run_id: RunId, source: Place, target: Place) -> RunId:
    """The same for the same move, and sorted where the run was."""
    way = "\n".join((source.store.url, source.project, run_id, target.store.url, target.project))
    digits = blake2b(way.encode(), digest_size=6).hexdigest()
    return RunId(run_id[:12] + digits if is_id(run_id) else f"{run_id[:200]}-{digits}")


def _listed(plan: Plan) -> frozenset[str]:
    prefix = keys.run_prefix(plan.target.project, plan.new_id)
    return frozenset(entry.key for entry in plan.target.store.list(prefix))


def _put_meta(plan: Plan, there: frozenset[str]) -> None:
    if plan.run.meta is None or str(keys.MetaKey(plan.target.project, plan.new_id)) in there:
        return
    meta = decode_meta(plan.source.store.get(plan.run.meta.key))
    project, store = plan.target.project, plan.target.store
    store.put({str(keys.MetaKey(project, plan.new_id)): encode_meta(meta)})
    store.put({str(keys.NameKey(project, meta.name, plan.new_id)): b""})


def _copy(plan: Plan, writer: WriterFiles, taken: Taken, there: frozenset[str]) -> None:
    """One stretch of a writer as a shard of the new run, read back."""
    span = SeqRange(taken.first, taken.last)
    key = str(keys.ShardKey(plan.target.project, plan.new_id, writer.writer_id, *span))
    store = plan.target.store
    if key in there and _is_whole(store, key):
        return
    with tempfile.TemporaryDirectory(prefix="trackio-move-") as folder:
        local = Path(folder) / "moved.parquet"
        with shard.ShardWriter(local, span) as out:
            for part in _rows(plan, writer, taken):
                out.write(_renamed(part, plan.new_id))
            out.close()
        store.put({key: local})
    if not _is_whole(store, key):
        raise UnreadableFile(f"{key} does not read back as it was written; nothing was deleted")


def _rows(plan: Plan, writer: WriterFiles, taken: Taken) -> Iterator[pa.Table]:
    """The rows that count of one entry, some at a time."""
    key = taken.key
    is_pack = isinstance(key, keys.PointerKey)
    name = str(keys.PackKey(plan.source.project, key.pack_id)) if is_pack else str(key)
    ledger = Ledger([_stretch(plan.run_id, writer.writer_id, taken)])
    opened = shard.open_file(readable(plan.source.store, name))
    try:
        for batch in opened.file.iter_batches(_BATCH_ROWS, columns=rows.SCHEMA.names):
            yield ledger.add(rows.as_written(pa.Table.from_batches([batch])))
    except (pa.ArrowException, OSError) as exc:
        raise UnreadableFile(f"{name}: rows cannot be read: {exc}") from exc
    if (ledger.all_rows, ledger.fingerprint) != (opened.meta.rows, opened.meta.fingerprint):
        raise UnreadableFile(f"{name} holds other rows than its metadata says")


def _stretch(run_id: RunId, writer_id: WriterId, taken: Taken) -> Stretch:
    return Stretch(
        run_id=run_id,
        writer_id=writer_id,
        first=taken.first,
        last=taken.last,
        rows=0,
        fingerprint=0,
    )


def _renamed(table: pa.Table, run_id: RunId) -> pa.Table:
    """The rows as those of another run."""
    codes = arrays.numbers([0] * table.num_rows, pa.int32())
    column = pa.DictionaryArray.from_arrays(codes, arrays.strings([run_id]))
    place = table.column_names.index("run_id")
    return table.set_column(place, rows.WRITTEN.field("run_id"), column)


def _is_whole(store: Store, key: str) -> bool:
    try:
        merge.check(readable(store, key))
    except (UnreadableFile, NotFound):
        return False
    return True
