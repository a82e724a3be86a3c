"""Two evaluators over one lagging store, killed and restarted at any IO step."""

import random
from collections import Counter

import orjson
import pytest

from trackio.query.project import Project
from trackio.store.faulty import Fault, Faulty
from trackio.store.lagging import Lagging
from trackio.store.memory import MemoryStore
from trackio.testing import Actor, ManualClock, pause
from trackio.testing.handmade import START_S, HandWriter
from trackio.upkeep.alerts.config import Config, Webhook
from trackio.upkeep.alerts.evaluator import Evaluator
from trackio.upkeep.alerts.policy import Policy

WAIT_S = 20.0
LAG_S = 15.0
POLICY = Policy(wait_s=WAIT_S, first_look_s=1e9, takeover_s=180.0, post_s=40.0)
CONFIG = Config(webhooks=(Webhook(url="https://example.com/hook"),))


class Told:
    """What the webhook got, and what of it was not written down when its teller was killed."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.killed_between: Counter[str] = Counter()
        self.open: dict[str, str] = {}


class Watcher:
    """One evaluator that is started again whenever it was killed."""

    def __init__(self, name, store, truth, clock, told):
        self.name, self.store, self.truth, self.clock, self.told = name, store, truth, clock, told
        self.kills = 0
        self.start()

    def start(self):
        """A new process under the old name."""
        faulty = Faulty(self.store, lambda op, keys: Fault.NONE, before=pause)
        self.evaluator = Evaluator(
            Project(self.store, "p", clock=self.clock),
            faulty,
            CONFIG,
            name=self.name,
            policy=POLICY,
            clock=self.clock,
            sleep=self.sleep,
            deliver=self.deliver,
        )
        self.actor = Actor(self.name, self.work)

    def work(self):
        while True:
            report = self.evaluator.look()
            assert [] == report.problems
            self.told.open.pop(self.name, None)
            pause("rest", "")

    def sleep(self, seconds):
        until = self.clock.now_s() + seconds
        while self.clock.now_s() < until:
            pause("sleep", "")

    def deliver(self, webhook, body):
        log_id = orjson.loads(body)["log_id"]
        pause("post", log_id)
        self.told.got[log_id] += 1
        self.told.open[self.name] = log_id  # until the next post it is written down, or was killed
        pause("posted", log_id)

    def step(self, is_killed):
        if is_killed:
            self.actor.crash()
            self.kills += 1
            if (log_id := self.told.open.pop(self.name, None)) and not self.is_recorded(log_id):
                self.told.killed_between[log_id] += 1
            self.start()
        else:
            self.actor.step()
            assert self.actor.error is None, self.actor.error

    def is_recorded(self, log_id):
        """Whether its watermark, as the store has it, holds the alert."""
        try:
            said = orjson.loads(self.truth.get(f"p/state/alerts.{self.name}.json"))
        except LookupError:
            return False
        writer, _, seq = log_id.partition("-")
        ranges = said["done"].get("run", {}).get(writer, [])
        listed = [[0, ranges]] if isinstance(ranges, int) else ranges
        return any(first <= int(seq) <= last for first, last in listed)


@pytest.mark.parametrize("seed", range(2))
def test_a_thousand_alerts_are_told_though_evaluators_are_killed(seed):
    """None is missed; twice are told only those whose teller died before it wrote that down."""
    chance = random.Random(seed)
    clock = ManualClock(START_S + 5000)
    truth = MemoryStore(f"alerts-{seed}", clock=clock)
    store = Lagging(truth, clock=clock, longest_s=LAG_S, chance=0.5, seed=seed)
    wanted, shards = _write(store, chance)
    told = Told()
    watchers = [Watcher(name, store, truth, clock, told) for name in ("a", "b")]
    while shards or wanted - told.got.keys():
        if shards and chance.random() < 0.02:
            writer, first, last = shards.pop()
            writer.put(first, last)
        clock.advance(chance.choice((0.01, 0.01, 0.5)))
        watcher = chance.choice(watchers)
        if watcher.actor.at.startswith(("sleep", "rest")):
            clock.advance(2.0)
        watcher.step(is_killed=chance.random() < 0.003)
    for watcher in watchers:
        watcher.actor.crash()
    twice = {log_id: count - 1 for log_id, count in told.got.items() if count > 1}
    assert wanted == told.got.keys()
    assert {} == {
        log_id: more for log_id, more in twice.items() if more > told.killed_between[log_id]
    }
    assert sum(watcher.kills for watcher in watchers) > 5


def _write(store, chance):
    """A thousand alerts of ten writers: the log ids, and the shards in the order they arrive."""
    wanted, shards = set(), []
    for number in range(10):
        writer = HandWriter(store, "p", "run", start_s=START_S + number)
        seqs = [writer.alert(f"alert {i}") for i in range(100)]
        wanted |= {f"{writer.writer_id}-{seq:012d}" for seq in seqs}
        shards += [(writer, first, min(first + 24, 100)) for first in range(0, 101, 25)]
    chance.shuffle(shards)
    return wanted, shards
