"""The words of a question as the query layer has them, and alerts as people get them."""

from datetime import datetime
from typing import Any

from trackio.errors import InvalidInput
from trackio.model import METRIC, SYSTEM
from trackio.query.alerts import list_alerts
from trackio.query.frames import moment
from trackio.query.points import AXES, Axis
from trackio.query.runs import RunRow
from trackio.query.said import parse_time
from trackio.query.view import View


def describe_alerts(
    view: View, row: RunRow, level: str | None, since: datetime | float | str | None
) -> list[dict[str, Any]]:
    """The alerts of a run, of one level, and not older than a time."""
    return [
        {
            "time": moment(alert.time_s),
            "run": row.name,
            "step": alert.step,
            "level": alert.level,
            "title": alert.title,
            "text": alert.text,
        }
        for alert in list_alerts(view, row.run_id, level, _seconds(since))
    ]


def _seconds(since: datetime | float | str | None) -> float | None:
    """A time as seconds since 1970."""
    if since is None or isinstance(since, int | float):
        return since
    found = since.timestamp() if isinstance(since, datetime) else parse_time(since)
    if found is None:
        raise InvalidInput(f"since takes a time such as 2026-01-31T12:00, not {since!r}")
    return found


def kind_of(stream: str) -> str:
    """The kind of the rows of a stream, default or system."""
    kinds = {"default": METRIC, "system": SYSTEM}
    if stream not in kinds:
        raise InvalidInput(f"stream must be default or system, not {stream!r}")
    return kinds[stream]


def axis_of(x_axis: str) -> Axis:
    """The axis, by our name or by the one that wandb has for it."""
    axes: dict[str, Axis] = {axis: axis for axis in AXES}
    axes |= {"_step": "step", "_timestamp": "time", "_runtime": "relative"}
    if x_axis not in axes:
        raise InvalidInput(f"x_axis must be one of {', '.join(AXES)}, not {x_axis!r}")
    return axes[x_axis]
