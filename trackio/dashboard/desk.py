"""Keeps projects open and knows how each is now. Lists a project at most once in `FRESH_S`.

However many browsers ask, one listing answers all who ask within that time; those who come
while it runs wait for it. While the store cannot be reached, what was known stays, with the
reason. Runs on the threads of whoever asks.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final

from trackio import keys
from trackio.catalog import list_projects
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.dashboard.charts import Charts
from trackio.dashboard.meta import Meta, describe
from trackio.errors import StoreRefused, StoreUnavailable
from trackio.ids import id_time_ms, is_id
from trackio.query.cache import Cache
from trackio.query.project import Project, open_project
from trackio.store.base import Store
from trackio.store.remote import is_remote

FRESH_S: Final = 0.75
RETRY_S: Final = 5.0
"""How long a remote store that could not be reached is left alone, unless it says how long."""
STATUS_S: Final = 5.0
"""How often the status of live runs is looked at anew while nothing is stored."""
_REMEMBERED: Final = 8
_COMPARED: Final = 50
_OPEN: Final = 16
"""How many projects stay open: those that were looked at last."""


class Desk:
    """All projects of one store, as far as somebody looked at them.

    Args:
        store: where they are.
        clock: what time it is.
        cache: where files of a remote store are kept, if they outlast this process.
    """

    def __init__(
        self, store: Store, clock: Clock = SYSTEM_CLOCK, cache: Cache | None = None
    ) -> None:
        self.store = store
        self.clock = clock
        self._cache = cache or Cache()
        self._names: list[str] = []
        self._named_at = float("-inf")
        self._lock = threading.Lock()
        self._open: OrderedDict[str, OpenProject] = OrderedDict()

    @property
    def now_s(self) -> float:
        """The time, in seconds since 1970."""
        return self.clock.time_ns() / 1e9

    def projects(self) -> list[str]:
        """The names of all projects; those that were known while the store is out of reach.

        Raises:
            StoreUnavailable, StoreRefused: it cannot be listed, and nothing is known.
        """
        fresh_s = self.store.poll_s if is_remote(self.store) else 0.0
        if self.clock.monotonic() - self._named_at < fresh_s:
            return self._names
        try:
            self._names = list_projects(self.store)
        except StoreUnavailable:
            if not self._names:
                raise
        self._named_at = self.clock.monotonic()
        return self._names

    def newest(self, projects: Sequence[str]) -> str | None:
        """The project in which a run began last; the first where that would take too long."""
        if len(projects) > _COMPARED:
            return projects[0]
        return max(projects, key=self._newest_run_ms, default=None)

    def _newest_run_ms(self, project: str) -> int:
        """When its newest run began, as far as run ids tell."""
        prefix = keys.runs_prefix(project)
        folders = (entry.key for entry in self.store.list(prefix, recursive=False))
        runs = (keys.decode_name(folder[len(prefix) :].rstrip("/")) for folder in folders)
        return max((id_time_ms(run) for run in runs if run and is_id(run)), default=0)

    def project(self, name: str) -> "OpenProject":
        """The project called `name`.

        Raises:
            NotFound: there is none.
        """
        with self._lock:
            if name in self._open:
                self._open.move_to_end(name)
                return self._open[name]
        project = open_project(self.store, name, cache=self._cache, clock=self.clock)
        with self._lock:
            opened = self._open.setdefault(name, OpenProject(project, self.clock))
            while len(self._open) > _OPEN:
                self._open.popitem(last=False)
            return opened


class OpenProject:
    """One project and its last few revisions."""

    def __init__(self, project: Project, clock: Clock) -> None:
        self.charts = Charts()
        self.problem: StoreUnavailable | StoreRefused | None = None
        self._project = project
        self._retry_s = RETRY_S if is_remote(project.store) else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Meta] = OrderedDict()
        self._latest: Meta | None = None
        self._listed_at = 0.0
        self._fresh_s = FRESH_S
        self._described_at = 0.0
        self._coming: Future[Meta] | None = None

    def remembered(self, rev: str) -> Meta | None:
        """An earlier revision, if it is not too long ago."""
        with self._lock:
            return self._known.get(rev)

    @property
    def age_s(self) -> float:
        """How old what is shown may be: the time since the store's changes are not known."""
        return max(0.0, self._clock.time_ns() / 1e9 - self._project.as_of_s)

    def now(self) -> Meta:
        """The project as it is, give or take `FRESH_S` and what a remote store lags.

        While the store cannot be reached it is what was last known, and `problem` says why.

        Raises:
            StoreUnavailable, StoreRefused: it cannot be listed, and nothing is known.
        """
        with self._lock:
            is_fresh = self._clock.monotonic() - self._listed_at < self._fresh_s
            if self._latest is not None and is_fresh:
                return self._latest
            coming, is_mine = self._coming, self._coming is None
            if coming is None:
                coming = self._coming = Future()
        return self._list(coming) if is_mine else coming.result()

    def _list(self, coming: "Future[Meta]") -> Meta:
        problem: StoreUnavailable | StoreRefused | None = None
        try:
            meta = self._refresh()
        except BaseException as exc:
            if self._latest is None or not isinstance(exc, StoreUnavailable | StoreRefused):
                with self._lock:
                    self._coming = None
                coming.set_exception(exc)
                raise
            problem, meta = exc, self._latest
        with self._lock:
            self._coming = None
            self._latest = meta
            self.problem = problem
            self._fresh_s = FRESH_S if problem is None else self._wait_s(problem)
            self._listed_at = self._clock.monotonic()
            self._known[meta.rev] = meta
            self._known.move_to_end(meta.rev)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        coming.set_result(meta)
        return meta

    def _refresh(self) -> Meta:
        latest, at = self._latest, self._clock.monotonic()
        view = self._project.follow()
        if latest is not None and view is latest.view and view.revision == latest.stored:
            may_change = latest.has_live_runs and at - self._described_at >= STATUS_S
            if not may_change:
                return latest
        meta = describe(self._project.name, view, self._clock.time_ns() / 1e9)
        self._described_at = at
        return latest if latest is not None and meta.rev == latest.rev else meta

    def _wait_s(self, problem: StoreUnavailable | StoreRefused) -> float:
        """How long to leave the store alone."""
        said = problem.retry_after_s if isinstance(problem, StoreUnavailable) else None
        return max(self._retry_s, said or 0.0)
