"""`trackio get snapshot`: what all metrics of a run were around one step or moment."""

import math
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import click

from trackio.cli.options import (
    Count,
    Opened,
    Page,
    Since,
    json_option,
    run_option,
    with_page,
    with_project,
)
from trackio.cli.output import Answer, Column, print_answer
from trackio.cli.runs import warnings_of
from trackio.cli.text import Moment
from trackio.errors import InvalidInput
from trackio.render import iso_time


class Value(NamedTuple):
    """One logged value."""

    metric: str
    series: str
    step: int | None
    time: Moment
    value: float


@click.command
@with_project
@run_option
@click.option("--step", type=int, metavar="N", help="At this step.")
@click.option("--around", type=int, metavar="N", help="Near this step.")
@click.option("--at-time", type=Since(), help="Near this moment, as 2h ago or a time.")
@click.option(
    "--window",
    type=Count(0),
    default=10,
    show_default=True,
    metavar="N",
    help="How many steps, or seconds, to each side are near.",
)
@click.option("--match", metavar="GLOB", help="Only these metrics, as 'val/*'.")
@with_page(limit=1000)
@json_option
def snapshot(*, opened: Opened, run: str, page: Page, as_json: bool, **asked: Any) -> None:
    """Get what the metrics of a run were at a step: to see what happened beside a spike."""
    from trackio.query.runs import find_run

    found = find_run(opened.view, run)
    values = _read(opened, found.run_id, **asked)
    answer = Answer(
        kind="values",
        items=page.of(values),
        total=len(values),
        offset=page.offset,
        as_of_s=opened.as_of_s,
        about={"project": opened.project, "run_id": found.run_id, "run_name": found.name},
        warnings=warnings_of(opened),
    )
    print_answer(answer, _COLUMNS, as_json=as_json, as_object=_object)


def _read(
    opened: Opened,
    run_id: str,
    *,
    step: int | None,
    around: int | None,
    at_time: float | None,
    window: int,
    match: str | None,
) -> list[Value]:
    from trackio.query.metrics import list_metrics
    from trackio.query.series import read_series

    given = [one for one in (step, around, at_time) if one is not None]
    if len(given) != 1:
        raise InvalidInput("say where with one of --step N, --around N and --at-time TIME")
    near = 0 if step is not None else window
    known = [metric.key for metric in list_metrics(opened.view, run_ids=[run_id])]
    series = read_series(
        opened.view,
        [run_id],
        [key for key in known if match is None or fnmatchcase(key, match)],
        x="step" if at_time is None else "time",
        lo=given[0] - near,
        hi=given[0] + near,
    )
    return [
        Value(one.key, one.label, None if math.isnan(at) else int(at), Moment(time_s), value)
        for one in series
        for at, time_s, value in zip(
            one.steps.tolist(), one.times_s.tolist(), one.values.tolist(), strict=True
        )
    ]


def _object(value: Value) -> dict[str, Any]:
    return {**value._asdict(), "time": iso_time(value.time)}


_COLUMNS = [
    Column("metric", lambda value: value.metric),
    Column("series", lambda value: value.series or None),
    Column("step", lambda value: value.step),
    Column("time", lambda value: value.time),
    Column("value", lambda value: value.value),
]
