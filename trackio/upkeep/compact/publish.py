"""Put a pack, read it back, compare, and only then point to it (`docs/format.md`).

The overview is made of what is read back, so nothing is read twice.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from trackio import ids, keys, overview, pack, rows, shard
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import NotFound, TrackioError, UnreadableFile
from trackio.ledger import Ledger, check_same
from trackio.model import PackId
from trackio.pack import PackMeta
from trackio.store.base import Content, Store, readable
from trackio.upkeep.compact.build import Tick, build
from trackio.upkeep.compact.gather import GATHER_ROWS
from trackio.upkeep.compact.plan import Task

_BATCH_ROWS: Final = 65_536


class PackDiffers(TrackioError):
    """What was read back is not what was packed: the job stops, and nothing points to the pack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A pack that was put, and that pointers name now."""

    project: str
    pack_id: PackId
    rows: int
    files: int
    pointers: int
    size_bytes: int
    overview_bytes: int


MakeId = Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a task works with beside the store: ids, scratch space, who hears of progress."""

    scratch: Path | None = None
    make_id: MakeId = ids.make_id
    tick: Tick = lambda rows: None
    limit_rows: int = GATHER_ROWS
    clock: Clock = SYSTEM_CLOCK


def pack_one(task: Task, store: Store, effects: Effects) -> Packed:
    """Carry out one task.

    Raises:
        SourceLost: a source is gone or cannot be read whole: plan again without it.
        PackDiffers: the pack does not hold what its sources do.
        StoreUnavailable, StoreRefused: some of it may have landed; trying again is safe.
    """
    with tempfile.TemporaryDirectory(prefix="trackio-pack-", dir=effects.scratch) as name:
        folder = Path(name)
        local, meta = build(task, store, folder, tick=effects.tick, limit_rows=effects.limit_rows)
        pack_id = _pack_id(task, effects.make_id)
        key = str(keys.PackKey(task.project, pack_id))
        store.put({key: local})
        size_bytes = local.stat().st_size
        local.unlink()
        told = folder / "overview.parquet"
        _read_back(store, key, meta, told)
        store.put({str(keys.OverviewKey(task.project, pack_id)): told})
        overview_bytes = told.stat().st_size
    pointers = _pointers(task, pack_id)
    store.put(pointers)
    return Packed(
        project=task.project,
        pack_id=pack_id,
        rows=meta.rows,
        files=len({source.key for source in task.sources}),
        pointers=len(pointers),
        size_bytes=size_bytes,
        overview_bytes=overview_bytes,
    )


def _pack_id(task: Task, make_id: MakeId) -> PackId:
    """A new id above every pack id of the plan's listing."""
    fresh = make_id()
    return PackId(fresh if task.above is None else max(fresh, ids.id_after(task.above)))


def _read_back(store: Store, key: str, meta: PackMeta, told: Path) -> None:
    """Read the pack as the store has it, compare it, and sum it up into the file `told`."""
    try:
        opened = shard.open_file(readable(store, key))
        check_same(meta.stretches, pack.read_meta(opened.file).stretches, key)
        ledger = Ledger(meta.stretches)
        with overview.OverviewWriter(told, meta) as out:
            for batch in opened.file.iter_batches(_BATCH_ROWS, columns=rows.SCHEMA.names):
                table = rows.as_written(pa.Table.from_batches([batch]))
                ledger.add(table)
                out.add(table)
            out.close()
        check_same(meta.stretches, ledger.stretches(), key)
    except (UnreadableFile, NotFound, pa.ArrowException, OSError) as exc:
        raise PackDiffers(
            f"{key} does not read back as it was written ({exc}); nothing was deleted and nothing "
            "points to it: check the store, then run `trackio compact` again"
        ) from exc


def _pointers(task: Task, pack_id: PackId) -> Mapping[str, Content]:
    return {
        str(keys.PointerKey(task.project, run_id, writer_id, *span, pack_id)): b""
        for run_id, writer_id, span in task.stretches()
    }
