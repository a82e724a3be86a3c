"""Send what waits on this machine, whoever left it there, and keep trying. Makes no rows.

It is `recover` with more patience: spool files of living processes go too, which their owners
notice and count as sent, and nothing is put only to learn the store's time, so that doing it
again puts nothing.
"""

import time
from collections.abc import Callable
from typing import Final

from trackio.errors import StoreUnavailable
from trackio.settings import Settings
from trackio.spool import Spool
from trackio.upkeep.background import How, Report, recover

ATTEMPTS: Final = 5
_LONGEST_WAIT_S: Final = 600.0


def send_waiting(
    settings: Settings,
    *,
    project: str | None = None,
    dry_run: bool = False,
    tick: Callable[[int], None] = lambda files: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Publish what journals hold and send what lies in the spools; says what still waits.

    Args:
        tick: told how many files were sent.
    """

    def send(spool: Spool) -> bool:
        return send_all(spool, tick=tick, sleep=sleep)

    how = How(send=send, drops=False, also_of_the_living=True)
    return recover(settings, project=project, dry_run=dry_run, how=how)


def send_all(
    spool: Spool,
    *,
    tick: Callable[[int], None] = lambda files: None,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Send until nothing is left, or nothing has moved in five attempts in a row."""
    spool.on_sent = tick
    failures = 0
    while failures < ATTEMPTS:
        before = spool.sent_files
        if spool.send():
            return True
        failures = 1 if spool.sent_files > before else failures + 1
        if not isinstance(spool.last_error, StoreUnavailable):
            return False  # somebody has to act first
        if failures < ATTEMPTS:
            sleep(min(spool.wait_s(), _LONGEST_WAIT_S))
    return False
