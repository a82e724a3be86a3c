"""Series whose x is another metric, as frames: read whole each time, since old points may move."""

from trackio.dashboard.asked import Request
from trackio.dashboard.frames import FrameMetric, FrameSeries
from trackio.dashboard.meta import Meta
from trackio.query.against import FINE_BITS, BucketedAgainst, read_against


def read_frames_against(meta: Meta, request: Request, x_key: str) -> list[FrameMetric]:
    """The metrics of the request, in its order, in the width that suits their span."""
    keys = [wanted.key for wanted in request.wanted]
    found: dict[str, list[BucketedAgainst]] = {key: [] for key in keys}
    for bucketed in read_against(
        meta.view,
        request.run_ids,
        keys,
        x_key,
        target=request.target,
        lo=request.lo,
        hi=request.hi,
    ):
        found[bucketed.key].append(bucketed)
    return [
        FrameMetric(
            metric=meta.codes(request.kind)[key],
            width=1 << FINE_BITS,
            scale=(lines[0].width if lines else 1.0) / (1 << FINE_BITS),
            series=[_series(meta, line) for line in lines],
            chosen=True,
        )
        for key, lines in found.items()
    ]


def _series(meta: Meta, line: BucketedAgainst) -> FrameSeries:
    return FrameSeries(
        run=meta.run_codes[line.run_id],
        label=line.label,
        index=line.index,
        offset=line.offset,
        mean=line.mean,
        low=line.min,
        high=line.max,
        finite=line.finite,
        bad=line.nonfinite,
        x_first=line.x_first,
        x_last=line.x_last,
        points=int(line.finite.sum() + line.nonfinite.sum()),
    )
