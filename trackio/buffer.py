"""Hold the lines that wait for a shard and say when one is due. No threads, no files, no clock.

The caller guards it: every method is called under the writer's mutex.
"""

from typing import NamedTuple

from trackio.settings import FlushPolicy


class Batch(NamedTuple):
    """The lines of the calls `first ≤ seq ≤ last`; a seq without a line never returned."""

    first: int
    last: int
    lines: list[bytes]


class Buffer:
    """Journal lines in the order of their seqs."""

    __slots__ = ("_first", "_lines", "_max_bytes", "_max_calls", "size_bytes")

    def __init__(self, policy: FlushPolicy) -> None:
        self._max_calls = policy.max_calls
        self._max_bytes = policy.max_bytes
        self._first = 0
        self._lines: list[bytes] = []
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, line: bytes) -> bool:
        """Keep a line; True when the buffer is full, so that a shard is due at once."""
        self._lines.append(line)
        self.size_bytes += len(line)
        return len(self._lines) >= self._max_calls or self.size_bytes >= self._max_bytes

    def take(self, next_seq: int) -> Batch:
        """All lines up to and without `next_seq`; the buffer is empty afterwards."""
        batch = Batch(self._first, next_seq - 1, self._lines)
        self._first, self._lines, self.size_bytes = next_seq, [], 0
        return batch

    def lines(self) -> list[bytes]:
        """A copy of the waiting lines."""
        return list(self._lines)
