"""Which metrics there are. Reads no point of a finished run but of those that tell the order."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trackio.ids import id_time_ms
from trackio.model import METRIC, RunId
from trackio.query.facts import Count
from trackio.query.view import View, rereads


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. `points` counts all its values in all the runs, abandoned ones included."""

    key: str
    kind: str
    runs: int
    points: int


@rereads
def list_metrics(
    view: View, kind: str = METRIC, run_ids: Iterable[str] | None = None
) -> list[Metric]:
    """The metrics of these runs, or of all, in the order in which the newest run logged them.

    Those that it did not log follow, in the order of the newest run that did.
    """
    runs = [run.run_id for run in view.runs()] if run_ids is None else list(map(RunId, run_ids))
    newest_first = sorted(
        (run_id for run_id in dict.fromkeys(runs) if view.writers(run_id)),
        key=lambda run_id: (max(map(id_time_ms, view.writers(run_id))), run_id),
        reverse=True,
    )
    counts = _summed_up(view, newest_first) if kind == METRIC else {}
    counts |= _count(view, [r for r in newest_first if r not in counts], kind)
    order = _order(view, {run_id: counts[run_id] for run_id in newest_first}, kind)
    runs_of: Counter[str] = Counter()
    points: Counter[str] = Counter()
    for found in counts.values():
        runs_of.update(found.keys())
        points.update(found)
    return [Metric(key=key, kind=kind, runs=runs_of[key], points=points[key]) for key in order]


def _summed_up(view: View, run_ids: Iterable[RunId]) -> dict[RunId, dict[str, int]]:
    """How many values of each metric those runs have that were summed up by all their writers."""
    writers = {run_id: view.writers(run_id) for run_id in run_ids}
    heard = iter(view.heard(pieces for found in writers.values() for pieces in found.values()))
    said = {run_id: [next(heard) for _ in found] for run_id, found in writers.items()}
    summed: dict[RunId, dict[str, int]] = {}
    for run_id, found in said.items():
        if all(writer.finish is not None for writer in found):
            totals = summed.setdefault(run_id, {})
            for writer in found:
                for key, stats in writer.summary.items():
                    totals[key] = totals.get(key, 0) + stats.count
    return summed


def _count(view: View, run_ids: Iterable[RunId], kind: str) -> dict[RunId, dict[str, int]]:
    totals: dict[RunId, dict[str, int]] = {run_id: {} for run_id in run_ids}
    for piece, found in view.counts(view.pieces(totals), kind).items():
        total = totals[piece.run_id]
        for count in found:
            total[count.key] = total.get(count.key, 0) + count.rows
    return totals


def _order(view: View, counts: Mapping[RunId, Mapping[str, int]], kind: str) -> list[str]:
    """Every key, by the first of the runs that has it, then by when that run logged it first.

    Only the runs that add a key are read for it.
    """
    new_keys: dict[RunId, set[str]] = {}
    seen: set[str] = set()
    for run_id, found in counts.items():
        if new := found.keys() - seen:
            new_keys[run_id] = new
            seen |= new
    first: dict[RunId, dict[str, tuple[str, int]]] = {run_id: {} for run_id in new_keys}
    for piece, rows in view.counts(view.pieces(new_keys), kind).items():
        for count in rows:
            _keep_first(first[piece.run_id], piece.writer_id, count)
    last = ("~", 0)
    return [
        key
        for run_id, new in new_keys.items()
        for key in sorted(new, key=lambda key: (first[run_id].get(key, last), key))
    ]


def _keep_first(first: dict[str, tuple[str, int]], writer_id: str, count: Count) -> None:
    here = (writer_id, count.first_seq)
    first[count.key] = min(here, first.get(count.key, here))
