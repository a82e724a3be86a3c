"""Say a thing once in a process, however many runs it concerns."""

import logging

_log = logging.getLogger("trackio")
_told: set[str] = set()


def tell_once(message: str) -> None:
    """Warn, unless this was said before."""
    if message not in _told:
        _told.add(message)
        _log.warning("trackio: %s", message)
