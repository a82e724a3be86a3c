"""A write path that takes everything and keeps nothing: no file, no folder, no thread."""

from collections.abc import Mapping
from typing import Any

from trackio import journal
from trackio.settings import Patience


class NoWriter:
    """Takes the calls of a run that is disabled."""

    next_seq = 0
    next_step = 0
    safe_seq = -1
    unjournaled = 0

    def __init__(self, header: journal.Header) -> None:
        self.header = header

    def log(self, data: Mapping[Any, Any], step: int | None = None) -> None:
        """See `Writer.log`."""

    def append(self, kind: str, data: Mapping[Any, Any], step: int | None = None) -> int:
        """See `Writer.append`."""
        return 0

    def warn_once(self, about: str, message: str) -> None:
        """See `Writer.warn_once`."""

    def warn_key(self, key: str, problem: str) -> None:
        """See `Writer.warn_key`."""


class Nothing:
    """Stands where a `WriterThread` would."""

    error: Exception | None = None
    reason: Exception | None = None
    interval_s: float | None = None

    def __init__(self, header: journal.Header) -> None:
        self.writer = NoWriter(header)

    def flush(self, patience: Patience) -> bool:
        """There is nothing that is not in the store."""
        return True

    def finish(self, said: Mapping[str, str | None], patience: Patience) -> bool:
        """As `flush`."""
        return True

    def count_local(self) -> int:
        """None is."""
        return 0

    def latest(self) -> dict[str, Any]:
        """Nothing is known of any metric."""
        return {}
