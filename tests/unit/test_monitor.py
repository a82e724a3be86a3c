"""The monitor: what it reads, whom it tells, and that it wakes and breaks nothing."""

import inspect
import logging
import os
import re
import sys
import threading
from types import SimpleNamespace

import orjson
import psutil
import pynvml
import pytest

from trackio.errors import InvalidInput
from trackio.model import HARDWARE, RUN, SYSTEM
from trackio.monitor import nvidia as nvidia_module
from trackio.monitor.amd import Amd
from trackio.monitor.gpu import name_readings
from trackio.monitor.machine import GIB, Machine
from trackio.monitor.nvidia import Nvidia
from trackio.monitor.sampler import Probes, Sampler
from trackio.settings import MonitorPolicy, Settings
from trackio.testing import ManualClock

PEER = [
    "utilization",
    "memory_utilization",
    "allocated_memory",
    "total_memory",
    "memory_usage",
    "power",
    "power_limit",
    "power_percent",
    "temp",
    "sm_clock",
    "memory_clock",
    "fan_speed",
    "performance_state",
    "energy_consumed",
    "pcie_tx",
    "pcie_rx",
    "throttle_thermal",
    "throttle_power",
    "throttle_hw_slowdown",
    "throttle_apps",
    "corrected_memory_errors",
    "uncorrected_memory_errors",
]


class Over(Exception):
    """The writer takes no more calls."""


class Sink:
    """Keeps what it is told, until it is over."""

    def __init__(self):
        self.calls = []
        self.is_over = False
        self.came = threading.Event()

    def append(self, kind, data):
        if self.is_over:
            raise Over
        self.calls.append((kind, dict(data)))
        self.came.set()
        return len(self.calls)

    def of(self, kind):
        return [data for told, data in self.calls if told == kind]


# psutil, for real


def test_the_machine_is_read_under_the_names_of_the_released_trackio():
    """Processor by processor, memory in GiB, this process and its children."""
    machine = Machine(psutil)
    read = machine.read()
    cores = psutil.cpu_count()
    assert {f"cpu/{n}/utilization" for n in range(cores)} <= set(read)
    assert cores == read["cpu/count_logical"]
    assert psutil.virtual_memory().total / GIB == read["memory/total"]
    for name in ("cpu/utilization", "memory/percent", "swap/percent", "process/memory_percent"):
        assert 0 <= read[name] <= 100
    for name in ("used", "available"):
        assert 0 < read[f"memory/{name}"] <= read["memory/total"]
    assert 1 <= read["process/count"]
    assert 0 < read["process/memory"] < read["memory/total"]
    assert all(isinstance(value, int | float) for value in read.values())
    assert os.getpid() in machine.own_pids()
    assert cores == machine.describe()["cores"]


def test_rates_compare_with_the_reading_before():
    """Of disk, network and our own processors; the reading that begins it has none."""
    read = Machine(psutil).read()
    if psutil.disk_io_counters() is not None:
        assert {"disk/read_mb_per_sec", "disk/write_mb_per_sec", "disk/read_iops"} <= set(read)
    if psutil.net_io_counters() is not None:
        assert {"network/sent_mb_per_sec", "network/recv_mb_per_sec"} <= set(read)
    assert 0 <= read["process/cpu_utilization"]


def test_what_a_system_does_not_tell_is_left_out():
    """Each part by itself."""

    class Poor:
        Error = psutil.Error

        def __getattr__(self, name):
            if name in ("Process", "cpu_percent", "cpu_count", "virtual_memory"):
                return getattr(psutil, name)
            raise AttributeError(name)

        def swap_memory(self):
            raise psutil.AccessDenied

        def disk_io_counters(self):
            return None

    read = Machine(Poor()).read()
    assert "memory/used" in read
    assert "process/memory" in read
    assert not [name for name in read if name.startswith(("swap", "disk", "network", "temp"))]


# NVIDIA, through a stand-in with the names of the real library


