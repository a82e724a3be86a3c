"""`trackio top`: the runs that go on, with a curve each, in the terminal."""

import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.options import Count, Opened, with_project
from trackio.cli.output import is_terminal, print_table
from trackio.cli.text import Moment, for_people, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from trackio.query.runs import RunRow
    from trackio.query.view import View

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 32
_HEADERS = ("run", "status", "step", "updated", "metric", "last", "min", "curve")


@click.command
@with_project
@click.option("-m", "--metric", "match", metavar="GLOB", help="The metrics.  [default: the first]")
@click.option("--limit", type=Count(1), default=20, show_default=True, help="So many runs.")
@click.option("--every", default=2.0, show_default=True, metavar="S", help="How often to look.")
@click.option("--once", is_flag=True, help="Print it once; so it is in a pipe.")
def top(*, opened: Opened, match: str | None, limit: int, every: float, once: bool) -> None:
    """Watch the newest runs, those that go on first, until Ctrl-C."""
    if once or not is_terminal():
        print_table(_HEADERS, _lines(opened.view, match, limit))
        return
    from rich.live import Live

    with Live(_table(opened.view, match, limit), screen=True, auto_refresh=False) as live:
        while True:
            live.update(_table(opened.source.follow(), match, limit), refresh=True)
            time.sleep(every)


def spark(values: Sequence[float]) -> str:
    """Numbers as a curve of blocks; a dot for what is not finite."""
    import math

    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return "·" * len(values)
    low, high = min(finite), max(finite)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(
        _BARS[round((value - low) * scale)] if math.isfinite(value) else "·" for value in values
    )


def _lines(view: "View", match: str | None, limit: int) -> list[tuple[Any, ...]]:
    from trackio.query.runs import list_runs

    rows = list_runs(view, view.now_s)
    first = sorted(rows, key=lambda run: run.status != "running")[:limit]
    return [line for run in first for line in _lines_of_run(view, run, match)]


def _lines_of_run(view: "View", run: "RunRow", match: str | None) -> list[tuple[Any, ...]]:
    from trackio.query.buckets import read_buckets

    logged = [key for key, stats in run.summary.items() if stats.text is None]
    keys = logged[:1] if match is None else [key for key in logged if fnmatchcase(key, match)]
    curves = {
        found.key: spark(found.mean.tolist())
        for found in reversed(read_buckets(view, [run.run_id], keys, target=_WIDTH))
    }
    head = (run.name, run.status, run.last_step, Moment(run.updated_s))
    if not keys:
        return [(*head, None, None, None, None)]
    return [
        (*head, key, run.summary[key].last, run.summary[key].min, curves.get(key)) for key in keys
    ]


def _table(view: "View", match: str | None, limit: int) -> "RenderableType":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(*_HEADERS, box=SIMPLE_HEAD, pad_edge=False, expand=True)
    for line in _lines(view, match, limit):
        table.add_row(*(Text(printable(for_people(cell))) for cell in line))
    return table
