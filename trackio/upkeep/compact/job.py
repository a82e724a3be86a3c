"""Compact and collect one project: look, plan, pack, and delete what that left behind.

Whatever fails leaves the store readable, and the next time goes on from what is listed then.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field
from typing import Final, Protocol

from trackio.catalog import Snapshot, list_project
from trackio.ids import make_id
from trackio.settings import upkeep_policy
from trackio.store import open_store
from trackio.store.base import Store, is_local
from trackio.upkeep import collect
from trackio.upkeep.compact.look import Looker
from trackio.upkeep.compact.plan import CompactPolicy, Plan, Task, plan
from trackio.upkeep.compact.publish import Effects, Packed, pack_one
from trackio.upkeep.compact.sources import SourceLost

_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A task that was given up: this file of it is gone or cannot be read."""

    key: str
    reason: str


Outcome = Packed | Lost


class Runner(Protocol):
    """Carries out tasks, here or elsewhere; outcomes come in any order."""

    def __call__(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """One outcome a task."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What was done for a project: packs written, keys deleted, packs condemned, what waits."""

    project: str
    plan: Plan
    packed: list[Packed] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    deletes: int = 0
    condemns: int = 0
    kept: int = 0
    rest: collect.Plan | None = None

    def __str__(self) -> str:
        rows = sum(each.rows for each in self.packed)
        files = sum(each.files for each in self.packed)
        return (
            f"{self.project}: packed {rows:,} rows of {files:,} files into "
            f"{len(self.packed):,} packs, deleted {self.deletes:,} files, "
            f"condemned {self.condemns:,} packs, {len(self.plan.waiting):,} writers wait"
        )


@dataclass(slots=True, kw_only=True)
class Job:
    """What a job knows of one store from one time to the next.

    `grace_s` is by the kind of store unless it is given, `make_id` makes ids of jobs.
    """

    store: Store
    policy: CompactPolicy = field(default_factory=CompactPolicy)
    grace_s: float | None = None
    make_id: Callable[[], str] = make_id
    looker: Looker = field(init=False)

    def __post_init__(self) -> None:
        self.looker = Looker(self.store)

    @property
    def grace(self) -> float:
        """How long a superseded file stays."""
        if self.grace_s is not None:
            return self.grace_s
        return upkeep_policy(is_local=is_local(self.store)).grace_s

    def plan(self, project: str) -> Plan:
        """What there is to pack; changes nothing but the job's own clock file.

        Raises:
            StoreUnavailable, StoreRefused: the project cannot be listed or looked into now.
        """
        job_id = self.make_id()
        try:
            now_s = collect.store_now(self.store, project, job_id)
            return self._plan(list_project(self.store, project), now_s)
        finally:
            collect.drop_clocks(self.store, project, job_id)

    def run(self, project: str, runner: Runner) -> Report:
        """Pack what is to be packed, then delete what may go.

        Raises:
            PackDiffers: a pack does not read back as it was written; nothing is deleted.
            StoreUnavailable, StoreRefused: what is done is done, the rest is for the next time.
        """
        job_id = self.make_id()
        now_s = collect.store_now(self.store, project, job_id)
        report = self._pack(project, runner, now_s)
        self._collect(project, job_id, report)
        collect.drop_clocks(self.store, project, job_id)
        return report

    def _pack(self, project: str, runner: Runner, now_s: float) -> Report:
        """Plan and pack; where a file cannot be read, once more without it."""
        bad: set[str] = set()
        report: Report | None = None
        for _ in range(_ROUNDS):
            found = self._plan(list_project(self.store, project).without(bad), now_s)
            report = report or Report(project=project, plan=found)
            outcomes = list(runner(found.tasks))
            report.packed += [each for each in outcomes if isinstance(each, Packed)]
            lost = [each for each in outcomes if isinstance(each, Lost)]
            report.lost += lost
            bad |= {each.key for each in lost}
            if not lost:
                break
        return report or Report(project=project, plan=Plan(project=project, tasks=()))

    def _plan(self, snapshot: Snapshot, now_s: float) -> Plan:
        seen = self.looker.look(snapshot, self.policy, now_s=now_s)
        return plan(snapshot, seen, self.policy, now_s=now_s)

    def _collect(self, project: str, job_id: str, report: Report) -> None:
        rest = collect.plan(self.store, project, job_id=job_id, grace_s=self.grace)
        report.deletes = collect.apply(rest, self.store)
        report.condemns = len(rest.condemns)
        report.kept = len(rest.kept)
        report.rest = rest


def run_here(store: Store, effects: Effects) -> Runner:
    """One task after the other in this thread."""

    def run(tasks: Iterable[Task]) -> Iterator[Outcome]:
        for task in tasks:
            yield _attempt(task, store, effects)

    return run


def run_on(executor: Executor, url: str, *, on_outcome: Callable[[Outcome], None]) -> Runner:
    """Many tasks at once, in processes that open the store of that URL themselves."""

    def run(tasks: Iterable[Task]) -> Iterator[Outcome]:
        waiting = [executor.submit(pack_elsewhere, task, url) for task in tasks]
        try:
            for done in as_completed(waiting):
                outcome = done.result()
                on_outcome(outcome)
                yield outcome
        finally:
            for future in waiting:
                future.cancel()

    return run


def pack_elsewhere(task: Task, url: str) -> Outcome:
    """One task in a process of its own; it may be done twice."""
    return _attempt(task, open_retrying(url), Effects())


def open_retrying(url: str) -> Store:
    """The store at `url` for a job: what is unavailable is tried again for a while."""
    from trackio.store.retrying import Retrying

    store = open_store(url)
    return store if is_local(store) else Retrying(store)


def _attempt(task: Task, store: Store, effects: Effects) -> Outcome:
    try:
        return pack_one(task, store, effects)
    except SourceLost as exc:
        return Lost(key=exc.key, reason=exc.args[1])
