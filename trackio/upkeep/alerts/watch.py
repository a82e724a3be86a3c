"""Find what the rules look for, in runs that got something lately. Fires nothing.

What a rule finds is named by the row at which it found it, so that every evaluator that looks
finds the same, and by a mark: it fires once for a metric of a run, or for each silence.
"""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from trackio.model import WriterId
from trackio.query.runs import RunRow, list_runs
from trackio.query.view import View, rereads
from trackio.query.violations import Bounds, Known, find_violations, forget_others
from trackio.upkeep.alerts.config import Rule
from trackio.upkeep.alerts.due import Due

RECENT_S = 86_400.0
"""Rules look at runs that the store got something of within this time."""


class Watch:
    """The rules, and what they know of one project."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._known: Known = {}

    def find(self, view: View) -> list[Due]:
        """What the rules find now; much of it may be done long ago."""
        project = view.snapshot.project
        if not any(fnmatchcase(project, rule.project) for rule in self._rules):
            return []
        runs = [run for run in list_runs(view, view.now_s) if view.now_s - run.updated_s < RECENT_S]
        forget_others(self._known, view)
        return [
            due
            for rule in self._rules
            if (mine := [run for run in runs if rule.fits(project, run.name)])
            for due in self._of_rule(view, rule, mine)
        ]

    def _of_rule(self, view: View, rule: Rule, runs: Sequence[RunRow]) -> Iterator[Due]:
        match rule.when:
            case "nonfinite" | "threshold":
                yield from self._of_values(view, rule, runs)
            case "silent":
                yield from _silent(view, rule, runs)
            case "crashed" | "failed":
                ended = [run for run in runs if run.status == rule.when]
                yield from (_ended(view, rule, run) for run in ended)

    def _of_values(self, view: View, rule: Rule, runs: Sequence[RunRow]) -> Iterator[Due]:
        bounds = Bounds(rule.when == "nonfinite", rule.above, rule.below)
        rows = {run.run_id: run for run in runs}
        for found in find_violations(view, rows, bounds, self._known):
            if fnmatchcase(found.key, rule.metric):
                run = rows[found.run_id]
                yield Due(
                    project=view.snapshot.project,
                    run_id=run.run_id,
                    run=run.name,
                    writer_id=found.writer_id,
                    seq=found.seq,
                    time_s=found.time_s,
                    step=found.step,
                    level=rule.level,
                    title=f"{found.key} is {_said(rule, found.value)}",
                    text=f"first at step {found.step}; {found.points} points so far",
                    rule=rule.name,
                    mark=f"{run.run_id} {found.key}",
                )


class _Last(NamedTuple):
    """The row at which a run stands still."""

    writer_id: WriterId
    seq: int
    time_s: float
    step: int | None


@rereads
def _silent(view: View, rule: Rule, runs: Iterable[RunRow]) -> list[Due]:
    """Runs that go on, or seem to, and have logged no such metric for so long."""
    limit_s = 60.0 * (rule.minutes or 0.0)
    found = []
    for run in runs:
        goes_on = run.status in ("running", "crashed")
        last = _last_logged(view, run, rule.metric) if goes_on else None
        if last is not None and view.now_s - last.time_s > limit_s:
            text = f"nothing of {rule.metric} for {rule.minutes:g} min; it is {run.status}"
            found.append(_at(view, rule, run, last, text=text, title=f"{run.name} is silent"))
    return found


def _last_logged(view: View, run: RunRow, metric: str) -> _Last | None:
    """Its newest point of these metrics."""
    pieces = [piece for found in view.writers(run.run_id).values() for piece in found]
    points = [
        _Last(piece.writer_id, tally.last_seq, tally.last_time_s, tally.last_step)
        for piece, tallies in view.tallies(pieces).items()
        for tally in tallies
        if fnmatchcase(tally.key, metric)
    ]
    return max(points, key=lambda last: (last.time_s, last.writer_id, last.seq), default=None)


def _ended(view: View, rule: Rule, run: RunRow) -> Due:
    """A run that did not end well, at its last row."""
    writers = view.snapshot.runs[run.run_id].writers
    newest = max(writers)
    end_s = run.updated_s if run.ended_s is None else run.ended_s
    last = _Last(newest, max(0, writers[newest].cover.end - 1), end_s, run.last_step)
    text = "it was not finished, and nothing is heard of it any more"
    said = text if run.status == "crashed" else "it ended with an error"
    return _at(view, rule, run, last, text=said, title=f"{run.name} {run.status}")


def _at(view: View, rule: Rule, run: RunRow, last: _Last, *, title: str, text: str) -> Due:
    return Due(
        project=view.snapshot.project,
        run_id=run.run_id,
        run=run.name,
        writer_id=last.writer_id,
        seq=last.seq,
        time_s=last.time_s,
        step=last.step,
        level=rule.level,
        title=title,
        text=text,
        rule=rule.name,
        mark=f"{run.run_id} {last.writer_id}-{last.seq}",
    )


def _said(rule: Rule, value: float) -> str:
    """What is wrong with a value."""
    if rule.when == "nonfinite":
        return str(value)
    if rule.above is not None and value > rule.above:
        return f"{value:g}, above {rule.above:g}"
    return f"{value:g}, below {rule.below:g}"
