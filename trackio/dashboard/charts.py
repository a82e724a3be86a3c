"""The buckets of the series on screen: read once for a revision, and what changed since another.

A request names metrics, runs, an axis and a range. For a metric the browser does not have yet,
the width of the buckets follows from the span of the data; after that the browser says which
width it has, and keeps it until the series outgrow it. No HTTP, no JSON.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

import numpy as np

from trackio.dashboard.against import read_frames_against
from trackio.dashboard.asked import Request, Wanted
from trackio.dashboard.bucketcache import BucketCache, Lines
from trackio.dashboard.frames import FrameMetric, FrameSeries, Ints
from trackio.dashboard.growth import ALL, NOTHING, Growth, extend
from trackio.dashboard.meta import Meta
from trackio.query.buckets import Bucketed, read_buckets
from trackio.query.points import Axis

_OUTGROWN: Final = 2
"""A width is given up once it makes this many times the buckets that were asked for."""


class Charts:
    """The buckets of one project; safe to use from many threads."""

    def __init__(self) -> None:
        self._cache = BucketCache()

    def read(self, meta: Meta, request: Request, since: Meta | None = None) -> list[FrameMetric]:
        """The metrics of the request as of `meta`, in its order.

        With `since`, a metric whose width stays comes as what changed, if its lines of then are
        still kept.
        """
        if request.against is not None:
            return read_frames_against(meta, request, request.against)
        if since is not None:
            self._carry_over(since, meta, request)
        self._fill(meta, request)
        stays = {
            wanted.key: self._stay(meta, request, wanted.key, wanted.width, since)
            for wanted in request.wanted
            if wanted.width is not None
        }
        answers = {key: metric for key, metric in stays.items() if metric is not None}
        fresh = [wanted.key for wanted in request.wanted if wanted.key not in answers]
        answers |= self._choose(meta, request, fresh)
        return [answers[wanted.key] for wanted in request.wanted]

    def _carry_over(self, old: Meta, new: Meta, request: Request) -> None:
        """Keep for now what is as it was then, and read only the ends of what got longer."""
        growth = Growth(old, new, request.kind)
        grown: defaultdict[tuple[str, int], dict[str, int]] = defaultdict(dict)
        for key, width, run_id in request.known():
            was = self._cache.get(request.place(old, key, width, run_id))
            first = growth.first_bucket(run_id, key, request.x, width)
            if was is None or first == ALL:
                continue
            if first == NOTHING:
                self._cache.put(request.place(new, key, width, run_id), was)
            else:
                grown[run_id, width][key] = int(first)
        for (run_id, width), cuts in grown.items():
            cut = min(cuts.values())
            wanted = tuple(Wanted(key=key, width=width) for key in cuts)
            tails = _tails(new, replace(request, run_ids=(run_id,), wanted=wanted), width, cut)
            for key in cuts:
                was = self._cache.get(request.place(old, key, width, run_id))
                if was is not None:
                    lines = extend(was, tails[key], cut)
                    self._cache.put(request.place(new, key, width, run_id), lines)

    def _fill(self, meta: Meta, request: Request) -> None:
        """Read what is wanted in a known width and not kept, in one query for all that is alike."""
        alike: defaultdict[tuple[int, tuple[str, ...]], list[str]] = defaultdict(list)
        for wanted in request.wanted:
            if wanted.width is not None:
                missing = self._missing(meta, request, wanted.key, wanted.width)
                alike[wanted.width, missing].append(wanted.key)
        for (width, run_ids), keys in alike.items():
            if run_ids:
                found = read_buckets(
                    meta.view,
                    run_ids,
                    keys,
                    x=request.x,
                    kind=request.kind,
                    width=width,
                    lo=request.lo,
                    hi=request.hi,
                )
                self._keep(meta, request, run_ids, dict.fromkeys(keys, width), found)

    def _missing(self, meta: Meta, request: Request, key: str, width: int) -> tuple[str, ...]:
        place = (request.place(meta, key, width, run_id) for run_id in request.run_ids)
        return tuple(found.run_id for found in place if self._cache.get(found) is None)

    def _stay(
        self, meta: Meta, request: Request, key: str, width: int, since: Meta | None
    ) -> FrameMetric | None:
        """The metric in the width the browser has, or None if it has outgrown it."""
        now = self._of_runs(meta, request, key, width)
        if now is None or _span(chain(*now)) > _OUTGROWN * request.target:
            return None
        code = meta.codes(request.kind)[key]
        then = None if since is None else self._of_runs(since, request, key, width)
        if then is None:
            lines = list(chain(*now))
            return FrameMetric(
                metric=code, width=width, scale=request.scale, series=lines, chosen=False
            )
        changed = [
            lines for old, new in zip(then, now, strict=True) for lines in _changes(old, new)
        ]
        return FrameMetric(
            metric=code,
            width=width,
            scale=request.scale,
            series=changed,
            chosen=False,
            is_delta=True,
        )

    def _of_runs(self, meta: Meta, request: Request, key: str, width: int) -> list[Lines] | None:
        """For each run of the request its lines, or None if one is not kept."""
        found = [
            self._cache.get(request.place(meta, key, width, run_id)) for run_id in request.run_ids
        ]
        return None if None in found else [lines for lines in found if lines is not None]

    def _choose(self, meta: Meta, request: Request, keys: list[str]) -> dict[str, FrameMetric]:
        """Metrics in the width that suits their span."""
        if not keys:
            return {}
        found = read_buckets(
            meta.view,
            request.run_ids,
            keys,
            x=request.x,
            kind=request.kind,
            target=request.target,
            lo=request.lo,
            hi=request.hi,
        )
        widths = dict.fromkeys(keys, 1) | {bucketed.key: bucketed.width for bucketed in found}
        lines = self._keep(meta, request, request.run_ids, widths, found)
        return {
            key: FrameMetric(
                metric=meta.codes(request.kind)[key],
                width=widths[key],
                scale=request.scale,
                series=list(chain(*(lines[key, run_id] for run_id in request.run_ids))),
                chosen=True,
            )
            for key in keys
        }

    def _keep(
        self,
        meta: Meta,
        request: Request,
        run_ids: Sequence[str],
        widths: dict[str, int],
        found: Iterable[Bucketed],
    ) -> dict[tuple[str, str], Lines]:
        """Keep what was read, also that a run has nothing."""
        lines: dict[tuple[str, str], Lines] = {
            (key, run_id): () for key in widths for run_id in run_ids
        }
        for bucketed in found:
            lines[bucketed.key, bucketed.run_id] += (_series(meta, bucketed, request.x),)
        for (key, run_id), own in lines.items():
            self._cache.put(request.place(meta, key, widths[key], run_id), own)
        return lines


def _tails(
    meta: Meta, request: Request, width: int, cut: int
) -> Mapping[str, Sequence[FrameSeries]]:
    """The lines of what the request wants, from bucket `cut` on."""
    start = cut * width / (1 if request.x == "step" else 1000)
    lo = start if request.lo is None else max(start, request.lo)
    keys = [wanted.key for wanted in request.wanted]
    tails: defaultdict[str, list[FrameSeries]] = defaultdict(list)
    for bucketed in read_buckets(
        meta.view,
        request.run_ids,
        keys,
        x=request.x,
        kind=request.kind,
        width=width,
        lo=lo,
        hi=request.hi,
    ):
        tails[bucketed.key].append(_series(meta, bucketed, request.x))
    return tails


def _series(meta: Meta, bucketed: Bucketed, x: Axis) -> FrameSeries:
    return FrameSeries(
        run=meta.run_codes[bucketed.run_id],
        label=bucketed.label,
        index=bucketed.index,
        offset=_offset(bucketed, x),
        mean=bucketed.mean,
        low=bucketed.min,
        high=bucketed.max,
        finite=bucketed.finite,
        bad=bucketed.nonfinite,
        x_first=float(bucketed.x_first[0]),
        x_last=float(bucketed.x_last[-1]),
        points=int(bucketed.finite.sum() + bucketed.nonfinite.sum()),
        final=float(bucketed.last[-1]),
    )


def _offset(bucketed: Bucketed, x: Axis) -> Ints:
    """How far in its bucket, in steps or milliseconds, the first point of each stands."""
    first = bucketed.x_first if x == "step" else np.floor(bucketed.x_first * 1000)
    start = bucketed.index * bucketed.width
    offset: Ints = np.clip(first.astype(np.int64) - start, 0, bucketed.width - 1)
    return offset


def _span(lines: Iterable[FrameSeries]) -> int:
    """How many buckets lie between the first and the last of all lines."""
    ends = [(int(line.index[0]), int(line.index[-1])) for line in lines if len(line.index)]
    return max(high for _, high in ends) - min(low for low, _ in ends) + 1 if ends else 0


def _changes(old: Lines, new: Lines) -> list[FrameSeries]:
    """The lines that are not as they were, each from its first bucket that differs."""
    before = {line.label: line for line in old}
    if set(before) - {line.label for line in new}:
        return list(new)  # a line went: its run is sent whole
    return [
        changed for line in new if (changed := _change(before.get(line.label), line)) is not None
    ]


def _change(old: FrameSeries | None, new: FrameSeries) -> FrameSeries | None:
    """What of `new` differs from `old`; None if nothing does."""
    if old is None:
        return new
    same = _common(old, new)
    if same == len(old.index) == len(new.index):
        return None
    later = [int(line.index[same]) for line in (old, new) if same < len(line.index)]
    fresh = {name: getattr(new, name)[same:] for name in FrameSeries.ARRAYS}
    return replace(new, **fresh, cut=min(later))


def _common(old: FrameSeries, new: FrameSeries) -> int:
    """How many buckets at the beginning of both are alike."""
    n = min(len(old.index), len(new.index))
    is_alike = (old.index[:n] == new.index[:n]) & (old.finite[:n] == new.finite[:n])
    is_alike &= (old.bad[:n] == new.bad[:n]) & (old.offset[:n] == new.offset[:n])
    for name in ("mean", "low", "high"):
        was, now = getattr(old, name)[:n], getattr(new, name)[:n]
        is_alike &= (was == now) | (np.isnan(was) & np.isnan(now))
    return n if is_alike.all() else int(np.argmin(is_alike))
