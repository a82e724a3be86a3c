"""Values as text that is safe to print: what others named can move no cursor and break no line."""

import math
from datetime import UTC, datetime
from typing import Any

from trackio.render import to_json

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}


class Moment(float):
    """Seconds since 1970, to be shown as a time."""


def printable(text: str) -> str:
    """`text` with control characters, line breaks and tabs written as escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def one_line(message: str) -> str:
    """A message on one line."""
    return printable(" ".join(message.split()))


def count_of(count: int, noun: str) -> str:
    """So many of something: "1 file", "2 files"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def for_people(value: Any) -> str:
    """A short text: six significant digits, times of this machine's zone."""
    match value:
        case None:
            return ""
        case Moment():
            return for_people(datetime.fromtimestamp(value, UTC))
        case datetime() if value.tzinfo is not None:
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case float() if math.isfinite(value):
            return f"{value:.6g}"
        case _:
            return _plain(value)


def for_programs(value: Any) -> str:
    """The whole value: every digit, times in UTC to the microsecond."""
    match value:
        case None:
            return ""
        case Moment():
            return for_programs(datetime.fromtimestamp(value, UTC))
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case _:
            return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return printable(to_json(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return printable(str(value))


def _escape(char: str) -> str:
    return _SHORT.get(char) or char.encode("unicode_escape").decode()
