"""Turn answers into valid JSON for programs. Knows no command, no page and no query.

JSON has no word for NaN and the infinities: they become the strings "NaN", "Infinity" and
"-Infinity", as in the store.
"""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any

import orjson

from trackio.model import Json

_MAX_64_BIT = (1 << 63) - 1


def to_json(value: Any, *, pretty: bool = False) -> str:
    """`value` as JSON: dataclasses and named tuples as objects, arrays as lists.

    What has no form of its own in JSON (a path, a decimal, a duration) becomes its text.
    """
    options = orjson.OPT_INDENT_2 if pretty else 0
    return orjson.dumps(_jsonable(value), option=options).decode()


def iso_time(time_s: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(time_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _jsonable(value: Any) -> Any:  # noqa: C901 - one case for each kind of value
    match value:
        case None | bool():
            return value
        case Json():
            return orjson.Fragment(str(value))
        case Enum():
            return _jsonable(value.value)
        case float():
            return float(value) if math.isfinite(value) else _non_finite(value)
        case int():
            fits = -_MAX_64_BIT <= value <= _MAX_64_BIT
            return int(value) if fits else orjson.Fragment(str(int(value)))
        case str():
            return _valid_text(value)
        case Mapping():
            return {_valid_text(str(key)): _jsonable(inner) for key, inner in value.items()}
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return _compound(value)


def _compound(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _jsonable(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "_asdict"):
        return _jsonable(value._asdict())
    if hasattr(value, "tolist"):  # an array or a number of numpy
        return _jsonable(value.tolist())
    if isinstance(value, list | tuple):
        if set(map(type, value)) == {float} and all(map(math.isfinite, value)):
            return value  # a long series, as it mostly is
        return [_jsonable(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted((_jsonable(inner) for inner in value), key=str)
    return _valid_text(str(value))


def _non_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _valid_text(text: str) -> str:
    """`text` with lone surrogates, which UTF-8 cannot hold, written as escapes."""
    return str(text) if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
