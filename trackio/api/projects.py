"""The projects of one store, open for reading: `trackio.Api`."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackio.api.questions import describe_alerts
from trackio.api.run import Run
from trackio.api.runs import Runs
from trackio.catalog import list_projects
from trackio.errors import InvalidInput
from trackio.query.cache import Cache
from trackio.query.filters import compile_filter, sort_rows
from trackio.query.project import Project, open_project
from trackio.query.runs import find_run, list_runs
from trackio.settings import Settings
from trackio.store import open_for_reading
from trackio.store.base import Store

if TYPE_CHECKING:
    from trackio.artifacts.artifact import Artifact
    from trackio.artifacts.collections import Registry
    from trackio.query.artifacts import ArtifactRow


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
    ) -> Runs:
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

    def run(self, path: str) -> Run:
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
        found = [alert for row in rows for alert in describe_alerts(view, row, level, since)]
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
