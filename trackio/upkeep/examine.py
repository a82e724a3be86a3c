"""Read one shard or pack to its end and say what is in it. Judges nothing, lists nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from trackio import arrays, pack, rows, shard
from trackio.errors import UnreadableFile
from trackio.ledger import Ledger, check_same
from trackio.model import FINISH, RUN, RunId, WriterId
from trackio.pack import PackMeta
from trackio.shard import ShardMeta, ShardReader
from trackio.store.base import Content

Owner = tuple[RunId, WriterId]


@dataclass(slots=True)
class Share:
    """What one writer has in a file: its smallest and largest seq, and what its finish row says.

    `finish_seq` is the seq of that row, `last_seq` what it says was the last.
    """

    min_seq: int
    max_seq: int
    newest_s: float
    finish_seq: int | None = None
    last_seq: int | None = None


@dataclass(slots=True)
class Contents:
    """A file that was read to its end and is what its metadata says."""

    meta: ShardMeta
    shares: dict[Owner, Share] = field(default_factory=dict)
    doubles: int = 0
    pack: PackMeta | None = None


def examine(data: Content) -> Contents:
    """Read a file whose rows are sorted, batch by batch.

    Raises:
        UnreadableFile: torn, foreign, or other rows than its metadata says.
        FormatTooNew: written in a higher major format.
    """
    opened = shard.open_file(data)
    contents = Contents(meta=opened.meta, pack=_pack_meta(opened))
    ledger = Ledger(() if contents.pack is None else contents.pack.stretches)
    last: tuple[rows.SeriesName, int] | None = None
    for batch in opened.batches():
        ledger.add(batch)
        for name, part in rows.cut_by_series(batch):
            seq = arrays.to_numpy(part.column("seq"))
            contents.doubles += int(np.count_nonzero(seq[1:] == seq[:-1]))
            contents.doubles += last == (name, int(seq[0]))
            last = name, int(seq[-1])
            _add(contents, name, part, seq)
    if contents.pack is not None:
        check_same(contents.pack.stretches, ledger.stretches(), "it")
    return contents


def _pack_meta(opened: ShardReader) -> PackMeta | None:
    """What a pack says of itself; None of a shard."""
    try:
        return pack.read_meta(opened.file)
    except UnreadableFile:
        return None


def _add(contents: Contents, name: rows.SeriesName, part: pa.Table, seq: Any) -> None:
    _, kind, key, run_id, writer_id = name
    newest_s = int(arrays.to_numpy(part.column("time").cast(pa.int64())).max()) / 1e6
    owner = RunId(run_id), WriterId(writer_id)
    share = contents.shares.setdefault(owner, Share(int(seq[0]), int(seq[0]), newest_s))
    share.min_seq = min(share.min_seq, int(seq.min()))
    share.max_seq = max(share.max_seq, int(seq.max()))
    share.newest_s = max(share.newest_s, newest_s)
    if (kind, key) == (RUN, FINISH):
        share.finish_seq = int(seq[-1])
        share.last_seq = next(_last_seqs(part), None)


def _last_seqs(part: pa.Table) -> Iterator[int]:
    """What finish rows say was the last seq, the latest first."""
    for text in reversed(part.column("text").to_pylist()):
        try:
            said = orjson.loads(text)["last_seq"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            continue
        if isinstance(said, int):
            yield said
