"""A listing that is kept fresh shows what a whole one would, and costs less."""

from pathlib import Path

import pytest
from standin.hub import READ_TOKEN, WRITE_TOKEN
from standin.web import Kind

from trackio.catalog import Listing, list_project
from trackio.errors import StoreUnavailable
from trackio.query import lister as lister_module
from trackio.query.lister import WHOLE_S, Lister
from trackio.store.bucket import Bucket
from trackio.store.directory import Directory
from trackio.store.memory import MemoryStore
from trackio.store.remote import fetch_each, is_remote
from trackio.testing.clock import ManualClock
from trackio.testing.handmade import HandWriter, put_pack

ID = "ada/runs"
SOON_S = 30.0
PACK = "0" * 24


@pytest.fixture
def clock():
    return ManualClock()


def written(store, run_id="run", points=12):
    writer = HandWriter(store, "p", run_id)
    for i in range(points):
        writer.log({"x": float(i)})
    return writer


class TestTellingAListingOfChanges:
    """`Listing` after changes is what a new one would be."""

    def changed(self, store, listing):
        """What a whole listing shows, and the same by changes."""
        now = {entry.key: entry for entry in store.list("p/")}
        for key in [key for key in listing._entries if key not in now]:
            listing.remove(key)
        listing.add(now.values())
        return list_project(store, "p"), listing.snapshot()

    def test_each_kind_of_change_shows(self):
        """Files, packs, pointers, names and tombstones, coming and going."""
        store = MemoryStore()
        listing = Listing("p")
        writer, other = written(store), written(store, "other")
        shard = writer.put(0, 5)
        for act in (
            other.put,
            lambda: writer.put(6, 12),
            lambda: writer.put_meta("name"),
            lambda: writer.put_meta("another"),
            lambda: put_pack(PACK, [(writer, 0, 5)]),
            lambda: store.delete([shard]),
            lambda: store.put({"p/foreign": b"", "p/runs/strange": b""}),
            lambda: store.delete(["p/runs/strange"]),
            lambda: store.put({f"p/deleted/other/{'f' * 24}": b""}),
            lambda: store.delete([f"p/packs/{PACK}.parquet"]),
            lambda: store.delete([entry.key for entry in store.list("p/runs/other/")]),
        ):
            act()
            whole, by_changes = self.changed(store, listing)
            assert whole.runs == by_changes.runs
            assert whole.packs == by_changes.packs
            assert whole.revision == by_changes.revision

    def test_runs_that_did_not_change_are_not_walked_again(self):
        """They are the same values."""
        store = MemoryStore()
        written(store).put()
        listing = Listing("p")
        _, first = self.changed(store, listing)
        written(store, "other").put()
        _, second = self.changed(store, listing)
        assert first.runs["run"] is second.runs["run"]


class FarAway(MemoryStore):
    """A store that is asked as an object store is, with times of a clock of our own."""

    poll_s = 5.0

    def fetch(self, wanted):
        return fetch_each(wanted, lambda entry, path: path.write_bytes(self.get(entry.key)))

    def get_range(self, entry, begin, end):
        return self.get(entry.key)[begin:end]

    def watch(self):
        return None


