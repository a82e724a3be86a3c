"""A dashboard on a bucket: idle it costs next to nothing, and it stays when the Hub goes."""

from typing import Any

import pytest
from standin.hub import READ_TOKEN, WRITE_TOKEN, StandinHub
from standin.web import Kind
from starlette.applications import Starlette
from starlette.testclient import TestClient
from written import WrittenRun

from trackio.dashboard.desk import RETRY_S, Desk
from trackio.dashboard.routes import PREFIX, routes
from trackio.query.cache import Cache
from trackio.query.lister import WHOLE_S
from trackio.store.bucket import Bucket
from trackio.store.feed import POLL_S
from trackio.testing.clock import ManualClock

ID = "ada/runs"


class World:
    """A run in a bucket, and a dashboard that may only read it."""

    def __init__(self, hub: StandinHub, cache: Cache) -> None:
        hub.make_bucket(ID)
        self.hub = hub
        self.clock = ManualClock(1_700_000_000.0)
        writer = Bucket(ID, endpoint=hub.url, token=WRITE_TOKEN)
        self.run = WrittenRun(writer, "demo", "first", at_s=self.clock.now_s())
        self.run.log([{"loss": 1.0 / (1 + i)} for i in range(50)])
        self.run.finish(after_s=30)
        store = Bucket(ID, endpoint=hub.url, token=READ_TOKEN, clock=self.clock)
        self.http = TestClient(Starlette(routes=routes(Desk(store, self.clock, cache))))

    def get(self, path: str, **params: Any) -> Any:
        return self.http.get(f"{PREFIX}/{path}", params=params)

    def series(self, **params: Any) -> Any:
        return self.get("series", project="demo", **params)

    def open(self) -> dict[str, Any]:
        """What a viewer asks first; the parameters of its ticks."""
        meta = self.get("meta.json", project="demo").json()
        shown = {
            "m": ",".join(metric["code"] for metric in meta["metrics"]),
            "r": ",".join(run["code"] for run in meta["runs"]),
        }
        assert 200 == self.series(**shown).status_code
        return {**shown, "rev": meta["rev"]}


@pytest.fixture
def world(hub: StandinHub, tmp_path):
    return World(hub, Cache(tmp_path))


def size(response) -> int:
    """What travels to the browser."""
    lines = [f"{name}: {value}" for name, value in response.headers.items()]
    return len("\r\n".join(["HTTP/1.1 204 No Content", *lines])) + 4 + len(response.content)


def test_an_idle_tick_costs_next_to_nothing(world: World):
    """Three viewers for five minutes: a call in ten seconds at most, no file, 300 bytes a tick."""
    world.hub.has_events = False
    ticks = [world.open() for _ in range(3)]
    world.clock.advance(WHOLE_S)  # the first listing is made once more, as listings lag
    world.series(**ticks[0])
    begin = len(world.hub.requests)
    for _ in range(150):
        world.clock.advance(2.0)
        for tick in ticks:
            answer = world.series(**tick)
            assert 204 == answer.status_code
            assert size(answer) <= 300
    asked = [str(request) for request in world.hub.requests[begin:]]
    assert len(asked) <= 300 / POLL_S
    assert {"GET /api/buckets/ada/runs"} >= {a for a in asked if "/tree" not in a}


def test_a_tick_says_how_old_its_news_is(world: World):
    """`data as of` must be right."""
    world.hub.has_events = False
    tick = world.open()
    world.clock.advance(6.0)
    assert "6" == world.series(**tick).headers["age"]
    world.clock.advance(5.0)
    assert "0" == world.series(**tick).headers["age"]


def test_a_hub_that_goes_leaves_what_was_shown(world: World):
    """New viewers see it too; ticks say why nothing is new, and the Hub is left alone."""
    tick = world.open()
    world.hub.has_events = False
    world.hub.buckets[ID].feed.end()
    world.hub.faults.add("GET", Kind.STATUS, status=503)
    world.clock.advance(100.0)
    answer = world.series(**tick)
    assert 503 == answer.status_code
    assert "cannot" in answer.json()["error"]
    said = world.get("meta.json", project="demo").json()
    assert 100.0 == pytest.approx(said["now_s"] - said["as_of_s"], abs=1.0)
    begin = len(world.hub.requests)
    for _ in range(20):
        assert "rev" in world.open()
        assert 503 == world.series(**tick).status_code
    assert begin == len(world.hub.requests)
    world.hub.faults.clear()
    world.clock.advance(RETRY_S + POLL_S)
    assert 204 == world.series(**tick).status_code
