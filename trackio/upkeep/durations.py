"""Durations as people write them: `90`, `90s`, `5m`, `2h`, `1d`."""

import re
from typing import Final

from trackio.errors import InvalidInput

_UNITS_S: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


def parse_duration(text: str) -> float:
    """A duration in seconds.

    Raises:
        InvalidInput: it is none.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidInput(f"{text!r} is not a duration: write it like 90s, 5m, 2h or 1d")
    return float(found[1]) * _UNITS_S[found[2]]