class TestOfABucket:
    """Changes are heard of."""

    @pytest.fixture
    def made(self, hub):
        return hub.make_bucket(ID)

    @pytest.fixture
    def writer(self, hub, made):
        return written(Bucket(ID, endpoint=hub.url, token=WRITE_TOKEN))

    @pytest.fixture
    def store(self, hub, made, clock):
        return Bucket(ID, endpoint=hub.url, token=READ_TOKEN, clock=clock)

    @pytest.fixture
    def lister(self, store, clock):
        return Lister(store, "p", clock=clock)

    def lists(self, hub):
        return len(hub.asked("GET .*/tree"))

    def test_new_files_show_without_a_listing(self, hub, store, lister, writer):
        """As soon as the feed tells of them."""
        writer.put(0, 5)
        lister.follow()
        assert store.watch().wait_flowing(SOON_S)
        lister.follow()
        begin, position = self.lists(hub), store.watch().since(None).position
        writer.put(6, 12)
        assert store.watch().wait(position, SOON_S)
        snapshot = lister.follow()
        assert begin == self.lists(hub)
        assert list_project(store, "p") == snapshot

    def test_other_projects_are_nothing_to_it(self, hub, store, lister, writer):
        """One feed serves all projects of a bucket."""
        writer.put()
        before = lister.follow()
        assert store.watch().wait_flowing(SOON_S)
        position = store.watch().since(None).position
        HandWriter(writer.store, "q", "run").put()
        assert store.watch().wait(position, SOON_S)
        assert before == lister.follow()

    @pytest.mark.parametrize("has_events", [True, False])
    def test_an_idle_project_costs_one_call_in_ten_seconds_at_most(
        self, hub, store, lister, clock, has_events
    ):
        """However many look at it, and no file is read."""
        hub.has_events = has_events
        written(Bucket(ID, endpoint=hub.url, token=WRITE_TOKEN)).put()
        lister.follow()
        if has_events:
            assert store.watch().wait_flowing(SOON_S)
        clock.advance(WHOLE_S)
        lister.follow()
        begin = len(hub.requests)
        for _ in range(600):
            clock.advance(1.0)
            lister.follow()
        asked = [str(request) for request in hub.requests[begin:]]
        assert 600 / 10 >= len(asked)
        assert {"GET /api/buckets/ada/runs"} >= {a for a in asked if not a.endswith("/events")}

    def test_without_a_feed_a_change_shows_after_one_listing(
        self, hub, store, lister, writer, clock
    ):
        """And once more a minute later, as listings lag."""
        hub.has_events = False
        writer.put(0, 5)
        lister.follow()
        writer.put(6, 12)
        clock.advance(10.0)
        assert list_project(store, "p") == lister.follow()
        begin = self.lists(hub)
        for _ in range(120):
            clock.advance(1.0)
            lister.follow()
        assert begin + 3 == self.lists(hub)

    def test_a_listing_that_lags_is_made_up_for(  # noqa: PLR0917 - fixtures
        self, hub, store, lister, writer, clock, monkeypatch
    ):
        """What it did not show yet shows a minute later, though nothing changes any more."""
        hub.has_events = False
        writer.put(0, 5)
        lister.follow()
        late = writer.put(6, 12)
        clock.advance(10.0)
        with monkeypatch.context() as patched:
            lagging = [entry for entry in store.list("p/") if entry.key != late]
            patched.setattr(
                store,
                "list",
                lambda prefix="", **_: (e for e in lagging if e.key.startswith(prefix)),
            )
            stale = lister.follow()
        assert list_project(store, "p") != stale
        clock.advance(WHOLE_S)
        assert list_project(store, "p") == lister.follow()

    def test_a_listing_in_many_pages_is_whole(self, hub, store, lister, writer):
        """However few names the Hub gives at once."""
        hub.page_size = 2
        for first in range(0, 12, 2):
            writer.put(first, first + 1)
        (run,) = lister.follow().runs.values()
        assert 6 == len(run.writers[writer.writer_id].ranges)

    def test_what_is_shown_is_as_of_the_last_question(self, hub, store, lister, writer, clock):
        """A page that says so does not lie."""
        hub.has_events = False
        writer.put()
        lister.follow()
        begun_s = lister.as_of_s
        clock.advance(4.0)
        lister.follow()
        assert begun_s == pytest.approx(lister.as_of_s, abs=0.1)
        clock.advance(7.0)
        lister.follow()
        assert clock.now_s() == pytest.approx(lister.as_of_s, abs=0.1)

    def test_a_hub_out_of_reach_is_an_error_that_does_not_age(self, hub, lister, writer, clock):
        """What is shown stays as old as it is."""
        hub.has_events = False
        writer.put()
        lister.follow()
        as_of_s = lister.as_of_s
        hub.faults.add("GET", Kind.STATUS, status=503)
        clock.advance(60.0)
        with pytest.raises(StoreUnavailable):
            lister.follow()
        assert as_of_s == lister.as_of_s


class TestOfAnObjectStore:
    """Only what can have changed is listed."""

    @pytest.fixture
    def store(self, clock):
        return FarAway(clock=clock)

    @pytest.fixture
    def listed(self, store):
        """The prefixes that are listed."""
        prefixes = []
        whole = store.list

        def counted(prefix="", *, recursive=True):
            prefixes.append(prefix)
            return whole(prefix, recursive=recursive)

        store.list = counted
        return prefixes

    def test_it_is_listed_every_few_seconds(self, store, listed, clock):
        """However many look at it."""
        assert is_remote(store)
        written(store).put()
        lister = Lister(store, "p", clock=clock)
        lister.follow()
        begin = len(listed)
        for _ in range(40):
            clock.advance(0.1)
            lister.follow()
        assert begin == len(listed)
        clock.advance(5.0)
        lister.follow()
        assert begin < len(listed)

    def test_of_a_large_project_only_what_may_change_is_listed(
        self, store, listed, clock, monkeypatch
    ):
        """New runs and live ones; everything once a minute."""
        monkeypatch.setattr(lister_module, "SMALL_KEYS", 3)
        for number in range(4):
            written(store, f"run-{number}").put()
        clock.advance(3600.0)
        live = written(store, "live")
        live.put(0, 5)
        lister = Lister(store, "p", clock=clock)
        lister.follow()
        listed.clear()
        live.put(6, 12)
        written(store, "new").put()
        clock.advance(6.0)
        snapshot = lister.follow()
        assert {"p/runs/", "p/runs/live/", "p/runs/new/"} >= set(listed)
        assert list_project(store, "p").runs == snapshot.runs
        clock.advance(WHOLE_S)
        listed.clear()
        lister.follow()
        assert {"p/runs/", "p/packs/", "p/deleted/"} == set(listed)


def test_a_directory_is_listed_each_time(tmp_path: Path, clock):
    """It costs nothing."""
    store = Directory(tmp_path)
    lister = Lister(store, "p", clock=clock)
    writer = written(store)
    for first, last in ((0, 5), (6, 12)):
        writer.put(first, last)
        assert list_project(store, "p") == lister.follow()
