"""One thread a process that reads the machine and tells every run that is live.

It starts with the first run, loads psutil and NVML itself, and sleeps while there is none. A
run drops out when its writer takes no more calls. A forked child begins with none.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Final, Protocol

from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.lifecycle import no_fork
from trackio.model import HARDWARE, RUN, SYSTEM, Json
from trackio.monitor.gpu import Gpus, name_readings
from trackio.monitor.machine import Machine, Reading
from trackio.settings import MonitorPolicy
from trackio.values.plain import dump_text

_log = logging.getLogger("trackio")
_SOON_S: Final = 1.0
"""When a new run gets its first values: rates need some time."""


class Sink(Protocol):
    """The writer of a live run."""

    def append(self, kind: str, data: Mapping[Any, Any]) -> int:
        """Take one call."""


class Probes:
    """What is read; made in the thread, because it imports."""

    def __init__(self, machine: Machine | None, gpus: list[Gpus]) -> None:
        self._machine = machine
        self._gpus = gpus

    def read_machine(self) -> Reading:
        """Processor, memory, disk, network and this process."""
        return {} if self._machine is None else self._machine.read()

    def read_gpus(self) -> Reading:
        """All GPUs, counted through."""
        pids = frozenset({os.getpid()}) if self._machine is None else self._machine.own_pids()
        return name_readings([reading for make in self._gpus for reading in make.read(pids)])

    def describe(self) -> dict[str, Any]:
        """What the machine is."""
        machine = {} if self._machine is None else self._machine.describe()
        return {**machine, "gpus": [gpu for make in self._gpus for gpu in make.describe()]}


@dataclass(slots=True, kw_only=True, eq=False)
class _Watched:
    """A run, and when it is told next."""

    sink: Sink
    policy: MonitorPolicy
    machine_at: float
    gpu_at: float
    is_described: bool = False


class Sampler:
    """Reads `probes` in a thread of its own and appends to every sink.

    Args:
        make_probes: makes what reads; called in the thread.
        is_over: the error that says that a sink takes no more calls.
    """

    def __init__(
        self,
        make_probes: Callable[[], Probes],
        is_over: type[Exception],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._make_probes = make_probes
        self._is_over = is_over
        self._clock = clock
        self._changed = threading.Condition()
        self._watched: list[_Watched] = []
        self._is_running = False

    def watch(self, sink: Sink, policy: MonitorPolicy) -> None:
        """Tell this run about the machine until it ends."""
        if policy.machine_s is None and policy.gpu_s is None:
            return
        soon = self._clock.monotonic() + _SOON_S
        never = float("inf")
        one = _Watched(
            sink=sink,
            policy=policy,
            machine_at=never if policy.machine_s is None else soon,
            gpu_at=never if policy.gpu_s is None else soon,
        )
        with self._changed:
            self._watched.append(one)
            self._changed.notify_all()
            is_first, self._is_running = not self._is_running, True
        if is_first:
            threading.Thread(target=self._run, name="trackio-monitor", daemon=True).start()

    def step(self, probes: Probes) -> None:
        """Tell every run that is due, once."""
        now = self._clock.monotonic()
        with self._changed:
            watched = list(self._watched)
        with_machine = [one for one in watched if one.machine_at <= now]
        with_gpus = [one for one in watched if one.gpu_at <= now]
        machine = probes.read_machine() if with_machine else {}
        gpus = probes.read_gpus() if with_gpus else {}
        for one in watched:
            reading: Reading = {}
            if one.machine_at <= now:
                one.machine_at = now + (one.policy.machine_s or 0)
                reading.update(machine)
            if one.gpu_at <= now:
                one.gpu_at = now + (one.policy.gpu_s or 0)
                reading.update(gpus)
            self._tell(one, reading, probes)

    def _tell(self, one: _Watched, reading: Reading, probes: Probes) -> None:
        try:
            if reading and not one.is_described:
                one.is_described = True
                one.sink.append(RUN, {HARDWARE: Json(dump_text(probes.describe()))})
            if reading:
                one.sink.append(SYSTEM, reading)
        except self._is_over:
            with self._changed:
                self._watched.remove(one)

    def _run(self) -> None:
        try:
            probes = self._make_probes()
        except Exception as exc:  # noqa: BLE001 - the top of the thread
            _log.warning("trackio: this machine cannot be looked at: %r", exc)
            return
        has_failed = False
        while True:
            self._wait()
            try:
                self.step(probes)
            except Exception as exc:  # noqa: BLE001 - the top of the thread: nothing may end it
                if not has_failed:
                    _log.warning("trackio: the machine could not be read: %r", exc)
                has_failed = True

    def _wait(self) -> None:
        """Until a run is due; for as long as there is none."""
        with self._changed:
            while True:
                due = min((min(w.machine_at, w.gpu_at) for w in self._watched), default=None)
                left = None if due is None else due - self._clock.monotonic()
                if left is not None and left <= 0:
                    return
                self._changed.wait(left)


def make_probes() -> Probes:
    """What this machine has."""
    with no_fork():
        from trackio.monitor.amd import Amd
        from trackio.monitor.apple import Apple
        from trackio.monitor.nvidia import Nvidia
        from trackio.monitor.rocm import Rocm

        try:
            import psutil
        except ImportError:
            machine = None
        else:
            machine = Machine(psutil)
    amd = Amd(library=Rocm(partial(_load, "amdsmi")))
    return Probes(machine, [Nvidia(partial(_load, "pynvml")), amd, Apple(partial(_load, "macmon"))])


def _load(name: str) -> Any:
    with no_fork():
        return import_module(name)
