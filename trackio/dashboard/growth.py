"""Where the series of runs changed between two revisions, so that only that is read anew.

A live run mostly gets rows at its end: then the buckets before them are as they were. Anything
else (rows that are gone, another writer, an attempt that moves the points of others) is said to
have changed altogether.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from trackio.catalog import RunFiles
from trackio.cover import added
from trackio.dashboard.bucketcache import Lines
from trackio.dashboard.frames import FrameSeries
from trackio.dashboard.meta import Meta
from trackio.ids import id_time_ms
from trackio.model import METRIC, RunId
from trackio.query.changes import Added, added_series
from trackio.query.points import Axis

ALL: Final = -math.inf
NOTHING: Final = math.inf
_SLACK_MS: Final = 1
"""Times are floats here and whole microseconds in a file: look a little further back."""


class Growth:
    """What happened to runs between `old` and `new`."""

    def __init__(self, old: Meta, new: Meta, kind: str = METRIC) -> None:
        self._old, self._new, self._kind = old, new, kind

    @cached_property
    def _added(self) -> dict[tuple[str, str], Added]:
        found = added_series(self._old.view, self._new.view)
        return {(one.run_id, one.key): one for one in found if one.kind == self._kind}

    def first_bucket(self, run_id: str, key: str, x: Axis, width: int) -> float:
        """The first bucket that may have changed; `NOTHING` or `ALL` where none or any may."""
        before = self._old.view.snapshot.runs.get(RunId(run_id))
        after = self._new.view.snapshot.runs.get(RunId(run_id))
        if before is None or after is None or not _only_grew(before, after):
            return ALL
        if not _has_more(before, after):
            return NOTHING
        fresh = self._added.get((run_id, key))
        if fresh is None:
            return NOTHING
        first = fresh.first_step if x == "step" else _first_ms(fresh, after, x)
        return ALL if first is None else first // width


def _only_grew(before: RunFiles, after: RunFiles) -> bool:
    """Whether the same writers hold all they held."""
    return before.writers.keys() == after.writers.keys() and not any(
        added(files.cover, after.writers[writer_id].cover)
        for writer_id, files in before.writers.items()
    )


def _has_more(before: RunFiles, after: RunFiles) -> bool:
    return any(
        files.cover.ranges != before.writers[writer_id].cover.ranges
        for writer_id, files in after.writers.items()
    )


def _first_ms(fresh: Added, run: RunFiles, x: Axis) -> int | None:
    if fresh.first_time_s is None:
        return None
    start_ms = id_time_ms(min(run.writers)) if x == "relative" else 0
    return math.floor(fresh.first_time_s * 1000) - start_ms - _SLACK_MS


def extend(old: Lines, tail: Iterable[FrameSeries], cut: int) -> Lines:
    """`old` with everything from bucket `cut` on replaced by `tail`."""
    fresh = {line.label: line for line in tail}
    kept = {line.label: _head(line, cut) for line in old}
    lines = {
        label: _join(kept[label], fresh[label]) if label in kept and label in fresh else line
        for label, line in {**kept, **fresh}.items()
    }
    return tuple(line for line in lines.values() if len(line.index))


def _head(line: FrameSeries, cut: int) -> FrameSeries:
    """What stands before bucket `cut`."""
    n = np.searchsorted(line.index, cut)
    head = replace(line, **{name: getattr(line, name)[:n] for name in FrameSeries.ARRAYS})
    return replace(head, points=int(head.finite.sum() + head.bad.sum()))


def _join(head: FrameSeries, tail: FrameSeries) -> FrameSeries:
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(head, name), getattr(tail, name)])
        for name in FrameSeries.ARRAYS
    }
    x_first = head.x_first if len(head.index) else tail.x_first
    return replace(tail, **joined, x_first=x_first, points=head.points + tail.points)
