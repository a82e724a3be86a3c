"""Read this machine and this process with psutil: processor, memory, disk, network, children.

The names are those of the released Trackio; `process/…` is what this process and its children
use of it. Memory is in GiB, rates are in MB and calls a second.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

Reading = dict[str, float]
GIB: Final = 1 << 30
_MB: Final = 1 << 20


class Machine:
    """Reads through `psutil`, the module, which is loaded in the sampler's thread only."""

    def __init__(self, psutil: Any) -> None:
        self._psutil = psutil
        self._own = psutil.Process()
        self._errors = (psutil.Error, OSError, AttributeError, NotImplementedError, RuntimeError)
        self._before: dict[str, tuple[float, tuple[float, ...]]] = {}
        self._parts = (
            self._cpu, self._memory, self._swap, self._disk, self._network, self._temperatures,
            self._battery, self._process,
        )  # fmt: skip
        self.read()  # rates need something to compare with

    def read(self) -> Reading:
        """What can be read now; what a system does not tell is left out."""
        found: Reading = {}
        for part in self._parts:
            with suppress(*self._errors):
                found.update(part())
        return found

    def describe(self) -> dict[str, Any]:
        """What stays the same."""
        psutil = self._psutil
        return {
            "cores": psutil.cpu_count(),
            "physical_cores": psutil.cpu_count(logical=False),
            "memory_gib": round(psutil.virtual_memory().total / GIB, 2),
        }

    def own_pids(self) -> frozenset[int]:
        """This process and its children."""
        return frozenset(process.pid for process in self._family())

    def _cpu(self) -> Iterator[tuple[str, float]]:
        cores = self._psutil.cpu_percent(percpu=True)
        for number, percent in enumerate(cores):
            yield f"cpu/{number}/utilization", percent
        yield "cpu/utilization", sum(cores) / len(cores)
        yield "cpu/count_logical", float(len(cores))
        if physical := self._psutil.cpu_count(logical=False):
            yield "cpu/count_physical", physical
        with suppress(*self._errors):
            if frequency := self._psutil.cpu_freq():
                yield "cpu/frequency", frequency.current
                if frequency.max:
                    yield "cpu/frequency_max", frequency.max

    def _memory(self) -> Reading:
        memory = self._psutil.virtual_memory()
        return {
            "memory/used": memory.used / GIB,
            "memory/total": memory.total / GIB,
            "memory/available": memory.available / GIB,
            "memory/percent": memory.percent,
        }

    def _swap(self) -> Reading:
        swap = self._psutil.swap_memory()
        return {
            "swap/used": swap.used / GIB,
            "swap/total": swap.total / GIB,
            "swap/percent": swap.percent,
        }

    def _disk(self) -> Reading:
        disk = self._psutil.disk_io_counters()
        if disk is None:
            return {}
        counts = (disk.read_bytes, disk.write_bytes, disk.read_count, disk.write_count)
        rates = self._rates("disk", counts)
        names = ("read_mb_per_sec", "write_mb_per_sec", "read_iops", "write_iops")
        scales = (_MB, _MB, 1, 1)
        named = zip(names, rates, scales, strict=False)
        return {f"disk/{name}": rate / scale for name, rate, scale in named}

    def _network(self) -> Reading:
        network = self._psutil.net_io_counters()
        if network is None:
            return {}
        rates = self._rates("network", (network.bytes_sent, network.bytes_recv))
        named = zip(("sent", "recv"), rates, strict=False)
        return {f"network/{name}_mb_per_sec": rate / _MB for name, rate in named}

    def _temperatures(self) -> Reading:
        found: Reading = {}
        for chip, sensors in self._psutil.sensors_temperatures().items():
            for sensor in sensors:
                found.setdefault(f"temp/{sensor.label or chip}", sensor.current)
        return found

    def _battery(self) -> Reading:
        battery = self._psutil.sensors_battery()
        if battery is None:
            return {}
        return {
            "battery/percent": battery.percent,
            "battery/power_plugged": float(bool(battery.power_plugged)),
        }

    def _process(self) -> Reading:
        family = self._family()
        used, threads, files, seconds = 0, 0, 0, 0.0
        for process in family:
            with suppress(*self._errors), process.oneshot():
                used += process.memory_info().rss
                threads += process.num_threads()
                times = process.cpu_times()
                # Those of children that have ended are in their parent's account.
                seconds += sum(times[:4])
            with suppress(*self._errors):
                files += process.num_fds() if hasattr(process, "num_fds") else 0
        rates = self._rates("process", (seconds,))
        return {
            "process/memory": used / GIB,
            "process/memory_percent": 100 * used / self._psutil.virtual_memory().total,
            "process/threads": threads,
            "process/open_files": files,
            "process/count": len(family),
            **({"process/cpu_utilization": max(0.0, 100 * rates[0])} if rates else {}),
        }

    def _family(self) -> list[Any]:
        with suppress(*self._errors):
            return [self._own, *self._own.children(recursive=True)]
        return [self._own]

    def _rates(self, name: str, counts: tuple[float, ...]) -> tuple[float, ...]:
        """How much each count grew a second; nothing the first time."""
        now = time.monotonic()
        then, before = self._before.get(name, (now, counts))
        self._before[name] = (now, counts)
        if now <= then:
            return ()
        return tuple((new - old) / (now - then) for new, old in zip(counts, before, strict=True))
