"""Trying again: how often, how long apart, and only what is needed."""

import pytest

from trackio.errors import InvalidInput, NotFound, StoreRefused, StoreUnavailable
from trackio.store import is_local
from trackio.store.directory import Directory
from trackio.store.faulty import Fault, Faulty
from trackio.store.memory import MemoryStore
from trackio.store.retrying import Retrying, RetryPolicy
from trackio.testing.clock import ManualClock

POLICY = RetryPolicy(attempts=5, first_delay_s=1.0, max_delay_s=5.0, deadline_s=60.0)


class _Time(ManualClock):
    """A clock that only sleeping moves."""

    def __init__(self):
        super().__init__()
        self.waits_s = []

    def sleep(self, wait_s):
        self.waits_s.append(wait_s)
        self.advance(wait_s)


class _Script:
    """The faults of successive calls; none once they are used up. Remembers what was asked."""

    def __init__(self, *faults):
        self._left = list(faults)
        self.asked = []

    def __call__(self, op, keys):
        self.asked.append((op, sorted(keys)))
        return self._left.pop(0) if self._left else Fault.NONE


@pytest.fixture
def time():
    return _Time()


@pytest.fixture
def inner():
    return MemoryStore()


def _retrying(inner, script, time, policy=POLICY, **kwargs):
    faulty = Faulty(inner, script, page_keys=2, seed=1)
    return Retrying(faulty, policy, clock=time, sleep=time.sleep, random=lambda: 1.0, **kwargs)


def test_it_gives_up_after_so_many_attempts(inner, time):
    """The bound of the waits doubles up to its maximum; the last error comes through."""
    script = _Script(*[Fault.FAILED] * 9)
    with pytest.raises(StoreUnavailable):
        _retrying(inner, script, time).get("a")
    assert 5 == len(script.asked)
    assert [1.0, 2.0, 4.0, 5.0] == time.waits_s


def test_waits_are_spread_evenly_below_their_bound(inner, time):
    """Clients that failed together do not come back together."""
    draws = iter([0.0, 0.25, 0.5, 0.75])
    store = Retrying(
        Faulty(inner, _Script(*[Fault.FAILED] * 4)),
        POLICY,
        clock=time,
        sleep=time.sleep,
        random=lambda: next(draws),
    )
    store.put({"a": b""})
    assert [0.0, 0.5, 2.0, 3.75] == time.waits_s


def test_no_attempt_begins_after_the_deadline(inner, time):
    """A wait that would end too late is not begun."""
    policy = RetryPolicy(attempts=100, first_delay_s=4.0, max_delay_s=8.0, deadline_s=12.0)
    with pytest.raises(StoreUnavailable):
        _retrying(inner, _Script(*[Fault.FAILED] * 99), time, policy).get("a")
    assert [4.0, 8.0] == time.waits_s


class _Limited(MemoryStore):
    """Asks at the first call to be left alone for a while."""

    def __init__(self, retry_after_s):
        super().__init__()
        self._waits_s = [retry_after_s]

    def get(self, key):
        if self._waits_s:
            raise StoreUnavailable("slow down", retry_after_s=self._waits_s.pop())
        return super().get(key)


def test_it_leaves_the_store_alone_for_as_long_as_that_asks(time):
    """Its own jitter comes on top, so that not all come back at that very moment."""
    limited = _Limited(30.0)
    limited.put({"a": b"x"})
    store = Retrying(limited, POLICY, clock=time, sleep=time.sleep, random=lambda: 0.5)
    assert b"x" == store.get("a")
    assert [30.5] == time.waits_s


def test_it_does_not_wait_past_its_deadline_even_when_asked_to(time):
    """The caller learns at once, and how long to wait."""
    store = Retrying(_Limited(300.0), POLICY, clock=time, sleep=time.sleep)
    with pytest.raises(StoreUnavailable) as failure:
        store.get("a")
    assert 300.0 == failure.value.retry_after_s
    assert [] == time.waits_s


def test_a_put_repeats_only_what_the_error_names(inner, time):
    """What landed is not sent again."""
    script = _Script(Fault.PARTIAL, Fault.PARTIAL)
    store = _retrying(inner, script, time)
    names = [f"f/{number}" for number in range(8)]
    store.put({name: name.encode() for name in names})
    sent = [len(keys) for _, keys in script.asked]
    assert 8 == sent[0]
    assert sorted(sent, reverse=True) == sent
    assert sent[2] < 8
    assert [name.encode() for name in names] == [inner.get(name) for name in names]


def test_a_delete_repeats_only_what_the_error_names(inner, time):
    """From any iterable, even one that can be read only once."""
    names = [f"f/{number}" for number in range(8)]
    inner.put(dict.fromkeys(names, b""))
    script = _Script(Fault.PARTIAL, Fault.OVERNAMED)
    _retrying(inner, script, time).delete(iter(names))
    assert [] == list(inner.list())
    assert len(script.asked[1][1]) < 8


@pytest.mark.parametrize("named", [[], ["foreign"]])
def test_an_error_that_names_no_key_of_ours_means_all(inner, time, named):
    """Doubt sends everything again."""

    class Vague(MemoryStore):
        calls = 0

        def put(self, files):
            Vague.calls += 1
            if Vague.calls == 1:
                raise StoreUnavailable("lost", keys=named)
            super().put(files)

    vague = Vague()
    Retrying(vague, POLICY, clock=time, sleep=time.sleep).put({"a": b"1", "b": b"2"})
    assert {"a", "b"} == {entry.key for entry in vague.list()}


def test_the_last_error_names_what_is_left(inner, time):
    """Its caller can go on from there."""
    script = _Script(*[Fault.PARTIAL] * 2)
    names = [f"f/{number}" for number in range(16)]
    with pytest.raises(StoreUnavailable) as failure:
        _retrying(inner, script, time, RetryPolicy(attempts=2)).put(dict.fromkeys(names, b""))
    landed = {entry.key for entry in inner.list()}
    assert set(names) - landed == failure.value.keys
    assert 0 < len(landed) < 16


def test_a_listing_that_broke_off_is_read_anew(inner, time):
    """No entry comes twice, and none comes of a listing that is not whole."""
    inner.put(dict.fromkeys("abcdefg", b""))
    script = _Script(*[Fault.FAILED] * 3)
    assert list("abcdefg") == [entry.key for entry in _retrying(inner, script, time).list()]
    assert 4 == len(script.asked)
    unlucky = _retrying(inner, _Script(*[Fault.FAILED] * 9), time)
    with pytest.raises(StoreUnavailable):
        next(unlucky.list())


def test_what_trying_again_cannot_cure_comes_through_at_once(inner, time):
    """A refusal and a missing key are answers."""
    script = _Script(Fault.REFUSED)
    store = _retrying(inner, script, time)
    with pytest.raises(StoreRefused):
        store.put({"a": b""})
    with pytest.raises(NotFound):
        store.get("a")
    assert 2 == len(script.asked)
    assert [] == time.waits_s


def test_a_local_store_stays_local(tmp_path, inner):
    """And another does not become one."""
    assert is_local(Retrying(Directory(tmp_path)))
    assert not is_local(Retrying(inner))


@pytest.mark.parametrize("bad", [{"attempts": 0}, {"first_delay_s": -1.0}, {"deadline_s": -0.1}])
def test_an_impossible_policy_is_refused(bad):
    """It would never try, or wait backwards."""
    with pytest.raises(InvalidInput, match="at least 1"):
        RetryPolicy(**bad)
