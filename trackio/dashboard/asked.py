"""What the browser asks of charts, as values. Reads nothing, parses nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

from trackio.dashboard.bucketcache import Place
from trackio.dashboard.meta import Meta
from trackio.model import METRIC
from trackio.query.points import Axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One metric; `width` is that of the buckets the browser has, None if it has none."""

    key: str
    width: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the charts on screen need: `target` is how many buckets a series may have.

    With `against`, x is what that metric said.
    """

    wanted: tuple[Wanted, ...]
    run_ids: tuple[str, ...]
    kind: str = METRIC
    x: Axis = "step"
    against: str | None = None
    lo: float | None = None
    hi: float | None = None
    target: int = 300

    def known(self) -> Iterator[tuple[str, int, str]]:
        """Each metric of which the browser has a width, with that width, for each run."""
        for wanted in self.wanted:
            if wanted.width is not None:
                for run_id in self.run_ids:
                    yield wanted.key, wanted.width, run_id

    def place(self, meta: Meta, key: str, width: int, run_id: str) -> Place:
        """Where the lines of one run in one metric are kept."""
        return Place(meta.view.revision, self.kind, self.x, self.lo, self.hi, width, key, run_id)

    @property
    def scale(self) -> float:
        """How long the unit of a bucket's width is on the axis: a step, or a millisecond."""
        return 1.0 if self.x == "step" else 0.001
