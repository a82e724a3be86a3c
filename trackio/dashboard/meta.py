"""What the browser knows of a project: runs, metrics, and what changed. No series, no HTTP."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, Final

from trackio.dashboard.codes import make_codes
from trackio.model import SYSTEM
from trackio.query.definitions import find_step_metric, list_definitions
from trackio.query.metrics import list_metrics
from trackio.query.runs import RunRow, list_runs
from trackio.query.view import View
from trackio.values.definition import Definition, find_definition

Row = dict[str, Any]
_MOST_TOLD: Final = 10


@dataclass(frozen=True, kw_only=True)
class Meta:
    """One project as of one listing.

    `rev` changes with what is stored and with the status of a run, which may change while
    nothing is stored: a run that falls silent has crashed. `stored` is the revision of the view
    when this was made; a file that cannot be read changes the view later. `run_codes` and
    `metric_codes` map ids and keys to codes.
    """

    project: str
    rev: str
    stored: str
    view: View
    runs: tuple[RunRow, ...]
    run_codes: Mapping[str, str]
    metric_codes: Mapping[str, str]

    @cached_property
    def system_codes(self) -> Mapping[str, str]:
        """The code of each system metric."""
        return make_codes(metric.key for metric in list_metrics(self.view, SYSTEM))

    @cached_property
    def kept(self) -> dict[str, Row]:
        """What was made of it and is asked for again, by name."""
        return {}

    @cached_property
    def definitions(self) -> Mapping[str, Definition]:
        """How metrics are to be read: what `define_metric` said of them."""
        return list_definitions(self.view)

    def codes(self, kind: str) -> Mapping[str, str]:
        """The codes of the metrics of a kind, by their keys."""
        return self.system_codes if kind == SYSTEM else self.metric_codes

    @property
    def run_ids(self) -> dict[str, str]:
        """The run id of each code."""
        return {code: run_id for run_id, code in self.run_codes.items()}

    def keys(self, kind: str) -> dict[str, str]:
        """The metric of each code."""
        return {code: key for key, code in self.codes(kind).items()}

    @property
    def has_live_runs(self) -> bool:
        """Whether a status may change by itself."""
        return any(run.status == "running" for run in self.runs)


def describe(project: str, view: View, now_s: float) -> Meta:
    """The project as `view` shows it at `now_s`."""
    runs = tuple(list_runs(view, now_s))
    metrics = list_metrics(view)
    stored = view.revision
    return Meta(
        project=project,
        rev=_revision(stored, runs),
        stored=stored,
        view=view,
        runs=runs,
        run_codes=make_codes(run.run_id for run in runs),
        metric_codes=make_codes(metric.key for metric in metrics),
    )


def _revision(stored: str, runs: tuple[RunRow, ...]) -> str:
    statuses = "\n".join(f"{run.run_id} {run.status}" for run in runs)
    return blake2b(f"{stored}\n{statuses}".encode(), digest_size=6).hexdigest()


def whole(meta: Meta, now_s: float) -> Row:
    """Everything, for a browser that knows nothing yet."""
    return {
        "project": meta.project,
        "rev": meta.rev,
        "now_s": now_s,
        "unreadable": _unreadable(meta),
        "runs": [_run(meta, run) for run in meta.runs],
        "metrics": _metrics(meta, meta.metric_codes),
    }


def delta(old: Meta, new: Meta, now_s: float) -> Row:
    """What changed, for a browser that knows `old`.

    `all_metrics` says that `metrics` is the whole list, because one came in between or is to be
    read otherwise.
    """
    before = {run.run_id: run for run in old.runs}
    changed = [
        run
        for run in new.runs
        if before.get(run.run_id) != run or old.run_codes[run.run_id] != new.run_codes[run.run_id]
    ]
    known = list(old.metric_codes.items())
    is_longer = list(new.metric_codes.items())[: len(known)] == known
    is_longer &= all(_reading(old, key) == _reading(new, key) for key in old.metric_codes)
    fresh = list(new.metric_codes)[len(known) :] if is_longer else list(new.metric_codes)
    gone = set(old.run_codes.values()) - set(new.run_codes.values())
    return {
        "rev": new.rev,
        "now_s": now_s,
        "unreadable": _unreadable(new),
        "runs": [_run(new, run) for run in changed],
        "gone": sorted(gone),
        "metrics": _metrics(new, fresh),
        "all_metrics": not is_longer,
    }


def _unreadable(meta: Meta) -> Row:
    """How many files could not be read, and what is wrong with some of them."""
    found = meta.view.unreadable
    some = [f"{key}: {why}" for key, why in list(found.items())[:_MOST_TOLD]]
    return {"count": len(found), "files": some}


def _run(meta: Meta, run: RunRow) -> Row:
    return {
        "code": meta.run_codes[run.run_id],
        "id": run.run_id,
        "name": run.name,
        "group": run.group,
        "status": run.status,
        "created_s": run.created_s,
        "started_s": run.started_s,
        "updated_s": run.updated_s,
        "ended_s": run.ended_s,
        "host": run.host,
    }


def _metrics(meta: Meta, keys: Iterable[str]) -> list[Row]:
    return [{"code": meta.metric_codes[key], "key": key, **_reading(meta, key)} for key in keys]


def _reading(meta: Meta, key: str) -> Row:
    """How a metric is drawn, where that was said: along another one, or not unless it is sought."""
    found = find_definition(meta.definitions, key) if meta.definitions else None
    if found is None:
        return {}
    along = find_step_metric(meta.definitions, key)
    said = {"x": along} if along in meta.metric_codes else {}
    return {**said, "hidden": True} if found.hidden else said
