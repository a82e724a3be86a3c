"""Write the pack of a task into a local file. It puts nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from trackio.pack import PackMeta, PackWriter
from trackio.store.base import Store
from trackio.upkeep.compact.gather import GATHER_ROWS, gather
from trackio.upkeep.compact.metas import copy_metas
from trackio.upkeep.compact.plan import Task
from trackio.upkeep.compact.sources import (
    Counted,
    keep_locally,
    packs_among,
    read_pack,
    read_shards,
)
from trackio.upkeep.compact.weave import weave

Tick = Callable[[int], None]
"""Hears of rows as they are read."""


def build(
    task: Task, store: Store, folder: Path, *, tick: Tick, limit_rows: int = GATHER_ROWS
) -> tuple[Path, PackMeta]:
    """The pack as a file in `folder`, and what its sources say must be in it.

    Raises:
        SourceLost: a source is gone or cannot be read whole.
        StoreUnavailable, StoreRefused: the store does not give one now.
    """
    counted = Counted(task)
    shards = [source for source in task.sources if not source.is_pack]

    def reading() -> Iterator[pa.Table]:
        for table in read_shards(store, shards, counted.add):
            tick(table.num_rows)
            yield table

    spills = gather(reading(), folder, limit_rows)
    packs = [
        read_pack(keep_locally(store, key, folder), key, sources, counted.add)
        for key, sources in packs_among(task.sources).items()
    ]
    sink = folder / "pack.parquet"
    with PackWriter(sink) as out:
        for table in weave([*(spill.tables() for spill in spills), *packs]):
            out.write(table)
        metas = copy_metas(dict(task.metas), store)
        meta = PackMeta(stretches=counted.stretches(), metas=metas)
        out.close(meta)
    return sink, meta
