"""What a run's rows say beside its points: start, finish, config, summary, alerts. Values only."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

import orjson

from trackio.ids import id_time_ms
from trackio.model import CONFIG, DEFINE, FINISH, RUN, START, SUMMARY, WriterId
from trackio.values.definition import Definition, read_definition
from trackio.values.shallow import parse_json

_INTEGER: Final = re.compile(r"-?[0-9]{1,4000}")
_STEP: Final = (int, type(None))
_BOUND: Final = frozenset({float, int, str, bool, type(None)})
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Said(NamedTuple):
    """One row that is not a point, its value as it was given."""

    seq: int
    time_s: float
    step: int | None
    kind: str
    key: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What became of a metric: its last value, and min, max and mean over the finite ones.

    `last` is a number; a last value that is none stands in `text`. `step` is that of the
    last value.
    """

    last: float | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    count: int = 0
    step: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """How a writer ended."""

    time_s: float
    state: Literal["finished", "failed"]
    reason: str | None
    last_seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterSaid:
    """What one writer said.

    `summary` is what it counted, `shown` what the user put there, `defined` how metrics are read.
    """

    writer_id: WriterId
    start_s: float
    label: str | None = None
    host: str | None = None
    resumed_from: tuple[WriterId, ...] = ()
    finish: Finish | None = None
    last_time_s: float | None = None
    start: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Stats] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)
    defined: Mapping[str, Definition] = field(default_factory=dict)


def decode_value(value: float | None, text: str | None) -> Any:
    """What one row's columns `value` and `text` hold; a whole double comes back as an int.

    Parquet knows one kind of number, so `3.0` and `3` are alike.
    """
    if text is None:
        return int(value) if value is not None and value.is_integer() else value
    if value is not None:
        return _int_or_none(text) or value
    return _decode_json(text)


def hear_writer(writer_id: WriterId, said: Iterable[Said]) -> WriterSaid:
    """Sum up what a writer said, given in the order of seq; of several values the latest counts."""
    start: dict[str, Any] = {}
    finish: Finish | None = None
    config: dict[str, Any] = {}
    summary: dict[str, Stats] = {}
    shown: dict[str, Any] = {}
    defined: dict[str, Definition] = {}
    last_time_s = None
    for row in said:
        last_time_s = row.time_s if last_time_s is None else max(row.time_s, last_time_s)
        if row.kind == CONFIG:
            config[row.key] = row.value
        elif row.kind == SUMMARY:
            _hear_summary(row, summary, shown)
        elif row.kind == DEFINE:
            defined[row.key] = read_definition(row.value)
        elif row.kind == RUN and isinstance(row.value, dict):
            if row.key == START:
                start = row.value
            elif row.key == FINISH:
                finish = _finish(row)
    return WriterSaid(
        writer_id=writer_id,
        start_s=id_time_ms(writer_id) / 1000,
        label=_text_or_none(start.get("label")),
        host=_text_or_none(start.get("host")),
        resumed_from=_writer_ids(start.get("resumed_from")),
        finish=finish,
        last_time_s=last_time_s,
        start=start,
        config=config,
        summary=summary,
        shown=shown,
        defined=defined,
    )


def show(stats: Stats, value: Any) -> Stats:
    """`stats` with `value` as the last one."""
    number, text = split_value(value)
    return Stats(
        last=number,
        text=text,
        min=stats.min,
        max=stats.max,
        mean=stats.mean,
        count=stats.count,
        step=stats.step,
    )


def split_value(value: Any) -> tuple[float | None, str | None]:
    """A value as the number it is, or as text."""
    if value is None:
        return None, None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), None
    return None, value if isinstance(value, str) else orjson.dumps(value).decode()


def parse_time(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 time; without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _hear_summary(row: Said, summary: dict[str, Stats], shown: dict[str, Any]) -> None:
    if isinstance(row.value, dict) and _is_stats(row.value):
        summary[row.key] = _stats(row.value)
    else:
        shown[row.key] = row.value


def _is_stats(said: Mapping[str, Any]) -> bool:
    """Whether it is what a writer counts; anybody can log what only looks alike."""
    if type(said.get("count")) is not int or type(said.get("step")) not in _STEP:
        return False
    return _BOUND.issuperset(type(said.get(name)) for name in ("min", "max", "mean"))


def _writer_ids(said: Any) -> tuple[WriterId, ...]:
    found = said if isinstance(said, list) else ()
    return tuple(WriterId(one) for one in found if isinstance(one, str))


def _stats(said: Mapping[str, Any]) -> Stats:
    last = said.get("last")
    if isinstance(last, str):
        last = _NON_FINITE[last] if last in _NON_FINITE else _decode_json(last)
    number, text = split_value(last)
    return Stats(
        last=number,
        text=text,
        min=_number(said.get("min")),
        max=_number(said.get("max")),
        mean=_number(said.get("mean")),
        count=int(said["count"]),
        step=said.get("step"),
    )


def _finish(row: Said) -> Finish:
    last_seq = row.value.get("last_seq")
    return Finish(
        time_s=row.time_s,
        state="failed" if row.value.get("state") == "failed" else "finished",
        reason=_text_or_none(row.value.get("reason")),
        last_seq=last_seq if type(last_seq) is int else None,
    )


def _decode_json(text: str) -> Any:
    try:
        return parse_json(text)
    except orjson.JSONDecodeError:
        return text


def _int_or_none(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return _NON_FINITE.get(value)
    try:
        return None if value is None else float(value)
    except OverflowError:
        return None


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
