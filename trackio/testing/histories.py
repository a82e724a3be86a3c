"""Long random histories of the simulated world, each repeated exactly by its seed."""

import random
from collections.abc import Callable
from pathlib import Path

from trackio.store.faulty import Chances
from trackio.testing import invariants
from trackio.testing.actors import Actor
from trackio.testing.world import Process, World

FAULTS = Chances(refused=0.01, failed=0.05, lost=0.05, partial=0.03, overnamed=0.02, torn=0.03)
_WAITS_S = (1.0, 5.0, 15.0, 60.0, 121.0, 300.0)


class History:
    """One world and the dice that decide what happens in it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self.world = World(folder, seed, FAULTS)
        for _ in range(self._random.randint(1, 3)):
            self.world.start_process(spooled=self._random.random() < 0.4)
        self._acts: dict[Callable[[], None], float] = {
            self._log: 6,
            self._publish: 5,
            self._send: 2,
            self._step: 25,
            self._wait: 2,
            self._recover: 0.7,
            self._collect: 0.5,
            self._compact: 0.7,
            self._read: 0.7,
            self._crash_job: 0.4,
            self._kill: 0.1,
            self._finish: 0.1,
            self._restart: 0.15,
        }

    def run(self, steps: int, check_every: int = 10) -> None:
        """Let `steps` things happen, then let all settle; raises as the invariants do."""
        try:
            for number in range(steps):
                acts = list(self._acts)
                self._random.choices(acts, list(self._acts.values()))[0]()
                if number % check_every == 0:
                    invariants.check_all(self.world)
            self.world.settle()
            invariants.check_all(self.world)
            invariants.everything_is_in_the_store(self.world)
            invariants.everything_is_packed(self.world)
        finally:
            self.world.close()

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
        if len(self.world.processes) < 5:
            self.world.start_process(spooled=self._random.random() < 0.4)

    def _recover(self) -> None:
        self.world.recover(everything=self._random.random() < 0.5)

    def _collect(self) -> None:
        self.world.collect()

    def _compact(self) -> None:
        self.world.compact()

    def _read(self) -> None:
        self.world.read()

    def _wait(self) -> None:
        self.world.clock.advance(self._random.choice(_WAITS_S))

    def _step(self) -> None:
        """One actor goes on; one in three waits for ever so long before its next turn."""
        waiting = [actor for actor in self.world.actors if not actor.is_done]
        if waiting:
            actor = waiting[min(int(self._random.expovariate(0.5)), len(waiting) - 1)]
            for _ in range(self._random.choice((1, 2, 5, 20, 100))):
                if actor.step():
                    break

    def _crash_job(self) -> None:
        owned = {actor for process in self.world.processes for actor in process.actors}
        jobs: list[Actor] = [a for a in self.world.actors if not a.is_done and a not in owned]
        if jobs:
            self._random.choice(jobs).crash()


def run_history(folder: Path, seed: int, steps: int = 300) -> None:
    """One whole history; its seed stands in the message of what fails."""
    try:
        History(folder, seed).run(steps)
    except AssertionError as exc:
        raise AssertionError(f"history of seed {seed}, {steps} steps: {exc}") from exc
