"""`trackio get metric`: the points of one metric of one run, or a sample of them."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from trackio.cli.options import (
    Count,
    Opened,
    Page,
    json_option,
    run_option,
    with_page,
    with_project,
)
from trackio.cli.output import Answer, Column, print_answer
from trackio.cli.runs import warnings_of
from trackio.cli.text import Moment
from trackio.errors import InvalidInput, NotFound
from trackio.render import iso_time

if TYPE_CHECKING:
    from trackio.query.buckets import Bucketed
    from trackio.query.runs import RunRow
    from trackio.query.series import Series
    from trackio.query.view import View


class Wanted(NamedTuple):
    """Which metric, and which of its points. System metrics have times and no steps."""

    key: str
    kind: Literal["metric", "system"]
    lo: int | None
    hi: int | None
    last: int | None
    samples: int | None

    @property
    def axis(self) -> Literal["step", "time"]:
        """What the points are ordered by."""
        return "time" if self.kind == "system" else "step"


@click.command
@with_project
@run_option
@click.option("-m", "--metric", "key", required=True, metavar="NAME", help="The metric.")
@click.option("--system", is_flag=True, help="It is a system metric.")
@click.option("--step", type=int, metavar="N", help="Only the points of this step.")
@click.option("--around", type=int, metavar="N", help="Only the points near this step.")
@click.option(
    "--window",
    type=Count(0),
    default=10,
    show_default=True,
    metavar="N",
    help="How many steps to each side of --around are near.",
)
@click.option("--last", type=Count(1), metavar="N", help="Only the last N points.")
@click.option(
    "--samples",
    type=Count(1),
    metavar="N",
    help="At most N even stretches, each with its mean, min and max.",
)
@with_page(limit=1000)
@json_option
def metric(**asked: Any) -> None:
    """Get the points of one metric of one run, by step.

    Where several processes share the run, each of them is a series of its own.
    """
    _print_metric(**asked)


@click.command("system-metric")
@with_project
@run_option
@click.option("-m", "--metric", "key", required=True, metavar="NAME", help="The metric.")
@click.option("--last", type=Count(1), metavar="N", help="Only the last N points.")
@click.option("--samples", type=Count(1), metavar="N", help="At most N even stretches of time.")
@with_page(limit=1000)
@json_option
def system_metric(**asked: Any) -> None:
    """Get the points of one system metric of one run, by time: as get metric --system."""
    _print_metric(system=True, step=None, around=None, window=0, **asked)


def _print_metric(*, opened: Opened, run: str, page: Page, as_json: bool, **options: Any) -> None:
    from trackio.query.runs import find_run

    wanted = _wanted(**options)
    found = find_run(opened.view, run)
    if wanted.samples is None:
        items, total, labels = _read_points(opened.view, found, wanted, page)
    else:
        items, total, labels = _read_samples(opened.view, found, wanted, page)
    if not total:
        _check_exists(opened.view, found, wanted)
    about = {"project": opened.project, "run_id": found.run_id, "run_name": found.name}
    answer = Answer(
        kind="points" if wanted.samples is None else "samples",
        items=items,
        total=total,
        offset=page.offset,
        as_of_s=opened.as_of_s,
        about={**about, "metric": wanted.key},
        warnings=warnings_of(opened),
    )
    columns = _POINT_COLUMNS if wanted.samples is None else _sample_columns(wanted)
    shown = columns if len(labels) > 1 else columns[1:]
    print_answer(answer, shown, as_json=as_json, as_object=lambda item: _object(item, shown))


def _wanted(
    *,
    key: str,
    system: bool,
    step: int | None,
    around: int | None,
    window: int,
    last: int | None,
    samples: int | None,
) -> Wanted:
    options = {"--step": step, "--around": around, "--last": last, "--samples": samples}
    given = [name for name, value in options.items() if value is not None]
    if len(given) > 1:
        raise InvalidInput(f"{' and '.join(given)} exclude each other: give one of them")
    if system and (step is not None or around is not None):
        raise InvalidInput(f"system metrics have no steps: leave {given[0]} out")
    lo, hi = (step, step) if around is None else (around - window, around + window)
    return Wanted(key, "system" if system else "metric", lo, hi, last, samples)


class Point(NamedTuple):
    """One logged value."""

    series: str
    step: int | None
    time: Moment
    value: float


class Sample(NamedTuple):
    """What the points of one stretch come to; its ends are steps, or times."""

    series: str
    begin: int | Moment
    end: int | Moment
    points: int
    mean: float
    min: float
    max: float
    first: float
    last: float


Found = tuple[Sequence[Point | Sample], int, Sequence[str]]
"""One page of items, how many there are in all, and the labels of their series."""


def _read_points(view: "View", run: "RunRow", wanted: Wanted, page: Page) -> Found:
    from trackio.query.series import read_series

    found = read_series(
        view,
        [run.run_id],
        [wanted.key],
        kind=wanted.kind,
        x=wanted.axis,
        lo=wanted.lo,
        hi=wanted.hi,
    )
    counts = [min(len(series.values), wanted.last or len(series.values)) for series in found]
    points = chain.from_iterable(map(_points_of, found, counts))
    return _cut(points, page), sum(counts), [series.label for series in found]


def _points_of(series: "Series", count: int) -> Iterator[Point]:
    """The last `count` points of a series."""
    begin = len(series.values) - count
    columns = (series.steps, series.times_s, series.values)
    for step, time_s, value in zip(*(column[begin:].tolist() for column in columns), strict=True):
        has_step = not math.isnan(step)
        yield Point(series.label, int(step) if has_step else None, Moment(time_s), value)


def _read_samples(view: "View", run: "RunRow", wanted: Wanted, page: Page) -> Found:
    from trackio.query.buckets import read_buckets

    found = read_buckets(
        view, [run.run_id], [wanted.key], kind=wanted.kind, x=wanted.axis, target=wanted.samples
    )
    samples = chain.from_iterable(_samples_of(buckets, wanted) for buckets in found)
    total = sum(len(buckets.index) for buckets in found)
    return _cut(samples, page), total, [buckets.label for buckets in found]


def _samples_of(buckets: "Bucketed", wanted: Wanted) -> Iterator[Sample]:
    to_x = Moment if wanted.axis == "time" else int
    numbers = (buckets.mean, buckets.min, buckets.max, buckets.first, buckets.last)
    columns = (buckets.x_first, buckets.x_last, buckets.finite + buckets.nonfinite, *numbers)
    for begin, end, *fields in zip(*(column.tolist() for column in columns), strict=True):
        yield Sample(buckets.label, to_x(begin), to_x(end), *fields)


def _cut(items: Iterable[Point | Sample], page: Page) -> list[Point | Sample]:
    return list(islice(items, page.offset, page.offset + page.limit if page.limit else None))


def _check_exists(view: "View", run: "RunRow", wanted: Wanted) -> None:
    """Raise if the run has no such metric at all."""
    from trackio.query.metrics import list_metrics

    known = [metric.key for metric in list_metrics(view, kind=wanted.kind, run_ids=[run.run_id])]
    if wanted.key not in known:
        raise NotFound(_no_such_metric(run.name, wanted, known))


def _no_such_metric(run: str, wanted: Wanted, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    noun = "system metric" if wanted.kind == "system" else "metric"
    missing = f"run {run!r} has no {noun} {wanted.key!r}"
    if not known:
        return f"{missing}, and no other yet"
    if near := get_close_matches(wanted.key, known, n=3):
        return f"{missing}; did you mean {' or '.join(map(repr, near))}?"
    return f"{missing}; it has: {', '.join(known[:20])}{', …' if len(known) > 20 else ''}"


def _object(item: Point | Sample, columns: Sequence[Column]) -> dict[str, Any]:
    """An item for programs: what its columns show, under names without blanks."""
    shown = {column.header.replace(" ", "_"): column.show(item) for column in columns}
    return {
        name: iso_time(value) if isinstance(value, Moment) else value
        for name, value in shown.items()
    }


def _column(header: str, field: str) -> Column:
    return Column(header, lambda item: getattr(item, field))


def _sample_columns(wanted: Wanted) -> list[Column]:
    headers = {"begin": f"first {wanted.axis}", "end": f"last {wanted.axis}"}
    return [_column(headers.get(name, name), name) for name in Sample._fields]


_POINT_COLUMNS = [_column(name, name) for name in Point._fields]
