"""Name the rows that count as pieces of files. Pure; follows from a snapshot alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from trackio.catalog import RunFiles, WriterFiles
from trackio.keys import PackKey, PointerKey
from trackio.model import RunId, WriterId


@dataclass(frozen=True, slots=True)
class Piece:
    """Of the file `key`, the rows `first ≤ seq ≤ last` of one writer.

    `is_whole` says that the file has no other rows.
    """

    key: str
    run_id: RunId
    writer_id: WriterId
    first: int
    last: int
    is_whole: bool


def pieces_of_run(project: str, run: RunFiles) -> tuple[Piece, ...]:
    """The pieces of a run, by writer and seq: each row that counts is in exactly one."""
    return tuple(
        piece
        for writer in run.writers.values()
        for piece in pieces_of_writer(project, run.run_id, writer)
    )


def pieces_of_writer(project: str, run_id: RunId, writer: WriterFiles) -> Iterator[Piece]:
    """The pieces of a writer in the order of its cover."""
    for taken in writer.cover.taken:
        if isinstance(taken.key, PointerKey):
            key, is_whole = str(PackKey(project, taken.key.pack_id)), False
        else:
            key, is_whole = writer.ranges[taken.key].key, taken.is_whole
        yield Piece(key, run_id, writer.writer_id, taken.first, taken.last, is_whole)
