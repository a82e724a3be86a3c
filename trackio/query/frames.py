"""Rows of a history as people and programs want them: a DataFrame, or dicts. Reads nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trackio.query.history import HistoryRow

if TYPE_CHECKING:
    import pandas as pd


def to_frame(rows: Sequence[HistoryRow], keys: Sequence[str]) -> "pd.DataFrame":
    """Columns step, time, label where there are several, and the keys."""
    import pandas as pd

    steps = [row.step for row in rows]
    times_us = [round(row.time_s * 1e6) for row in rows]
    columns: dict[str, pd.Series[Any]] = {
        "step": pd.Series(steps, dtype="Int64" if None in steps else "int64"),
        "time": pd.Series(times_us, dtype="int64").astype("datetime64[us, UTC]"),
    }
    if any(row.label for row in rows):
        columns["label"] = pd.Series([row.label for row in rows])
    for key in keys:
        values = [row.values.get(key) for row in rows]
        is_number = all(value is None or type(value) in (int, float) for value in values)
        columns[key] = pd.Series(values, dtype="float64" if is_number else "object")
    return pd.DataFrame(columns)


def to_dict(row: HistoryRow) -> dict[str, Any]:
    """The same of one row, without the keys that it has no value of."""
    label = {"label": row.label} if row.label else {}
    return {"step": row.step, "time": moment(row.time_s), **label, **row.values}


def moment(time_s: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(time_s, UTC)
