"""All actors of Trackio over one unreliable store, by steps: the real code, a world for it.

Writers, their spools and roll-ups, recoverers, compactors, collectors, migrators, evaluators of
alerts, copies to another store, readers, and a user who deletes and renames. The store is in
memory: its listings lag and come in pages, its answers get lost, its files are torn, requests
arrive twice, it is full or read-only for a while. Journals and spools are real files in a
temporary folder, on a disk that fills up. The test decides who runs next, who crashes and how
time passes; `trackio.testing.invariants` says what must hold.
"""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from unittest import mock

from trackio import journal
from trackio.clock import Clock
from trackio.hosts import ProcessIdentity
from trackio.ids import make_id
from trackio.keys import TombstoneKey, deleted_prefix, parse
from trackio.model import ALERT, Json, RunId, RunMeta, WriterId
from trackio.store import parallel
from trackio.store.base import Store
from trackio.store.faulty import Chances, Fault, Faulty, Op
from trackio.store.memory import MemoryStore
from trackio.testing.actors import Actor, pause
from trackio.testing.clock import JumpyClock, ManualClock
from trackio.testing.legacy import legacy_owners, write_legacy
from trackio.testing.processes import GRACE_S, Machine, Process
from trackio.testing.reading import Point, Reading, points_in
from trackio.testing.telling import TAKEOVER_S, Teller
from trackio.testing.troubles import Dice, Disk, Network, Repeating, Replicas, Seen, Trouble, Truth
from trackio.upkeep import collect, delete, recover, sync
from trackio.upkeep.compact.job import Job, run_here
from trackio.upkeep.compact.plan import CompactPolicy
from trackio.upkeep.compact.publish import Effects
from trackio.upkeep.migrate.migrate import migrate
from trackio.upkeep.rename import rename_run
from trackio.values.plain import dump_text
from trackio.writer.writer import Sealed

PROJECT: Final = "world"
LAG_S: Final = 100.0
_SETTLING_ROUNDS: Final = 8
_CLIMATES: Final = ((0.0, 0.0, 0.2, 1.0), (0.0, 0.1), (0.3, 1.0), (1.0, 1.5))
_COMPACT: Final = CompactPolicy(settle_s=60.0, pack_bytes=40_000, fan_in=2)


