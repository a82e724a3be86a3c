"""Read the wire format of protocol buffers: tags, numbers, lengths. Knows no message.

(https://protobuf.dev/programming-guides/encoding)
"""

import struct
from collections.abc import Iterator
from typing import Any, Final

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

Field = tuple[int, int, Any]
"""Its number, its wire type, and an int, or for `BYTES`, `FIXED64` and `FIXED32` the bytes."""


class MalformedError(ValueError):
    """These bytes are no message."""


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a message in the order in which they stand.

    Raises:
        MalformedError: a field reaches beyond the end, or is of a type that nobody uses.
    """
    at, end = 0, len(data)
    while at < end:
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, at = varint(data, at)
            yield number, kind, value
            continue
        size, at = _size(data, at, kind)
        if at + size > end:
            raise MalformedError(f"field {number} reaches beyond the end of its message")
        yield number, kind, data[at : at + size]
        at += size


def spans(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number and wire type of each field between two places, and where its value lies.

    Raises:
        MalformedError: as `fields`.
    """
    while at < end:
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            begin = at
            _, at = varint(data, at)
        else:
            size, begin = _size(data, at, kind)
            at = begin + size
        if at > end:
            raise MalformedError(f"field {number} reaches beyond the end of its message")
        yield number, kind, begin, at


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it."""
    value = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
            shift += 7
    except IndexError as exc:
        raise MalformedError("a number reaches beyond the end of its message") from exc


def signed(value: int) -> int:
    """A 64-bit varint as the signed number that it stands for."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def zigzag(value: int) -> int:
    """A varint of type `sint`."""
    return value >> 1 ^ -(value & 1)


def double(data: bytes) -> float:
    """Eight bytes as a number."""
    return float(struct.unpack("<d", data)[0])


def single(data: bytes) -> float:
    """Four bytes as a number."""
    return float(struct.unpack("<f", data)[0])


def packed(kind: int, value: Any, code: str) -> list[float]:
    """The numbers of a repeated field, packed or one by one; `code` is that of `struct`."""
    if kind == VARINT:
        return [value]
    width = struct.calcsize(f"<{code}")
    if len(value) % width:
        raise MalformedError("a list of numbers is cut off")
    return list(struct.unpack(f"<{len(value) // width}{code}", value))


def text(value: bytes) -> str:
    """Bytes as text, whatever they are."""
    return value.decode("utf-8", "backslashreplace")


def _size(data: bytes, at: int, kind: int) -> tuple[int, int]:
    if kind == BYTES:
        return varint(data, at)
    if kind == FIXED64:
        return 8, at
    if kind == FIXED32:
        return 4, at
    raise MalformedError(f"wire type {kind} is none that is used")
