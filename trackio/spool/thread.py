"""The thread that sends what waits in a spool. It decides nothing."""

import logging
import threading

from trackio.spool.spool import Spool

log = logging.getLogger("trackio")


class SpoolThread(threading.Thread):
    """Sends what waits in a spool for as long as the process lives."""

    def __init__(self, spool: Spool) -> None:
        super().__init__(name="trackio-spool", daemon=True)
        self.spool = spool

    def run(self) -> None:
        """Send whenever something waits and it is time; after a failure wait longer and longer."""
        while True:
            self.spool.await_turn()
            try:
                self.spool.send()
            except Exception:
                log.exception("trackio: sending to %s failed; trying again", self.spool.store.url)
                self.spool.note_fault()
