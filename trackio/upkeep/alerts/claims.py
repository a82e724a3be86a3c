"""Decide whose turn it is to tell of an alert, with nothing but put and list.

An evaluator puts `state/claims/<log id>/<its name>`, waits until every listing must show it, and
lists. The earliest claim has the turn, by the time that the store gave it, and of two with one
time the lowest name: whoever claims later than that sees it. A claim holds for `takeover_s`; who
has done nothing by then is taken for dead, and has to claim anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from trackio import keys
from trackio.clock import Clock
from trackio.store.base import Store
from trackio.upkeep.alerts.due import Due

TAKEOVER_S: Final = 180.0
_FEW: Final = 8
"""So many alerts are looked up one by one; of more all claims are listed at once."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A claim as it is listed; sorts by turn."""

    time_s: float
    name: str


class _Put(NamedTuple):
    """Between which moments a claim was put. Each doubt is settled for the other side's good."""

    began_s: float
    landed_s: float


class Claims:
    """The claims of one evaluator in one project.

    Args:
        store: where they are put.
        project: of which project.
        name: the evaluator's.
        group: how the names of those begin with whom it shares the work.
        clock: measures how old its own claims are; how old those of others are follows.
        takeover_s: how long a claim holds.
    """

    def __init__(
        self,
        store: Store,
        project: str,
        name: str,
        *,
        group: str,
        clock: Clock,
        takeover_s: float = TAKEOVER_S,
    ) -> None:
        self._store = store
        self._project = project
        self._name = name
        self._group = group
        self._clock = clock
        self._takeover_s = takeover_s
        self._put: dict[str, _Put] = {}

    def put(self, dues: Iterable[Due], *, needs_s: float) -> bool:
        """Claim what is not claimed, or not for `needs_s` more; whether anything was put.

        Raises:
            StoreUnavailable, StoreRefused: as `Store.put`.
        """
        wanted = [due for due in dues if self.left_s(due) < needs_s]
        if not wanted:
            return False
        began_s = self._clock.monotonic()
        self._store.put({self._key(due): b"" for due in wanted})
        put = _Put(began_s, self._clock.monotonic())
        self._put.update({due.name: put for due in wanted})
        return True

    def left_s(self, due: Due) -> float:
        """For how long its own claim still holds; below 0 if there is none."""
        put = self._put.get(due.name)
        if put is None:
            return float("-inf")
        return put.began_s + self._takeover_s - self._clock.monotonic()

    def turns(self, dues: Iterable[Due]) -> set[str]:
        """The names of those alerts whose turn is this evaluator's; it has claimed them all.

        Raises:
            StoreUnavailable, StoreRefused: as `Store.list`.
        """
        wanted = list(dues)
        listed = self._list(wanted)
        return {due.name for due in wanted if self._is_mine(due, listed.get(due.name, []))}

    def forget(self, due: Due) -> None:
        """It is done; the claim itself stays, for others to see."""
        self._put.pop(due.name, None)

    def _is_mine(self, due: Due, claims: Iterable[_Claim]) -> bool:
        listed = list(claims)
        mine = next((claim for claim in listed if claim.name == self._name), None)
        if mine is None:
            return False
        store_now_s = mine.time_s + self._clock.monotonic() - self._put[due.name].landed_s
        held = [claim for claim in listed if store_now_s - claim.time_s < self._takeover_s]
        first = min(held, key=lambda claim: (claim.time_s, claim.name), default=None)
        return first is not None and first.name == self._name

    def _list(self, dues: list[Due]) -> Mapping[str, list[_Claim]]:
        """The claims of this group to each alert, by the alert's name."""
        if len(dues) > _FEW:
            entries = list(self._store.list(keys.claims_prefix(self._project)))
        else:
            places = {(due.writer_id, due.seq) for due in dues}
            folders = [keys.claim_prefix(self._project, *place) for place in places]
            entries = [entry for folder in folders for entry in self._store.list(folder)]
        found: dict[str, list[_Claim]] = {}
        for entry in entries:
            key = keys.parse(entry.key)
            if isinstance(key, keys.ClaimKey):
                rule, _, name = key.consumer.rpartition("@")
                if name.startswith(self._group):
                    log_id = f"{key.writer_id}-{key.seq:012d}"
                    claim = _Claim(entry.time_s, name)
                    found.setdefault(f"{log_id} {rule}" if rule else log_id, []).append(claim)
        return found

    def _key(self, due: Due) -> str:
        consumer = self._name if due.rule is None else f"{due.rule}@{self._name}"
        return str(keys.ClaimKey(self._project, due.writer_id, due.seq, consumer))
