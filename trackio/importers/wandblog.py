"""Read the records of a `.wandb` file, and the items in them. Knows no run.

The format is that of LevelDB's log with another checksum; records are protocol buffers. A
file begins with 7 bytes of its own. Blocks of 32 KiB hold pieces of records: a checksum
(CRC-32 of kind and bytes), a length, a kind: whole, first, middle or last.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from trackio.errors import InvalidInput
from trackio.importers.protobuf import (
    BYTES,
    FIXED64,
    VARINT,
    MalformedError,
    double,
    fields,
    signed,
    text,
    varint,
    zigzag,
)

_IDENT: Final = b":W&B"
_FILE_HEADER: Final = 7
_BLOCK: Final = 32 << 10
_PIECE: Final = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4

_TEXT: Final = object()
"""Stands for a value until its text is decoded."""

Item = tuple[tuple[str, ...], Any]
"""A path of keys and a value."""


class Broken(NamedTuple):
    """Bytes that are no record: where, and why."""

    at: int
    reason: str


def read_records(path: Path) -> Iterator[bytes | Broken]:
    """The records of a file, one after the other; what is damaged is told.

    Raises:
        InvalidInput: it is no such file.
    """
    with path.open("rb") as file:
        if file.read(_FILE_HEADER)[:4] != _IDENT:
            raise InvalidInput(f"{path} is no .wandb file")
        at, parts = 0, list[bytes]()
        rest = file.read(_BLOCK - _FILE_HEADER)
        at = _FILE_HEADER
        while rest:
            for kind, data in _pieces(rest, at):
                if isinstance(data, Broken):
                    parts = []
                    yield data
                elif kind == _FULL:
                    yield data
                elif kind == _FIRST:
                    parts = [data]
                elif parts:
                    parts.append(data)
                    if kind == _LAST:
                        yield b"".join(parts)
                        parts = []
            at += len(rest)
            rest = file.read(_BLOCK)
        if parts:
            yield Broken(at, "the last record is cut off")


def _pieces(block: bytes, where: int) -> Iterator[tuple[int, bytes | Broken]]:
    at, end = 0, len(block)
    while at + _PIECE.size <= end:
        checksum, size, kind = _PIECE.unpack_from(block, at)
        begin = at + _PIECE.size
        if not kind and not size:
            return
        data = block[begin : begin + size]
        if len(data) < size:
            yield kind, Broken(where + at, "a record is cut off")
            return
        if zlib.crc32(data, zlib.crc32(bytes([kind]))) != checksum:
            yield kind, Broken(where + at, "the checksum of a record is wrong")
        else:
            yield kind, data
        at = begin + size


def read_items(data: bytes, wanted: int = 1) -> list[Item]:
    """The items of a history, a summary, a config or statistics.

    Raises:
        MalformedError: it is none.
    """
    found: list[Item] = []
    texts: list[bytes] = []
    at, end = 0, len(data)
    tag = wanted << 3 | BYTES
    while at < end:
        if data[at] == tag and data[at + 1] < 128:  # nearly always
            size, at = data[at + 1], at + 2
            found.append(_item(data, at, at + size, texts))
            at += size
            continue
        number, at = varint(data, at)
        if number & 7 == BYTES:
            size, at = varint(data, at)
            if number == tag:
                found.append(_item(data, at, at + size, texts))
            at += size
        elif number & 7 == VARINT:
            _, at = varint(data, at)
        else:
            at += 8 if number & 7 == FIXED64 else 4
    if at > end:
        raise MalformedError("a record reaches beyond its end")
    return _decoded(found, texts)


def _decoded(items: list[Item], texts: list[bytes]) -> list[Item]:
    """The items with what their texts say, which stand in the same order."""
    if len(texts) == len(items) and all(value is _TEXT for _, value in items):
        try:
            values = orjson.loads(b"[" + b",".join(texts) + b"]")
        except orjson.JSONDecodeError:
            pass
        else:
            if len(values) == len(items):
                return [(key, value) for (key, _), value in zip(items, values, strict=True)]
    left = iter(texts)
    return [(key, _json(next(left)) if value is _TEXT else value) for key, value in items]


def _item(data: bytes, at: int, end: int, texts: list[bytes]) -> Item:
    """One item; nearly all are a key of one part and a text of JSON, which is set apart."""
    key: tuple[str, ...] = ()
    value: Any = None
    while at < end:
        tag = data[at]
        if tag in (0x0A, 0x12) and data[at + 1] < 128:  # key or a part of one
            stop = at + 2 + data[at + 1]
            part = data[at + 2 : stop].decode("utf-8", "backslashreplace")
            key = (*key, part) if tag == 0x12 else (part,)
            at = stop
        elif tag == 0x82 and data[at + 1] == 1 and data[at + 2] < 128:  # value_json
            stop = at + 3 + data[at + 2]
            texts.append(data[at + 3 : stop])
            value = _TEXT
            at = stop
        else:
            return _any_item(data[at:end], key, value, texts)
    return key, value


def _any_item(data: bytes, key: tuple[str, ...], value: Any, texts: list[bytes]) -> Item:
    for number, kind, said in fields(data):
        match number, kind:
            case 1, 2:
                key = (text(said),)
            case 2, 2:
                key = (*key, text(said))
            case 4, 0:
                value = bool(said)
            case 5, 0:
                value = zigzag(said)
            case 6, 1:
                value = double(said)
            case 7, 2:
                value = text(said)
            case (8, 2) | (16, 2):
                texts.append(said)
                value = _TEXT
    return key, value


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(data)  # NaN and its like, which wandb writes and JSON has not
    except ValueError as exc:
        raise MalformedError(f"{data[:80]!r} is no JSON") from exc


def read_time_us(data: bytes) -> int:
    """A `Timestamp`: seconds and nanoseconds."""
    found = {number: signed(value) for number, kind, value in fields(data) if kind == VARINT}
    return found.get(1, 0) * 1_000_000 + found.get(2, 0) // 1000


def texts_of(data: bytes) -> dict[int, list[str]]:
    """Every field of a message that may be a text."""
    found: dict[int, list[str]] = {}
    for number, kind, value in fields(data):
        if kind == BYTES:
            found.setdefault(number, []).append(text(value))
    return found
