"""How long `finish()` waits: as long as something moves, and then a while."""

from trackio.settings import Patience
from trackio.spool import wait_patiently
from trackio.testing.clock import ManualClock

PATIENCE = Patience(silence_s=30.0, cap_s=600.0)


class Waiting:
    """A condition whose `wait` lets time pass; `moves_s` are the moments of progress."""

    def __init__(self, moves_s=(), done_s=float("inf"), quiet_until_s=float("-inf")):
        self.clock = ManualClock()
        self.began_s = self.clock.monotonic()
        self._moves_s = moves_s
        self._done_s = done_s
        self._quiet_until_s = quiet_until_s

    @property
    def passed_s(self):
        return self.clock.monotonic() - self.began_s

    def wait(self, timeout):
        self.clock.advance(timeout)

    def run(self, patience=PATIENCE):
        return wait_patiently(
            self,
            lambda: self.passed_s >= self._done_s,
            patience,
            clock=self.clock,
            began_s=self.began_s,
            progress=lambda: sum(self.passed_s >= moment for moment in self._moves_s),
            quiet_until_s=lambda: self.began_s + self._quiet_until_s,
        )


def _gave_up_after(waiting, **how):
    assert not waiting.run(**how)
    return round(waiting.passed_s)


def test_what_is_done_is_not_waited_for():
    """Not even a moment."""
    waiting = Waiting(done_s=0.0)
    assert waiting.run(Patience(silence_s=0.0, cap_s=0.0))
    assert waiting.passed_s < 0.01


def test_it_returns_when_all_is_done():
    """However slowly, as long as something moves."""
    waiting = Waiting(moves_s=range(0, 200, 20), done_s=195.0)
    assert waiting.run()
    assert 195 <= round(waiting.passed_s) <= 196


def test_without_any_progress_it_gives_up_after_the_silence():
    """30 s, unless somebody set it otherwise."""
    assert 30 == _gave_up_after(Waiting())
    assert 5 == _gave_up_after(Waiting(), patience=Patience(silence_s=5.0, cap_s=600.0))


def test_the_silence_is_counted_from_the_last_progress():
    """The last batch arrived after 47 s."""
    assert 77 <= _gave_up_after(Waiting(moves_s=[20, 47])) <= 78


def test_while_the_store_asks_for_time_it_is_not_silent():
    """It said 55 s, and then has its 30 s."""
    assert 85 == _gave_up_after(Waiting(quiet_until_s=55.0))


def test_in_all_it_never_waits_longer_than_the_cap():
    """Whatever the store asks for, and however much moves."""
    assert 600 == _gave_up_after(Waiting(quiet_until_s=3600.0))
    assert 600 == _gave_up_after(Waiting(moves_s=range(5000)))
