"""Put the bytes of local files as blobs: many at a time, straight from where they lie.

A blob never holds other bytes than its name says. A file that is written while it is sent is
noticed, and what was put of it is taken back. Where a blob is listed already and is only made
young again, its bytes are compared before they are put, because others may rely on it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final

from trackio import keys
from trackio.artifacts.hashing import Hashed
from trackio.errors import InvalidInput, StoreRefused
from trackio.store.base import Content, Store

Files = Mapping[str, Hashed]
"""Local files by the SHA-256 of what they hold."""
GoOn = Callable[[int], None]
"""Told how many bytes will be sent next; what it raises ends the work between two batches."""

_BATCH_FILES: Final = 512
_BATCH_BYTES: Final = 48 << 20
"""The Hub's client holds a batch in memory. Each store sends many files of a batch at a time."""
_LARGE: Final = 16 << 20
"""Stores cut such a file into parts, several of which are in memory: it is sent alone."""
_COMPARED: Final = 16 << 20


def go_on(size_bytes: int) -> None:
    """Nobody wants it to end."""


def put_blobs(
    store: Store,
    project: str,
    files: Files,
    *,
    listed: Collection[str] = (),
    go_on: GoOn = go_on,
) -> int:
    """Put blobs; how many bytes those are.

    Args:
        listed: those of the files that are there already, but old.

    Raises:
        InvalidInput: a file was written since it was hashed.
        StoreUnavailable, StoreRefused: some are not there.
    """
    for batch in _batches(files.values()):
        go_on(sum(file.size for file in batch))
        _put_batch(store, project, batch, listed)
    return sum(file.size for file in files.values())


def _put_batch(
    store: Store, project: str, batch: Iterable[Hashed], listed: Collection[str]
) -> None:
    contents = {
        str(keys.BlobKey(project, file.digest)): _compared(file)
        if file.digest in listed
        else file.path
        for file in batch
    }
    _check_unchanged(batch)
    try:
        store.put(contents)
    except InvalidInput as exc:  # nobody chose the name of a blob: something lies in its way
        raise StoreRefused(str(exc)) from exc
    changed = [file for file in batch if not file.is_unchanged()]
    if taken := [it for it in changed if it.digest not in listed]:
        store.delete([str(keys.BlobKey(project, file.digest)) for file in taken])
    _check_unchanged(changed)


def _compared(file: Hashed) -> Content:
    """The bytes to put over a blob that others may rely on.

    Raises:
        InvalidInput: they are not what they were.
    """
    if file.size > _COMPARED:
        return file.path
    data = file.path.read_bytes()
    if sha256(data).hexdigest() != file.digest:
        raise _changed(file)
    return data


def _check_unchanged(files: Iterable[Hashed]) -> None:
    for file in files:
        if not file.is_unchanged():
            raise _changed(file)


def _changed(file: Hashed) -> InvalidInput:
    return InvalidInput(f"{file.path} changed while it was logged: log it when it is complete")


def _batches(files: Iterable[Hashed]) -> Iterator[list[Hashed]]:
    """The files, cut so that a batch is a step that is soon done; large ones alone, and first."""
    batch: list[Hashed] = []
    size_bytes = 0
    for file in sorted(files, key=lambda it: it.size, reverse=True):
        is_full = len(batch) >= _BATCH_FILES or size_bytes + file.size > _BATCH_BYTES
        if batch and (is_full or batch[0].size >= _LARGE):
            yield batch
            batch, size_bytes = [], 0
        batch.append(file)
        size_bytes += file.size
    if batch:
        yield batch
