"""What tells of changes in a store without a listing. Values only; asks nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from trackio.model import Entry


class Position(NamedTuple):
    """How far somebody has heard. What was told in another epoch says nothing."""

    epoch: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What changed since a position: the entry now under each key, None where it is gone.

    `changes` is None where something may have changed that is not known: list, and go on from
    `position`, which was taken before. It was so at `as_of_s`, in the clock's monotonic time.
    """

    position: Position
    changes: Mapping[str, Entry | None] | None
    as_of_s: float


class Watch(Protocol):
    """Hears of changes. Safe to use from many threads; all of them share its few requests."""

    def since(self, position: Position | None) -> Heard:
        """What changed since then, as far as it is known; since never, if that is None.

        Raises:
            StoreUnavailable, StoreRefused: nothing can be known now.
        """
