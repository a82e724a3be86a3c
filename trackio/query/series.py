"""Every visible point of some metrics. Samples nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from trackio.model import METRIC, RunId
from trackio.query.blocks import Floats, Ints
from trackio.query.points import NO_STEP, Axis, Window, read_points
from trackio.query.view import View, rereads


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The points of one metric of one line of a run, by x, then by the order of logging.

    `label` is empty where the run has one line. `steps` are integers; where a point has no
    step they are floats, with NaN for it. `times_s` are seconds since 1970.
    """

    run_id: RunId
    label: str
    key: str
    kind: str
    steps: Ints | Floats
    times_s: Floats
    values: Floats


@rereads
def read_series(
    view: View,
    run_ids: Iterable[str],
    keys: Sequence[str],
    *,
    kind: str = METRIC,
    x: Axis = "step",
    lo: float | None = None,
    hi: float | None = None,
) -> list[Series]:
    """Every visible point with `lo ≤ x ≤ hi`, a series for each run, line and key that has any.

    Values that are no numbers are left out; true is 1 and false 0. `lo` and `hi` are in
    steps, in seconds since 1970 (`time`), or since the run started (`relative`).

    Raises:
        InvalidInput: there is no such axis.
    """
    points = read_points(view, run_ids, keys, kind, Window(x, lo, hi))
    times_s = points.times_us() / 1e6
    found = []
    for i, name in enumerate(points.names):
        here = slice(points.bounds[i], points.bounds[i + 1])
        found.append(
            Series(
                run_id=name.run_id,
                label=name.label,
                key=name.key,
                kind=kind,
                steps=_steps(points.step[here]),
                times_s=times_s[here],
                values=points.value[here],
            )
        )
    return found


def _steps(steps: Ints) -> Ints | Floats:
    if steps.min(initial=0) != NO_STEP:
        return steps
    return np.where(steps == NO_STEP, np.nan, steps.astype(np.float64))