class Nvml:
    """A driver with two GPUs; every name it has, the real library has too."""

    NVMLError = pynvml.NVMLError

    def __init__(self, **answers):
        self.asked = []
        self.answers = {
            "nvmlInit": lambda: None,
            "nvmlDeviceGetCount": lambda: 2,
            "nvmlDeviceGetHandleByIndex": lambda number: number,
            "nvmlDeviceGetPciInfo": lambda handle: SimpleNamespace(
                busId=f"00000000:0{handle + 1}:00.0"
            ),
            "nvmlDeviceGetName": lambda handle: f"H{handle}",
            "nvmlSystemGetDriverVersion": lambda: "580.1",
            "nvmlDeviceGetUtilizationRates": lambda h: SimpleNamespace(gpu=50 + h, memory=20),
            "nvmlDeviceGetMemoryInfo": lambda h: SimpleNamespace(used=GIB, total=4 * GIB, free=1),
            "nvmlDeviceGetPowerUsage": lambda h: 100_000,
            "nvmlDeviceGetPowerManagementLimit": lambda h: 400_000,
            "nvmlDeviceGetTotalEnergyConsumption": lambda h: 5000 + 1000 * len(self.asked),
            "nvmlDeviceGetTemperature": lambda h, sensor: 40 + h,
            "nvmlDeviceGetClockInfo": lambda h, kind: 1000 + kind,
            "nvmlDeviceGetFanSpeed": lambda h: 30,
            "nvmlDeviceGetPerformanceState": lambda h: 2,
            "nvmlDeviceGetPcieThroughput": lambda h, counter: 2048,
            "nvmlDeviceGetCurrentClocksThrottleReasons": lambda h: (
                pynvml.nvmlClocksThrottleReasonSwPowerCap
            ),
            "nvmlDeviceGetTotalEccErrors": lambda h, kind, counter: 0,
            "nvmlDeviceGetComputeRunningProcesses": lambda h: [
                SimpleNamespace(pid=1, usedGpuMemory=GIB),
                SimpleNamespace(pid=2, usedGpuMemory=None),
                SimpleNamespace(pid=9, usedGpuMemory=GIB),
            ],
            "nvmlDeviceGetProcessUtilization": lambda h, since: [
                SimpleNamespace(pid=1, timeStamp=5, smUtil=30),
                SimpleNamespace(pid=9, timeStamp=6, smUtil=60),
            ],
            **answers,
        }

    def __getattr__(self, name):
        real = getattr(pynvml, name)  # the library has it
        if name not in self.answers:
            assert not callable(real), name
            return real
        self.asked.append(name)
        return self.answers[name]


@pytest.fixture
def driver(tmp_path):
    """A folder as the kernel shows two awake GPUs."""
    for bus in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / bus / "power").mkdir(parents=True)
        (tmp_path / bus / "power" / "runtime_status").write_text("active\n")
    return tmp_path


def _fall_asleep(driver, *buses):
    for bus in buses:
        (driver / bus / "power" / "runtime_status").write_text("suspended\n")


def _refuse(*_arguments):
    raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)


def test_every_function_that_is_asked_for_is_one_of_the_real_library():
    """A name that is misspelt would be left out in silence."""
    source = inspect.getsource(nvidia_module)
    named = set(re.findall(r'"(nvml\w+)"|nvml\.(\w+)', source))
    names = {first or second for first, second in named}
    assert len(names) > 25
    assert [] == [name for name in names if not hasattr(pynvml, name)]


def test_gpus_are_read_under_the_names_of_the_released_trackio(driver):
    """Each by itself and all together, with what our own processes use."""
    gpus = Nvidia(Nvml, driver)
    read = name_readings(gpus.read(frozenset({1, 2})))
    assert {f"gpu/{n}/{name}" for n in (0, 1) for name in PEER} <= set(read)
    wanted = {
        "gpu/0/utilization": 50,
        "gpu/1/temp": 41,
        "gpu/0/allocated_memory": 1.0,
        "gpu/0/memory_usage": 0.25,
        "gpu/0/power": 100.0,
        "gpu/0/power_percent": 25.0,
        "gpu/0/energy_consumed": 0.0,
        "gpu/0/pcie_tx": 2.0,
        "gpu/0/throttle_power": 1.0,
        "gpu/0/throttle_thermal": 0.0,
        "gpu/0/process_memory": 1.0,
        "gpu/0/process_utilization": 30.0,
        "gpu/mean_utilization": 50.5,
        "gpu/total_allocated_memory": 2.0,
        "gpu/total_power": 200.0,
        "gpu/max_temp": 41,
    }
    assert wanted == {name: read[name] for name in wanted}
    assert 0 < name_readings(gpus.read(frozenset()))["gpu/0/energy_consumed"]
    assert [("H0", 4.0, "580.1"), ("H1", 4.0, "580.1")] == [
        (gpu["name"], gpu["memory_gib"], gpu["driver"]) for gpu in gpus.describe()
    ]


def test_while_every_gpu_sleeps_nvml_is_not_even_loaded(driver):
    """Beginning NVML would wake them."""
    _fall_asleep(driver, "0000:01:00.0", "0000:02:00.0")

    def load():
        raise AssertionError("loaded")

    gpus = Nvidia(load, driver)
    assert [] == gpus.read(frozenset()) == gpus.describe()


