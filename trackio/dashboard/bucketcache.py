"""Keeps the buckets that were read last, up to a size. Knows nothing of how they are read."""

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from trackio.dashboard.frames import FrameSeries

KEPT_BYTES: Final = 64 << 20
_OVERHEAD_BYTES: Final = 400

Lines = tuple[FrameSeries, ...]
"""The lines of one run in one metric; most runs have one, some metrics none."""


class Place(NamedTuple):
    """What determines the lines of one run in one metric."""

    revision: str
    kind: str
    x: str
    lo: float | None
    hi: float | None
    width: int
    key: str
    run_id: str


class BucketCache:
    """The lines used last, `kept_bytes` of them; safe to use from many threads."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._lock = threading.Lock()
        self._lines: OrderedDict[Place, Lines] = OrderedDict()
        self._room = kept_bytes

    def get(self, place: Place) -> Lines | None:
        """What was kept there; `()` says that the run has no such metric."""
        with self._lock:
            lines = self._lines.get(place)
            if lines is not None:
                self._lines.move_to_end(place)
            return lines

    def put(self, place: Place, lines: Lines) -> None:
        """Keep these lines, and forget those used longest ago if room is short."""
        with self._lock:
            self._room += _size(self._lines.pop(place, None))
            self._lines[place] = lines
            self._room -= _size(lines)
            while self._room < 0 and len(self._lines) > 1:
                _, oldest = self._lines.popitem(last=False)
                self._room += _size(oldest)


def _size(lines: Lines | None) -> int:
    return 0 if lines is None else _OVERHEAD_BYTES + sum(line.size_bytes for line in lines)
