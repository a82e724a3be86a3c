"""The table of runs, column by column, as JSON. No series, no HTTP."""

import math
from typing import Any, Final

import orjson

from trackio.dashboard.meta import Meta
from trackio.query.runs import RunRow
from trackio.rows import EXACT_INT

Row = dict[str, Any]
_MOST_COLUMNS: Final = 2000
"""Of config and of metrics each; what is beyond is left out and counted."""


def runs_table(meta: Meta) -> Row:
    """All runs, newest first; column `values` are in the order of `codes`, None where missing."""
    runs = meta.runs
    config = _keys(run.config for run in runs)
    metrics = [key for key in meta.metric_codes if any(key in run.summary for run in runs)]
    return {
        "rev": meta.rev,
        "codes": [meta.run_codes[run.run_id] for run in runs],
        "names": [run.name for run in runs],
        "status": [run.status for run in runs],
        "group": [run.group for run in runs],
        "created_s": [run.created_s for run in runs],
        "duration_s": [_duration_s(run) for run in runs],
        "step": [run.last_step for run in runs],
        "config": [
            {"key": key, "values": [_plain(run.config.get(key)) for run in runs]}
            for key in config[:_MOST_COLUMNS]
        ],
        "metrics": [
            {"key": key, "values": [_last(run, key) for run in runs]}
            for key in metrics[:_MOST_COLUMNS]
        ],
        "left_out": max(0, len(config) - _MOST_COLUMNS) + max(0, len(metrics) - _MOST_COLUMNS),
    }


def _keys(maps: Any) -> list[str]:
    """All keys, those of the newest runs first, in their order."""
    found: dict[str, None] = {}
    for keys in maps:
        found.update(dict.fromkeys(keys))
    return list(found)


def _duration_s(run: RunRow) -> float:
    end = run.updated_s if run.ended_s is None else run.ended_s
    return max(0.0, end - run.started_s)


def _last(run: RunRow, key: str) -> Any:
    stats = run.summary.get(key)
    if stats is None:
        return None
    return _plain(stats.last if stats.text is None else stats.text)


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
