"""Sort what one `log` call says into what becomes of it: numbers, media, reports, traces.

Rows of other kinds than metrics are calls of their own: one for media, one for reports, and
of several traces under one key one each. Files nothing itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from trackio.model import MEDIA, TRACE, Json
from trackio.values.html import Html, find_drawer
from trackio.values.image import Image
from trackio.values.plain import (
    MAX_INLINE,
    UnstorableError,
    Warn,
    dump_text,
    flatten,
    tag,
    try_plain,
)
from trackio.values.rich import Hold, Rich, dump_within, refer
from trackio.values.table import Table

_NUMBERS: Final = frozenset({float, int, bool, type(None)})
_SIMPLE: Final = _NUMBERS | {str}
_LISTS: Final = frozenset({list, tuple})
_FRAMES: Final = frozenset({"pandas", "polars"})


class Sorted(NamedTuple):
    """The data of a `log` line, and those of the calls beside it, each with its kind."""

    body: bytes
    others: list[tuple[str, bytes]]


def sort_values(data: Mapping[Any, Any], warn: Warn, hold: Hold) -> Sorted:
    """Sort one call; what cannot be stored is left out and warned about, key by key."""
    body: dict[str, Any] = {}
    calls: dict[tuple[str, int], dict[str, Any]] = {}
    for key, value in flatten(data, warn).items():
        if type(value) in _NUMBERS:
            body[key] = tag(value)
            continue
        try:
            rows = _rows(key, value, body, warn, hold)
        except UnstorableError as exc:
            warn(key, f"is skipped: {exc}")
        except OSError as exc:
            warn(key, f"is skipped: its file cannot be read, or not be kept ({exc})")
        except Exception as exc:  # noqa: BLE001 - a foreign object's own code may raise anything
            warn(key, f"is skipped: its {type(value).__name__} cannot be encoded ({exc!r})")
        else:
            for place, (kind, text) in enumerate(rows):
                calls.setdefault((kind, place), {})[key] = tag(text)
    others = [(kind, orjson.dumps(said)) for (kind, _), said in calls.items()]
    return Sorted(orjson.dumps(body), others)


def _rows(
    key: str, value: Any, body: dict[str, Any], warn: Warn, hold: Hold
) -> Sequence[tuple[str, Json]]:
    """The kind and the text of each row beside the metrics; a plain value joins `body`."""
    if type(value) in _LISTS:
        if not _SIMPLE.issuperset(map(type, value)):
            found = [as_rich(item) for item in value]
            if any(one is not None for one in found):
                return list(_list_rows(zip(value, found, strict=True), hold))
    elif (rich := as_rich(value)) is not None:
        return [(rich.KIND, _text(rich, hold))]
    plain = try_plain(key, value, warn)
    if plain is None:
        return ()
    if isinstance(plain[0], str) and len(plain[0]) > MAX_INLINE:
        return [(MEDIA, _long(plain[0], hold))]
    body[key] = tag(*plain)
    return ()


def as_rich(value: Any) -> Rich | None:
    """The rich value that this is, or that is meant by it: a figure, a picture, a DataFrame."""
    if type(value) in _SIMPLE:
        return None
    if isinstance(value, Rich):
        return value
    if find_drawer(value) is not None:
        return Html(value, inject=False)
    root = type(value).__module__.partition(".")[0]
    if root == "PIL" and hasattr(value, "convert"):
        return Image(value)
    if root in _FRAMES and type(value).__name__ == "DataFrame":
        return Table(dataframe=value)
    return None


def _list_rows(items: Iterable[tuple[Any, Rich | None]], hold: Hold) -> Iterator[tuple[str, Json]]:
    rest = []
    for index, (item, rich) in enumerate(items):
        if rich is not None and rich.KIND == TRACE:
            yield TRACE, _text(rich, hold, index)
        else:
            rest.append(item if rich is None else refer(rich, hold))
    if rest:
        yield MEDIA, Json(dump_text(rest))


def _text(rich: Rich, hold: Hold, index: int | None = None) -> Json:
    if rich.KIND != TRACE:
        return dump_within(refer(rich, hold), hold, rich.BRIEF)
    return dump_within({"index": index, **rich.encode(hold)}, hold, rich.BRIEF)


def _long(plain: str, hold: Hold) -> Json:
    """A reference to a long text, or to a long JSON."""
    kind, extension = ("json", "json") if isinstance(plain, Json) else ("text", "txt")
    held = hold(plain.encode(), extension)
    return Json(dump_text({"_type": f"trackio.{kind}", **held._asdict()}))
