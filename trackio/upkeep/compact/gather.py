"""Bring the shards of some writers into the order of a pack, in bounded memory. No store.

Every shard is sorted already, so nothing is compared row by row: its blocks of one series are
put in order and the rows follow. What does not fit into memory at once becomes several sorted
files on local disk, which `weave` merges.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from trackio import arrays, rows
from trackio.ledger import cut

GATHER_ROWS: Final = 1 << 20
_BATCH_ROWS: Final = 65_536
_IPC: Final = pa.ipc.IpcWriteOptions(compression="lz4", emit_dictionary_deltas=False)
_Ints = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Spill:
    """Sorted rows in a local file; read a batch at a time."""

    path: Path

    def tables(self) -> Iterator[pa.Table]:
        """All rows, some at a time; then the file is gone."""
        with pa.OSFile(str(self.path)) as source, pa.ipc.open_file(source) as file:
            for number in range(file.num_record_batches):
                yield pa.Table.from_batches([file.get_batch(number)])
        self.path.unlink()


def gather(tables: Iterable[pa.Table], folder: Path, limit_rows: int = GATHER_ROWS) -> list[Spill]:
    """Sort the rows of sorted tables into as few files in `folder` as memory allows."""
    spills: list[Spill] = []
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(rows.as_written(table))
        count += table.num_rows
        if count >= limit_rows:
            spills.append(_spill(waiting, folder / f"{len(spills)}.arrow"))
            waiting, count = [], 0
    if waiting:
        spills.append(_spill(waiting, folder / f"{len(spills)}.arrow"))
    return spills


def sort_blocks(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of sorted tables in one order; blocks of one series are moved, not rows."""
    joined = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    if not joined.num_rows:
        return joined
    columns, bounds = cut(joined)
    ends = np.cumsum([table.num_rows for table in tables])
    starts = np.union1d(np.asarray(bounds[:-1]), ends[ends < joined.num_rows])
    order = np.lexsort([arrays.to_numpy(joined.column("seq"))[starts], *_ranks(columns, starts)])
    if np.array_equal(order, np.arange(len(order))):
        return joined
    sizes = np.diff(starts, append=joined.num_rows)[order]
    shift = starts[order] - (np.cumsum(sizes) - sizes)
    places = np.arange(joined.num_rows) + np.repeat(shift, sizes)
    return joined.take(arrays.from_numpy(places, pa.int64()))


def _ranks(columns: Sequence[pa.DictionaryArray], starts: _Ints) -> list[_Ints]:
    """For each block the rank of its writer, run, key and kind, and whether it is a series."""
    kind, key, run_id, writer_id = columns
    series = np.array([rows.is_series_kind(k) for k in kind.dictionary.to_pylist()], dtype=bool)
    ranked = [_rank(column)[_codes(column)[starts]] for column in (writer_id, run_id, key, kind)]
    return [*ranked, series[_codes(kind)[starts]]]


def _rank(column: pa.DictionaryArray) -> _Ints:
    """The place of each string of a dictionary in their order."""
    texts = column.dictionary.to_pylist()
    ranks = np.empty(len(texts), dtype=np.int64)
    ranks[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    return ranks


def _codes(column: pa.DictionaryArray) -> _Ints:
    return arrays.to_numpy(column.indices)


def _spill(tables: list[pa.Table], path: Path) -> Spill:
    table = sort_blocks(tables)
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, table.schema, options=_IPC) as out,
    ):
        out.write_table(table, max_chunksize=_BATCH_ROWS)
    return Spill(path)