def test_a_gpu_that_sleeps_is_asked_nothing(driver):
    """The other one is read on."""
    nvml = Nvml()
    gpus = Nvidia(lambda: nvml, driver)
    gpus.read(frozenset())
    nvml.asked.clear()
    _fall_asleep(driver, "0000:02:00.0")
    assert 1 == len(gpus.read(frozenset()))
    assert 1 == nvml.asked.count("nvmlDeviceGetPowerUsage")


@pytest.mark.skipif(sys.platform == "win32", reason="there NVML itself is asked")
def test_without_the_driver_nothing_is_loaded(tmp_path):
    """Most machines have no NVIDIA GPU."""
    assert [] == Nvidia(pytest.fail, tmp_path / "none", devices=()).read(frozenset())


def test_where_the_pci_bus_is_hidden_a_device_file_tells(tmp_path):
    """As in some sandboxes, under WSL, on a Jetson."""
    (tmp_path / "nvidiactl").touch()
    gpus = Nvidia(Nvml, tmp_path / "none", devices=[tmp_path / "nvidiactl"])
    assert 2 == len(gpus.read(frozenset()))


@pytest.mark.parametrize("name", [n for n in Nvml().answers if n.startswith("nvmlDeviceGet")])
def test_what_a_gpu_does_not_tell_is_left_out(driver, name):
    """Old ones tell little; the rest is read."""
    gpus = Nvidia(lambda: Nvml(**{name: _refuse}), driver)
    read = name_readings(gpus.read(frozenset({1})))
    full = name_readings(Nvidia(Nvml, driver).read(frozenset({1})))
    assert set(read) <= set(full)
    gpus.describe()


@pytest.mark.parametrize("wrong", ["library", "driver"])
def test_a_missing_library_or_a_broken_driver_is_asked_once(driver, wrong):
    """And costs nothing from then on."""
    loads = []

    def load():
        loads.append(1)
        if wrong == "library":
            raise ImportError("no module named pynvml")
        return Nvml(nvmlInit=_refuse)

    gpus = Nvidia(load, driver)
    assert [[], [], []] == [gpus.read(frozenset()), gpus.describe(), gpus.read(frozenset())]
    assert [1] == loads


# AMD, from files as the kernel shows them


def test_amd_gpus_are_read_from_the_files_of_their_driver(tmp_path):
    """Other cards are left alone, and so is one that sleeps."""
    for card, vendor, status in (("card0", "0x1002", "active"), ("card1", "0x8086", "active"),
                                 ("card2", "0x1002", "suspended")):  # fmt: skip
        sensors = tmp_path / card / "device" / "hwmon" / "hwmon3"
        sensors.mkdir(parents=True)
        (tmp_path / card / "device" / "power").mkdir()
        files = {
            "vendor": vendor,
            "device": "0x74a1",
            "power/runtime_status": status,
            "gpu_busy_percent": "75",
            "mem_info_vram_used": str(GIB),
            "mem_info_vram_total": str(2 * GIB),
            "hwmon/hwmon3/power1_average": "150000000",
            "hwmon/hwmon3/power1_cap": "300000000",
            "hwmon/hwmon3/temp1_input": "60000",
            "hwmon/hwmon3/freq1_input": "1700000000",
        }
        for name, text in files.items():
            (tmp_path / card / "device" / name).write_text(text + "\n")
    gpus = Amd(tmp_path)
    (read,) = gpus.read(frozenset())
    assert {
        "utilization": 75.0,
        "temp": 60.0,
        "sm_clock": 1700.0,
        "allocated_memory": 1.0,
        "total_memory": 2.0,
        "memory_usage": 0.5,
        "power": 150.0,
        "power_limit": 300.0,
        "power_percent": 50.0,
    } == read
    assert [{"name": "AMD GPU 0x74a1", "memory_gib": 2.0}] == gpus.describe()
    assert [] == Amd(tmp_path / "none").read(frozenset())


# The sampler


class Fixed(Probes):
    """Probes that read the same each time."""

    def __init__(self):
        super().__init__(None, [])
        self.machine_reads = self.gpu_reads = 0
        self.error = None
        self.failures = threading.Semaphore(0)

    def read_machine(self):
        self.machine_reads += 1
        if self.error:
            self.failures.release()
            raise self.error
        return {"cpu/utilization": 5.0}

    def read_gpus(self):
        self.gpu_reads += 1
        return {"gpu/0/utilization": 9.0}

    def describe(self):
        return {"cores": 2}


def _sampler(clock):
    sampler = Sampler(Fixed, Over, clock)
    sampler._is_running = True  # its steps are made here
    return sampler


