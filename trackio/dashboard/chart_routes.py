"""What charts ask for: buckets, smoothed lines, and the points themselves as CSV."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import numpy as np
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from trackio.dashboard import meta, parameters
from trackio.dashboard.desk import Desk
from trackio.dashboard.frames import FrameMetric, FrameSeries, encode_frame
from trackio.dashboard.meta import Meta
from trackio.query.points import NO_STEP, Window, read_points
from trackio.query.smooth import Smoothed, read_smoothed

_ROWS_AT_ONCE: Final = 5_000


def series(desk: Desk, request: Request) -> Response:
    """Buckets of series as a binary frame; 204 if nothing changed since the revision `rev`.

    Query: `project`; `kind`; `m`, metric codes, each with `.width` once the browser has it; `r`,
    run codes; `x`, the axis; `n`, how many buckets at most; `lo` and `hi`, the range of x; `rev`.
    """
    project = desk.project(parameters.project(request))
    now = project.now()
    rev = request.query_params.get("rev")
    if rev == now.rev:
        if project.problem is not None:
            raise project.problem  # the browser keeps what it shows, and says why
        return Response(status_code=204, headers={"age": f"{project.age_s:.0f}"})
    since = project.remembered(rev) if rev else None
    head: dict[str, Any] = {"rev": now.rev, "meta": None}
    if rev:
        as_of = {"as_of_s": desk.now_s - project.age_s}
        head["meta"] = {**_what_changed(since, now, desk.now_s), **as_of}
    found = project.charts.read(now, parameters.chart_request(request, now), since)
    return _frame(head, found)


def smooth(desk: Desk, request: Request) -> Response:
    """The same buckets with one number each: the line smoothed over all points; `s` says how."""
    now = desk.project(parameters.project(request)).now()
    asked = parameters.chart_request(request, now)
    smoothing = parameters.smoothing(request)
    by_width: dict[int, list[str]] = {}
    for wanted in asked.wanted:
        by_width.setdefault(wanted.width or 1, []).append(wanted.key)
    found: dict[str, list[Smoothed]] = {wanted.key: [] for wanted in asked.wanted}
    for width, keys in by_width.items():
        for line in read_smoothed(
            now.view,
            asked.run_ids,
            keys,
            smoothing,
            x=asked.x,
            kind=asked.kind,
            width=width,
            lo=asked.lo,
            hi=asked.hi,
        ):
            found[line.key].append(line)
    codes = now.codes(asked.kind)
    frames = [
        FrameMetric(
            metric=codes[wanted.key],
            width=wanted.width or 1,
            scale=asked.scale,
            series=[_smoothed(now, line) for line in found[wanted.key]],
            chosen=False,
        )
        for wanted in asked.wanted
    ]
    return _frame({"rev": now.rev, "meta": None}, frames)


def points_csv(desk: Desk, request: Request) -> Response:
    """Every point of the metrics and runs, exactly as logged, as CSV."""
    now = desk.project(parameters.project(request)).now()
    asked = parameters.chart_request(request, now)
    names = {run.run_id: run.name for run in now.runs}
    points = read_points(
        now.view,
        asked.run_ids,
        [wanted.key for wanted in asked.wanted],
        asked.kind,
        Window(asked.x, asked.lo, asked.hi),
    )

    def rows() -> Iterator[tuple[Any, ...]]:
        yield "run", "run_id", "label", "metric", "step", "time", "value"
        times = points.times_us()
        for i, name in enumerate(points.names):
            for at in range(*points.bounds[i : i + 2].tolist()):
                step = int(points.step[at])
                yield (
                    *(names[name.run_id], name.run_id, name.label, name.key),
                    "" if step == NO_STEP else step,
                    np.datetime64(int(times[at]), "us"),
                    repr(float(points.value[at])),
                )

    return csv_file(rows(), f"{now.project}.csv")


def csv_file(rows: Iterator[tuple[Any, ...]], name: str) -> Response:
    """The rows as a file to download, a part at a time."""

    def parts() -> Iterator[str]:
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(some)
            yield text.getvalue()

    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)
    disposition = {"content-disposition": f'attachment; filename="{plain}"'}
    return StreamingResponse(parts(), media_type="text/csv", headers=disposition)


def _frame(head: dict[str, Any], metrics: list[FrameMetric]) -> Response:
    return Response(encode_frame(head, metrics), media_type="application/octet-stream")


def _smoothed(now: Meta, line: Smoothed) -> FrameSeries:
    n = len(line.index)
    return FrameSeries(
        run=now.run_codes[line.run_id],
        label=line.label,
        index=line.index,
        offset=np.zeros(n, np.int64),
        mean=line.value,
        low=line.value,
        high=line.value,
        finite=np.ones(n, np.int64),
        bad=np.zeros(n, np.int64),
        x_first=0.0,
        x_last=0.0,
        points=n,
    )


def _what_changed(since: Meta | None, now: Meta, now_s: float) -> dict[str, Any]:
    """What the browser has to change in what it knows; all of it if it knows too old a state."""
    if since is not None:
        return meta.delta(since, now, now_s)
    return {**meta.whole(now, now_s), "gone": None, "all_metrics": True}
