"""Tell once that a store cannot be reached, however many meet it. It tries nothing itself."""

import logging

log = logging.getLogger("trackio")
_silent: set[str] = set()


def tell_unreachable(store_url: str, exc: Exception, consequence: str = "") -> None:
    """Warn that a store cannot be reached: once for each outage, whoever meets it first.

    A consequence that not every outage has is told in any case.
    """
    if store_url not in _silent:
        _silent.add(store_url)
        log.warning(
            "trackio: %s cannot be reached (%s); %srows wait on this machine and are sent as "
            "soon as it answers",
            store_url,
            exc,
            f"{consequence}; " if consequence else "",
        )
    elif consequence:
        log.warning("trackio: %s still cannot be reached: %s", store_url, consequence)


def forget_outage(store_url: str) -> None:
    """The store has answered: the next outage is another one."""
    _silent.discard(store_url)
