"""Turn what a user logs into the JSON object of a journal line, and back. No disk, no media.

The object is flat. Finite doubles, integers below 2^53, bools and strings stand as they are;
anything else stands as a tag: `{"float": "nan"}`, `{"int": "<digits>"}`, `{"json": "<text>"}`.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from enum import Enum
from numbers import Real
from typing import Any, cast
from uuid import UUID

import orjson

from trackio.model import Json, Value

Warn = Callable[[str, str], None]
"""Called with a key and what is wrong with it."""

_OPTIONS = (
    orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_BRACKET = ord("[")
_EXACT_INT = 1 << 53
MAX_INLINE = 64 << 10
"""A longer text is no value of a row but a file of its own, where a call has room for one."""
_USUAL_BYTES = 64  # of a number and its name
_MAX_64_BIT = (1 << 63) - 1


class UnstorableError(TypeError):
    """No row can hold this value."""


def encode_data(data: Mapping[Any, Any], warn: Warn) -> bytes:
    """The JSON object for `data`; what cannot be stored is left out and warned about."""
    body = encode_quickly(data)
    return encode_flat(flatten(data, warn), warn) if body is None else body


def encode_quickly(data: Mapping[Any, Any]) -> bytes | None:
    """The JSON object for `data` if it is plain; None if it has to be looked at value by value.

    One pass in C serves the usual case: a flat dict of finite numbers, bools and plain
    strings. Everything else shows in the bytes: a null may be a NaN, an inner bracket is
    nested, many bytes may be one long text.
    """
    try:
        body = orjson.dumps(data, _scalar, _OPTIONS)
    except TypeError:
        return None
    if body.find(b"null") != -1 or _BRACKET in body or body.rfind(b"{"):
        return None
    # Many numbers make a long body too; to look through them would cost half as much again.
    is_long = len(body) > MAX_INLINE and len(body) > MAX_INLINE + _USUAL_BYTES * len(data)
    return None if is_long and _has_long_text(data) else body


def decode_data(data: dict[str, Any]) -> dict[str, Value]:
    """The values that `encode_data` wrote, tags resolved."""
    return {key: _untag(value) if type(value) is dict else value for key, value in data.items()}


def dump_text(value: Any) -> str:
    """`value` as JSON text; non-finite numbers become "NaN", "Infinity", "-Infinity".

    Raises:
        UnstorableError: JSON has no form for it.
    """
    try:
        return orjson.dumps(_jsonable(value)).decode()
    except (TypeError, RecursionError) as exc:
        raise UnstorableError(f"a {type(value).__name__} cannot be stored") from exc


def flatten(data: Mapping[Any, Any], warn: Warn) -> dict[str, Any]:
    """Nested dicts joined with `/`; of two values under one key the later wins, with a warning.

    A dict that contains itself, or whose own code fails, is left out and warned about.
    """
    flat: dict[str, Any] = {}
    try:
        for raw, value in data.items():
            for key, plain in _flat_item(raw, value, warn):
                if key in flat:
                    warn(key, "is given twice in one call; the later value is kept")
                flat[key] = plain
    except Exception as exc:  # noqa: BLE001 - a foreign mapping's own code may raise anything
        warn("log()", f"is given a {_type_name(data)} that cannot be read ({_said_by(exc)})")
    return flat


def _flat_item(raw: Any, value: Any, warn: Warn) -> list[tuple[str, Any]]:
    """One item of the outermost dict, flattened; nothing if that is impossible."""
    try:
        key = _text_of(raw)
    except Exception as exc:  # noqa: BLE001 - as above
        warn(_type_name(raw), f"is skipped: it cannot be the name of a value ({_said_by(exc)})")
        return []
    try:
        return list(_flat_items(key, value))
    except RecursionError:
        warn(key, "is skipped: it contains itself, or is nested too deeply")
    except Exception as exc:  # noqa: BLE001 - as above
        warn(key, f"is skipped: it cannot be read ({_said_by(exc)})")
    return []


def _flat_items(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for raw, inner in value.items():
            yield from _flat_items(f"{key}/{_text_of(raw)}", inner)
    else:
        yield key, value


def encode_flat(flat: Mapping[str, Any], warn: Warn) -> bytes:
    """The JSON object for what `flatten` gave, as `encode_data`."""
    body = {}
    for key, value in flat.items():
        if (plain := try_plain(key, value, warn)) is not None:
            body[key] = tag(*plain)
    return orjson.dumps(body)


def try_plain(key: str, value: Any, warn: Warn) -> tuple[Value] | None:
    """The one value that a row can hold of this; None, with a warning, if there is none."""
    try:
        return (_plain(value),)
    except UnstorableError as exc:
        warn(key, f"is skipped: {exc}")
    except Exception as exc:  # noqa: BLE001 - a foreign object's own code may raise anything
        warn(key, f"is skipped: a {_type_name(value)} cannot be stored ({_said_by(exc)})")
    return None


def tag(plain: Value) -> Any:
    """A value as it stands in the object of a line."""
    if type(plain) is float and not math.isfinite(plain):
        return {"float": str(plain)}
    if plain is None:
        return {"json": "null"}
    if type(plain) is int and not -_EXACT_INT < plain < _EXACT_INT:
        return {"int": str(plain)}
    if isinstance(plain, Json):
        return {"json": str(plain)}
    return plain


def _untag(tagged: dict[str, str]) -> Value:
    ((tag, text),) = tagged.items()
    return _TAGS[tag](text)


_TAGS: dict[str, Callable[[str], Value]] = {"float": float, "int": int, "json": Json}


def _plain(value: Any) -> Value:
    """`value` as what a row can hold."""
    if value is None or type(value) in (float, int, bool, Json):
        return cast("Value", value)
    if isinstance(value, str):
        return _valid_text(str(value))
    if isinstance(value, list | tuple | set | frozenset | Mapping):
        return Json(dump_text(value))
    return _plain(_scalar(value))


def _scalar(value: Any) -> Any:
    """What stands for a value that is not itself JSON: a number, a bool or a string.

    Raises:
        UnstorableError: nothing does.
    """
    if isinstance(value, Enum):
        return value.value
    for plain in (bool, int, float, str):
        if isinstance(value, plain):
            return plain(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if callable(item := getattr(value, "item", None)):
        return _item(value, item)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        raise UnstorableError(f"a {type(value).__name__} is not one value")
    if hasattr(value, "__float__"):
        return float(value)
    raise UnstorableError(f"a {_type_name(value)} cannot be stored")


def _item(value: Any, item: Callable[[], Any]) -> Any:
    """The one element of a numpy or torch value."""
    try:
        element = item()
    except (TypeError, ValueError, RuntimeError) as exc:
        shape = "×".join(map(str, getattr(value, "shape", ()))) or "unknown shape"
        raise UnstorableError(
            f"a {_type_name(value)} of {shape} is not one number; log a number of it"
        ) from exc
    if isinstance(element, bool | int | float | str):
        return element
    if isinstance(element, Real):  # a long double, which is no Python number
        return float(element)
    raise UnstorableError(
        f"a {_type_name(value)} holds a {type(element).__name__}, which cannot be stored"
    )


def _jsonable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, float):
        return float(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return (
            int(value) if -_MAX_64_BIT <= value <= _MAX_64_BIT else orjson.Fragment(str(int(value)))
        )
    if isinstance(value, str):
        return _valid_text(str(value))
    if isinstance(value, Mapping):
        return {_valid_text(str(key)): _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted((_jsonable(inner) for inner in value), key=str)
    return _jsonable(_scalar(value))


def _has_long_text(data: Mapping[Any, Any]) -> bool:
    return any(isinstance(value, str) and len(value) > MAX_INLINE for value in data.values())


def _text_of(key: Any) -> str:
    return _valid_text(key if isinstance(key, str) else str(key))


def _valid_text(text: str) -> str:
    """`text` with lone surrogates, which UTF-8 cannot hold, written as escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _said_by(exc: Exception) -> str:
    """What an error of foreign code says, even if it cannot say it."""
    try:
        return repr(exc)
    except Exception:  # noqa: BLE001 - its own code again
        return type(exc).__name__
