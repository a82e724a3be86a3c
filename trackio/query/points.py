"""Read the visible points of series as arrays. Internal to `query`: no names, no sampling.

"Visible" is what is left of the rows that count once the abandoned points of earlier
attempts are gone and automatic steps count on (`attempts`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trackio.errors import InvalidInput
from trackio.ids import id_time_ms
from trackio.model import METRIC, RunId, WriterId
from trackio.query.attempts import Attempt, Line
from trackio.query.lines import lines_of_runs
from trackio.query.pieces import Piece
from trackio.query.view import View

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Axis = Literal["step", "time", "relative"]
AXES = ("step", "time", "relative")


class SeriesName(NamedTuple):
    """Which series: of which run, which line of it, which key."""

    run_id: RunId
    label: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Points of many series, series after series, each ordered by x, then attempt, then seq.

    `bounds` has one more element than `names`: series `i` is `bounds[i]:bounds[i + 1]`.
    `x` is the step, or microseconds on the two time axes; `has_step` is None where all have.
    """

    names: tuple[SeriesName, ...]
    bounds: Ints
    x: Ints
    step: Ints
    has_step: npt.NDArray[np.bool_] | None
    time_us: Ints
    value: Floats


@dataclass(frozen=True, slots=True)
class Window:
    """The range of x that is asked for, bounds included; None is no bound.

    In steps, in seconds since 1970, or in seconds since the start of the run.
    """

    axis: Axis
    lo: float | None = None
    hi: float | None = None

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise InvalidInput(f"x must be one of {', '.join(AXES)}, not {self.axis!r}")


def read_points(
    view: View, run_ids: Sequence[str], keys: Sequence[str], kind: str, window: Window
) -> Points:
    """The visible points of these series that lie in the window; series without any are left out.

    On the step axis a bounded window leaves out points that have no step.
    """
    runs = [RunId(run_id) for run_id in dict.fromkeys(run_ids)]
    lines = lines_of_runs(view, runs)
    places = _Places(lines, keys)
    simple = [r for r in lines if all(len(line.attempts) == 1 for line in lines[r])]
    moved = [r for r in lines if r not in set(simple)]
    starts_us = {run_id: _start_us(lines[run_id]) for run_id in lines}
    parts = []
    if window.axis == "relative" and not _is_open(window):
        groups = [[run_id] for run_id in simple]
    else:
        groups = [simple]
    for group in groups:
        pieces = view.pieces(group)
        bounds = _bounds(window, starts_us[group[0]] if group else 0)
        parts.append(_read(view, pieces, keys, kind, bounds, places))
    if moved:
        parts.append(_read(view, view.pieces(moved), keys, kind, _NO_BOUNDS, places))
    return _assemble(parts, places, window, starts_us)
