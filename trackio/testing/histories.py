"""Long random histories of the simulated world, each repeated exactly by its seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trackio.store.faulty import Chances
from trackio.testing import invariants
from trackio.testing.processes import Process
from trackio.testing.world import World

FAULTS: Final = Chances(
    refused=0.01, failed=0.04, lost=0.05, partial=0.03, overnamed=0.02, torn=0.03
)
STEPS: Final = 300
_MOODS: Final = (0.25, 1.0, 1.0, 3.0)
_WAITS_S: Final = (1.0, 5.0, 15.0, 60.0, 121.0, 300.0, 1000.0)
_JUMPS_S: Final = (-86_400.0, -3600.0, -5.0, 5.0, 3600.0, 86_400.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of a history: the digest of its steps, and how many rows it promised."""

    digest: str
    rows: int
    alerts: int


class History:
    """One world and the dice that decide what happens in it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self.world = World(folder, seed, FAULTS, repeats=0.03, stalls=0.015)
        for _ in range(self._random.randint(1, 3)):
            self.world.start_process(spooled=self._random.random() < 0.4)
        self._acts: dict[Callable[[], None], float] = {
            self._log: 6,
            self._alert: 0.3,
            self._publish: 5,
            self._send: 2,
            self._step: 25,
            self._wait: 2,
            self._recover: 0.8,
            self._collect: 1.0,
            self._compact: 1.2,
            self._read: 1,
            self._glance: 3,
            self._crash_job: 0.4,
            self._kill: 0.25,
            self._finish: 0.15,
            self._restart: 0.35,
            self._trouble: 0.8,
            self._jump: 0.2,
            self._repeat: 0.6,
            **self._rare_acts(),
        }
        self._weights = [weight * self._mood(act) for act, weight in self._acts.items()]

    def run(self, steps: int, check_every: int = 10) -> Told:
        """Let `steps` things happen, then let all settle; raises as the invariants do."""
        acts, weights = list(self._acts), self._weights
        try:
            for number in range(steps):
                self._random.choices(acts, weights)[0]()
                if number % check_every == 0:
                    invariants.check_all(self.world)
            invariants.check_all(self.world)
            self.world.settle()
            invariants.check_end(self.world)
            return self._told()
        finally:
            self.world.close()

    def _rare_acts(self) -> dict[Callable[[], None], float]:
        """What happens only in some histories, so that the others have time for the rest."""
        rare: dict[Callable[[], None], float] = {
            self._migrate: 0.3,
            self._tell: 1.0,
            self._copy: 0.3,
            self._delete: 0.2,
            self._rename: 0.3,
        }
        return {act: weight for act, weight in rare.items() if self._random.random() < 0.4}

    def _mood(self, act: Callable[[], None]) -> float:
        """Some histories are full of what hardly happens in others: so more is met together."""
        return 1.0 if act in (self._log, self._publish) else self._random.choice(_MOODS)

    def _told(self) -> Told:
        rows = sum(len(process.promised()) for process in self.world.processes)
        alerts = sum(len(process.alerts) for process in self.world.processes)
        return Told(digest=self.world.digest, rows=rows, alerts=alerts)

    def _pick(self, doing: str | None = None) -> Process | None:
        able = [
            process
            for process in self.world.processes
            if process.is_alive
            and not process.is_finished
            and (doing is None or process.is_free(doing))
        ]
        return self._random.choice(able) if able else None

    def _log(self) -> None:
        if (process := self._pick()) is not None:
            for _ in range(self._random.randint(1, 8)):
                self.world.log(process)

    def _alert(self) -> None:
        if (process := self._pick()) is not None:
            self.world.alert(process)

    def _publish(self) -> None:
        if (process := self._pick("publish")) is not None:
            self.world.publish(process)

    def _send(self) -> None:
        if (process := self._pick("send")) is not None:
            self.world.send(process)

    def _finish(self) -> None:
        if (process := self._pick("publish")) is not None:
            self.world.finish(process)

    def _kill(self) -> None:
        if (process := self._pick()) is not None:
            self.world.kill(process)

    def _restart(self) -> None:
        """A new run, or one more writer of a run that is there."""
        if len(self.world.processes) < 6:
            resumes = self._random.random() < 0.4
            run_id = self._random.choice(self.world.run_ids) if resumes else None
            self.world.start_process(spooled=self._random.random() < 0.4, resumes=run_id)

    def _recover(self) -> None:
        self.world.recover(everything=self._random.random() < 0.5)

    def _collect(self) -> None:
        self.world.collect()

    def _compact(self) -> None:
        self.world.compact()

    def _read(self) -> None:
        self.world.read()

    def _glance(self) -> None:
        self.world.read(at_once=True)

    def _migrate(self) -> None:
        self.world.migrate()

    def _tell(self) -> None:
        self.world.tell(self._random.choice("ab"))

    def _copy(self) -> None:
        self.world.copy()

    def _delete(self) -> None:
        self.world.delete(self._random.choice(self.world.run_ids))

    def _rename(self) -> None:
        self.world.rename(self._random.choice(self.world.run_ids))

    def _repeat(self) -> None:
        self.world.deliver_again()

    def _jump(self) -> None:
        if (process := self._pick()) is not None:
            process.clock.jump(self._random.choice(_JUMPS_S))

    def _trouble(self) -> None:
        """The store or the disk fills up, or is mounted otherwise; most often all is well."""
        trouble, happens = self.world.trouble, self._random.random()
        trouble.is_full, trouble.is_read_only = happens < 0.1, 0.1 <= happens < 0.2
        self.world.disk.is_full = 0.2 <= happens < 0.35

    def _wait(self) -> None:
        self.world.clock.advance(self._random.choice(_WAITS_S))

    def _step(self) -> None:
        """One actor that does not sleep goes on; one in three waits for long before its turn."""
        now_s = self.world.clock.now_s()
        waiting = [a for a in self.world.actors if not a.is_done and a.wakes_s <= now_s]
        if waiting:
            actor = waiting[min(int(self._random.expovariate(0.5)), len(waiting) - 1)]
            for _ in range(self._random.choice((1, 3, 10, 40, 200))):
                if actor.step() or actor.wakes_s > self.world.clock.now_s():
                    break

    def _crash_job(self) -> None:
        if jobs := self.world.jobs:
            self.world.crash_job(self._random.choice(jobs))


def run_history(folder: Path, seed: int, steps: int = STEPS) -> Told:
    """One whole history; its seed stands in the message of what fails."""
    try:
        return History(folder, seed).run(steps)
    except AssertionError as exc:
        raise AssertionError(f"history of seed {seed}, {steps} steps: {exc}") from exc
