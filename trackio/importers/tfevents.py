"""What the events of a TensorFlow event file say. Reads no file, writes nothing.

Nearly all events hold one number. `find_scalars` decodes those of one file that are alike all
at once, as the columns of a matrix of bytes; `parse_event` decodes any other.
"""

import struct
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from trackio.importers.protobuf import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    MalformedError,
    double,
    fields,
    packed,
    signed,
    single,
    spans,
    text,
    varint,
)
from trackio.importers.tfrecords import Piece, rows_at

_SCALARS: Final = "scalars"
_FEWEST: Final = 8
"""Fewer alike events are not worth a matrix."""
_WALL_TIME, _STEP, _SUMMARY = 1, 2, 5
_CODES: Final = {1: "f", 2: "d", 3: "i", 4: "B", 5: "h", 6: "b", 9: "q", 17: "H", 19: "e", 22: "I"}
"""The numbers of TensorFlow's types, and their codes in `struct`."""
_TYPED: Final = {5: "f", 6: "d"}


class Tensor(NamedTuple):
    """An array: its numbers, or its texts."""

    shape: tuple[int, ...]
    numbers: list[float]
    texts: list[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One value of a summary: `simple` or what its other fields are."""

    tag: str
    simple: float | None = None
    image: bytes | None = None
    histogram: bytes | None = None
    audio: bytes | None = None
    tensor: Tensor | None = None
    plugin: str | None = None
    content: bytes = b""


class Event(NamedTuple):
    """One event: when, where, what. `other` is the field that is no summary."""

    time_s: float
    step: int
    values: list[Said]
    other: int | None


class Scalars(NamedTuple):
    """Single numbers, by their place in the piece; `code` is -1 where there is another event."""

    code: npt.NDArray[np.int32]
    time_s: npt.NDArray[np.float64]
    step: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    tags: list[str]


def parse_event(data: bytes) -> Event:
    """Decode any event.

    Raises:
        MalformedError: it is none.
    """
    time_s, step, other = 0.0, 0, None
    values: list[Said] = []
    for number, kind, value in fields(data):
        if number == _WALL_TIME and kind == FIXED64:
            time_s = double(value)
        elif number == _STEP and kind == VARINT:
            step = signed(value)
        elif number == _SUMMARY and kind == BYTES:
            values += [_said(inner) for n, k, inner in fields(value) if n == 1 and k == BYTES]
        else:
            other = number
    return Event(time_s, step, values, other)


def _said(data: bytes) -> Said:
    found: dict[str, Any] = {"tag": ""}
    for number, kind, value in fields(data):
        match number, kind:
            case 1, 2:
                found["tag"] = text(value)
            case 2, 5:
                found["simple"] = single(value)
            case 4, 2:
                found["image"] = value
            case 5, 2:
                found["histogram"] = value
            case 6, 2:
                found["audio"] = value
            case 8, 2:
                found["tensor"] = _tensor(value)
            case 9, 2:
                found |= _plugin(value)
    return Said(**found)


def _plugin(data: bytes) -> dict[str, Any]:
    for number, kind, value in fields(data):
        if number == 1 and kind == BYTES:
            inner = {n: v for n, k, v in fields(value) if k == BYTES}
            return {"plugin": text(inner.get(1, b"")), "content": inner.get(2, b"")}
    return {}


def _tensor(data: bytes) -> Tensor:
    shape: tuple[int, ...] = ()
    kind_of_number, content = 0, b""
    numbers: list[float] = []
    texts: list[bytes] = []
    for number, kind, value in fields(data):
        if number == 1 and kind == VARINT:
            kind_of_number = value
        elif number == 2 and kind == BYTES:
            shape = tuple(_sizes(value))
        elif number == 4 and kind == BYTES:
            content = value
        elif number in _TYPED:
            numbers += packed(kind, value, _TYPED[number])
        elif number in (7, 10, 11, 16, 17):
            numbers += map(signed, _varints(kind, value))
        elif number == 8 and kind == BYTES:
            texts.append(value)
    if content:
        numbers = _numbers(content, kind_of_number)
    return Tensor(shape, numbers, texts)


def _sizes(data: bytes) -> list[int]:
    dims = [value for number, kind, value in fields(data) if number == 2 and kind == BYTES]
    return [next((v for n, k, v in fields(dim) if n == 1 and k == VARINT), 0) for dim in dims]


def _varints(kind: int, value: Any) -> list[int]:
    if kind == VARINT:
        return [value]
    found, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        found.append(number)
    return found


def _numbers(content: bytes, kind: int) -> list[float]:
    code = _CODES.get(kind)
    if code is None or len(content) % struct.calcsize(f"<{code}"):
        raise MalformedError(f"a tensor of type {kind} is not known")
    return list(struct.unpack(f"<{len(content) // struct.calcsize(f'<{code}')}{code}", content))


class _Layout(NamedTuple):
    """Where in an event its three numbers lie; all other bytes are the same in those alike."""

    tag: str
    time_at: int
    step: tuple[int, int] | None
    value_at: int
    value_type: str


def find_scalars(piece: Piece) -> Scalars:
    """The events of a piece that hold one number and nothing else."""
    count = len(piece.starts)
    found = Scalars(
        np.full(count, -1, dtype=np.int32),
        np.zeros(count),
        np.zeros(count, dtype=np.int64),
        np.zeros(count),
        [],
    )
    whole = np.frombuffer(piece.data, dtype=np.uint8)
    order = np.argsort(piece.sizes, kind="stable")
    cuts = np.flatnonzero(np.diff(piece.sizes[order])) + 1
    for places in np.split(order, cuts):
        if len(places) >= _FEWEST and piece.sizes[places[0]] < 1024:
            _find_alike(piece, whole, places, found)
    return found


def _find_alike(
    piece: Piece, whole: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], found: Scalars
) -> None:
    """Decode the events of one size, a tag after the other."""
    size = int(piece.sizes[places[0]])
    left = np.array([place for place in places.tolist() if place not in piece.bad], dtype=np.int64)
    rows = rows_at(whole, piece.starts[left], size)
    while len(left) >= _FEWEST:
        layout = _layout(rows[0].tobytes())
        if layout is None:  # something else: to be looked at alone
            left, rows = left[1:], rows[1:]
            continue
        alike = _alike(rows, layout)
        _decode(rows[alike], left[alike], layout, found)
        left, rows = left[~alike], rows[~alike]


def _layout(data: bytes) -> _Layout | None:
    try:
        top = {number: (kind, begin, end) for number, kind, begin, end in spans(data, 0, len(data))}
        if not top.keys() <= {_WALL_TIME, _STEP, _SUMMARY} or not {1, 5} <= top.keys():
            return None
        values = list(spans(data, *top[_SUMMARY][1:]))
        if len(values) != 1 or values[0][0] != 1:
            return None
        (said,) = parse_event(data).values
        value = _value_span(data, *values[0][2:], said)
    except MalformedError:
        return None
    if value is None:
        return None
    step = top[_STEP][1:] if _STEP in top else None
    return _Layout(said.tag, top[_WALL_TIME][1], step, *value)


def _value_span(data: bytes, begin: int, end: int, said: Said) -> tuple[int, str] | None:
    """Where the number of a value lies, and its type in NumPy."""
    inner = {number: (at, to) for number, _, at, to in spans(data, begin, end)}
    if inner.keys() == {1, 2}:
        return inner[2][0], "<f4"
    if said.tensor is None or said.plugin != _SCALARS or len(said.tensor.numbers) != 1:
        return None
    for number, kind, at, to in spans(data, *inner[8]):
        width = {"<f4": 4, "<f8": 8}
        if number in (4, 5, 6) and kind in (BYTES, FIXED32, FIXED64):
            is_double = to - at == 8
            value_type = "<f8" if is_double else "<f4"
            dtype = {4: 2 if is_double else 1, 5: 1, 6: 2}[number]
            fits = width[value_type] == to - at and _type_of(data, inner[8]) == dtype
            return (at, value_type) if fits else None
    return None


def _type_of(data: bytes, span: tuple[int, int]) -> int | None:
    for number, kind, at, _ in spans(data, *span):
        if number == 1 and kind == VARINT:
            return varint(data, at)[0]
    return None


def _alike(rows: npt.NDArray[np.uint8], layout: _Layout) -> npt.NDArray[np.bool_]:
    constant = np.ones(rows.shape[1], dtype=bool)
    constant[layout.time_at : layout.time_at + 8] = False
    constant[layout.value_at : layout.value_at + int(layout.value_type[2])] = False
    alike: npt.NDArray[np.bool_]
    if layout.step is None:
        alike = (rows[:, constant] == rows[0, constant]).all(axis=1)
        return alike
    begin, end = layout.step
    constant[begin:end] = False
    alike = (rows[:, constant] == rows[0, constant]).all(axis=1)
    alike &= (rows[:, begin : end - 1] >= 128).all(axis=1) & (rows[:, end - 1] < 128)
    return alike


def _decode(
    rows: npt.NDArray[np.uint8], places: npt.NDArray[np.int64], layout: _Layout, found: Scalars
) -> None:
    found.code[places] = len(found.tags)
    found.tags.append(layout.tag)
    found.time_s[places] = _numbers_at(rows, layout.time_at, "<f8")
    found.value[places] = _numbers_at(rows, layout.value_at, layout.value_type)
    if layout.step is not None:
        begin, end = layout.step
        steps = np.zeros(len(rows), dtype=np.uint64)
        for place, column in enumerate(range(begin, end)):
            bits = (rows[:, column] & 127).astype(np.uint64)
            steps |= bits << np.uint64(7 * place)
        found.step[places] = steps.view(np.int64)


def _numbers_at(rows: npt.NDArray[np.uint8], at: int, kind: str) -> npt.NDArray[np.float64]:
    width = int(kind[2])
    numbers: npt.NDArray[np.float64] = rows[:, at : at + width].copy().view(kind)[:, 0]
    return numbers.astype(np.float64)
