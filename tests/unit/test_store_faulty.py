"""Rehearsed faults are what they say, come from a seed, and let others in between steps."""

import pytest

from trackio.errors import InvalidInput, StoreRefused, StoreUnavailable
from trackio.store import is_local
from trackio.store.directory import Directory
from trackio.store.faulty import Chances, Fault, Faulty, latency, tear
from trackio.store.lagging import Lagging
from trackio.store.memory import MemoryStore
from trackio.testing.clock import ManualClock

FILES = {f"f/{number}": b"12345678" for number in range(6)}


class Crash(BaseException):
    """The actor ends here."""


@pytest.fixture
def inner():
    return MemoryStore()


def _always(fault):
    return lambda op, keys: fault


def _keys(store, prefix=""):
    return {entry.key for entry in store.list(prefix)}


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.FAILED])
def test_of_a_call_that_is_refused_or_fails_nothing_happens(inner, fault):
    """Neither a put nor a delete; a get gives nothing, a listing not all."""
    inner.put({"f/0": b"old"})
    store = Faulty(inner, _always(fault), page_keys=1)
    error = StoreRefused if fault is Fault.REFUSED else StoreUnavailable
    for call in (
        lambda: store.put(FILES),
        lambda: store.delete(["f/0"]),
        lambda: store.get("f/0"),
        lambda: list(store.list()),
    ):
        with pytest.raises(error, match="rehearsed"):
            call()
    assert b"old" == inner.get("f/0")
    assert {"f/0"} == _keys(inner)


def test_of_a_lost_answer_everything_happened(inner):
    """The caller cannot tell and must be able to repeat it."""
    store = Faulty(inner, _always(Fault.LOST))
    with pytest.raises(StoreUnavailable) as failure:
        store.put(FILES)
    assert FILES.keys() == failure.value.keys == _keys(inner)
    with pytest.raises(StoreUnavailable):
        store.delete(FILES)
    assert set() == _keys(inner)


@pytest.mark.parametrize("seed", range(6))
def test_of_a_partial_batch_the_error_names_exactly_the_rest(inner, seed):
    """Which ones land is drawn."""
    with pytest.raises(StoreUnavailable) as failure:
        Faulty(inner, _always(Fault.PARTIAL), seed=seed).put(FILES)
    assert FILES.keys() - _keys(inner) == failure.value.keys
    assert failure.value.keys


def test_a_batch_may_name_more_than_the_rest(inner):
    """Never less: somewhere among these seeds it names files that landed."""
    overnamed = set()
    for seed in range(12):
        fresh = MemoryStore()
        with pytest.raises(StoreUnavailable) as failure:
            Faulty(fresh, _always(Fault.OVERNAMED), seed=seed).put(FILES)
        assert FILES.keys() - _keys(fresh) <= failure.value.keys
        overnamed |= failure.value.keys & _keys(fresh)
    assert overnamed


def test_a_torn_put_leaves_one_file_cut_short(inner):
    """Visible, as no store should do; putting it again mends it."""
    with pytest.raises(StoreUnavailable) as failure:
        Faulty(inner, _always(Fault.TORN)).put(FILES)
    torn = {key for key in FILES if inner.get(key) != FILES[key]}
    assert 1 == len(torn)
    assert torn <= failure.value.keys
    assert FILES[torn.pop()].startswith(min((inner.get(key) for key in FILES), key=len))


def test_a_file_can_be_torn_on_purpose(inner):
    """For tests of what readers do with it."""
    inner.put({"a": b"12345678"})
    tear(inner, "a", 0.5)
    assert b"1234" == inner.get("a")


def test_every_step_can_be_stopped_before_it_happens(inner):
    """After a crash before step n of a put, n files are there: one step, one file."""
    for crash_at in range(len(FILES)):
        store = MemoryStore()
        steps = []

        def before(op, key, steps=steps, crash_at=crash_at):
            if len(steps) == crash_at:
                raise Crash
            steps.append((op, key))

        with pytest.raises(Crash):
            Faulty(store, before=before).put(FILES)
        assert {key for _, key in steps} == _keys(store)
        assert crash_at == len(_keys(store))


def test_each_verb_announces_its_steps(inner):
    """A page of a listing is a step, and so is a call that fails."""
    steps = []
    store = Faulty(inner, before=lambda op, key: steps.append((op, key)), page_keys=4)
    store.put(FILES)
    list(store.list("f/"))
    store.get("f/0")
    store.delete(["f/0"])
    assert {("put", key) for key in FILES} == set(steps[:6])
    assert [("list", "f/")] * 2 + [("get", "f/0"), ("delete", "f/0")] == steps[6:]
    steps.clear()
    failing = Faulty(inner, _always(Fault.FAILED), before=lambda op, key: steps.append((op, key)))
    with pytest.raises(StoreUnavailable):
        failing.delete(["f/1"])
    assert [("delete", "f/1")] == steps


