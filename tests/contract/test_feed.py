"""What is heard of a bucket's changes, from the stand-in's feed and without one."""

import pytest
from standin.hub import READ_TOKEN, STRANGER_TOKEN, WRITE_TOKEN
from standin.web import Kind

from trackio.errors import StoreRefused, StoreUnavailable
from trackio.store.bucket import Bucket
from trackio.store.feed import CHECK_S, POLL_S
from trackio.testing.clock import ManualClock

ID = "ada/runs"
SOON_S = 30.0


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def made(hub):
    return hub.make_bucket(ID)


@pytest.fixture
def writer(hub, made):
    """Somebody else who writes."""
    return Bucket(ID, endpoint=hub.url, token=WRITE_TOKEN)


@pytest.fixture
def store(hub, made, clock):
    """Ours, with a token that may only read."""
    return Bucket(ID, endpoint=hub.url, token=READ_TOKEN, clock=clock)


def api_calls(hub):
    return hub.asked("/api/buckets/ada/runs($|/events|/tree)")


def flowing(store):
    """A watch whose feed flows, and where it stands."""
    heard = store.watch().since(None)
    assert store.watch().wait_flowing(SOON_S)
    return store.watch(), store.watch().since(heard.position).position


class TestTheFeed:
    """While it flows nothing is asked."""

    def test_it_tells_what_was_put_and_deleted(self, store, writer):
        """As a listing would, and only what lies in our folder."""
        watch, position = flowing(store)
        writer.put({"a": b"123", "b": b"4"})
        Bucket(ID, folder="other", endpoint=writer._endpoint, token=WRITE_TOKEN).put({"c": b"5"})
        writer.delete(["b"])
        while "b" not in (changes := watch.since(position).changes) or changes["b"]:
            assert watch.wait(watch.since(position).position, SOON_S)
        listed = {entry.key: entry for entry in store.list()}
        assert {"a": listed["a"], "b": None} == {k: e for k, e in changes.items() if k}

    def test_nobody_asks_while_it_flows(self, store, hub, clock):
        """But for one small question a minute, as the feed is best effort."""
        watch, position = flowing(store)
        begin = len(hub.requests)
        for _ in range(60):
            clock.advance(1.0)
            assert {} == watch.since(position).changes
        assert ["GET /api/buckets/ada/runs"] == [str(r) for r in hub.requests[begin:]]

    def test_what_it_does_not_tell_is_found_out(self, store, writer, made, clock):
        """The bucket says that it changed; then one has to list."""
        watch, position = flowing(store)
        made.feed.is_deaf = True
        writer.put({"a": b"1"})
        assert {} == watch.since(position).changes
        clock.advance(CHECK_S)
        assert watch.since(position).changes is None

    def test_one_that_broke_off_goes_on_where_it_was(self, store, writer, made, hub):
        """So that nothing is missed."""
        watch, position = flowing(store)
        writer.put({"a": b"1"})
        assert watch.wait(position, SOON_S)
        made.feed.end()
        assert watch.wait_flowing(SOON_S, flowing=False)
        writer.put({"b": b"1"})
        watch.since(position)
        assert watch.wait_flowing(SOON_S)
        followed = [request for request in hub.requests if request.path.endswith("/events")]
        assert {"cursor": "1"} == followed[-1].query

    def test_a_cursor_that_is_too_old_means_list(self, store, writer, made):
        """What happened meanwhile is not known any more."""
        watch, position = flowing(store)
        writer.put({"a": b"1"})
        assert watch.wait(position, SOON_S)
        position = watch.since(position).position
        made.feed.forget()
        made.feed.end()
        assert watch.wait_flowing(SOON_S, flowing=False)
        watch.since(position)
        assert watch.wait(position, SOON_S)
        assert watch.since(position).changes is None

    def test_nobody_who_wants_it_ends_it(self, store, made, clock):
        """A dashboard that nobody looks at follows nothing."""
        watch, _ = flowing(store)
        clock.advance(600.0)
        assert watch.wait_flowing(SOON_S, flowing=False)


class TestWithoutAFeed:
    """One small question every ten seconds."""

    @pytest.fixture(autouse=True)
    def deaf(self, hub):
        hub.has_events = False

    def test_all_who_ask_share_one_question_in_ten_seconds(self, store, hub, clock):
        """However many dashboards look, and however often."""
        watch = store.watch()
        position = watch.since(None).position
        begin = len(api_calls(hub))
        for _ in range(100):
            clock.advance(1.0)
            assert {} == watch.since(position).changes
        calls = [c for c in api_calls(hub)[begin:] if not c.endswith("/events")]
        assert 100 / POLL_S >= len(calls)
        assert 1 >= len(api_calls(hub)) - begin - len(calls)

    def test_a_change_means_list(self, store, writer, clock):
        """It is not told what changed."""
        watch = store.watch()
        position = watch.since(None).position
        writer.put({"a": b"1"})
        assert {} == watch.since(position).changes
        clock.advance(POLL_S)
        heard = watch.since(position)
        assert heard.changes is None
        assert {} == watch.since(heard.position).changes

    def test_what_is_told_is_as_old_as_the_question(self, store, clock):
        """`as_of_s` says so."""
        watch = store.watch()
        heard = watch.since(None)
        clock.advance(POLL_S / 2)
        assert heard.as_of_s == watch.since(heard.position).as_of_s

    def test_a_hub_out_of_reach_is_an_error(self, store, hub, clock):
        """Whoever asked keeps what he has."""
        watch = store.watch()
        watch.since(None)
        clock.advance(POLL_S)
        hub.faults.add("GET /api/buckets/ada/runs", Kind.STATUS, status=503)
        with pytest.raises(StoreUnavailable):
            watch.since(None)

    def test_a_token_that_may_not_look_is_told_what_to_do(self, hub, made):
        """At once, and not only when a file is read."""
        stranger = Bucket(ID, endpoint=hub.url, token=STRANGER_TOKEN)
        with pytest.raises(StoreRefused, match="hf auth login"):
            stranger.watch().since(None)
