"""The step and the level that people pass, as what is stored. What cannot be meant is replaced."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

_MAX_STEP: Final = 1 << 62  # leaves room to count on from the largest

Warn = Callable[[str, str], None]
"""Called with what it is about and the message."""


class AlertLevel(StrEnum):
    """How bad what an alert tells is."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"


def is_step(step: Any) -> bool:
    """Whether this can be stored as a step as it is."""
    return type(step) is int and -_MAX_STEP <= step <= _MAX_STEP


def clean_step(step: Any, warn: Warn) -> int | None:
    """A step as an integer that can be stored; None, which is counted, if it is not one."""
    if step is None:
        return None
    try:
        whole = int(step) if step == int(step) else None
    except Exception:  # noqa: BLE001 - a foreign object's own code may raise anything
        whole = None
    if is_step(whole):
        return whole
    said = "a step is a whole number of at most 62 bits; this one is counted instead"
    warn("step=", f"{said}: a {type(step).__name__} was given")
    return None


def clean_level(level: AlertLevel | str, warn: Warn) -> AlertLevel:
    """The level that is meant; a warning if none is."""
    try:
        return AlertLevel(str(getattr(level, "value", level)).lower())
    except ValueError:
        warn("level=", f"level={level!r} is none of {', '.join(AlertLevel)}; taken as warn")
        return AlertLevel.WARN
