"""Collecting: a file goes only on account of old, readable files before it. Doubt keeps it."""

import pytest
from making import PROJECT, RUN_ID, WRITER_ID, calls

from trackio import shard
from trackio.catalog import list_project
from trackio.errors import StoreUnavailable
from trackio.ids import make_id
from trackio.keys import MediaKey, MetaKey, PackKey, PointerKey, ShardKey
from trackio.model import PackId, SeqRange, WriterId
from trackio.store.faulty import Fault, Faulty, tear
from trackio.store.lagging import Lagging
from trackio.store.memory import MemoryStore
from trackio.testing import ManualClock
from trackio.upkeep import collect
from trackio.upkeep.trust import Trust, safe_ranges

GRACE_S = 120.0
OTHER = WriterId("0" * 23 + "7")


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock=clock)


def _key(first, last, writer=WRITER_ID):
    return str(ShardKey(PROJECT, RUN_ID, writer, first, last))


def _put(store, *spans, writer=WRITER_ID):
    for first, last in spans:
        data = shard.encode(calls(first, last), RUN_ID, writer, SeqRange(first, last))
        store.put({_key(first, last, writer): data})


def _plan(store, clock):
    return collect.plan(store, PROJECT, job_id=make_id(clock), grace_s=GRACE_S)


def _deletes(store, clock):
    return set(_plan(store, clock).deletes)


def test_superseded_files_go_after_grace(store, clock):
    """And nothing else, however old."""
    _put(store, (0, 4), (5, 9), (0, 9), (10, 14))
    store.put({str(MetaKey(PROJECT, RUN_ID)): b"{}"})
    store.put({str(MediaKey(PROJECT, RUN_ID, WRITER_ID, "0" * 64, "png")): b""})
    assert set() == _deletes(store, clock)
    clock.advance(GRACE_S + 1)
    assert {_key(0, 4), _key(5, 9)} == _deletes(store, clock)


def test_applying_a_plan_twice_is_applying_it_once(store, clock):
    """Two collectors at once are no more than one."""
    _put(store, (0, 4), (0, 9))
    clock.advance(GRACE_S + 1)
    plan = _plan(store, clock)
    assert 1 == collect.apply(plan, store)
    before = list_project(store, PROJECT)
    collect.apply(plan, store)
    assert before == list_project(store, PROJECT)
    assert 0 == collect.apply(_plan(store, clock), store)


@pytest.mark.parametrize("young", [(0, 9), (0, 4)])
def test_both_the_file_and_what_holds_its_rows_must_be_old(store, clock, young):
    """A reader may have listed either a moment ago."""
    _put(store, *{(0, 4), (0, 9)} - {young})
    clock.advance(GRACE_S + 1)
    _put(store, young)
    plan = _plan(store, clock)
    assert () == plan.deletes
    assert [_key(0, 4)] == [key for key, _ in plan.kept]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_nothing_goes_on_account_of_a_file_that_cannot_be_read(store, clock, share):
    """It is read to its end first."""
    _put(store, (0, 4), (0, 9))
    tear(store, _key(0, 9), share)
    clock.advance(GRACE_S + 1)
    assert set() == _deletes(store, clock)


def test_nothing_goes_on_account_of_a_file_that_holds_other_seqs_than_its_name(store, clock):
    """Somebody renamed it."""
    _put(store, (0, 4))
    wide = shard.encode(calls(0, 7), RUN_ID, WRITER_ID, SeqRange(0, 7))
    store.put({_key(0, 9): wide})
    clock.advance(GRACE_S + 1)
    assert set() == _deletes(store, clock)


def test_several_files_before_it_may_hold_a_file_together(store, clock):
    """Overlapping copies that recoverers put."""
    _put(store, (0, 5), (3, 9), (4, 8))
    clock.advance(GRACE_S + 1)
    assert {_key(4, 8)} == _deletes(store, clock)


def test_files_after_it_in_the_walk_never_count(store, clock):
    """(3, 9) gives rows that (5, 20) holds too, but it stands before it."""
    _put(store, (0, 5), (3, 9), (5, 20))
    clock.advance(GRACE_S + 1)
    assert set() == _deletes(store, clock)


def test_a_superseded_file_that_stays_may_hold_others(store, clock):
    """Under a torn file the next one serves: it stays, and what it holds may go."""
    _put(store, (0, 9), (0, 4), (2, 4))
    clock.advance(GRACE_S + 1)
    assert {_key(0, 4), _key(2, 4)} == _deletes(store, clock)
    tear(store, _key(0, 9), 0.5)
    clock.advance(GRACE_S + 1)
    assert {_key(2, 4)} == _deletes(store, clock)


