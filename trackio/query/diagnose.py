"""Look for what often goes wrong in a run: NaN, spikes, plateaus, standstill. Changes nothing.

The tests are plain enough to be told in a sentence, which each symptom does; they say where to
look, not what is true.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from trackio.query.blocks import Floats, Ints
from trackio.query.runs import RunRow
from trackio.query.series import Series, read_series
from trackio.query.view import View

KINDS: Final = ("nonfinite", "spike", "plateau", "stall", "crashed", "failed")
_NEAR: Final = 9
"""A spike is judged by the median of so many points around it."""
_SPIKE_SIGMAS: Final = 12.0
_FEW_POINTS: Final = 30
_PLATEAU_PART: Final = 0.3
_PLATEAU_CHANGE: Final = 0.005
_STALL_INTERVALS: Final = 20.0
_STALL_S: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """One thing that looks wrong, the worst level first: error, warn, info."""

    level: str
    kind: str
    run: RunRow
    metric: str | None
    step: int | None
    message: str


def diagnose(
    view: View, runs: Sequence[RunRow], keys: Sequence[str] | None = None
) -> list[Symptom]:
    """What looks wrong in these runs, in these metrics or all; worst first."""
    found: list[Symptom] = []
    for run in runs:
        wanted = list(run.summary) if keys is None else list(keys)
        series = read_series(view, [run.run_id], wanted)
        found += _of_run(run, series, view.now_s)
        for one in series:
            found += _of_series(run, one)
    order = {level: place for place, level in enumerate(("error", "warn", "info"))}
    return sorted(found, key=lambda symptom: order[symptom.level])


def _of_run(run: RunRow, series: Iterable[Series], now_s: float) -> Iterator[Symptom]:
    if run.status in ("crashed", "failed"):
        why = "it never finished and is silent" if run.status == "crashed" else "it ended badly"
        yield Symptom(
            level="error", kind=run.status, run=run, metric=None, step=run.last_step, message=why
        )
    elif run.status == "running":
        yield from _standstill(run, series, now_s)


def _standstill(run: RunRow, series: Iterable[Series], now_s: float) -> Iterator[Symptom]:
    """It goes on, and yet logs nothing for much longer than it used to."""
    listed = list(series)
    if not listed:
        return
    newest = max(listed, key=lambda one: float(one.times_s[-1]))
    silent_s = now_s - float(newest.times_s.max())
    usual_s = float(np.median(np.diff(newest.times_s))) if len(newest.times_s) > 2 else 0.0
    if silent_s > max(_STALL_S, _STALL_INTERVALS * usual_s):
        yield Symptom(
            level="warn",
            kind="stall",
            run=run,
            metric=newest.key,
            step=_step(newest, -1),
            message=f"nothing logged for {silent_s / 60:.0f} min; usually every {usual_s:.3g} s",
        )


def _of_series(run: RunRow, series: Series) -> Iterator[Symptom]:
    values = np.asarray(series.values, np.float64)
    is_finite = np.isfinite(values)
    if not is_finite.all():
        first = int(np.flatnonzero(~is_finite)[0])
        count = int((~is_finite).sum())
        still = "and so is the last" if not is_finite[-1] else "later ones are finite again"
        yield Symptom(
            level="error" if not is_finite[-1] else "warn",
            kind="nonfinite",
            run=run,
            metric=series.key,
            step=_step(series, first),
            message=f"{count:,} of {len(values):,} points are NaN or infinite, {still}",
        )
    places = np.flatnonzero(is_finite).astype(np.int64)
    if len(places) >= _FEW_POINTS:
        yield from _spikes(run, series, values[places], places)
        yield from _plateau(run, series, values[places], places)


def _spikes(run: RunRow, series: Series, values: Floats, places: Ints) -> Iterator[Symptom]:
    """Points far from the median of those around them, by what is usual for this metric."""
    half = _NEAR // 2
    padded = np.pad(values, half, mode="edge")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, _NEAR), axis=1)
    off = np.abs(values - around)
    usual = 1.4826 * float(np.median(off)) + 1e-3 * float(np.ptp(np.percentile(values, [1, 99])))
    is_spike = off > _SPIKE_SIGMAS * usual if usual > 0 else np.zeros(len(off), bool)
    if is_spike.any():
        worst = int(np.argmax(off))
        yield Symptom(
            level="warn",
            kind="spike",
            run=run,
            metric=series.key,
            step=_step(series, int(places[worst])),
            message=(
                f"{int(is_spike.sum()):,} spikes; the largest is {values[worst]:.6g} "
                f"where its neighbours are at {around[worst]:.6g}"
            ),
        )


def _plateau(run: RunRow, series: Series, values: Floats, places: Ints) -> Iterator[Symptom]:
    """It moved at first, and hardly at all in the last part."""
    begin = int(len(values) * (1 - _PLATEAU_PART))
    middle = (begin + len(values)) // 2
    spread = float(np.ptp(values))
    early, before, after = (
        float(np.median(part))
        for part in (values[: max(1, len(values) // 10)], values[begin:middle], values[middle:])
    )
    has_moved = spread > 0 and abs(early - after) > 0.2 * spread
    if has_moved and abs(before - after) < _PLATEAU_CHANGE * spread:
        yield Symptom(
            level="info",
            kind="plateau",
            run=run,
            metric=series.key,
            step=_step(series, int(places[begin])),
            message=f"since then hardly any change: it stays near {after:.6g}",
        )


def _step(series: Series, place: int) -> int | None:
    step = float(series.steps[place])
    return None if np.isnan(step) else int(step)
