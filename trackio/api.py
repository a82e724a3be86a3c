"""Read what was logged: `trackio.Api().runs("project")`. Changes nothing unless asked to.

An answer is a snapshot: it does not change while a run goes on; ask again, or call
`refresh()`, for what is new.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from trackio.catalog import list_projects
from trackio.errors import InvalidInput, NotFound
from trackio.model import METRIC, SYSTEM
from trackio.query.alerts import list_alerts
from trackio.query.cache import Cache
from trackio.query.changed import find_reason, list_config_changes
from trackio.query.definitions import list_definitions
from trackio.query.environment import read_environment
from trackio.query.filters import compile_filter, sort_rows
from trackio.query.frames import moment, to_dict, to_frame
from trackio.query.history import read_history, scan_history
from trackio.query.media import Media
from trackio.query.media_rows import MediaRow, add_media, list_media, list_media_keys
from trackio.query.metrics import list_metrics
from trackio.query.near import advise
from trackio.query.nested import Config, nest
from trackio.query.points import AXES, Axis
from trackio.query.project import Project, open_project
from trackio.query.runs import RunRow, Status, find_run, list_runs
from trackio.query.said import parse_time
from trackio.query.view import View
from trackio.settings import Settings
from trackio.store import open_for_reading, open_store
from trackio.store.base import Store
from trackio.values.definition import Definition

if TYPE_CHECKING:
    import pandas as pd

    from trackio.artifacts.artifact import Artifact
    from trackio.artifacts.collections import Registry
    from trackio.query.artifacts import ArtifactRow, LinkRow


class Api:
    """The projects of one store.

    Args:
        store: its path or URL, the `namespace/name` of a bucket, or an open store; by default
            the one that is logged to.
    """

    def __init__(self, store: str | Path | Store | None = None) -> None:
        settings = Settings.from_env()
        if store is None:
            store = settings.store_url
        self._store = open_for_reading(store) if isinstance(store, str | Path) else store
        self._cache = Cache.of(self._store, settings.cache_home, settings.cache_bytes)
        self._projects: dict[str, Project] = {}

    def __repr__(self) -> str:
        return f"Api({self._store.url!r})"

    def projects(self) -> list[str]:
        """The names of all projects."""
        return list_projects(self._store)

    def runs(
        self,
        project: str,
        *,
        filters: Mapping[str, Any] | str | None = None,
        order: str = "-created",
        per_page: int = 50,
    ) -> "Runs":
        """The runs of a project; nothing is read before they are looked at.

        Args:
            project: its name.
            filters: `{"config.lr": 0.1, "summary.loss": {"$lt": 0.2}, "state": "finished"}`;
                fields are id, name, group, tags, notes, state, host, created, updated, ended,
                last_step, config.<key> and summary.<metric>; operators $eq, $ne, $gt, $gte,
                $lt, $lte, $in, $nin, $regex, $exists, $not, and $and, $or, $not around fields.
                A text is looked for in names, ids, groups and tags.
            order: a field to sort by, with a minus for the largest first; runs without a
                value come last.
            per_page: how many runs `pages()` gives at once.

        Raises:
            NotFound: there is no such project.
            InvalidInput: an unknown field or operator.
        """
        test = compile_filter(filters)
        sort_rows((), order)
        opened = self._open(project)

        def load() -> list[Run]:
            view = opened.refresh()
            rows = [row for row in list_runs(view, view.now_s) if test(row)]
            return [Run(opened, view, row) for row in sort_rows(rows, order)]

        return Runs(load, per_page)

    def run(self, path: str) -> "Run":
        """One run, by `project/id` or `project/name`; the beginning of either is enough.

        Raises:
            NotFound: there is no such project or run.
            InvalidInput: several runs are called so; the message names them.
        """
        name, _, run = path.partition("/")
        if not run:
            raise InvalidInput(f"{path!r} names no run: write it like project/run")
        opened = self._open(name)
        view = opened.refresh()
        return Run(opened, view, find_run(view, run))

    def alerts(
        self,
        project: str,
        run: str | None = None,
        level: str | None = None,
        since: datetime | float | str | None = None,
    ) -> list[dict[str, Any]]:
        """The alerts of a project, or of one run, as `Run.alerts` gives them, with the run's name.

        Raises:
            NotFound: there is no such project or run.
            InvalidInput: no such level, or no time.
        """
        view = self._open(project).refresh()
        rows = list_runs(view, view.now_s) if run is None else [find_run(view, run)]
        found = [alert for row in rows for alert in _alerts(view, row, level, since)]
        return sorted(found, key=lambda alert: alert["time"])

    def artifact(self, name: str, type: str | None = None) -> "Artifact":  # noqa: A002 - as elsewhere
        """A version of an artifact: `project/name:v3`, `registry-<name>/collection:alias`.

        Raises:
            NotFound: there is none.
            InvalidInput: it names nothing, or is of another type.
        """
        from trackio.artifacts.use import find_artifact

        return find_artifact(self._writable(), name, kind=type)

    def artifacts(self, project: str) -> "list[ArtifactRow]":
        """The artifacts of a project, each with its newest version."""
        from trackio.query.artifacts import list_artifact_rows

        return list_artifact_rows(self._store, project)

    def registry(self, name: str) -> "Registry":
        """A registry of this store.

        Raises:
            NotFound: nobody has made it.
        """
        from trackio.artifacts.collections import Registry

        found = Registry(self._writable(), name)
        found.state()
        return found

    def create_registry(self, name: str, description: str | None = None) -> "Registry":
        """Make a registry; one that is there already stays as it is."""
        from trackio.artifacts.collections import create_registry

        return create_registry(self._writable(), name, description)

    def _writable(self) -> Store:
        """The store for what changes it: versions that get aliases, registries."""
        from trackio.store import open_store
        from trackio.store.retrying import Retrying, RetryPolicy

        return Retrying(open_store(self._store.url), RetryPolicy(attempts=4, deadline_s=15.0))

    def _open(self, name: str) -> Project:
        if name not in self._projects:
            self._projects[name] = open_project(self._store, name, cache=self._cache)
        return self._projects[name]


class Runs(Sequence["Run"]):
    """Runs that are read when they are first looked at."""

    def __init__(self, load: Callable[[], list["Run"]], per_page: int) -> None:
        if per_page < 1:
            raise InvalidInput(f"per_page must be 1 or more, not {per_page}")
        self._load = load
        self._per_page = per_page
        self._runs: list[Run] | None = None

    def __repr__(self) -> str:
        return "Runs(not read yet)" if self._runs is None else f"Runs({len(self._runs)})"

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator["Run"]:
        return iter(self._all())

    if TYPE_CHECKING:  # `typing` would hold this module, and so DuckDB's, beyond its end

        @overload
        def __getitem__(self, index: int) -> "Run": ...
        @overload
        def __getitem__(self, index: slice) -> list["Run"]: ...

    def __getitem__(self, index: int | slice) -> "Run | list[Run]":
        return self._all()[index]

    def pages(self) -> Iterator[list["Run"]]:
        """The runs, `per_page` at a time."""
        runs = self._all()
        for start in range(0, len(runs), self._per_page):
            yield runs[start : start + self._per_page]

    def _all(self) -> list["Run"]:
        if self._runs is None:
            self._runs = self._load()
        return self._runs


class Run:
    """One run as it was when it was asked for."""

    def __init__(self, project: Project, view: View, row: RunRow) -> None:
        self._project = project
        self._view = view
        self._row = row

    def __repr__(self) -> str:
        return f"<Run {self.project}/{self.id} {self.name!r} {self.status}>"

    @property
    def id(self) -> str:
        """Its id, which never changes."""
        return self._row.run_id

    @property
    def name(self) -> str:
        """Its name, a label."""
        return self._row.name

    @property
    def project(self) -> str:
        """The name of its project."""
        return self._project.name

    @property
    def path(self) -> str:
        """What `Api.run` finds it by."""
        return f"{self.project}/{self.id}"

    @property
    def group(self) -> str | None:
        """The group it belongs to."""
        return self._row.group

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return list(self._row.tags)

    @property
    def notes(self) -> str | None:
        """What somebody wrote about it."""
        return self._row.notes

    @property
    def status(self) -> Status:
        """running, finished, failed, or crashed: silent for too long without having finished."""
        return self._row.status

    state = status

    @property
    def created_at(self) -> datetime:
        """When it was first made."""
        return moment(self._row.created_s)

    @property
    def started_at(self) -> datetime:
        """When its first writer started."""
        return moment(self._row.started_s)

    @property
    def ended_at(self) -> datetime | None:
        """When it finished or failed, or said its last word; None while it runs."""
        return None if self._row.ended_s is None else moment(self._row.ended_s)

    @property
    def duration_s(self) -> float:
        """Seconds from its start to its end, or to what is known of it now."""
        ended_s = self._row.ended_s
        return (self._row.updated_s if ended_s is None else ended_s) - self._row.started_s

    @property
    def reason(self) -> str | None:
        """Why it failed, if it did and said so."""
        return find_reason(self._view, self._row.run_id)

    @property
    def definitions(self) -> dict[str, Definition]:
        """What `define_metric` said: x axis, summary and goal, by metric or pattern."""
        return list_definitions(self._view, [self._row.run_id])

    def config_changes(self) -> list[dict[str, Any]]:
        """Every value that each key of its config had, oldest first."""
        return [
            {"time": moment(change.time_s), "key": change.key, "value": change.value}
            for change in list_config_changes(self._view, self._row.run_id)
        ]

    @property
    def last_step(self) -> int | None:
        """The largest step at which a metric has its last value."""
        return self._row.last_step

    @property
    def config(self) -> Config:
        """Its config, nested as it was given."""
        return nest(self._row.config)

    @property
    def summary(self) -> dict[str, float | str | None]:
        """The last value of each metric, or what the user put there."""
        stats = self._row.summary.items()
        return {key: found.last if found.text is None else found.text for key, found in stats}

    def refresh(self) -> "Run":
        """Read it anew; returns itself."""
        self._view = self._project.refresh()
        self._row = find_run(self._view, self.id)
        return self

    def delete(self) -> None:
        """Delete it for everybody and for ever, also if it is live; see `docs/operations.md`.

        Raises:
            StoreUnavailable, StoreRefused: it may be deleted in part; delete it again.
        """
        from trackio.upkeep.delete import delete_run

        delete_run(self._writable(), self.project, self._row.run_id)

    def rename(self, new_name: str) -> "Run":
        """Give it another name; its id stays. Returns itself, read anew.

        Raises:
            InvalidInput: no run can be called so.
            StoreUnavailable, StoreRefused: try again.
        """
        from trackio.upkeep.rename import rename_run

        rename_run(self._writable(), self.project, self._row.run_id, new_name)
        return self.refresh()

    def move(self, new_project: str, *, store: str | Path | None = None) -> str:
        """Move it to another project, or another store; returns its path there.

        Raises:
            InvalidInput: it is live, or it is there already.
            UnreadableFile: a file of it is damaged; nothing was deleted.
            StoreUnavailable, StoreRefused: nothing was deleted; moving it again goes on.
        """
        from trackio.upkeep.move import Place, move_run

        here = self._writable()
        source = Place(store=here, project=self.project)
        there = here if store is None else open_store(store)
        target = Place(store=there, project=new_project)
        return f"{new_project}/{move_run(source, self._row.run_id, target)}"

    def _writable(self) -> Store:
        return open_store(self._project.store.url)

    def metrics(self) -> dict[str, int]:
        """Its metrics in the order of first logging, and how many values each has."""
        return {metric.key: metric.points for metric in list_metrics(self._view, METRIC, [self.id])}

    def history(
        self,
        keys: Sequence[str] | None = None,
        samples: int | None = 500,
        *,
        pandas: bool = True,
        x_axis: str = "step",
        stream: Literal["default", "system"] = "default",
    ) -> "pd.DataFrame | list[dict[str, Any]]":
        """What it logged: a row for each step at which any of the keys has a point.

        Args:
            keys: the metrics; by default all.
            samples: of a metric with more points it keeps about so many that were logged,
                always its first, last, smallest and largest, the same every time; None
                keeps all.
            pandas: give a DataFrame, else a list of dicts.
            x_axis: what to sample along: step, time or relative.
            stream: the metrics, or with `system` those of the machine.

        Columns are step, time, label where several processes logged side by side, and the
        keys. Of several values at one step the last counts; `scan_history` has them all.
        Media come only if `keys` names them: as `Media`, or as lists of these.
        """
        kind = _kind(stream)
        wanted = self._keys(keys, kind)
        media = [] if keys is None else self._without_metrics(wanted, kind)
        metrics = [key for key in wanted if key not in media]
        rows = read_history(
            self._view, self.id, metrics, samples=samples, x=_axis(x_axis), kind=kind
        )
        if media:
            rows = add_media(rows, list_media(self._view, self.id, media), self._media)
        return to_frame(rows, wanted) if pandas else [to_dict(row) for row in rows]

    def scan_history(
        self,
        keys: Sequence[str] | None = None,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Every `log` call with `min_step ≤ step < max_step`, unsampled, in bounded memory."""
        rows = scan_history(self._view, self.id, keys, min_step=min_step, max_step=max_step)
        return map(to_dict, rows)

    def system_metrics(self) -> "pd.DataFrame":
        """What its machines measured, by time; see `history` for the columns."""
        keys = self._keys(None, SYSTEM)
        rows = read_history(self._view, self.id, keys, samples=None, x="time", kind=SYSTEM)
        return to_frame(rows, keys).drop(columns="step")

    @property
    def environment(self) -> dict[str, Any]:
        """Where it ran and came from: host, user, command, git, packages, processors, GPUs."""
        return read_environment(self._view, self.id)

    metadata = environment

    def media(self, key: str | None = None) -> list[Media]:
        """What it logged that is not a number, under this key or any, in the order of steps.

        Images, videos, sounds, pages, tables, histograms, traces, reports, long texts; of a
        list each item by itself.

        Raises:
            NotFound: neither this run nor another of the project has such a key.
        """
        if key is not None:
            self._check_media_key(key)
        rows = list_media(self._view, self.id, None if key is None else [key])
        return [self._media(row) for row in rows]

    def table(self, key: str, step: int | None = None) -> "pd.DataFrame":
        """The last table, or histogram, that it logged under a key, or the one at a step.

        Raises:
            NotFound: there is none.
        """
        found = [one for one in self.media(key) if step is None or one.step == step]
        if not found:
            where = "" if step is None else f" at step {step}"
            raise NotFound(f"{self.path} has no table {key!r}{where}")
        return found[-1].to_pandas()

    def logged_artifacts(self) -> "list[LinkRow]":
        """The versions of artifacts that it made, oldest first."""
        return self._links("output")

    def used_artifacts(self) -> "list[LinkRow]":
        """The versions of artifacts that it used, oldest first."""
        return self._links("input")

    def _links(self, direction: str) -> "list[LinkRow]":
        from trackio.query.artifacts import list_links, number_links

        links = [it for it in list_links(self._view, self.id) if it.direction == direction]
        return number_links(self._project.store, links)

    def alerts(
        self, level: str | None = None, since: datetime | float | str | None = None
    ) -> list[dict[str, Any]]:
        """Its alerts, oldest first: of one level, and not older than a time.

        Raises:
            InvalidInput: no such level, or no time.
        """
        return _alerts(self._view, self._row, level, since)

    def _without_metrics(self, keys: Sequence[str], kind: str) -> list[str]:
        """Those of the keys under which this run logged media and no numbers."""
        own = {metric.key for metric in list_metrics(self._view, kind, [self.id])}
        media = list_media_keys(self._view, self.id)
        return [key for key in keys if key in media and key not in own]

    def _media(self, row: MediaRow) -> Media:
        return Media(row, self._project.files)

    def _check_media_key(self, key: str) -> None:
        if key not in (known := list_media_keys(self._view)):
            raise NotFound(f"no run of {self.project!r} has media {key!r}; {advise(key, known)}")

    def _keys(self, keys: Sequence[str] | None, kind: str) -> list[str]:
        """All keys of the run, or these if it or another run of the project has them."""
        if isinstance(keys, str):
            raise InvalidInput(f"keys must be a list: [{keys!r}]")
        own = [metric.key for metric in list_metrics(self._view, kind, [self.id])]
        if keys is None:
            return own
        if not set(keys) <= set(own):
            known = [metric.key for metric in list_metrics(self._view, kind)]
            known += list_media_keys(self._view) if kind == METRIC else []
            for key in keys:
                if key not in known:
                    advice = advise(key, known)
                    raise NotFound(f"no run of {self.project!r} has a metric {key!r}; {advice}")
        return list(dict.fromkeys(keys))


