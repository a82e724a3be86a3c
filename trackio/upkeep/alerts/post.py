"""Send one request to one webhook: ten seconds in all, no redirect, only to a checked address.

It tries again what may work a moment later, and then gives up; whoever calls it knows when there
is another round.
"""

import http.client
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from trackio._version import __version__
from trackio.upkeep.alerts.address import AddressRefusedError, Resolve, Target, locate
from trackio.upkeep.alerts.payload import shown_url

TIMEOUT_S: Final = 10.0
PAUSES_S: Final = (1.0, 4.0)
"""How long it waits before each further attempt; half as much again at random."""
LONGEST_S: Final = TIMEOUT_S * (len(PAUSES_S) + 1) + 1.5 * sum(PAUSES_S)
"""One `deliver` is over after so long, whatever the other side does."""
_READ_BYTES: Final = 4096
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class PostError(Exception):
    """A webhook did not take it; `is_final` where another attempt would end the same way."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """Sends to webhooks. Time, chance and the resolving of names are handed in."""

    allow_private: bool = False
    timeout_s: float = TIMEOUT_S
    sleep: Callable[[float], None] = time.sleep
    resolve: Resolve | None = None

    def deliver(self, url: str, body: bytes) -> None:
        """Send it, trying three times.

        Raises:
            PostError: it was not taken.
        """
        for pause_s in (*PAUSES_S, None):
            try:
                self.post(url, body)
            except PostError as exc:
                if exc.is_final or pause_s is None:
                    raise
                self.sleep(pause_s * (1 + random.random() / 2))  # noqa: S311 - no secret
            else:
                return

    def post(self, url: str, body: bytes) -> None:
        """Send it once.

        Raises:
            PostError: it was not taken.
        """
        ends_s = time.monotonic() + self.timeout_s
        try:
            target = locate(url, allow_private=self.allow_private, resolve=self.resolve)
            status, reason = _exchange(target, body, ends_s)
        except AddressRefusedError as exc:
            raise PostError(str(exc), is_final=True) from exc
        except (OSError, http.client.HTTPException) as exc:
            is_late = _is_timeout(exc) or time.monotonic() >= ends_s
            why = f"no answer within {self.timeout_s:g} s" if is_late else str(exc)
            raise PostError(f"{shown_url(url)}: {why or type(exc).__name__}") from exc
        if 300 <= status < 400:
            message = f"{shown_url(url)} redirects elsewhere: give the URL that it leads to"
            raise PostError(message, is_final=True)
        if status >= 400:
            message = f"{shown_url(url)} answers {status} {reason}".rstrip()
            raise PostError(message, is_final=status not in _BUSY)


def _exchange(target: Target, body: bytes, ends_s: float) -> tuple[int, str]:
    """One request and its answer over one connection to the checked address."""
    connection = http.client.HTTPConnection(target.host, target.port)
    watch: threading.Timer | None = None
    try:
        connection.sock = sock = _connect(target, ends_s)
        watch = threading.Timer(_left(ends_s), _shut, [sock])  # a byte in time is not all in time
        watch.daemon = True
        watch.start()
        headers = {"Content-Type": "application/json", "User-Agent": f"trackio/{__version__}"}
        connection.request("POST", target.path, body, headers | {"Host": _host(target)})
        connection.sock.settimeout(_left(ends_s))
        answer = connection.getresponse()
        answer.read(_READ_BYTES)
        _left(ends_s)
        return answer.status, answer.reason
    finally:
        if watch is not None:
            watch.cancel()
        connection.close()


def _shut(sock: socket.socket) -> None:
    """End what still waits for the other side."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _connect(target: Target, ends_s: float) -> socket.socket:
    plain = socket.create_connection((target.address, target.port), timeout=_left(ends_s))
    if target.scheme == "http":
        return plain
    try:
        context = ssl.create_default_context()
        return context.wrap_socket(plain, server_hostname=target.host)
    except OSError:
        plain.close()
        raise


def _host(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = 443 if target.scheme == "https" else 80
    return host if target.port == usual else f"{host}:{target.port}"


def _left(ends_s: float) -> float:
    left_s = ends_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _is_timeout(exc: Exception) -> bool:
    return isinstance(exc, TimeoutError)
