"""Decode legacy JSON: text or bytes, NaN literals, integers of any size. Nothing is guessed."""

import json
import re
from typing import Any, Final

import orjson

_LARGE: Final = float(1 << 63)
"""orjson turns integers beyond 64 bits into doubles; those are decoded again."""
_NUMERIC: Final = frozenset({float, int})
_LONG_DIGITS: Final = re.compile(rb"(?<![\d.])\d{19}")
NON_FINITE: Final = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "-Infinity": float("-inf"),
}


class UndecodableError(ValueError):
    """It is no JSON object; the message says why."""


def decode_object(body: Any) -> tuple[dict[str, Any], bool]:
    """The object, and whether it is plain: finite numbers only.

    Raises:
        UndecodableError: not JSON, or not an object.
    """
    try:
        found = body if isinstance(body, dict) else orjson.loads(body)
    except (orjson.JSONDecodeError, TypeError):
        found = _decode_leniently(body)
    if type(found) is not dict:
        raise UndecodableError(f"it is not a JSON object but {_named(found)}")
    values = found.values()
    if _NUMERIC.issuperset(map(type, values)):
        if not values or max(map(abs, values)) < _LARGE:
            return found, True
        if body is not found:
            found = _decode_leniently(body)
        return found, False
    if body is not found and _LONG_DIGITS.search(_as_bytes(body)):
        found = _decode_leniently(body)
    return found, False


def decode_value(body: Any) -> Any:
    """Any JSON value.

    Raises:
        UndecodableError: not JSON.
    """
    if not isinstance(body, str | bytes):
        return body
    return _decode_leniently(body)


def _decode_leniently(body: Any) -> Any:
    """As Python's own decoder has it: NaN literals and exact integers."""
    if not isinstance(body, str | bytes):
        raise UndecodableError(f"it is no text but {_named(body)}")
    try:
        return json.loads(_as_bytes(body).decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise UndecodableError(f"it cannot be decoded: {exc}") from exc


def _as_bytes(body: str | bytes) -> bytes:
    if isinstance(body, bytes):
        return body
    try:
        return body.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return body.encode("utf-8", "replace")


def _named(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
