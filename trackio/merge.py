"""Merge sorted shards into one file in bounded memory, checking what is read. No store, no names.

The sources and the result are sorted as `docs/format.md`, Rows, says; within one series of
one writer the sources hold different seqs, so their rows follow each other source by source.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from trackio import rows, shard
from trackio.errors import UnreadableFile
from trackio.model import SeqRange

Data = bytes | Path
"""The bytes of a file, or where they are on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A shard to merge and the seqs of it that count; `name` is for messages."""

    name: str
    data: Data
    take: SeqRange


class Stopped(Exception):
    """The caller asked to stop; nothing was finished."""


def merge(
    sources: Sequence[Source],
    span: SeqRange,
    sink: Path,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> shard.ShardMeta:
    """Write the rows of `sources`, ascending by seq, into one shard at `sink`.

    Raises:
        UnreadableFile: a source cannot be read whole; its name is in the message.
        Stopped: `should_stop` said so; `sink` is incomplete.
    """
    order = sorted(sources, key=lambda source: source.take.first)
    streams = [_groups(source, place) for place, source in enumerate(order)]
    with shard.ShardWriter(sink, span) as out:
        for _, part in heapq.merge(*streams, key=lambda group: group[0]):
            if should_stop():
                raise Stopped
            out.write(part)
        return out.close()


def check(data: Data) -> shard.ShardMeta:
    """Read a file to its end and compare it with its metadata; returns that.

    Raises:
        UnreadableFile: it cannot be read whole, or holds other rows.
    """
    file = shard.open_file(data)
    for _ in file.batches():
        pass
    return file.meta


_Group = tuple[tuple[bool, str, str, str, str, int], pa.Table]


def _groups(source: Source, place: int) -> Iterator[_Group]:
    """The rows that count, cut where the series or its writer changes."""
    first, last = source.take
    try:
        file = shard.open_file(source.data)
        for batch in file.batches():
            for name, part in rows.cut_by_series(batch):
                counting = rows.only(part, first, last)
                if counting.num_rows:
                    yield (*name, place), counting
    except UnreadableFile as exc:
        raise UnreadableFile(f"{source.name}: {exc}") from exc
