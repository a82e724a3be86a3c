"""Evaluators of alerts in a simulated world, and the book of what their webhook got."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import orjson

from trackio.query.project import Project
from trackio.store.base import Store
from trackio.testing.actors import Actor, pause
from trackio.testing.clock import ManualClock
from trackio.upkeep.alerts.config import Config, Webhook
from trackio.upkeep.alerts.evaluator import Evaluator
from trackio.upkeep.alerts.policy import Policy

TAKEOVER_S: Final = 1800.0
_CONFIG: Final = Config(webhooks=(Webhook(url="https://example.com/hook"),))


@dataclass(slots=True, kw_only=True)
class Teller:
    """One evaluator; the process that runs it may die and be started again."""

    name: str
    project: str
    clock: ManualClock
    wait_s: float
    got: Counter[str]
    actor: Actor | None = None
    _evaluator: Evaluator | None = field(default=None, repr=False)

    def start(self, store: Store) -> None:
        """A new process under the old name."""
        self._evaluator = Evaluator(
            Project(store, self.project, clock=self.clock),
            store,
            _CONFIG,
            name=self.name,
            policy=Policy(wait_s=self.wait_s, first_look_s=1e9, takeover_s=TAKEOVER_S, post_s=40.0),
            clock=self.clock,
            sleep=self._sleep,
            deliver=self._deliver,
        )

    def look(self) -> None:
        """One round, as its loop would do it; a store that fails is for the next round."""
        if self._evaluator is not None:
            self._evaluator.look()

    def _sleep(self, seconds: float) -> None:
        """Let others go first; who is woken before it is time has time pass."""
        until_s = self.clock.now_s() + seconds
        if self.actor is not None:
            self.actor.wakes_s = until_s
        pause("sleep", "")
        self.clock.advance(max(0.0, until_s - self.clock.now_s()))

    def _deliver(self, webhook: Webhook, body: bytes) -> None:
        log_id = orjson.loads(body)["log_id"]
        pause("post", log_id)
        self.got[log_id] += 1
        pause("posted", log_id)
