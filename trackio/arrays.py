"""Arrow arrays from Python and numpy values and back, without importing pandas.

The conversions of pyarrow itself (`pa.array`, `pa.scalar`, `to_numpy`) import it, which a
process that logs must not pay for.

Layouts are those of the Arrow columnar format: values, offsets, and validity as little-endian
bits.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

Numbers = np.ndarray[Any, Any]
_DTYPES: Final = {
    pa.int32(): np.int32,
    pa.int64(): np.int64,
    pa.float64(): np.float64,
    pa.timestamp("us", tz="UTC"): np.int64,
}


def from_numpy(values: Numbers, kind: pa.DataType, valid: Numbers | None = None) -> pa.Array:
    """An array of `kind` over the numpy values; where `valid` is False it is null."""
    data = np.ascontiguousarray(values, dtype=_DTYPES[kind])
    return pa.Array.from_buffers(kind, len(data), [_bits(valid), pa.py_buffer(data)])


def numbers(values: Sequence[float | None], kind: pa.DataType) -> pa.Array:
    """An array of `kind` of Python numbers; None is null."""
    if None not in values:
        return from_numpy(np.array(values, dtype=_DTYPES[kind]), kind)
    valid = np.array([value is not None for value in values])
    filled = [0 if value is None else value for value in values]
    return from_numpy(np.array(filled, dtype=_DTYPES[kind]), kind, valid)


def bools(values: Sequence[bool] | Numbers) -> pa.Array:
    """An array of bools."""
    flags = np.asarray(values, dtype=bool)
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, _bits(flags)])


def strings(values: Sequence[str | None]) -> pa.Array:
    """An array of strings; None is null."""
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int32)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    valid = np.array([value is not None for value in values], dtype=bool)
    buffers = [
        None if valid.all() else _bits(valid),
        pa.py_buffer(offsets),
        pa.py_buffer(b"".join(encoded)),
    ]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def to_numpy(column: pa.Array | pa.ChunkedArray) -> Numbers:
    """The values as numpy has them; where the column is null they are anything."""
    if isinstance(column, pa.ChunkedArray):
        parts = [to_numpy(chunk) for chunk in column.chunks]
        return parts[0] if len(parts) == 1 else _concatenate(parts, column.type)
    data = column.buffers()[1]
    if pa.types.is_boolean(column.type):
        return _unpacked(data, column.offset, len(column))
    dtype = _DTYPES[column.type]
    values: Numbers = np.frombuffer(data or b"", dtype=dtype)
    return values[column.offset : column.offset + len(column)]


def nulls(column: pa.Array | pa.ChunkedArray) -> Numbers | None:
    """Where the column is null; None if it is nowhere."""
    return to_numpy(column.is_null()) if column.null_count else None


def _concatenate(parts: Sequence[Numbers], kind: pa.DataType) -> Numbers:
    dtype = bool if pa.types.is_boolean(kind) else _DTYPES[kind]
    return np.concatenate(parts) if parts else np.array([], dtype=dtype)


def _bits(flags: Numbers | None) -> pa.Buffer | None:
    return None if flags is None else pa.py_buffer(np.packbits(flags, bitorder="little"))


def _unpacked(data: pa.Buffer | None, offset: int, length: int) -> Numbers:
    packed = np.frombuffer(data or b"", dtype=np.uint8)
    bits = np.unpackbits(packed, bitorder="little", count=offset + length)
    flags: Numbers = bits[offset:].astype(bool)
    return flags
