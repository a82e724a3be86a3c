"""JSON that others wrote, as a value that is no deeper than can be written again. No IO."""

from typing import Any, Final

import orjson

DEEPEST: Final = 100
"""Levels; encoders give up at some 250, and nobody reads so far."""


def parse_json(text: str | bytes) -> Any:
    """The value; what lies too deep in it is kept as text.

    Raises:
        orjson.JSONDecodeError: it is no JSON.
    """
    found = orjson.loads(text)
    marks = ("[", "{") if isinstance(text, str) else (b"[", b"{")
    if sum(map(text.count, marks)) <= DEEPEST:  # type: ignore[arg-type] # of the type of `text`
        return found
    return cut(found)


def cut(value: Any, levels: int = DEEPEST) -> Any:
    """The value with text in place of what lies more levels down."""
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        return "…"
    if isinstance(value, dict):
        return {key: cut(inner, levels - 1) for key, inner in value.items()}
    return [cut(inner, levels - 1) for inner in value]