class World:
    """Everything that happens in one history; the same seed and calls repeat it exactly.

    Args:
        folder: an empty folder for journals and spools.
        seed: of all chance.
        chances: how likely each fault of a call is.
        repeats: how likely a put arrives a second time, at any time.
        stalls: how likely a step is followed by a stall, which may last for hours.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        chances: Chances | None = None,
        *,
        repeats: float = 0.0,
        stalls: float = 0.0,
    ) -> None:
        self.random = random.Random(seed)
        self.clock = ManualClock()
        self.truth = Truth(f"world-{seed}", clock=self.clock)
        self.mirror = MemoryStore(f"mirror-{seed}", clock=self.clock)
        self.trouble = Trouble()
        self.disk = Disk()
        self.processes: list[Process] = []
        self.actors: list[Actor] = []
        self.readings: list[Reading] = []
        self.tellers: dict[str, Teller] = {}
        self.told: Counter[str] = Counter()
        self.names: defaultdict[RunId, set[str]] = defaultdict(set)
        self.established: set[Point] = set()
        """What every listing has shown, and so every prompt reader must see for ever."""
        self.is_migrating = False
        self.machine = Machine(
            folder=folder, disk=self.disk, make_id=self._id_by, jitter=self.random.uniform
        )
        self._chances = chances or Chances()
        self._climate = self.random.choice(_CLIMATES)
        self._stalls = stalls
        self._is_calm = False
        self._alone: Any = mock.patch.object(parallel, "_started", return_value=[])
        self._alone.start()  # who does the same to many keys does it in an order of its own
        self._trace = hashlib.blake2b(digest_size=8)
        self._listed = Replicas(self.truth, self.clock, longest_s=LAG_S, seed=seed)
        self._network = Network(repeats, random.Random(seed))
        self._owners: dict[WriterId, RunId] = {}
        self._stored_at = -1
        self._stored: frozenset[Point] = frozenset()

    @property
    def digest(self) -> str:
        """16 hex digits of all steps so far: two histories with the same ones are one."""
        return self._trace.hexdigest()

    # What may happen to a process.

    def start_process(self, *, spooled: bool, resumes: RunId | None = None) -> Process:
        """A process with one writer: of a new run, or of one that was there before."""
        number = len(self.processes)
        clock = JumpyClock(self.clock)
        name = f"run-{number}"
        header = journal.Header(
            project=PROJECT,
            run_id=resumes or RunId(self._id_by(clock)),
            writer_id=WriterId(self._id_by(clock)),
            store_url=self.truth.url,
            meta=RunMeta(name=name, created="2026-01-01T00:00:00+00:00"),
            is_new_run=resumes is None,
            owner=ProcessIdentity(
                host="here", pid=number, boot_id="boot", pid_namespace="ns", started=str(number)
            ),
        )
        process = self.machine.start(header, self.faulty(), clock, spooled=spooled)
        self.names[header.run_id].add(name)
        self.processes.append(process)
        return process

    def log(self, process: Process) -> None:
        """One call of the training code; when it has returned it is acknowledged."""
        seq = process.writer.next_seq
        data = {"loss": float(seq), f"m{seq % 3}": self.random.random()}
        with suppress(Sealed):  # it is about to finish
            unjournaled = process.writer.unjournaled
            process.writer.log(data)
            process.logged |= {(seq, key, value) for key, value in data.items()}
            self._acknowledge(process, seq, unjournaled)

    def alert(self, process: Process) -> None:
        """The training code has something to say."""
        said = Json(dump_text({"level": "warn", "text": "look"}))
        with suppress(Sealed):
            unjournaled = process.writer.unjournaled
            seq = process.writer.append(ALERT, {f"alert {process.writer.next_seq}": said})
            process.alerts.add(seq)
            self._acknowledge(process, seq, unjournaled)

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

    # What others may do.

    def recover(self, *, everything: bool) -> None:
        """Somebody takes up what dead processes left; with `everything` also the living."""
        store = self.faulty()
        policy = recover.Policy(
            everything=everything,
            is_dead=lambda owner: not self.processes[owner.pid].is_alive,
            is_alive=lambda owner: self.processes[owner.pid].is_alive,
        )

        def work() -> None:
            now_s = self.clock.now_s()
            found, _ = recover.find_left(self.machine.journal_dir, policy, now_s=now_s)
            for left in found:
                spool = self.processes[left.header.owner.pid].spool
                waiting = None if spool is None else spool.files
                seen = recover.look(left, store, spooled=waiting, grace_s=GRACE_S)
                recover.apply(recover.plan(left, seen, policy, now_s=now_s), store)

        self._start("recover", work)

    def collect(self) -> None:
        """A job deletes what is superseded in the whole project."""
        store = self.faulty()
        job_id = self._id_by(self.clock)

        def work() -> None:
            plan = collect.plan(store, PROJECT, job_id=job_id, grace_s=GRACE_S)
            collect.apply(plan, store)

        self._start("collect", work)

    def compact(self) -> None:
        """A job packs what has settled, then collects."""
        store = self.faulty()
        ids = partial(self._id_by, self.clock)
        job = Job(store=store, policy=_COMPACT, grace_s=GRACE_S, make_id=ids)
        effects = Effects(make_id=ids, scratch=self.machine.folder, limit_rows=40)
        self._start("compact", lambda: job.run(PROJECT, run_here(store, effects)))

    def migrate(self) -> None:
        """Somebody brings an old database over into the project, for the first time or again."""
        source = self.machine.folder / "old"
        if not self.is_migrating:
            self.is_migrating = True
            write_legacy(source, PROJECT)
            self._owners |= legacy_owners(PROJECT)
        store = self.faulty()
        self._start("migrate", lambda: migrate(source, store))

    def tell(self, name: str) -> None:
        """An evaluator looks for alerts; one that was killed is a new process."""
        teller = self.tellers.get(name)
        if teller is None:
            teller = self.tellers[name] = Teller(
                name=name, project=PROJECT, clock=self.clock, wait_s=2 * LAG_S, got=self.told
            )
            teller.start(self.faulty())
        if teller.actor is None or teller.actor.is_done:
            teller.actor = self._start("tell", teller.look)

    def copy(self) -> None:
        """Somebody copies the project to another store."""
        source = self.faulty()
        target = self._wrap(self.mirror)
        self._start("copy", lambda: sync.copy(source, target, project=PROJECT))

    def read(self, *, at_once: bool = False) -> None:
        """Somebody reads the whole project, by steps like everybody else or `at_once`."""
        store: Store = self._seen() if at_once else self.faulty()
        reading = Reading(store, PROJECT, self.clock)
        self.readings.append(reading)
        if at_once:
            self._begin(reading)
            return
        self._start("read", lambda: self._begin(reading))

    def delete(self, run_id: RunId) -> None:
        """The user deletes a run."""
        store = self.faulty()
        self._start("delete", lambda: delete.delete_run(store, PROJECT, run_id))

    def rename(self, run_id: RunId) -> None:
        """The user calls a run otherwise."""
        store = self.faulty()
        name = f"renamed-{self.random.randrange(1000)}"
        self.names[run_id].add(name)
        self._start("rename", lambda: rename_run(store, PROJECT, run_id, name, clock=self.clock))

    def deliver_again(self) -> None:
        """A put that the network kept arrives once more."""
        self._network.deliver(self._listed)

    def crash_job(self, actor: Actor) -> None:
        """Somebody who belongs to no training process dies at its IO step."""
        actor.crash()
        self.tellers = {n: t for n, t in self.tellers.items() if t.actor is not actor}

    @property
    def jobs(self) -> list[Actor]:
        """The actors at work that belong to no training process."""
        owned = {actor for process in self.processes for actor in process.actors}
        return [a for a in self.actors if not a.is_done and a not in owned]

    @property
    def run_ids(self) -> list[RunId]:
        """Every run that a process wrote to."""
        return list(self.names)

    def settle(self) -> None:
        """Nothing fails or lags any more, every process dies, what is left is taken up."""
        self._is_calm = True
        self.trouble.is_full = self.trouble.is_read_only = self.disk.is_full = False
        self._listed.catch_up()
        for actor in self.actors:
            actor.finish()
        for process in self.processes:
            self.kill(process)
        if self.is_migrating:
            self._now(self.migrate)
        before = -1
        for _ in range(_SETTLING_ROUNDS):
            self.clock.advance(GRACE_S + LAG_S)
            for process in self.processes:
                self._send_left(process)
            self._now(partial(self.recover, everything=False))
            self._now(self.compact)
            if self.truth.changes == before:
                break
            before = self.truth.changes
        for name in 2 * sorted(self.tellers):
            self._now(partial(self.tell, name))
            self.clock.advance(TAKEOVER_S)  # of a teller that died
        if self.stored():
            self._now(self.copy)

    def close(self) -> None:
        """Let no thread and no file outlive the history."""
        for process in self.processes:
            self.kill(process)
        for actor in self.actors:
            actor.crash()
        self.disk.unplug()
        self._alone.stop()

    # How it happens.

    def establish(self) -> None:
        """Note what every listing shows by now."""
        self.established |= points_in(self.truth, PROJECT, before_s=self.clock.now_s() - LAG_S)

    def hidden(self, *, before_s: float = float("inf")) -> set[WriterId]:
        """The writers that are hidden by tombstones put before then."""
        for process in self.processes:
            self._owners[process.header.writer_id] = process.header.run_id
        stones: dict[str, str] = {}
        for entry in self.truth.list(deleted_prefix(PROJECT)):
            key = parse(entry.key)
            if isinstance(key, TombstoneKey) and entry.time_s <= before_s:
                stones[key.run_id] = max(key.tombstone_id, stones.get(key.run_id, ""))
        return {writer for writer, run in self._owners.items() if writer < stones.get(run, "")}

    def stored(self) -> frozenset[Point]:
        """What the store really holds now."""
        if self._stored_at != self.truth.changes:
            self._stored_at = self.truth.changes
            self._stored = frozenset(points_in(self.truth, PROJECT))
        return self._stored

    def faulty(self) -> Faulty:
        """The store as one actor meets it."""
        return self._wrap(Repeating(self._seen(), self._network))

    def _seen(self) -> Store:
        """The store, listed by the server that one happens to reach."""
        return Seen(self._listed, self.random.choice(self._listed.all))

    def _begin(self, reading: Reading) -> None:
        self.establish()
        reading.run(self.established, self.hidden(before_s=self.clock.now_s() - LAG_S))

    def _acknowledge(self, process: Process, seq: int, unjournaled: int) -> None:
        kept = (
            process.acknowledged if process.writer.unjournaled <= unjournaled else process.doubtful
        )
        kept.add(seq)

    def _start(self, name: str, work: Callable[[], object], owner: Process | None = None) -> Actor:
        actor = Actor(name, work)
        self.actors = [a for a in self.actors if not a.is_done or a.error is not None]
        self.actors.append(actor)
        if owner is not None:
            owner.actors = [a for a in owner.actors if not a.is_done]
            owner.actors.append(actor)
        return actor

    def _now(self, begin: Callable[[], None]) -> None:
        """Let somebody do all of it at once; nothing goes wrong any more."""
        begin()
        self.actors[-1].finish()
        error = self.actors[-1].error
        if error is not None:
            name = self.actors[-1].name
            raise AssertionError(f"{name} fails in calm times: {error!r}") from error

    def _send_left(self, process: Process) -> None:
        """Another process sends what a dead one left in its spool."""
        if process.spool is not None:
            spool = self.machine.open_spool(process.header.owner.pid, self.faulty(), self.clock)
            spool.offer(sorted(entry.key for entry in spool.files.list()))
            spool.send()

    def _wrap(self, store: Store) -> Faulty:
        seed = self.random.randrange(1 << 30)
        # Most of the time nothing goes wrong with anybody, or hardly any job would come to its end.
        roll = Dice(self._chances, seed, share=self.random.choice(self._climate))

        def choose(op: Op, keys: Sequence[str]) -> Fault:
            if self.trouble.refuses(op):
                return Fault.REFUSED
            return Fault.NONE if self._is_calm else roll(op, keys)

        return Faulty(store, choose, before=self._before, page_keys=3, seed=seed)

    def _before(self, op: Op, key: str) -> None:
        """Each step takes a moment, some of them hours; meanwhile others act."""
        actor = Actor.here()
        if actor is None:  # a thread that fetches for one who waits for it
            return
        self._trace.update(f"{actor.name} {op} {key}\n".encode())
        if not self._is_calm:
            self.clock.advance(self.random.expovariate(10.0))
            if self.random.random() < self._stalls:
                actor.wakes_s = self.clock.now_s() + min(20.0 * self.random.paretovariate(0.7), 2e4)
        pause(op, key)

    def _id_by(self, clock: Clock) -> str:
        return make_id(clock, self.random.getrandbits)
