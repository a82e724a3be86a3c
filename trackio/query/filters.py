"""Choose and sort runs by what is known of them. Pure.

A filter is a dict in the style of MongoDB, which wandb's users know: `{"config.lr": 0.1}`,
`{"summary.loss": {"$lt": 0.2}}`, `{"$or": [{"state": "failed"}, {"tags": "bad"}]}`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from trackio.errors import InvalidInput
from trackio.query.runs import RunRow
from trackio.query.said import parse_time

Test = Callable[[RunRow], bool]

_MISSING: Final = object()
_FIELDS: Final[Mapping[str, Callable[[RunRow], Any]]] = {
    "id": lambda row: row.run_id,
    "name": lambda row: row.name,
    "display_name": lambda row: row.name,
    "group": lambda row: row.group,
    "tags": lambda row: row.tags,
    "notes": lambda row: row.notes,
    "state": lambda row: row.status,
    "status": lambda row: row.status,
    "host": lambda row: row.host,
    "created": lambda row: row.created_s,
    "created_at": lambda row: row.created_s,
    "updated": lambda row: row.updated_s,
    "ended": lambda row: row.ended_s,
    "last_step": lambda row: row.last_step,
}
_TIMES: Final = {"created", "created_at", "updated", "ended"}


def compile_filter(filters: Mapping[str, Any] | str | None) -> Test:
    """A test that tells whether a run passes; a text is looked for in name, id, group and tags.

    Raises:
        InvalidInput: an unknown field or operator, or a value that fits neither.
    """
    if filters is None:
        return lambda row: True
    if isinstance(filters, str):
        return _search(filters.casefold())
    return _all([_clause(field, wanted) for field, wanted in filters.items()])


def sort_rows(rows: Iterable[RunRow], order: str) -> list[RunRow]:
    """The runs by one field, by `-field` from the largest; those that have no value come last.

    Raises:
        InvalidInput: there is no such field.
    """
    is_descending = order.startswith("-")
    get = _getter(order.removeprefix("-").removeprefix("+"))
    keyed = [(_sort_key(get(row)), row) for row in rows]
    has_value = [pair for pair in keyed if pair[0] is not None]
    has_value.sort(key=lambda pair: (pair[0], pair[1].run_id), reverse=is_descending)
    return [row for _, row in has_value] + [row for key, row in keyed if key is None]


def _search(text: str) -> Test:
    def passes(row: RunRow) -> bool:
        places = (row.name, row.run_id, row.group or "", *row.tags)
        return any(text in place.casefold() for place in places)

    return passes


def _clause(field: str, wanted: Any) -> Test:
    if field in ("$and", "$or"):
        tests = [compile_filter(inner) for inner in _listed(field, wanted)]
        return _all(tests) if field == "$and" else _any(tests)
    if field == "$not":
        test = compile_filter(wanted)
        return lambda row: not test(row)
    if field.startswith("$"):
        raise InvalidInput(f"unknown operator {field!r}: use $and, $or or $not around fields")
    get = _getter(field)
    is_operators = isinstance(wanted, Mapping) and any(key.startswith("$") for key in wanted)
    operators = wanted if is_operators else {"$eq": wanted}
    tests = [_operator(field, name, value) for name, value in operators.items()]
    return lambda row: all(test(get(row)) for test in tests)


def _operator(field: str, name: str, wanted: Any) -> Callable[[Any], bool]:
    if name == "$not":
        inner = wanted if isinstance(wanted, Mapping) else {"$eq": wanted}
        tests = [_operator(field, key, value) for key, value in inner.items()]
        return lambda value: not all(test(value) for test in tests)
    if name not in _OPERATORS:
        raise InvalidInput(f"unknown operator {name!r}: there are {', '.join(_OPERATORS)}, $not")
    if name in ("$in", "$nin"):
        wanted = [_as_field(field, one) for one in _listed(name, wanted)]
    elif name == "$regex":
        wanted = _pattern(wanted)
    elif name != "$exists":
        wanted = _as_field(field, wanted)
    test = _OPERATORS[name]
    return lambda value: test(value, wanted)


def _equals(value: Any, wanted: Any) -> bool:
    if isinstance(value, tuple) and not isinstance(wanted, list | tuple):
        return wanted in value
    if isinstance(value, bool) != isinstance(wanted, bool):
        return False
    if wanted is None:
        return value is _MISSING or value is None
    return bool(value == (tuple(wanted) if isinstance(value, tuple) else wanted))


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(value: Any, wanted: Any) -> bool:
        if value is _MISSING or value is None:
            return False
        try:
            return compare(value, wanted)
        except TypeError:
            return False

    return test


def _matches(value: Any, pattern: re.Pattern[str]) -> bool:
    texts = value if isinstance(value, tuple) else (value,)
    return any(isinstance(text, str) and pattern.search(text) is not None for text in texts)


_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$eq": _equals,
    "$ne": lambda value, wanted: not _equals(value, wanted),
    "$gt": _ordered(lambda value, wanted: value > wanted),
    "$gte": _ordered(lambda value, wanted: value >= wanted),
    "$lt": _ordered(lambda value, wanted: value < wanted),
    "$lte": _ordered(lambda value, wanted: value <= wanted),
    "$in": lambda value, wanted: any(_equals(value, one) for one in wanted),
    "$nin": lambda value, wanted: not any(_equals(value, one) for one in wanted),
    "$regex": _matches,
    "$exists": lambda value, wanted: (value is not _MISSING and value is not None) == bool(wanted),
}


def _getter(field: str) -> Callable[[RunRow], Any]:
    """What gives the value of a field, or `_MISSING`."""
    if field in _FIELDS:
        return _FIELDS[field]
    place, _, key = field.partition(".")
    slashed = key.replace(".", "/")
    if place == "config" and key:
        return lambda row: row.config.get(key, row.config.get(slashed, _MISSING))
    if place in ("summary", "summary_metrics") and key:
        return lambda row: _summary(row, key if key in row.summary else slashed)
    raise InvalidInput(
        f"unknown field {field!r}: there are {', '.join(_FIELDS)}, config.<key>, summary.<metric>"
    )


def _summary(row: RunRow, key: str) -> Any:
    stats = row.summary.get(key)
    if stats is None:
        return _MISSING
    return stats.text if stats.last is None else stats.last


def _as_field(field: str, wanted: Any) -> Any:
    """A time may be given as a datetime, as ISO 8601 or in seconds."""
    if field not in _TIMES or wanted is None or isinstance(wanted, int | float):
        return wanted
    if isinstance(wanted, datetime):
        return (wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)).timestamp()
    time_s = parse_time(str(wanted))
    if time_s is None:
        raise InvalidInput(f"{wanted!r} is not a time: write it like 2026-01-31T12:00:00Z")
    return time_s


def _sort_key(value: Any) -> tuple[int, Any] | None:
    """Numbers before texts; None for what cannot be sorted."""
    if isinstance(value, bool | int | float):
        return None if value != value else (0, value)  # noqa: PLR0124 - NaN is not itself
    return (1, value) if isinstance(value, str) else None


def _listed(name: str, wanted: Any) -> Sequence[Any]:
    if not isinstance(wanted, list | tuple | set | frozenset):
        raise InvalidInput(f"{name} needs a list, not {wanted!r}")
    return list(wanted)


def _pattern(wanted: Any) -> re.Pattern[str]:
    try:
        return re.compile(wanted)
    except (re.error, TypeError) as exc:
        raise InvalidInput(f"{wanted!r} is not a regular expression: {exc}") from exc


def _all(tests: Sequence[Test]) -> Test:
    return lambda row: all(test(row) for test in tests)


def _any(tests: Sequence[Test]) -> Test:
    return lambda row: any(test(row) for test in tests)
