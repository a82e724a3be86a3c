"""The real code in a simulated world: whatever happens, what must hold holds.

Hypothesis chooses who acts, who is stopped at which IO step, who is killed and how time
passes; on failure it prints the shortest history it found.
"""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trackio.store.faulty import Chances
from trackio.testing import World, invariants

FAULTS = Chances(refused=0.02, failed=0.06, lost=0.06, partial=0.03, overnamed=0.02, torn=0.03)


class Histories(RuleBasedStateMachine):
    """All that may happen to a project."""

    @initialize(seed=st.integers(0, 2**20), spooled=st.lists(st.booleans(), min_size=1, max_size=3))
    def begin(self, seed: int, spooled: list[bool]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name), seed, FAULTS)
        for each in spooled:
            self.world.start_process(spooled=each)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.folder:
            try:
                self.world.settle()
                invariants.check_all(self.world)
                invariants.everything_is_in_the_store(self.world)
            finally:
                self.world.close()

    def _pick(self, data: st.DataObject, doing: str | None = None):
        alive = [p for p in self.world.processes if p.is_alive and not p.is_finished]
        able = [p for p in alive if doing is None or p.is_free(doing)]
        return data.draw(st.sampled_from(able)) if able else None

    @rule(data=st.data(), calls=st.integers(1, 9))
    def log(self, data: st.DataObject, calls: int) -> None:
        if (process := self._pick(data)) is not None:
            for _ in range(calls):
                self.world.log(process)

    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        if (process := self._pick(data, "publish")) is not None:
            self.world.publish(process)

    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        if (process := self._pick(data, "send")) is not None:
            self.world.send(process)

    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        if (process := self._pick(data, "publish")) is not None:
            self.world.finish(process)

    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        if (process := self._pick(data)) is not None:
            self.world.kill(process)

    @rule(everything=st.booleans())
    def recover(self, everything: bool) -> None:
        self.world.recover(everything=everything)

    @rule()
    def compact(self) -> None:
        self.world.compact()

    @rule()
    def collect(self) -> None:
        self.world.collect()

    @rule()
    def read(self) -> None:
        self.world.read()

    @precondition(lambda self: any(not actor.is_done for actor in self.world.actors))
    @rule(data=st.data(), steps=st.integers(1, 40))
    def step(self, data: st.DataObject, steps: int) -> None:
        waiting = [actor for actor in self.world.actors if not actor.is_done]
        actor = data.draw(st.sampled_from(waiting))
        for _ in range(steps):
            if actor.step():
                break

    @precondition(lambda self: any(not actor.is_done for actor in self.world.actors))
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """A job dies half-way; a thread of a process dies only with it."""
        owned = {actor for process in self.world.processes for actor in process.actors}
        jobs = [a for a in self.world.actors if not a.is_done and a not in owned]
        if jobs:
            data.draw(st.sampled_from(jobs)).crash()

    @rule(seconds=st.sampled_from([1.0, 15.0, 119.0, 121.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        if hasattr(self, "world"):
            invariants.check_all(self.world)


Histories.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
TestHistories = Histories.TestCase