def test_a_gap_elsewhere_stops_nothing(store, clock):
    """Doubt is per entry."""
    _put(store, (0, 4), (0, 9), (20, 24), (20, 29))
    clock.advance(GRACE_S + 1)
    assert {_key(0, 4), _key(20, 24)} == _deletes(store, clock)


def test_writers_are_judged_apart(store, clock):
    """The same seqs of another writer are other rows."""
    _put(store, (0, 9))
    _put(store, (0, 4), writer=OTHER)
    clock.advance(GRACE_S + 1)
    assert set() == _deletes(store, clock)


def test_nothing_goes_on_account_of_a_pointer_whose_pack_cannot_be_read(store, clock):
    """What a pointer says is no proof."""
    pack = PackId("a" * 24)
    _put(store, (0, 4))
    store.put({str(PointerKey(PROJECT, RUN_ID, WRITER_ID, 0, 4, pack)): b""})
    store.put({str(PackKey(PROJECT, pack)): b"a pack"})
    clock.advance(GRACE_S + 1)
    plan = _plan(store, clock)
    assert () == plan.deletes
    assert [_key(0, 4)] == [key for key, _ in plan.kept]


def test_files_of_a_pack_that_is_not_listed_are_no_cover(store, clock):
    """The pointer keeps its place and holds nothing; it does not go either."""
    _put(store, (0, 4), (0, 9))
    store.put({str(PointerKey(PROJECT, RUN_ID, WRITER_ID, 0, 9, PackId("a" * 24))): b""})
    clock.advance(GRACE_S + 1)
    assert {_key(0, 4)} == _deletes(store, clock)


def test_age_is_the_stores_time_never_ours(store, clock):
    """A collector whose clock is a year ahead deletes nothing too soon."""
    _put(store, (0, 4), (0, 9))
    ahead = ManualClock(clock.now_s() + 1e7)
    plan = collect.plan(store, PROJECT, job_id=make_id(ahead), grace_s=GRACE_S)
    assert () == plan.deletes
    now_s = collect.store_now(store, PROJECT, make_id(ahead))
    assert now_s == pytest.approx(clock.now_s(), abs=1.0)


def test_where_the_stores_time_cannot_be_seen_nothing_is_old(store, clock):
    """The listing lags behind the clock's own file."""
    _put(store, (0, 4), (0, 9))
    clock.advance(1e6)
    slow = Lagging(store, clock=clock, longest_s=60.0, chance=1.0)
    assert float("-inf") == collect.store_now(slow, PROJECT, make_id(clock))
    assert set() == _deletes(slow, clock)


def test_a_listing_that_breaks_off_deletes_nothing(store, clock):
    """Half a listing is no listing."""
    _put(store, (0, 4), (0, 9))
    clock.advance(GRACE_S + 1)
    lists = []

    def choose(op, _keys):
        lists.extend([op] if op == "list" else [])
        return Fault.FAILED if len(lists) == 2 else Fault.NONE

    with pytest.raises(StoreUnavailable):
        _plan(Faulty(store, choose, page_keys=1), clock)


def test_one_writer_can_be_collected_alone(store, clock):
    """As its own roll-up does; others are not listed."""
    _put(store, (0, 4), (0, 9))
    _put(store, (0, 4), (0, 9), writer=OTHER)
    clock.advance(GRACE_S + 1)
    plan = collect.plan_writer(store, PROJECT, RUN_ID, WRITER_ID, grace_s=GRACE_S)
    assert (_key(0, 4),) == plan.deletes


def test_what_is_safe_is_old_and_wholly_readable(store, clock):
    """Recovery removes a journal on account of this alone."""
    _put(store, (0, 4), (5, 9), (20, 24))
    tear(store, _key(5, 9), 0.5)
    clock.advance(GRACE_S + 1)
    _put(store, (10, 14))
    (run,) = list_project(store, PROJECT).runs.values()
    files = run.writers[WRITER_ID]
    check, before_s = collect.make_check(store), clock.now_s() - GRACE_S
    nothing = Trust(check=check, older_than_s=before_s, packs={}, condemned={})
    safe = safe_ranges(files, nothing)
    assert (SeqRange(0, 4), SeqRange(20, 24)) == safe


def test_a_file_is_read_once_however_often_it_is_asked_about(store):
    """A plan over many files reads each needed one to its end, and no more."""
    _put(store, (0, 4))
    gets = []
    check = collect.make_check(
        Faulty(store, before=lambda op, key: gets.append(key) if op == "get" else None)
    )
    key = ShardKey(PROJECT, RUN_ID, WRITER_ID, 0, 4)
    assert check(key)
    assert check(key)
    assert [str(key)] == gets
    assert not check(ShardKey(PROJECT, RUN_ID, WRITER_ID, 9, 9))
