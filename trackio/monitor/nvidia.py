"""Read NVIDIA GPUs through NVML. It needs no CUDA context, and wakes no GPU that sleeps.

All GPUs of the machine are read, whatever `CUDA_VISIBLE_DEVICES` says: rank 0 sees the node.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from trackio.monitor.gpu import is_asleep
from trackio.monitor.machine import GIB, Reading

_log = logging.getLogger("trackio")
_DRIVER: Final = Path("/sys/bus/pci/drivers/nvidia")
_DEVICES: Final = (
    Path("/dev/nvidiactl"),  # in a sandbox that hides the PCI bus
    Path("/dev/dxg"),  # WSL
    Path("/dev/nvhost-gpu"),  # Jetson
)


class Nvidia:
    """The NVIDIA GPUs of this machine.

    Args:
        load: imports `pynvml`, the module of nvidia-ml-py; called when a GPU is awake.
        driver: where the kernel lists the devices of the driver.
        devices: what there is of an NVIDIA GPU where nothing is listed there.
    """

    def __init__(
        self,
        load: Callable[[], Any],
        driver: Path = _DRIVER,
        devices: Iterable[Path] = _DEVICES,
    ) -> None:
        self._load = load
        self._driver = driver
        self._files = tuple(devices)
        self._nvml: Any = None
        self._is_missing = False
        self._energy: dict[int, float] = {}
        self._seen_us: dict[int, int] = {}

    def read(self, pids: frozenset[int]) -> list[Reading]:
        """See `Gpus.read`."""
        return [dict(self._read_one(*device, pids)) for device in self._devices()]

    def describe(self) -> list[dict[str, Any]]:
        """See `Gpus.describe`."""
        return [
            {
                "name": _text(self._ask("nvmlDeviceGetName", handle)),
                "memory_gib": self._memory_gib(handle),
                "driver": _text(self._ask("nvmlSystemGetDriverVersion")),
            }
            for _, handle in self._devices()
        ]

    def _memory_gib(self, handle: Any) -> float | None:
        memory = self._ask("nvmlDeviceGetMemoryInfo", handle)
        return None if memory is None else round(memory.total / GIB, 2)

    def _devices(self) -> Iterator[tuple[int, Any]]:
        """The number and the handle of each GPU; of one asleep nothing is asked."""
        if not self._is_any_awake():
            return
        if self._nvml is None and not self._begin():
            return
        for number in range(self._ask("nvmlDeviceGetCount") or 0):
            handle = self._ask("nvmlDeviceGetHandleByIndex", number)
            if handle is not None and not self._is_asleep(handle):
                yield number, handle

    def _begin(self) -> bool:
        """Whether there is NVML; what is missing once is not asked for again."""
        if self._is_missing:
            return False
        self._is_missing = True
        try:
            nvml = self._load()
        except ImportError:
            _log.info("trackio: `pip install 'trackio[gpu]'` shows what the NVIDIA GPUs do")
            return False
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as exc:
            _log.info("trackio: the NVIDIA driver does not answer: %s", exc)
            return False
        self._nvml = nvml
        return True

    def _is_any_awake(self) -> bool:
        """Whether NVML may be begun: that wakes every GPU there is."""
        devices = list(self._driver.glob("*:*:*.*"))
        if not devices:
            return sys.platform == "win32" or any(path.exists() for path in self._files)
        return not all(map(is_asleep, devices))

    def _is_asleep(self, handle: Any) -> bool:
        info = self._ask("nvmlDeviceGetPciInfo", handle)
        bus = _text(getattr(info, "busId", "")).lower()
        return bool(bus) and is_asleep(self._driver / bus[-12:])

    def _read_one(
        self, number: int, handle: Any, pids: frozenset[int]
    ) -> Iterator[tuple[str, float]]:
        yield from self._use(handle)
        yield from self._power(number, handle)
        yield from self._clocks(handle)
        yield from self._throttling(handle)
        yield from self._errors(handle)
        yield from self._own_use(number, handle, pids)

    def _use(self, handle: Any) -> Iterator[tuple[str, float]]:
        if (use := self._ask("nvmlDeviceGetUtilizationRates", handle)) is not None:
            yield "utilization", use.gpu
            yield "memory_utilization", use.memory
        if (memory := self._ask("nvmlDeviceGetMemoryInfo", handle)) is not None:
            yield "allocated_memory", memory.used / GIB
            yield "total_memory", memory.total / GIB
            if memory.total:
                yield "memory_usage", memory.used / memory.total

    def _power(self, number: int, handle: Any) -> Iterator[tuple[str, float]]:
        power = self._ask("nvmlDeviceGetPowerUsage", handle)
        limit = self._ask("nvmlDeviceGetPowerManagementLimit", handle)
        if power is not None:
            yield "power", power / 1000
        if limit:
            yield "power_limit", limit / 1000
            if power is not None:
                yield "power_percent", 100 * power / limit
        if (energy := self._ask("nvmlDeviceGetTotalEnergyConsumption", handle)) is not None:
            yield "energy_consumed", (energy - self._energy.setdefault(number, energy)) / 1000

    def _clocks(self, handle: Any) -> Iterator[tuple[str, float]]:
        nvml = self._nvml
        for name, function, *arguments in (
            ("temp", "nvmlDeviceGetTemperature", nvml.NVML_TEMPERATURE_GPU),
            ("sm_clock", "nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_SM),
            ("memory_clock", "nvmlDeviceGetClockInfo", nvml.NVML_CLOCK_MEM),
            ("fan_speed", "nvmlDeviceGetFanSpeed"),
            ("performance_state", "nvmlDeviceGetPerformanceState"),
        ):
            if (value := self._ask(function, handle, *arguments)) is not None:
                yield name, value
        for name, counter in (
            ("pcie_tx", nvml.NVML_PCIE_UTIL_TX_BYTES),
            ("pcie_rx", nvml.NVML_PCIE_UTIL_RX_BYTES),
        ):
            if (value := self._ask("nvmlDeviceGetPcieThroughput", handle, counter)) is not None:
                yield name, value / 1024

    def _throttling(self, handle: Any) -> Iterator[tuple[str, float]]:
        nvml = self._nvml
        reasons = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons", handle)
        if reasons is None:
            return
        for name, bit in (
            ("throttle_thermal", nvml.nvmlClocksThrottleReasonSwThermalSlowdown),
            ("throttle_power", nvml.nvmlClocksThrottleReasonSwPowerCap),
            ("throttle_hw_slowdown", nvml.nvmlClocksThrottleReasonHwSlowdown),
            ("throttle_apps", nvml.nvmlClocksThrottleReasonApplicationsClocksSetting),
        ):
            yield name, float(bool(reasons & bit))

    def _errors(self, handle: Any) -> Iterator[tuple[str, float]]:
        nvml = self._nvml
        for name, kind in (
            ("corrected_memory_errors", nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED),
            ("uncorrected_memory_errors", nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED),
        ):
            count = self._ask("nvmlDeviceGetTotalEccErrors", handle, kind, nvml.NVML_VOLATILE_ECC)
            if count is not None:
                yield name, count

    def _own_use(
        self, number: int, handle: Any, pids: frozenset[int]
    ) -> Iterator[tuple[str, float]]:
        """What our processes use; in a container the driver may not know their numbers."""
        running = self._ask("nvmlDeviceGetComputeRunningProcesses", handle) or ()
        own = [process for process in running if process.pid in pids]
        if own:
            yield "process_memory", sum(process.usedGpuMemory or 0 for process in own) / GIB
        since = self._seen_us.get(number, 0)
        samples = self._ask("nvmlDeviceGetProcessUtilization", handle, since) or ()
        latest = {sample.pid: sample for sample in sorted(samples, key=lambda one: one.timeStamp)}
        if latest:
            self._seen_us[number] = max(sample.timeStamp for sample in latest.values())
            ours = [sample.smUtil for pid, sample in latest.items() if pid in pids]
            if ours:
                yield "process_utilization", float(min(100, sum(ours)))

    def _ask(self, function: str, *arguments: Any) -> Any:
        """What NVML says; None where this GPU or this driver does not tell."""
        with suppress(self._nvml.NVMLError, AttributeError):
            return getattr(self._nvml, function)(*arguments)
        return None


def _text(said: Any) -> str:
    return said.decode() if isinstance(said, bytes) else str(said or "")
