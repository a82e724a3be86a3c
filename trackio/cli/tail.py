"""`trackio tail`: the last values of a run, and new ones as they come."""

import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from trackio.cli.options import Count, Opened, json_option, run_option, with_project
from trackio.cli.output import is_terminal, note, write
from trackio.cli.text import Moment, for_people, for_programs, printable
from trackio.render import iso_time, to_json

if TYPE_CHECKING:
    from trackio.query.tail import Line
    from trackio.query.view import View

_OVERLAP_S = 60.0
"""What arrives so late is shown too."""
_ENDED = ("finished", "failed")


@click.command
@with_project
@run_option
@click.option("-m", "--metric", "match", default="*", metavar="GLOB", help="Only these metrics.")
@click.option("-n", "--lines", type=Count(0), default=10, show_default=True, help="So many lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until the run ends.")
@click.option("--every", default=1.0, show_default=True, metavar="S", help="How often to look.")
@json_option
def tail(
    *,
    opened: Opened,
    run: str,
    match: str,
    lines: int,
    follow: bool,
    every: float,
    as_json: bool,
) -> None:
    """Print the last calls of a run, a line each: time, step and what was logged.

    With --json each line is a JSON object, so that a program can read them as they come.
    """
    from trackio.query.runs import find_run

    found = find_run(opened.view, run)
    known = _read(opened.view, found.run_id, match, None)
    for line in known[len(known) - lines :] if lines < len(known) else known:
        _print(line, as_json=as_json)
    if not follow:
        return
    for line in _follow(opened, found.run_id, match, known, every):
        _print(line, as_json=as_json)
    note(f"{found.name} has ended")


def _follow(
    opened: Opened, run_id: str, match: str, known: "list[Line]", every_s: float
) -> "Iterator[Line]":
    """New lines until the run has ended; an early time among them means that they were late."""
    from trackio.query.runs import find_run

    seen = {(line.time_s, line.label, line.step) for line in known}
    newest_s = known[-1].time_s if known else None
    while True:
        view = opened.source.follow()
        is_over = find_run(view, run_id).status in _ENDED
        since_s = None if newest_s is None else newest_s - _OVERLAP_S
        for line in _read(view, run_id, match, since_s):
            place = (line.time_s, line.label, line.step)
            if place not in seen:
                seen.add(place)
                newest_s = max(newest_s or line.time_s, line.time_s)
                yield line
        if is_over:
            return
        time.sleep(every_s)


def _read(view: "View", run_id: str, match: str, since_s: float | None) -> "list[Line]":
    from trackio.query.metrics import list_metrics
    from trackio.query.tail import read_lines

    keys = [one.key for one in list_metrics(view, run_ids=[run_id]) if fnmatchcase(one.key, match)]
    return read_lines(view, run_id, keys, since_s)


def _print(line: "Line", *, as_json: bool) -> None:
    if as_json:
        said = {"time": iso_time(line.time_s), "step": line.step, "label": line.label or None}
        write(to_json({**said, "values": line.values}) + "\n")
        return
    show = for_people if is_terminal() else for_programs
    values = (f"{printable(key)}={show(value)}" for key, value in line.values.items())
    step = "" if line.step is None else f"{line.step}"
    write("\t".join([show(Moment(line.time_s)), *([line.label] * bool(line.label)), step, *values]))
    write("\n")
