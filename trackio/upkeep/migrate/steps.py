"""What a legacy step means: SQLite let anything into that column. Values in, values out."""

import math
import struct
from typing import Final, NamedTuple

_MAX: Final = (1 << 63) - 1
_SMALL_INT: Final = 1 << 24
"""As float32 the bits of smaller integers are denormal: nobody counts steps so."""
_INTEGERS: Final = {8: "<q", 2: "<h", 1: "<b"}


class Step(NamedTuple):
    """The step as a row can hold it, and the text of what stood there if that is not the same."""

    step: int | None
    raw: str | None = None


def parse_step(raw: object) -> Step:
    """An integer step; numbers with a fraction are rounded down, numpy's bytes are decoded."""
    match raw:
        case None:
            return Step(None)
        case bool():
            return Step(int(raw), str(raw))
        case int():
            return Step(raw) if -_MAX <= raw <= _MAX else Step(None, str(raw))
        case float():
            return _of_float(raw)
        case bytes():
            return _of_bytes(raw)
        case str():
            return _of_text(raw)
    return Step(None, str(raw))


def _of_float(number: float) -> Step:
    if not math.isfinite(number) or abs(number) >= _MAX:
        return Step(None, repr(number))
    return Step(math.floor(number), None if number.is_integer() else repr(number))


def _of_bytes(data: bytes) -> Step:
    if len(data) == 4:
        (number,) = struct.unpack("<i", data)
        (fraction,) = struct.unpack("<f", data)
        is_float = abs(number) >= _SMALL_INT and math.isfinite(fraction)
        value = fraction if is_float and 1e-6 < abs(fraction) < 1e9 else number
    elif len(data) in _INTEGERS:
        (value,) = struct.unpack(_INTEGERS[len(data)], data)
    else:
        return Step(None, data.hex())
    return Step(_of_float(float(value)).step if isinstance(value, float) else value, data.hex())


def _of_text(text: str) -> Step:
    try:
        return Step(int(text), text) if abs(int(text)) <= _MAX else Step(None, text)
    except ValueError:
        pass
    try:
        return Step(_of_float(float(text)).step, text)
    except ValueError:
        return Step(None, text)
