"""AMD's amdsmi and Apple's macmon, as their releases name things: 7.0.2 and 0.7.2.

Neither runs without its hardware. The names, the shapes and the units here are those of the
libraries' own source; what they raise where they cannot run was seen.
"""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from trackio.monitor.amd import Amd
from trackio.monitor.apple import Apple
from trackio.monitor.machine import GIB
from trackio.monitor.rocm import Rocm

AT = "0000:03:00.0"


class _SmiError(Exception):
    pass


class Smi:
    """The functions of amdsmi that are asked, for one GPU; others refuse."""

    AmdSmiException = _SmiError
    AmdSmiClkType = SimpleNamespace(GFX=1, MEM=4)
    AmdSmiTemperatureType = SimpleNamespace(EDGE=0, HOTSPOT=1)
    AmdSmiTemperatureMetric = SimpleNamespace(CURRENT=0)

    def __init__(self, *refuses, energy=1000):
        self._refuses = refuses
        self.energy = energy
        self.begun = 0

    def __getattribute__(self, name):
        if name.startswith("amdsmi_") and name in object.__getattribute__(self, "_refuses"):
            raise _SmiError(name)
        return object.__getattribute__(self, name)

    def amdsmi_init(self):
        self.begun += 1

    def amdsmi_get_processor_handles(self):
        return ["handle"]

    def amdsmi_get_gpu_device_bdf(self, handle):
        return AT.upper()

    def amdsmi_get_gpu_activity(self, handle):
        return {"gfx_activity": 75, "umc_activity": 20, "mm_activity": "N/A"}

    def amdsmi_get_gpu_vram_usage(self, handle):
        return {"vram_total": 4096, "vram_used": 1024}

    def amdsmi_get_power_info(self, handle):
        return {"current_socket_power": "N/A", "average_socket_power": 150, "socket_power": 0}

    def amdsmi_get_power_cap_info(self, handle):
        return {"power_cap": 300_000_000}

    def amdsmi_get_energy_count(self, handle):
        return {"energy_accumulator": self.energy, "counter_resolution": 1e6, "timestamp": 1}

    def amdsmi_get_clock_info(self, handle, kind):
        return {"clk": {1: 1700, 4: "N/A"}[kind]}

    def amdsmi_get_temp_metric(self, handle, kind, metric):
        if kind == 0:
            raise _SmiError("AMDSMI_STATUS_NOT_SUPPORTED")
        return 61

    def amdsmi_get_gpu_fan_speed(self, handle, sensor):
        return 51

    def amdsmi_get_gpu_fan_speed_max(self, handle, sensor):
        return 255

    def amdsmi_get_gpu_total_ecc_count(self, handle):
        return {"correctable_count": 2, "uncorrectable_count": 0}

    def amdsmi_get_gpu_process_list(self, handle):
        memory = {"gtt_mem": 0, "cpu_mem": 0, "vram_mem": GIB // 2}
        return [{"pid": 7, "memory_usage": memory}, {"pid": 8, "memory_usage": memory}]


ALL = {
    "utilization": 75,
    "memory_utilization": 20,
    "allocated_memory": 1.0,
    "total_memory": 4.0,
    "memory_usage": 0.25,
    "power": 150,
    "power_limit": 300.0,
    "power_percent": 50.0,
    "energy_consumed": 0.0,
    "sm_clock": 1700,
    "temp": 61,
    "fan_speed": 20.0,
    "corrected_memory_errors": 2,
    "uncorrected_memory_errors": 0,
    "process_memory": 0.5,
}
ASKED = [name for name in vars(Smi) if name.startswith("amdsmi_get_")]


def _never(address):
    return False


def test_amdsmi_tells_what_the_reader_of_nvidia_tells_under_the_same_names():
    """In the same units; energy is counted from the first look, in joules."""
    smi = Smi()
    rocm = Rocm(lambda: smi)
    assert {AT: ALL} == rocm.read(frozenset({7}), _never)
    smi.energy = 1005
    assert 5.0 == rocm.read(frozenset({7}), _never)[AT]["energy_consumed"]
    assert 1 == smi.begun


@pytest.mark.parametrize("refused", ASKED)
def test_what_amdsmi_does_not_tell_is_left_out(refused):
    """Whichever call a driver or a card has no answer to."""
    rocm = Rocm(lambda: Smi(refused))
    found = rocm.read(frozenset({7}), _never)
    assert all(reading.items() <= ALL.items() for reading in found.values())


def test_a_gpu_that_sleeps_is_not_asked_by_amdsmi():
    """Not beyond its address."""
    asked = [name for name in ASKED if name not in ("amdsmi_get_processor_handles",)]
    smi = Smi(*(name for name in asked if name != "amdsmi_get_gpu_device_bdf"))
    assert {} == Rocm(lambda: smi).read(frozenset(), lambda address: address == AT)


@pytest.mark.parametrize(
    "error", [ImportError("no module"), KeyError("libamd_smi.so"), OSError("not found")]
)
def test_amdsmi_without_rocm_is_tried_once(error):
    """It raises a KeyError from its import where the library of ROCm is missing."""
    loads = []

    def load():
        loads.append(1)
        raise error

    rocm = Rocm(load)
    assert [{}, {}] == [rocm.read(frozenset(), _never) for _ in range(2)]
    assert [1] == loads
    assert {} == Rocm(lambda: Smi("amdsmi_init")).read(frozenset(), _never)


def test_what_amdsmi_tells_stands_beside_what_the_files_tell(tmp_path):
    """Of the same GPU, by its address; the files count where both tell."""
    device = tmp_path / "devices" / AT
    device.mkdir(parents=True)
    for name, text in {"vendor": "0x1002", "gpu_busy_percent": "74"}.items():
        (device / name).write_text(text)
    (tmp_path / "card0").mkdir()
    (tmp_path / "card0" / "device").symlink_to(device)
    [read] = Amd(tmp_path, Rocm(Smi)).read(frozenset({7}))
    assert {**ALL, "utilization": 74.0} == read


def test_amdsmi_is_not_loaded_where_no_gpu_is_awake(tmp_path):
    """Beginning wakes what sleeps."""

    def load():
        raise AssertionError("loaded")

    assert [] == Amd(tmp_path, Rocm(load)).read(frozenset())


class Macmon:
    """The names of macmon that are asked."""

    class MacmonError(RuntimeError):
        pass

    def __init__(self, *, fails=""):
        self._fails = fails

    def _check(self, what):
        if self._fails == what:
            raise self.MacmonError(what)

    def Sampler(self):  # noqa: N802 - a class there
        self._check("sampler")
        return self

    def metrics(self):
        self._check("metrics")
        return SimpleNamespace(
            gpu_usage=[SimpleNamespace(name="gpu", units=10, frequency_mhz=1400, usage=0.5)],
            power=SimpleNamespace(gpu=7.5),
            temperature=SimpleNamespace(gpu_average=48.0),
        )

    def soc_info(self):
        self._check("soc_info")
        return SimpleNamespace(chip_name="Apple M4", gpu_cores=10, memory_gb=24)


def test_the_gpu_of_apple_silicon_is_read_under_the_same_names():
    """Utilization in percent; memory is the machine's own."""
    apple = Apple(Macmon, is_apple=True)
    expected = {"utilization": 50.0, "sm_clock": 1400, "power": 7.5, "temp": 48.0}
    assert [expected] == apple.read(frozenset())
    assert [{"name": "Apple M4", "cores": 10, "memory_gib": 24}] == apple.describe()


@pytest.mark.parametrize("fails", ["sampler", "metrics", "soc_info"])
def test_what_macmon_does_not_tell_is_left_out(fails):
    """Nothing is raised."""
    apple = Apple(lambda: Macmon(fails=fails), is_apple=True)
    assert (fails == "soc_info") == bool(apple.read(frozenset()))
    assert (fails == "metrics") == bool(apple.describe())


def test_macmon_is_tried_once_and_only_on_machines_of_apple():
    """Elsewhere not even its import."""
    loads = []

    def load():
        loads.append(1)
        raise ImportError("no module named macmon")

    elsewhere = Apple(load, is_apple=False)
    assert ([], []) == (elsewhere.read(frozenset()), elsewhere.describe())
    assert [] == loads
    apple = Apple(load, is_apple=True)
    assert ([], [], []) == (apple.read(frozenset()), apple.describe(), apple.read(frozenset()))
    assert [1] == loads


def test_no_library_of_a_gpu_is_imported_by_importing_the_readers():
    """They load when a machine is looked at, and a GPU is there."""
    script = (
        "import sys, trackio.monitor.sampler, trackio.monitor.amd, trackio.monitor.apple;"
        "print(sorted({'amdsmi', 'macmon', 'pynvml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.strip()