def _alerts(
    view: View, row: RunRow, level: str | None, since: datetime | float | str | None
) -> list[dict[str, Any]]:
    return [
        {
            "time": moment(alert.time_s),
            "run": row.name,
            "step": alert.step,
            "level": alert.level,
            "title": alert.title,
            "text": alert.text,
        }
        for alert in list_alerts(view, row.run_id, level, _seconds(since))
    ]


def _seconds(since: datetime | float | str | None) -> float | None:
    """A time as seconds since 1970."""
    if since is None or isinstance(since, int | float):
        return since
    found = since.timestamp() if isinstance(since, datetime) else parse_time(since)
    if found is None:
        raise InvalidInput(f"since takes a time such as 2026-01-31T12:00, not {since!r}")
    return found


def _kind(stream: str) -> str:
    kinds = {"default": METRIC, "system": SYSTEM}
    if stream not in kinds:
        raise InvalidInput(f"stream must be default or system, not {stream!r}")
    return kinds[stream]


def _axis(x_axis: str) -> Axis:
    """The axis, by our name or by the one that wandb has for it."""
    axes: dict[str, Axis] = {axis: axis for axis in AXES}
    axes |= {"_step": "step", "_timestamp": "time", "_runtime": "relative"}
    if x_axis not in axes:
        raise InvalidInput(f"x_axis must be one of {', '.join(AXES)}, not {x_axis!r}")
    return axes[x_axis]