def test_the_pages_of_a_listing_are_of_different_moments(inner):
    """What is put behind the page being read is seen, what is put before it is not."""
    inner.put({"b": b"", "d": b"", "f": b""})
    listing = Faulty(inner, page_keys=2).list()
    seen = [next(listing).key]
    inner.put({"a": b"", "c": b"", "g": b""})
    inner.delete(["f"])
    assert ["b", "d", "g"] == seen + [entry.key for entry in listing]


def test_a_listing_breaks_off_after_some_pages(inner):
    """Sometimes at once, sometimes after entries were given."""
    inner.put(FILES)
    failing = (Faulty(inner, _always(Fault.FAILED), page_keys=2, seed=seed) for seed in range(12))
    assert {0, 2, 4} == {_given_before_breaking_off(store.list()) for store in failing}


def _given_before_breaking_off(listing):
    given = 0
    try:
        for _ in listing:
            given += 1
    except StoreUnavailable:
        return given
    raise AssertionError("the listing came to its end")


def test_the_same_seed_brings_the_same_faults():
    """A history that failed can be played again."""

    def history(seed):
        store = Faulty(
            MemoryStore(), Chances(failed=0.2, lost=0.2, partial=0.2).chooser(seed), seed=seed
        )
        told = []
        for number in range(30):
            try:
                store.put({f"{number}/{part}": b"" for part in "abc"})
                told.append("ok")
            except StoreUnavailable as failure:
                told.append(str(failure))
        return told

    assert history(1) == history(1)
    assert history(1) != history(2)
    assert {"ok"} < set(history(1))


@pytest.mark.parametrize("bad", [{"lost": -0.1}, {"lost": 0.6, "failed": 0.6}])
def test_impossible_chances_are_refused(bad):
    """They are shares of all calls."""
    with pytest.raises(InvalidInput, match="chances"):
        Chances(**bad).chooser(0)


def test_latency_makes_every_step_wait(inner):
    """Up to so long, by the sleep handed in."""
    waits_s = []
    Faulty(inner, before=latency(waits_s.append, 0.5, seed=3)).put(FILES)
    assert 6 == len(waits_s)
    assert 0 <= min(waits_s) < max(waits_s) <= 0.5


def test_a_faulty_directory_is_local_still(tmp_path, inner):
    """Its files can be opened in place; there faults do not reach."""
    assert is_local(Faulty(Directory(tmp_path)))
    assert not is_local(Faulty(inner))


@pytest.fixture
def clock():
    return ManualClock()


def _lagging(inner, clock, **kwargs):
    return Lagging(inner, clock=clock, longest_s=10.0, seed=5, **kwargs)


def test_a_new_file_can_be_read_before_it_is_listed(clock):
    """For less than the longest lag, then it is listed for good."""
    store = _lagging(MemoryStore(clock=clock), clock)
    store.put(FILES)
    assert set() == _keys(store)
    assert FILES["f/0"] == store.get("f/0")
    clock.advance(5.0)
    assert set() < _keys(store) < FILES.keys()
    clock.advance(5.0)
    assert FILES.keys() == _keys(store)


def test_a_deleted_file_is_listed_for_a_while(clock):
    """And not for ever."""
    inner = MemoryStore(clock=clock)
    inner.put(FILES)
    store = _lagging(inner, clock)
    store.delete(FILES)
    assert FILES.keys() == _keys(store)
    assert {"f/"} == {entry.key for entry in store.list(recursive=False)}
    clock.advance(10.0)
    assert set() == _keys(store)


def test_a_replaced_file_is_listed_as_it_was(clock):
    """An older listing of a key never comes back once a newer one was seen."""
    inner = MemoryStore(clock=clock)
    inner.put({"a": b"1"})
    store = _lagging(inner, clock)
    sizes = []
    for size in range(2, 8):
        store.put({"a": b"x" * size})
        for _ in range(4):
            sizes += [entry.size_bytes for entry in store.list()]
            clock.advance(1.0)
    clock.advance(10.0)
    sizes += [entry.size_bytes for entry in store.list()]
    assert 1 == sizes[0]
    assert 7 == sizes[-1]
    assert sorted(sizes) == sizes


def test_changes_that_are_not_late_are_listed_at_once(clock):
    """The chance says which share of them is."""
    store = _lagging(MemoryStore(clock=clock), clock, chance=0.0)
    store.put(FILES)
    assert FILES.keys() == _keys(store)
