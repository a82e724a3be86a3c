"""Which rows a named query can use at all, so that no others are fetched. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from trackio.model import METRIC, SYSTEM
from trackio.query.database import Parameters

_OF_KEYS: Final = ("points_by_step", "points", "points_and_texts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Rows of these kinds and keys; None means all."""

    kinds: Collection[str] | None = None
    other_than_series: bool = False
    keys: Collection[str] | None = None


EVERYTHING: Final = Need()


def need_of(query: str, parameters: Parameters) -> Need:
    """The rows that a query of `queries.sql` looks at; everything where that is not known."""
    if query in _OF_KEYS:
        return Need(kinds=[parameters["kind"]], keys=parameters["keys"])
    if query == "said":
        return Need(other_than_series=True)
    if query == "counts":
        return Need(kinds=[parameters["kind"]])
    if query == "tallies":
        return Need(kinds=[METRIC], keys=parameters.get("below_key"))
    if query == "violations":
        return Need(kinds=[METRIC])
    if query == "calls":
        return Need(kinds=[METRIC], keys=parameters["keys"])
    return EVERYTHING


def may_hold(need: Need, kinds: tuple[str, str] | None, keys: tuple[str, str] | None) -> bool:
    """Whether rows whose kinds and keys lie between these can be of use; None is not known."""
    if need.other_than_series and kinds is not None:
        return kinds[0] not in (METRIC, SYSTEM)
    return _meets(need.kinds, kinds) and _meets(need.keys, keys)


def _meets(wanted: Collection[str] | None, span: tuple[str, str] | None) -> bool:
    if wanted is None or span is None:
        return True
    return any(span[0] <= one <= span[1] for one in wanted)