def test_a_run_is_told_soon_and_then_at_its_own_pace():
    """The machine is described once, with the first values."""
    clock, probes, sink = ManualClock(), Fixed(), Sink()
    sampler = _sampler(clock)
    sampler.watch(sink, MonitorPolicy(machine_s=10, gpu_s=20))
    sampler.step(probes)
    assert [] == sink.calls
    for _ in range(41):
        clock.advance(1)
        sampler.step(probes)
    assert [{HARDWARE: orjson.dumps({"cores": 2}).decode()}] == sink.of(RUN)
    machine = [data for data in sink.of(SYSTEM) if "cpu/utilization" in data]
    gpus = [data for data in sink.of(SYSTEM) if "gpu/0/utilization" in data]
    assert (5, 3) == (len(machine), len(gpus)) == (probes.machine_reads, probes.gpu_reads)


def test_several_runs_share_what_is_read_and_choose_what_they_are_told():
    """One thread and one reading, however many runs are live."""
    clock, probes = ManualClock(), Fixed()
    sampler = _sampler(clock)
    sinks = [Sink(), Sink(), Sink()]
    policies = [
        MonitorPolicy(machine_s=5, gpu_s=None),
        MonitorPolicy(machine_s=5, gpu_s=5),
        MonitorPolicy(machine_s=None, gpu_s=None),
    ]
    for sink, policy in zip(sinks, policies, strict=True):
        sampler.watch(sink, policy)
    clock.advance(2)
    sampler.step(probes)
    assert (1, 1) == (probes.machine_reads, probes.gpu_reads)
    told = [[set(data) for data in sink.of(SYSTEM)] for sink in sinks]
    assert [[{"cpu/utilization"}], [{"cpu/utilization", "gpu/0/utilization"}], []] == told


def test_a_run_that_ended_is_told_nothing_more():
    """And is forgotten."""
    clock, probes, sink = ManualClock(), Fixed(), Sink()
    sampler = _sampler(clock)
    sampler.watch(sink, MonitorPolicy(machine_s=1))
    sink.is_over = True
    for _ in range(3):
        clock.advance(2)
        sampler.step(probes)
    assert [] == sink.calls == sampler._watched
    assert 1 == probes.machine_reads


def test_the_thread_begins_with_the_first_run_and_outlives_errors(caplog):
    """A reading that fails is said once; the next one may work."""
    probes, made = Fixed(), []
    probes.error = ValueError("broken sensor")

    def make():
        made.append(1)
        return probes

    sampler = Sampler(make, Over)
    first, second = Sink(), Sink()
    policy = MonitorPolicy(machine_s=0.001, gpu_s=None)
    with caplog.at_level(logging.WARNING, "trackio"):
        sampler.watch(first, policy)
        sampler.watch(second, policy)
        for _ in range(3):
            assert probes.failures.acquire(timeout=30)
        probes.error = None
        assert first.came.wait(30)
        assert second.came.wait(30)
    first.is_over = second.is_over = True
    assert [1] == made
    assert 1 == sum("broken sensor" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, MonitorPolicy()),
        ({"TRACKIO_SYSTEM_S": "5"}, MonitorPolicy(machine_s=5, gpu_s=5)),
        ({"TRACKIO_SYSTEM_S": "0"}, MonitorPolicy(machine_s=None, gpu_s=None)),
        ({"TRACKIO_ENVIRONMENT": "off"}, MonitorPolicy(environment=False)),
    ],
)
def test_the_environment_sets_how_often_the_machine_is_read(said, expected):
    """Every 15 s unless somebody says otherwise."""
    assert expected == Settings.from_env(said).monitor


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (15.0, 15.0)),
        ({"gpu": False}, (15.0, None)),
        ({"machine": False, "gpu_s": 3}, (None, 3.0)),
        ({"machine": True, "machine_s": 2.5, "gpu": True}, (2.5, 15.0)),
    ],
)
def test_a_call_chooses_what_is_looked_at(said, expected):
    """As `init(auto_log_gpu=…)` and its like do."""
    nothing = dict.fromkeys(("machine", "machine_s", "gpu", "gpu_s"))
    chosen = MonitorPolicy().choose(**{**nothing, **said})
    assert expected == (chosen.machine_s, chosen.gpu_s)


def test_what_the_environment_turned_off_stays_off_unless_a_call_wants_it():
    """An interval alone turns nothing on."""
    off = MonitorPolicy(machine_s=None, gpu_s=None)
    chosen = off.choose(machine=True, machine_s=None, gpu=None, gpu_s=10.0)
    assert (15.0, None) == (chosen.machine_s, chosen.gpu_s)


@pytest.mark.parametrize("wrong", [0, -1, "soon", float("nan"), 10**6])
def test_an_interval_that_cannot_be_meant_is_refused(wrong):
    """Before the run begins."""
    with pytest.raises(InvalidInput, match="between 0 and 86400"):
        MonitorPolicy().choose(machine=None, machine_s=wrong, gpu=None, gpu_s=None)
