"""A reader of the simulated world: what it saw, and what it had to see."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from trackio import shard
from trackio.catalog import Snapshot, list_project
from trackio.cover import cover
from trackio.errors import NotFound, UnreadableFile
from trackio.keys import PackKey, PointerKey, RangeKey
from trackio.model import METRIC, WriterId
from trackio.store.base import Store
from trackio.testing.clock import ManualClock

Point = tuple[WriterId, int, str, float | None]
"""Writer, seq, key and value of one metric row."""


@lru_cache(maxsize=10_000)
def points_of(data: bytes) -> tuple[Point, ...]:
    """The metric rows of a shard or pack.

    Raises:
        UnreadableFile: it cannot be read whole.
    """
    _, table = shard.decode(data)
    names = ("writer_id", "seq", "key", "value", "kind")
    columns = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    return tuple((WriterId(w), seq, key, v) for w, seq, key, v, kind in columns if kind == METRIC)


@dataclass(slots=True, eq=False)
class Reading:
    """Reads every row of the project's cover, listing again when a file vanishes.

    `must` are the points that it has to see, unless it dawdles or they are deleted meanwhile;
    `forbidden` the writers that it must not see any more.
    """

    store: Store
    project: str
    clock: ManualClock
    seen: Counter[Point] = field(default_factory=Counter)
    must: frozenset[Point] = frozenset()
    forbidden: frozenset[WriterId] = frozenset()
    took_s: float = 0.0
    is_done: bool = False

    def run(self, must: Iterable[Point], forbidden: Iterable[WriterId]) -> None:
        """Read, one IO step after the other."""
        began_s = self.clock.now_s()
        self.must, self.forbidden = frozenset(must), frozenset(forbidden)
        snapshot, missed = list_project(self.store, self.project), set[str]()
        while (found := self._read(snapshot, missed)) is None:
            snapshot = list_project(self.store, self.project).without(missed)
        self.seen, self.is_done = found, True
        self.took_s = self.clock.now_s() - began_s

    def _read(self, snapshot: Snapshot, missed: set[str]) -> Counter[Point] | None:
        """The points of a snapshot; None if a file could not be read and is `missed` now."""
        found: Counter[Point] = Counter()
        for run in snapshot.runs.values():
            for files in run.writers.values():
                for taken in files.cover.taken:
                    key = file_of(self.project, taken.key)
                    try:
                        points = points_of(self.store.get(key))
                    except (NotFound, UnreadableFile):
                        missed.add(key)
                        return None
                    found.update(_counting(points, files.writer_id, taken.first, taken.last))
        return found


def points_in(store: Store, project: str, *, before_s: float = float("inf")) -> set[Point]:
    """The points that the readable files put before that time hold, as a set."""
    held: set[Point] = set()
    snapshot = list_project(store, project)
    packs = {
        pack_id: points
        for pack_id, entry in snapshot.packs.items()
        if entry.time_s <= before_s and (points := points_or_none(store, entry.key)) is not None
    }
    for run in snapshot.runs.values():
        for files in run.writers.values():
            readable: dict[RangeKey, tuple[Point, ...]] = {}
            for key, entry in files.ranges.items():
                points = (
                    packs.get(key.pack_id)
                    if isinstance(key, PointerKey)
                    else points_or_none(store, entry.key)
                )
                if points is not None and entry.time_s <= before_s:
                    readable[key] = points
            for taken in cover(readable, packs).taken:
                points = readable[taken.key]
                held.update(_counting(points, files.writer_id, taken.first, taken.last))
    return held


def file_of(project: str, key: RangeKey) -> str:
    """The key of the file that holds the rows of a shard or pointer."""
    return str(PackKey(project, key.pack_id)) if isinstance(key, PointerKey) else str(key)


def points_or_none(store: Store, key: str) -> tuple[Point, ...] | None:
    """The metric rows of a file, None if it cannot be read."""
    with suppress(UnreadableFile, NotFound):
        return points_of(store.get(key))
    return None


def _counting(
    points: Iterable[Point], writer_id: WriterId, first: int, last: int
) -> Iterator[Point]:
    return (point for point in points if point[0] == writer_id and first <= point[1] <= last)
