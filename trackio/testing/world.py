"""Real writers, recoverers, compactors, collectors, readers over one unreliable store, by steps.

The store is in memory: its listings lag and come in pages, its answers get lost, its files
are torn. Journals and spools are real files in a temporary folder. The test decides who runs
next, who crashes and how time passes; `trackio.testing.invariants` says what must hold.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from trackio import journal
from trackio.hosts import ProcessIdentity
from trackio.ids import make_id
from trackio.model import RunId, RunMeta, WriterId
from trackio.settings import FlushPolicy, UpkeepPolicy
from trackio.spool import Spool
from trackio.store.base import Store
from trackio.store.faulty import Chances, Fault, Faulty, Op
from trackio.store.lagging import Lagging
from trackio.store.memory import MemoryStore
from trackio.testing.actors import Actor, pause
from trackio.testing.clock import ManualClock
from trackio.testing.reading import Reading
from trackio.upkeep import collect, recover
from trackio.upkeep.compact.job import Job, run_here
from trackio.upkeep.compact.plan import CompactPolicy
from trackio.upkeep.compact.publish import Effects
from trackio.writer.publisher import Publisher
from trackio.writer.rollup import RollUp
from trackio.writer.writer import Sealed, Writer

PROJECT = "world"
_SETTLING_ROUNDS = 8
GRACE_S = 120.0
LAG_S = 100.0
_FLUSH = FlushPolicy(max_calls=6, rotate_bytes=1500)
_UPKEEP = UpkeepPolicy(grace_s=GRACE_S, fan_in=3, small_bytes=30_000)
_COMPACT = CompactPolicy(settle_s=60.0, pack_bytes=40_000, fan_in=2)


@dataclass(slots=True, kw_only=True, eq=False)
class Process:
    """One training process: a writer, what its thread works with, what it was promised."""

    writer: Writer
    publisher: Publisher
    rollup: RollUp
    store: Store
    spool: Spool | None
    identity: ProcessIdentity
    is_alive: bool = True
    is_finished: bool = False
    actors: list[Actor] = field(default_factory=list)
    acknowledged: dict[int, Mapping[str, float]] = field(default_factory=dict)

    def is_free(self, doing: str) -> bool:
        """Whether the thread that does this could begin."""
        busy = any(actor.name == doing and not actor.is_done for actor in self.actors)
        return self.is_alive and not busy


class World:
    """Everything that happens in one history; the same seed and calls repeat it exactly."""

    def __init__(self, folder: Path, seed: int, chances: Chances | None = None) -> None:
        self.clock = ManualClock()
        self.truth = MemoryStore(f"world-{seed}", clock=self.clock)
        self.processes: list[Process] = []
        self.actors: list[Actor] = []
        self.readings: list[Reading] = []
        self.journal_dir = folder / "journal"
        self._folder = folder
        self._random = random.Random(seed)
        self._chances = chances or Chances()
        self._is_calm = False
        self._listed = Lagging(self.truth, clock=self.clock, longest_s=LAG_S, chance=0.3, seed=seed)

    # What may happen.

    def start_process(self, *, spooled: bool) -> Process:
        """A new run with one writer."""
        number = len(self.processes)
        owner = ProcessIdentity(
            host="here", pid=number, boot_id="boot", pid_namespace="ns", started=str(number)
        )
        header = journal.Header(
            project=PROJECT,
            run_id=RunId(self._make_id()),
            writer_id=WriterId(self._make_id()),
            store_url=self.truth.url,
            meta=RunMeta(name=f"run-{number}", created="2026-01-01T00:00:00+00:00"),
            is_new_run=True,
            owner=owner,
        )
        process = self._assemble(header, spooled=spooled)
        self.processes.append(process)
        return process

    def log(self, process: Process) -> None:
        """One call of the training code; when it has returned it is acknowledged."""
        seq = process.writer.next_seq
        data = {"loss": float(seq), f"m{seq % 3}": self._random.random()}
        with suppress(Sealed):  # it is about to finish
            process.writer.log(data)
            process.acknowledged[seq] = data

    def publish(self, process: Process) -> None:
        """The writer's thread does one round: shards, roll-up, collecting its own."""

        def work() -> None:
            process.writer.tend_journal()
            process.rollup.add(process.publisher.publish())
            process.rollup.step()
            process.rollup.collect()

        self._start("publish", work, process)

    def finish(self, process: Process) -> None:
        """The run ends, if the store lets it."""

        def work() -> None:
            process.rollup.add(process.publisher.finish({"state": "finished", "reason": None}))
            process.rollup.finish()
            if process.writer.is_all_safe:
                process.writer.close()
            process.is_finished = True

        self._start("publish", work, process)

    def send(self, process: Process) -> None:
        """The spool's thread does one round."""
        if process.spool is not None:
            self._start("send", process.spool.send, process)

    def kill(self, process: Process) -> None:
        """`kill -9`: what is in memory is gone, what was written to the journal is not."""
        process.is_alive = False
        for actor in process.actors:
            actor.crash()
        process.writer.close(keep=True)

    def recover(self, *, everything: bool) -> None:
        """Somebody takes up what dead processes left; with `everything` also the living."""
        store = self._faulty()
        policy = recover.Policy(
            everything=everything,
            is_dead=lambda owner: not self.processes[owner.pid].is_alive,
            is_alive=lambda owner: self.processes[owner.pid].is_alive,
        )

        def work() -> None:
            now_s = self.clock.now_s()
            found, _ = recover.find_left(self.journal_dir, policy, now_s=now_s)
            for left in found:
                spool = self.processes[left.header.owner.pid].spool
                waiting = None if spool is None else spool.files
                seen = recover.look(left, store, spooled=waiting, grace_s=GRACE_S)
                recover.apply(recover.plan(left, seen, policy, now_s=now_s), store)

        self._start("recover", work)

    def collect(self) -> None:
        """A job deletes what is superseded in the whole project."""
        store = self._faulty()
        job_id = self._make_id()

        def work() -> None:
            plan = collect.plan(store, PROJECT, job_id=job_id, grace_s=GRACE_S)
            collect.apply(plan, store)

        self._start("collect", work)

    def compact(self) -> None:
        """A job packs what has settled, then collects."""
        store = self._faulty()
        job = Job(store=store, policy=_COMPACT, grace_s=GRACE_S, make_id=self._make_id)
        effects = Effects(make_id=self._make_id, scratch=self._folder, limit_rows=40)

        def work() -> None:
            job.run(PROJECT, run_here(store, effects))

        self._start("compact", work)

    def read(self) -> None:
        """Somebody reads the whole project."""
        reading = Reading(self._faulty(), PROJECT, self.truth, self.clock, lag_s=LAG_S)
        self.readings.append(reading)
        self._start("read", reading.run)

    def settle(self) -> None:
        """Nothing fails or lags any more, every process dies, what is left is taken up."""
        self._is_calm = True
        self._listed.longest_s = 0.0
        for actor in self.actors:
            actor.finish()
        for process in self.processes:
            self.kill(process)
        for _ in range(_SETTLING_ROUNDS):
            self.clock.advance(GRACE_S + LAG_S)
            for process in self.processes:
                self._send_left(process)
            self.recover(everything=False)
            self.actors[-1].finish()
            self.compact()
            self.actors[-1].finish()

    def close(self) -> None:
        """Let no thread and no file outlive the history."""
        for process in self.processes:
            self.kill(process)
        for actor in self.actors:
            actor.crash()

    # How it happens.

    def _assemble(self, header: journal.Header, *, spooled: bool) -> Process:
        store = self._faulty()
        number = header.owner.pid
        writer = Writer(header, self.journal_dir, policy=_FLUSH, clock=self.clock)
        spool = None
        if spooled:
            spool = Spool(self._folder / f"spool-{number}", store, clock=self.clock)
        files: Store = store if spool is None else spool.files
        publisher = Publisher(
            writer,
            files,
            target=store,
            policy=_FLUSH,
            on_put=(lambda _names: None) if spool is None else spool.offer,
        )
        rollup = RollUp(
            files,
            unsent=spool,
            scratch=self._folder / f"{number}.merge",
            policy=_UPKEEP,
            clock=self.clock,
        )
        return Process(
            writer=writer,
            publisher=publisher,
            rollup=rollup,
            store=store,
            spool=spool,
            identity=header.owner,
        )

    def _start(self, name: str, work: Callable[[], object], owner: Process | None = None) -> None:
        actor = Actor(name, work)
        self.actors.append(actor)
        if owner is not None:
            owner.actors.append(actor)

    def _send_left(self, process: Process) -> None:
        """Another process sends what a dead one left in its spool."""
        if process.spool is not None:
            spool = Spool(process.spool.folder, self._faulty(), clock=self.clock)
            spool.offer([entry.key for entry in spool.files.list()])
            spool.send()

    def _faulty(self) -> Faulty:
        seed = self._random.randrange(1 << 30)
        choose = self._chances.chooser(seed)

        def choose_for_now(op: Op, keys: Sequence[str]) -> Fault:
            return Fault.NONE if self._is_calm else choose(op, keys)

        return Faulty(self._listed, choose_for_now, before=pause, page_keys=3, seed=seed)

    def _make_id(self) -> str:
        return make_id(self.clock, self._random.getrandbits)
