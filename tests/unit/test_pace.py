"""How often a store is asked: many processes, one budget, and none of them knows the others."""

import pytest

from trackio.spool.pace import LEAST_S, MOST_S, Pace
from trackio.store.base import Budget


def _middle(low, high):
    return (low + high) / 2


@pytest.fixture
def pace():
    return Pace(jitter=_middle)


def _send(pace, now_s, **budget):
    pace.begin(now_s)
    pace.succeed(now_s, Budget(**budget) if budget else None)


def test_the_first_sending_is_due_at_once_and_the_next_after_a_moment(pace):
    """One process with many runs sends what all of them have, not each by itself."""
    assert pace.due_s(is_urgent=False) <= 0
    _send(pace, 100.0)
    assert 100.0 + LEAST_S == pace.due_s(is_urgent=False)
    assert pace.due_s(is_urgent=True) <= 100.0


def test_after_failures_the_wait_doubles_up_to_a_minute(pace):
    """Between half of it and all, by chance, so that clients do not come back together."""
    waits_s = []
    for _ in range(8):
        pace.begin(0.0)
        pace.fail(0.0)
        waits_s.append(pace.due_s(is_urgent=False))
    assert [1.5, 3.0, 6.0, 12.0, 24.0, 45.0, 45.0, 45.0] == waits_s
    assert 1.5 == pace.due_s(is_urgent=True)
    _send(pace, 100.0)
    pace.fail(200.0)
    assert 201.5 == pace.due_s(is_urgent=False)


def test_what_the_store_asked_for_is_obeyed_even_in_a_hurry(pace):
    """And by chance a little more: all who were sent away would come back at once."""
    pace.begin(0.0)
    pace.fail(0.0, 55.0)
    assert 55.0 <= pace.due_s(is_urgent=True) <= 55.0 + pace.interval_s
    assert pace.due_s(is_urgent=True) <= pace.due_s(is_urgent=False)


def test_each_time_it_is_sent_away_the_interval_doubles_and_then_shrinks_slowly(pace):
    """From the interval that there really was."""
    for now_s in (0.0, 10.0, 20.0):
        _send(pace, now_s)
    pace.begin(30.0)
    pace.fail(30.0, 5.0)
    assert 20.0 == pace.interval_s
    for _ in range(20):
        pace.fail(30.0, 5.0)
    assert MOST_S == pace.interval_s
    for _ in range(200):
        _send(pace, 40.0)
    assert LEAST_S == pace.interval_s


def test_the_interval_is_what_lets_the_rest_of_the_budget_last(pace):
    """In one interval all of them spent 64; of 800 that are left until 240 s from now, 90 %."""
    _send(pace, 0.0, remaining=864, resets_s=250.0)
    _send(pace, 10.0, remaining=800, resets_s=240.0)
    assert pytest.approx(64 * 240 / (800 * 0.9)) == pace.interval_s


def test_a_budget_that_is_large_enough_stretches_nothing(pace):
    """A user with one run never notices."""
    for number in range(30):
        _send(pace, 10.0 * number, remaining=1000 - number, resets_s=300.0 - 10 * number)
    assert LEAST_S == pace.interval_s


def test_a_new_window_is_no_reason_to_change_anything(pace):
    """More is left than before: nobody can tell what was spent."""
    _send(pace, 0.0, remaining=500, resets_s=100.0)
    _send(pace, 10.0, remaining=300, resets_s=90.0)
    before_s = pace.interval_s
    _send(pace, 110.0, remaining=990, resets_s=290.0)
    assert before_s == pace.interval_s


def test_when_nothing_is_left_it_waits_for_the_next_window(pace):
    """Nobody asks only to be refused."""
    _send(pace, 0.0, remaining=0, resets_s=70.0)
    assert 70.0 <= pace.due_s(is_urgent=True)


@pytest.mark.parametrize("resets_s", [0.0, 1.0, 4.9])
def test_the_end_of_a_window_tells_nothing(pace, resets_s):
    """Small numbers divided by small numbers."""
    _send(pace, 0.0, remaining=500, resets_s=20.0)
    _send(pace, 10.0, remaining=1, resets_s=resets_s)
    assert LEAST_S == pace.interval_s
