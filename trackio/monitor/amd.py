"""Read AMD GPUs: the files in which the kernel's driver shows them, and amdsmi where there is it.

The files of `amdgpu` need no library. What only amdsmi tells (`rocm`) is put beside it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from trackio.monitor.gpu import is_asleep
from trackio.monitor.machine import GIB, Reading
from trackio.monitor.rocm import Rocm

_CARDS: Final = Path("/sys/class/drm")
_VENDOR: Final = "0x1002"


class Amd:
    """The AMD GPUs of this machine; files are as the kernel's `amdgpu` documents them.

    Args:
        cards: where the kernel lists graphics cards.
        library: what amdsmi tells; asked for a GPU only while it is awake.
    """

    def __init__(self, cards: Path = _CARDS, library: Rocm | None = None) -> None:
        self._cards = cards
        self._library = library

    def read(self, pids: frozenset[int]) -> list[Reading]:
        """See `Gpus.read`; what a process uses only amdsmi tells."""
        # Each is a link to a folder that is called by its address on the PCI bus.
        awake = [(device.resolve().name.lower(), device) for device in self._devices()]
        more: dict[str, Reading] = {}
        if awake and self._library is not None:
            addresses = {address for address, _ in awake}
            more = self._library.read(pids, lambda address: address not in addresses)
        return [{**more.get(at, {}), **dict(_read_one(device))} for at, device in awake]

    def describe(self) -> list[dict[str, Any]]:
        """See `Gpus.describe`."""
        return [
            {
                "name": _text(device / "product_name") or f"AMD GPU {_text(device / 'device')}",
                "memory_gib": round((_number(device / "mem_info_vram_total") or 0) / GIB, 2),
            }
            for device in self._devices()
        ]

    def _devices(self) -> list[Path]:
        found = sorted(self._cards.glob("card[0-9]*/device"))
        own = [device for device in found if _text(device / "vendor") == _VENDOR]
        return [
            device
            for device in own
            if not is_asleep(device) and (device / "gpu_busy_percent").exists()
        ]


def _read_one(device: Path) -> Iterator[tuple[str, float]]:
    sensors = next(iter(sorted(device.glob("hwmon/hwmon*"))), device)
    for name, path, scale in (
        ("utilization", device / "gpu_busy_percent", 1),
        ("memory_utilization", device / "mem_busy_percent", 1),
        ("temp", sensors / "temp1_input", 1000),
        ("sm_clock", sensors / "freq1_input", 1e6),
        ("memory_clock", sensors / "freq2_input", 1e6),
    ):
        if (value := _number(path)) is not None:
            yield name, value / scale
    used = _number(device / "mem_info_vram_used")
    total = _number(device / "mem_info_vram_total")
    if used is not None and total:
        yield "allocated_memory", used / GIB
        yield "total_memory", total / GIB
        yield "memory_usage", used / total
    yield from _power(sensors)


def _power(sensors: Path) -> Iterator[tuple[str, float]]:
    power = _number(sensors / "power1_average")
    if power is None:
        power = _number(sensors / "power1_input")
    limit = _number(sensors / "power1_cap")
    if power is not None:
        yield "power", power / 1e6
    if limit:
        yield "power_limit", limit / 1e6
        if power is not None:
            yield "power_percent", 100 * power / limit
    speed, fastest = _number(sensors / "fan1_input"), _number(sensors / "fan1_max")
    if speed is not None and fastest:
        yield "fan_speed", 100 * speed / fastest


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
