"""Read AMD GPUs through amdsmi, the library of ROCm: what the files of their driver do not tell.

Names and units are those of amdsmi 7. It comes with ROCm and needs it: without, importing it fails
in ways of its own. Nothing is asked of it while every GPU sleeps.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from trackio.monitor.machine import GIB, Reading

_log = logging.getLogger("trackio")
_MIB_PER_GIB: Final = 1024
_NO_LIBRARY: Final = (ImportError, OSError, LookupError, AttributeError, RuntimeError)


class Rocm:
    """What amdsmi tells of each GPU.

    Args:
        load: imports `amdsmi`; called when the first GPU is awake.
    """

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._smi: Any = None
        self._is_missing = False
        self._energy: dict[str, float] = {}

    def read(self, pids: frozenset[int], is_asleep: Callable[[str], bool]) -> dict[str, Reading]:
        """What each GPU tells now, by its address on the PCI bus; nothing of one asleep."""
        if self._smi is None and not self._begin():
            return {}
        found: dict[str, Reading] = {}
        for handle in self._ask("amdsmi_get_processor_handles") or ():
            address = str(self._ask("amdsmi_get_gpu_device_bdf", handle) or "").lower()
            if address and not is_asleep(address):
                found[address] = dict(self._read_one(address, handle, pids))
        return found

    def _begin(self) -> bool:
        """Whether there is the library; what is missing once is not asked for again."""
        if self._is_missing:
            return False
        self._is_missing = True
        try:
            smi = self._load()
        except _NO_LIBRARY as exc:
            _log.info("trackio: amdsmi cannot be loaded, so less is told of AMD GPUs: %r", exc)
            return False
        try:
            smi.amdsmi_init()
        except smi.AmdSmiException as exc:
            _log.info("trackio: the AMD driver does not answer: %s", exc)
            return False
        self._smi = smi
        return True

    def _read_one(
        self, address: str, handle: Any, pids: frozenset[int]
    ) -> Iterator[tuple[str, float]]:
        yield from self._use(handle)
        yield from self._power(address, handle)
        yield from self._clocks(handle)
        errors = self._ask("amdsmi_get_gpu_total_ecc_count", handle) or {}
        yield from _known("corrected_memory_errors", errors.get("correctable_count"))
        yield from _known("uncorrected_memory_errors", errors.get("uncorrectable_count"))
        running = self._ask("amdsmi_get_gpu_process_list", handle) or ()
        own = [one["memory_usage"]["vram_mem"] for one in running if one.get("pid") in pids]
        if own:
            yield "process_memory", sum(own) / GIB

    def _use(self, handle: Any) -> Iterator[tuple[str, float]]:
        use = self._ask("amdsmi_get_gpu_activity", handle) or {}
        yield from _known("utilization", use.get("gfx_activity"))
        yield from _known("memory_utilization", use.get("umc_activity"))
        memory = self._ask("amdsmi_get_gpu_vram_usage", handle) or {}
        used, total = memory.get("vram_used"), memory.get("vram_total")
        yield from _known("allocated_memory", used, _MIB_PER_GIB)
        yield from _known("total_memory", total, _MIB_PER_GIB)
        if used is not None and total:
            yield "memory_usage", used / total

    def _power(self, address: str, handle: Any) -> Iterator[tuple[str, float]]:
        told = self._ask("amdsmi_get_power_info", handle) or {}
        names = ("current_socket_power", "average_socket_power", "socket_power")
        known = [told[name] for name in names if _is_number(told.get(name)) and told[name]]
        cap = (self._ask("amdsmi_get_power_cap_info", handle) or {}).get("power_cap")
        if known:
            yield "power", known[0]
        if _is_number(cap) and cap:
            yield "power_limit", cap / 1e6
            if known:
                yield "power_percent", 100 * known[0] / (cap / 1e6)
        counted = self._ask("amdsmi_get_energy_count", handle) or {}
        if "energy_accumulator" in counted:
            joules = counted["energy_accumulator"] * counted["counter_resolution"] / 1e6
            yield "energy_consumed", joules - self._energy.setdefault(address, joules)

    def _clocks(self, handle: Any) -> Iterator[tuple[str, float]]:
        smi = self._smi
        for name, kind in (("sm_clock", "GFX"), ("memory_clock", "MEM")):
            clock = self._ask("amdsmi_get_clock_info", handle, getattr(smi.AmdSmiClkType, kind))
            yield from _known(name, (clock or {}).get("clk"))
        kinds, now = smi.AmdSmiTemperatureType, smi.AmdSmiTemperatureMetric.CURRENT
        temperatures = [
            self._ask("amdsmi_get_temp_metric", handle, kind, now)
            for kind in (kinds.EDGE, kinds.HOTSPOT)  # data centre cards have no edge sensor
        ]
        yield from _known("temp", next((it for it in temperatures if it), None))
        speed = self._ask("amdsmi_get_gpu_fan_speed", handle, 0)
        fastest = self._ask("amdsmi_get_gpu_fan_speed_max", handle, 0)
        if speed is not None and fastest:
            yield "fan_speed", 100 * speed / fastest

    def _ask(self, function: str, *arguments: Any) -> Any:
        """What amdsmi says; None where this GPU or this version does not tell."""
        with suppress(self._smi.AmdSmiException, AttributeError, TypeError, ValueError):
            return getattr(self._smi, function)(*arguments)
        return None


def _known(name: str, value: Any, scale: float = 1) -> Iterator[tuple[str, float]]:
    """A reading, where there is a number: amdsmi says "N/A" for what it does not know."""
    if _is_number(value):
        yield name, value / scale


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
