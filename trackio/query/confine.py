"""Let the operating system refuse memory beyond a limit, for as long as some SQL runs.

DuckDB looks at its own limits between the steps of a query; one call that makes a single huge
value asks the system for memory in one go, and is refused there. Where the system has no such limit
(Windows, macOS) nothing is limited.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_SLACK_BYTES: Final = 1 << 30
"""For everything that is no part of the query: its answer, other threads, the interpreter."""
_STATUS: Final = Path("/proc/self/status")
_lock = threading.Lock()
_limited = 0


@contextmanager
def confined(max_bytes: int) -> Iterator[None]:
    """Meanwhile this process gets no more than `max_bytes`, and some slack, beside what it has."""
    global _limited  # noqa: PLW0603 - the limit is the process's
    if sys.platform != "linux":
        yield
        return
    import resource

    with _lock:
        if not _limited:
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            limit = _data_bytes() + max_bytes + _SLACK_BYTES
            if hard == resource.RLIM_INFINITY or limit < hard:
                resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
        _limited += 1
    try:
        yield
    finally:
        with _lock:
            _limited -= 1
            if not _limited:
                _, hard = resource.getrlimit(resource.RLIMIT_DATA)
                resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _data_bytes() -> int:
    """How much memory of its own this process has now."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    return 0
