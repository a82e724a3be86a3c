"""The columns of the table of runs. Values go to the browser by the column, when it shows one.

A project may have ten thousand runs and hundreds of keys in their config: the list of columns is
small, and a column is a list of as many values as there are runs. No series, no HTTP.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from trackio.dashboard.meta import Meta
from trackio.query.runs import RunRow
from trackio.rows import EXACT_INT
from trackio.values.definition import find_definition

Row = dict[str, Any]
STATS: Final = ("last", "min", "max", "mean", "count", "best")
"""What of a metric a column may show; the best only where `define_metric` said which that is."""


def _duration_s(run: RunRow) -> float:
    end = run.updated_s if run.ended_s is None else run.ended_s
    return max(0.0, end - run.started_s)


_FIELDS: Final[dict[str, tuple[str, str, Callable[[RunRow], Any]]]] = {
    "name": ("Name", "name", lambda run: run.name),
    "status": ("Status", "status", lambda run: run.status),
    "updated": ("Updated", "age", lambda run: run.updated_s),
    "created": ("Created", "time", lambda run: run.created_s),
    "duration": ("Duration", "duration", _duration_s),
    "step": ("Last step", "number", lambda run: run.last_step),
    "group": ("Group", "text", lambda run: run.group),
    "tags": ("Tags", "tags", lambda run: list(run.tags) or None),
    "notes": ("Notes", "text", lambda run: run.notes),
    "host": ("Host", "text", lambda run: run.host),
}
_USUAL: Final = ("name", "status", "updated", "created", "duration", "step")


def columns(meta: Meta) -> Row:
    """Which columns there are; `codes` are the runs, newest first, in the order of all values.

    Config that differs between runs comes before what all share. Found out once a revision.
    """
    if "columns" not in meta.kept:
        meta.kept["columns"] = _columns(meta)
    return meta.kept["columns"]


def _columns(meta: Meta) -> Row:
    runs = meta.runs
    config = _config(runs)
    fields = [
        {"id": name, "name": text, "kind": kind, "group": "", "is_varied": _is_usual(name, runs)}
        for name, (text, kind, _) in _FIELDS.items()
    ]
    logged = set[str]().union(*(run.summary for run in runs))
    metrics = [key for key in meta.metric_codes if key in logged]
    metrics += sorted(logged - set(metrics))
    return {
        "rev": meta.rev,
        "codes": [meta.run_codes[run.run_id] for run in runs],
        "columns": [
            *fields,
            *(column for column in config if column["is_varied"]),
            *(_metric(meta, key) for key in metrics),
            *(column for column in config if not column["is_varied"]),
        ],
    }


def values(meta: Meta, column_ids: Iterable[str]) -> Row:
    """The values of some columns, in the order of the runs; None where a run has none."""
    return {
        "rev": meta.rev,
        "values": {name: [_plain(value) for value in _values(meta, name)] for name in column_ids},
    }


def _values(meta: Meta, column_id: str) -> Iterable[Any]:
    if column_id in _FIELDS:
        get = _FIELDS[column_id][2]
        return map(get, meta.runs)
    group, _, key = column_id.partition("/")
    if group == "config":
        return (run.config.get(key) for run in meta.runs)
    if group in STATS:
        stat = _best(meta, key) if group == "best" else group
        return (_stat(run, stat, key) for run in meta.runs)
    return (None for _ in meta.runs)


def _metric(meta: Meta, key: str) -> Row:
    """The column of a metric; `usual` is what sums it up, where that is not its last value."""
    said = find_definition(meta.definitions, key)
    usual = "last" if said is None else "best" if said.summary == "best" else said.choice
    more = {"usual": usual} if usual != "last" else {}
    return {"id": f"last/{key}", "name": key, "kind": "number", **more}


def _best(meta: Meta, key: str) -> str | None:
    """Which statistic is the best value of a metric, where its goal was said."""
    said = find_definition(meta.definitions, key)
    if said is None or (said.goal is None and said.choice not in ("min", "max")):
        return None
    return {"minimize": "min", "maximize": "max"}.get(said.goal or "", said.choice)


def _stat(run: RunRow, stat: str | None, key: str) -> Any:
    stats = run.summary.get(key)
    if stats is None or stat is None:
        return None
    return stats.text if stat == "last" and stats.text is not None else getattr(stats, stat)


def _is_usual(name: str, runs: Iterable[RunRow]) -> bool:
    get = _FIELDS[name][2]
    return name in _USUAL or any(get(run) is not None for run in runs if name != "host")


def _config(runs: Iterable[RunRow]) -> list[Row]:
    """The config columns, those of the newest runs first, in their order."""
    found: dict[str, Any] = {}
    varied: set[str] = set()
    numbers: dict[str, bool] = {}
    seen = 0
    counts: dict[str, int] = {}
    for run in runs:
        seen += 1
        for key, value in run.config.items():
            if key not in found:
                found[key] = value
                numbers[key] = True
                counts[key] = 0
            elif value != found[key]:
                varied.add(key)
            counts[key] += 1
            if type(value) is not float and type(value) is not int and value is not None:
                numbers[key] = False
    return [
        {
            "id": f"config/{key}",
            "name": key,
            "kind": "number" if numbers[key] else "text",
            "is_varied": key in varied or counts[key] < seen,
        }
        for key in found
    ]


def _plain(value: Any) -> Any:
    """A value as JSON can say it; what is no number, bool or None becomes its text."""
    match value:
        case None | bool():
            return value
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case float():
            return value
        case int():
            return value if abs(value) <= EXACT_INT else str(value)
        case str():
            return as_text(value)
        case _:
            return as_text(orjson.dumps(value, default=str).decode())


def as_text(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates, which somebody logged, become escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
