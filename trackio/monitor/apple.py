"""Read the GPU of Apple silicon through macmon, a library that needs no root, unlike powermetrics.

Names and units are those of macmon-lib 0.7, an optional import. Memory is that of the machine: such
a GPU has none of its own.
"""

import logging
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from trackio.monitor.machine import Reading

_log = logging.getLogger("trackio")


class Apple:
    """The GPU of this machine, if Apple made it.

    Args:
        load: imports `macmon`; called with the first look.
        is_apple: whether this is a machine with such a GPU.
    """

    def __init__(self, load: Callable[[], Any], *, is_apple: bool | None = None) -> None:
        arm = sys.platform == "darwin" and platform.machine() == "arm64"
        self._is_absent = not (arm if is_apple is None else is_apple)
        self._load = load
        self._macmon: Any = None
        self._sampler: Any = None

    def read(self, pids: frozenset[int]) -> list[Reading]:
        """See `Gpus.read`; what a process uses is not told."""
        del pids
        if not self._begin():
            return []
        with suppress(self._macmon.MacmonError):
            return [dict(_read(self._sampler.metrics()))]
        return []

    def describe(self) -> list[dict[str, Any]]:
        """See `Gpus.describe`."""
        if not self._begin():
            return []
        with suppress(self._macmon.MacmonError):
            chip = self._macmon.soc_info()
            return [{"name": chip.chip_name, "cores": chip.gpu_cores, "memory_gib": chip.memory_gb}]
        return []

    def _begin(self) -> bool:
        """Whether it can be asked; what is missing once is not asked for again."""
        if self._sampler is not None or self._is_absent:
            return self._sampler is not None
        self._is_absent = True
        try:
            macmon = self._load()
        except (ImportError, OSError) as exc:
            _log.info("trackio: `pip install 'trackio[apple]'` shows what the GPU does: %r", exc)
            return False
        try:
            self._macmon, self._sampler = macmon, macmon.Sampler()
        except macmon.MacmonError as exc:
            _log.info("trackio: this machine does not tell what its GPU does: %s", exc)
        return self._sampler is not None


def _read(told: Any) -> Iterator[tuple[str, float]]:
    clusters = told.gpu_usage
    if clusters:
        yield "utilization", 100 * max(cluster.usage for cluster in clusters)
        yield "sm_clock", max(cluster.frequency_mhz for cluster in clusters)
    yield "power", told.power.gpu
    if told.temperature.gpu_average > 0:
        yield "temp", told.temperature.gpu_average
