"""Sort what one legacy row says into the rows it becomes. No IO: media are found by the caller.

Plain values stay metrics, nested objects are flattened with `/`, objects that say their
`_type` become media, reports and traces (`docs/migration.md`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from trackio.model import MEDIA, REPORT, Json, Value
from trackio.upkeep.migrate.jsons import NON_FINITE
from trackio.upkeep.migrate.legacy import valid_text
from trackio.values.plain import dump_text

_MARKDOWN: Final = "trackio.markdown"
_TRACE_TYPE: Final = "trackio.trace"
_OURS: Final = "trackio."

Attach = Callable[[dict[str, Any]], dict[str, Any]]
"""Says of an object with a `file_path` which file that is, in keys beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One trace that was logged under `key`, at place `index` if in a list."""

    key: str
    index: int | None
    said: dict[str, Any]


@dataclass(slots=True)
class Parts:
    """What one row becomes: values by kind and key, and its traces."""

    values: dict[str, dict[str, Value]] = field(default_factory=dict)
    traces: list[Trace] = field(default_factory=list)

    def put(self, kind: str, key: str, value: Value) -> None:
        """Take in one row."""
        self.values.setdefault(kind, {})[key] = value


def sort_values(
    data: Mapping[str, Any], kind: str, *, attach: Attach, decodes_nested: bool
) -> Parts:
    """Sort the object of one row.

    Args:
        data: the decoded object.
        kind: the kind of what is a plain value.
        attach: see `Attach`.
        decodes_nested: whether "NaN" and its like are numbers inside objects too.
    """
    parts = Parts()
    sorter = _Sorter(parts, kind, attach, decodes_nested)
    for name, value in data.items():
        sorter.take(valid_text(name), value, taken=data)
    return parts


def attach_all(value: Any, attach: Attach) -> Any:
    """`value` with every object in it that has a `file_path` attached."""
    if isinstance(value, dict):
        inner = {key: attach_all(item, attach) for key, item in value.items()}
        return attach(inner) if isinstance(value.get("file_path"), str) else inner
    if isinstance(value, list):
        return [attach_all(item, attach) for item in value]
    return value


def is_typed(value: Any) -> bool:
    """Whether it is an object that says which of our types it is."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("_type"), str)
        and value["_type"].startswith(_OURS)
    )


class _Sorter:
    def __init__(self, parts: Parts, kind: str, attach: Attach, decodes_nested: bool) -> None:
        self._parts = parts
        self._kind = kind
        self._attach = attach
        self._decodes_nested = decodes_nested

    def take(self, key: str, value: Any, *, taken: Mapping[str, Any], depth: int = 0) -> None:
        if value is None or type(value) in (float, int, bool):
            self._parts.put(self._kind, key, value)
        elif isinstance(value, str):
            self._take_text(key, value, depth)
        elif isinstance(value, list):
            self._take_list(key, value)
        elif is_typed(value):
            self._take_typed(key, value)
        else:
            self._take_object(key, value, taken, depth)

    def _take_text(self, key: str, text: str, depth: int) -> None:
        is_decoded = depth == 0 or self._decodes_nested
        value = NON_FINITE.get(text, text) if is_decoded else text
        self._parts.put(self._kind, key, value if isinstance(value, float) else valid_text(value))

    def _take_list(self, key: str, items: list[Any]) -> None:
        rest = []
        for index, item in enumerate(items):
            if is_typed(item) and item["_type"] == _TRACE_TYPE:
                self._take_trace(key, item, index)
            else:
                rest.append(item)
        if rest or not items:
            kind = MEDIA if any(map(_holds_typed, rest)) else self._kind
            self._parts.put(kind, key, Json(dump_text(attach_all(rest, self._attach))))

    def _take_typed(self, key: str, said: dict[str, Any]) -> None:
        if said["_type"] == _TRACE_TYPE:
            self._take_trace(key, said, None)
            return
        kind = REPORT if said["_type"] == _MARKDOWN else MEDIA
        self._parts.put(kind, key, Json(dump_text(attach_all(said, self._attach))))

    def _take_trace(self, key: str, said: dict[str, Any], index: int | None) -> None:
        self._parts.traces.append(Trace(key=key, index=index, said=said))

    def _take_object(
        self, key: str, value: dict[str, Any], taken: Mapping[str, Any], depth: int
    ) -> None:
        flat = [] if depth > _MAX_DEPTH else list(_flatten(key, value))
        names = [name for name, _, _ in flat]
        if not flat or len(set(names)) < len(names) or any(name in taken for name in names):
            # Flattening would drop something: the object stays one value.
            self._parts.put(self._kind, key, Json(dump_text(attach_all(value, self._attach))))
            return
        for name, inner, inner_depth in flat:
            if isinstance(inner, dict) and not is_typed(inner):
                self._parts.put(self._kind, name, Json(dump_text(inner)))
            else:
                self.take(name, inner, taken={}, depth=inner_depth)


_MAX_DEPTH: Final = 100


def _flatten(key: str, value: dict[str, Any], depth: int = 1) -> Iterator[tuple[str, Any, int]]:
    """The values in an object, each under its whole name, and how deep it lay."""
    for name, inner in value.items():
        path = f"{key}/{valid_text(name)}"
        if isinstance(inner, dict) and inner and not is_typed(inner) and depth < _MAX_DEPTH:
            yield from _flatten(path, inner, depth + 1)
        else:
            yield path, inner, depth


def _holds_typed(value: Any) -> bool:
    if isinstance(value, dict):
        return is_typed(value) or any(map(_holds_typed, value.values()))
    return isinstance(value, list) and any(map(_holds_typed, value))
