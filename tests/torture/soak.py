"""Hours in minutes: one process that logs, runs that come and go, jobs, a dashboard that asks.

The clock runs some hundred times as fast, for the program and for the times of files alike.
"""

import gc
import os
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from trackio import journal
from trackio.hosts import ProcessIdentity
from trackio.ids import make_id
from trackio.model import Entry, RunId, RunMeta, WriterId
from trackio.query.project import Project
from trackio.query.runs import list_runs
from trackio.settings import FlushPolicy, Patience, UpkeepPolicy
from trackio.store.directory import Directory
from trackio.upkeep.compact.job import Job, run_here
from trackio.upkeep.compact.plan import CompactPolicy
from trackio.upkeep.compact.publish import Effects
from trackio.writer.publisher import Publisher
from trackio.writer.rollup import RollUp
from trackio.writer.thread import WriterThread
from trackio.writer.writer import Writer

from .scenario import Outcome, Scale, attempt, folder

SPEED = 400.0
_MINUTE_S = 60.0
_POLICY = FlushPolicy(max_age_s=2.0, sync_s=0.005, rotate_bytes=1 << 20)


class FastClock:
    """Time that began now and runs faster."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.began_s = time.time()

    def time_ns(self) -> int:
        return int(self.fast_s(time.time()) * 1e9)

    def monotonic(self) -> float:
        return self.fast_s(time.time())

    def fast_s(self, real_s: float) -> float:
        """What this clock shows, or showed, at a real time."""
        return self.began_s + (real_s - self.began_s) * self.speed


class FastDirectory(Directory):
    """A directory whose files are as old as that clock makes them."""

    def __init__(self, root: Path, clock: FastClock) -> None:
        super().__init__(root)
        self._fast = clock

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        for entry in super().list(prefix, recursive=recursive):
            yield entry._replace(time_s=self._fast.fast_s(entry.time_s))


class Run:
    """A run of this process, as `init` makes it."""

    def __init__(self, place: Path, store: FastDirectory, clock: FastClock, name: str) -> None:
        header = journal.Header(
            project="soak",
            run_id=RunId(make_id(clock)),
            writer_id=WriterId(make_id(clock)),
            store_url=store.url,
            meta=RunMeta(name=name, created="2026-01-01T00:00:00+00:00"),
            is_new_run=True,
            owner=ProcessIdentity(host="here", pid=os.getpid()),
        )
        self.writer = Writer(header, place / "journal", policy=_POLICY, clock=clock)

        def make_parts() -> tuple[Publisher, RollUp]:
            scratch = place / f"{name}.merge"
            publisher = Publisher(self.writer, store, target=store, policy=_POLICY)
            policy = UpkeepPolicy()
            return publisher, RollUp(
                store, unsent=None, scratch=scratch, policy=policy, clock=clock
            )

        self._thread = WriterThread(
            self.writer, make_parts, spool=None, policy=_POLICY, clock=clock
        )
        self._thread.start()

    def finish(self) -> None:
        patience = Patience(silence_s=30 * SPEED, cap_s=30 * SPEED)
        assert self._thread.finish({"state": "finished", "reason": None}, patience)


class Soak:
    """The process, its jobs and its dashboard; `samples` are taken every ten minutes."""

    def __init__(self, place: Path, hours: float) -> None:
        self.place = place
        self.hours = hours
        self.clock = FastClock(SPEED)
        self.store = FastDirectory(place / "store", self.clock)
        self.samples: list[dict[str, float]] = []
        self.calls = self.runs = self.ticks = self.packs = 0
        self._job = Job(
            store=self.store, policy=CompactPolicy(), make_id=lambda: make_id(self.clock)
        )
        self._project = Project(self.store, "soak", clock=self.clock)

    def go(self) -> None:
        """A long run, and beside it a new one every twenty minutes; a minute of it at a time."""
        long, short = self._begin("long"), self._begin("short-0")
        for minute in range(int(self.hours * 60)):
            until_s = self.clock.monotonic() + _MINUTE_S
            while self.clock.monotonic() < until_s:
                for run in (long, short):
                    run.writer.log({"loss": self.calls * 0.5, "step time": 1.0})
                    self.calls += 1
                time.sleep(0.001)
            view = self._project.follow()
            list_runs(view, self.clock.time_ns() / 1e9)
            self.ticks += 1
            if minute % 20 == 19:
                short.finish()
                short = self._begin(f"short-{minute}")
            if minute % 10 == 9:
                self._compact()
                self.samples.append(self._sample())
        for run in (short, long):
            run.finish()

    def _begin(self, name: str) -> Run:
        self.runs += 1
        return Run(self.place, self.store, self.clock, name)

    def _compact(self) -> None:
        effects = Effects(make_id=lambda: make_id(self.clock), scratch=self.place)
        self.packs += len(self._job.run("soak", run_here(self.store, effects)).packed)

    def _sample(self) -> dict[str, float]:
        gc.collect()
        process = psutil.Process()
        files = [path for path in (self.place / "store").rglob("*") if path.is_file()]
        return {
            "file descriptors": process.num_fds(),
            "threads": threading.active_count(),
            "MB of memory": process.memory_info().rss / 1e6,
            "files beside 3 a run": len(files) - 3 * self.runs,
            "journals": len(list((self.place / "journal").glob("*"))),
        }


def soak(scale: Scale) -> Iterator[Outcome]:
    """Flat is: the last third needs no more than the second."""
    with folder() as place:
        it = Soak(place, scale.soak_hours)
        yield attempt(
            f"{scale.soak_hours:g} hours at {SPEED:.0f} times their speed", lambda: _go(it)
        )
        for name, slack in {
            "file descriptors": 2.0,
            "threads": 1.0,
            "MB of memory": 25.0,
            "files beside 3 a run": 40.0,
            "journals": 2.0,
        }.items():
            yield attempt(f"{name} meanwhile", lambda n=name, s=slack: _flat(it.samples, n, s))  # type: ignore[misc]


def _go(it: Soak) -> str:
    it.go()
    return (
        f"{it.calls:,} calls in {it.runs} runs, {len(it.samples) * 10:,} minutes with "
        f"{it.ticks:,} ticks of a dashboard and {it.packs} packs"
    )


def _flat(samples: list[dict[str, float]], name: str, slack: float) -> str:
    values = [sample[name] for sample in samples]
    third = len(values) // 3
    assert third, "too short to tell"
    middle, last = (statistics.median(part) for part in (values[third:-third], values[-third:]))
    assert last <= middle + slack, f"{middle:.0f} in the second third, {last:.0f} in the last"
    return (
        f"{values[0]:.0f} at first, {middle:.0f} in the second third, "
        f"{last:.0f} in the last, {max(values):.0f} at most"
    )
