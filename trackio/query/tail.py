"""The newest calls of a run, and those that came since. Reads only what is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trackio.query.series import read_series
from trackio.query.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one call logged, by metric."""

    time_s: float
    label: str
    step: int | None
    values: Mapping[str, float]


def read_lines(
    view: View, run_id: str, keys: Sequence[str], since_s: float | None = None
) -> list[Line]:
    """What was logged at or after a moment, or ever, in the order of time."""
    found: dict[tuple[float, str, int | None], dict[str, float]] = {}
    for series in read_series(view, [run_id], keys, x="time", lo=since_s):
        columns = (series.times_s.tolist(), series.steps.tolist(), series.values.tolist())
        for time_s, step, value in zip(*columns, strict=True):
            at = int(step) if step == step else None  # noqa: PLR0124 - NaN says there is none
            found.setdefault((time_s, series.label, at), {})[series.key] = value
    ordered = sorted(found.items(), key=lambda item: item[0][:2])
    return [
        Line(time_s=time_s, label=label, step=step, values=values)
        for (time_s, label, step), values in ordered
    ]
