"""Doing the same to many keys at once: all are attempted, and every failure is known."""

import pytest

from trackio.errors import StoreRefused, StoreUnavailable
from trackio.store.parallel import attempt_each, raise_first


def test_all_keys_are_attempted_and_all_failures_known():
    """One that fails stops none of the others."""
    seen = []

    def attempt(key):
        seen.append(key)
        if key % 2:
            raise StoreUnavailable(f"{key} failed", retry_after_s=float(key))

    failures = attempt_each(range(40), attempt, workers=7)
    assert list(range(40)) == sorted(seen)
    assert set(range(1, 40, 2)) == failures.keys()
    with pytest.raises(StoreUnavailable, match="and 19 more") as failure:
        raise_first(failures)
    assert failures.keys() == failure.value.keys
    assert 39.0 == failure.value.retry_after_s


def test_what_no_repeating_cures_is_raised_first():
    """Sending the others again would not help."""
    with pytest.raises(StoreRefused):
        raise_first({"a": StoreUnavailable("later"), "b": StoreRefused("never")})
    raise_first({})


def test_an_error_that_is_none_of_ours_comes_through():
    """A bug is not hidden, nor is Ctrl-C."""

    def attempt(key):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt_each("abc", attempt, workers=2)


def test_work_gets_done_where_no_thread_can_start(monkeypatch):
    """As at the end of the interpreter, when the last rows are sent."""

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    done = []
    attempt_each("abc", done.append, workers=3)
    assert list("abc") == done
