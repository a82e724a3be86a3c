"""What all makes of GPUs have in common: how their readings are named and added up. Pure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from trackio.monitor.machine import Reading

_SUSPENDED: Final = frozenset({"suspended", "suspending"})


class Gpus(Protocol):
    """The GPUs of one make."""

    def read(self, pids: frozenset[int]) -> list[Reading]:
        """What each GPU tells now, and what these processes use of it; nothing of one asleep."""

    def describe(self) -> list[dict[str, Any]]:
        """What each GPU is; nothing while all of them sleep."""


def name_readings(readings: Sequence[Reading]) -> Reading:
    """`gpu/<number>/<name>` of each, and what they come to together."""
    named = {
        f"gpu/{number}/{name}": value
        for number, reading in enumerate(readings)
        for name, value in reading.items()
    }
    return {**named, **_totals(readings)}


def is_asleep(device: Path) -> bool:
    """Whether the kernel has put a PCI device to sleep; asking the device itself wakes it."""
    try:
        return (device / "power" / "runtime_status").read_text().strip() in _SUSPENDED
    except OSError:
        return False


def _totals(readings: Sequence[Mapping[str, float]]) -> Reading:
    def told(name: str) -> list[float]:
        return [reading[name] for reading in readings if name in reading]

    found: Reading = {}
    if used := told("utilization"):
        found["gpu/mean_utilization"] = sum(used) / len(used)
    if memory := told("allocated_memory"):
        found["gpu/total_allocated_memory"] = sum(memory)
    if power := told("power"):
        found["gpu/total_power"] = sum(power)
    if temperatures := told("temp"):
        found["gpu/max_temp"] = max(temperatures)
    return found
