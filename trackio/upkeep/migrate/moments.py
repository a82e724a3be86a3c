"""What a legacy timestamp means: an instant, and how sure that is. Text in, values out."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_QUARTER_S: Final = 15 * 60
_ISO_LENGTHS: Final = (25, 32)
_MAX_EPOCH_S: Final = 1e11
"""Larger numbers are milliseconds, or no time at all."""


class Moment(NamedTuple):
    """An instant; `is_exact` if the text follows from it, `is_assumed` if its zone is a guess."""

    time_us: int | None
    is_exact: bool
    is_assumed: bool = False


UNKNOWN: Final = Moment(None, is_exact=False)


@lru_cache(maxsize=4096)
def parse_moment(raw: object, *, is_utc: bool, zone: tzinfo | None, is_known: bool) -> Moment:
    """The instant that `raw` names.

    Args:
        raw: what stands in the timestamp column.
        is_utc: times without a zone are UTC (`CURRENT_TIMESTAMP`).
        zone: the zone of other times without one; None is this machine's.
        is_known: whether somebody knows that zone.
    """
    if not isinstance(raw, str):
        return _of_number(raw) if isinstance(raw, int | float) else UNKNOWN
    try:
        moment = datetime.fromisoformat(raw)
        if moment.tzinfo is not None:
            is_exact = raw.endswith("+00:00") and len(raw) in _ISO_LENGTHS and raw[10] == "T"
            return Moment(_micros(moment), is_exact)
        if is_utc:
            return Moment(_micros(moment.replace(tzinfo=UTC)), is_exact=False)
        aware = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
        return Moment(_micros(aware), is_exact=False, is_assumed=not is_known)
    except (ValueError, OverflowError, OSError):
        return _of_text(raw)


def find_offset(local: object, aware: object) -> timezone | None:
    """The zone of the machine that wrote `local` a few seconds after it wrote `aware`."""
    if not isinstance(local, str) or not isinstance(aware, str):
        return None
    try:
        here, there = datetime.fromisoformat(local), datetime.fromisoformat(aware)
        if here.tzinfo is not None or there.tzinfo is None:
            return None
        difference_s = (here - there.astimezone(UTC).replace(tzinfo=None)).total_seconds()
        quarters = round(difference_s / _QUARTER_S)
        return timezone(timedelta(seconds=quarters * _QUARTER_S))
    except (ValueError, OverflowError):
        return None


def most_common(zones: Iterable[timezone]) -> timezone | None:
    """The zone that occurs most often, the smallest offset of several."""
    found = list(zones)
    return max(sorted(found, key=str), key=found.count, default=None)


def iso_of(time_us: int) -> str:
    """ISO 8601 in UTC."""
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat()


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _of_text(raw: str) -> Moment:
    try:
        return _of_number(float(raw))
    except ValueError:
        return UNKNOWN


def _of_number(seconds: float) -> Moment:
    if not 0 < seconds < _MAX_EPOCH_S:
        return UNKNOWN
    return Moment(round(seconds * 1_000_000), is_exact=False)
