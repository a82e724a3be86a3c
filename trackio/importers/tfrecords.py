"""Read the records of a TensorFlow event file, checksums and all. Knows no event.

A record is its length (8 bytes), the masked CRC-32C of those, the bytes, and the masked CRC-32C
of these. A file that is still written ends in part of a record.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from trackio.importers.crc32c import crc32c, crc32c_of, masked, masked_one

_HEADER: Final = 12
_FOOTER: Final = 4
_PIECE_BYTES: Final = 16 << 20
_MOST_RECORD_BYTES: Final = 1 << 31
_LONG: Final = 4096
_FEW: Final = 8


class Piece(NamedTuple):
    """Records that were read together: where each begins and how long it is.

    `bad` are the places in `starts` whose bytes are not what their checksum says. `broken` says
    why nothing behind this piece can be read; None if all can.
    """

    data: bytes
    starts: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    bad: frozenset[int]
    broken: str | None = None


def read_pieces(path: Path) -> Iterator[Piece]:
    """The records of a file, some megabytes at a time."""
    rest = b""
    with path.open("rb") as file:
        while more := file.read(_PIECE_BYTES):
            data = rest + more if rest else more
            starts, sizes, end, broken = _frame(data)
            yield _check(data, starts, sizes, broken)
            if broken:
                return
            rest = data[end:]
    if rest:
        nothing = np.empty(0, dtype=np.int64)
        yield Piece(b"", nothing, nothing, frozenset(), "its last record is cut off")


def read_first(path: Path) -> bytes:
    """The bytes of the first record, unchecked; fewer if there is none that is whole."""
    with path.open("rb") as file:
        header = file.read(_HEADER)
        size = int.from_bytes(header[:8], "little")
        return file.read(size) if size < _PIECE_BYTES else b""


def _frame(data: bytes) -> tuple[list[int], list[int], int, str | None]:
    """Where records begin, how long they are, and where the first incomplete one begins."""
    starts: list[int] = []
    sizes: list[int] = []
    at, end = 0, len(data)
    unpack = struct.Struct("<Q").unpack_from
    while at + _HEADER <= end:
        (size,) = unpack(data, at)
        if size > _MOST_RECORD_BYTES:
            return starts, sizes, at, f"the length of its record {len(starts)} is damaged"
        begin = at + _HEADER
        if begin + size + _FOOTER > end:
            break
        starts.append(begin)
        sizes.append(size)
        at = begin + size + _FOOTER
    return starts, sizes, at, None


def _check(data: bytes, starts: list[int], sizes: list[int], broken: str | None) -> Piece:
    begins, lengths = np.array(starts, dtype=np.int64), np.array(sizes, dtype=np.int64)
    by_size: defaultdict[int, list[int]] = defaultdict(list)
    for place, size in enumerate(sizes):
        by_size[size].append(place)
    whole = np.frombuffer(data, dtype=np.uint8)
    if len(begins) and (damaged := _wrong_many(whole, begins - _HEADER, 8, range(len(begins)))):
        first = min(damaged)  # what follows is found by its length
        return _check(data, starts[:first], sizes[:first], "the length of a record is damaged")
    bad: set[int] = set()
    for size, places in by_size.items():
        wrong = _wrong_few if size > _LONG or len(places) < _FEW else _wrong_many
        bad |= wrong(whole, begins, size, places)
    return Piece(data, begins, lengths, frozenset(bad), broken)


def _wrong_many(
    whole: npt.NDArray[np.uint8],
    begins: npt.NDArray[np.int64],
    size: int,
    places: Sequence[int],
) -> set[int]:
    at = begins[list(places)]
    found = masked(crc32c(rows_at(whole, at, size)))
    said = rows_at(whole, at + size, _FOOTER).copy().view("<u4")[:, 0]
    return {places[place] for place in np.flatnonzero(found != said).tolist()}


def _wrong_few(
    whole: npt.NDArray[np.uint8], begins: npt.NDArray[np.int64], size: int, places: list[int]
) -> set[int]:
    wrong = set()
    for place in places:
        at = int(begins[place])
        found = masked_one(crc32c_of(whole[at : at + size].tobytes()))
        said = int.from_bytes(whole[at + size : at + size + _FOOTER].tobytes(), "little")
        if found != said:
            wrong.add(place)
    return wrong


def rows_at(
    whole: npt.NDArray[np.uint8], at: npt.NDArray[np.int64], size: int
) -> npt.NDArray[np.uint8]:
    """The bytes at each place, as the rows of a matrix."""
    rows: npt.NDArray[np.uint8] = whole[at[:, None] + np.arange(size)]
    return rows
