"""The workloads of `loops`, each started in fresh processes and measured from outside."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.peers.roster import Peer
from benchmarks.processes import Ended, Started, Tracker, fresh_folder, require_success

HERE: Final = Path(__file__).parent
OURS: Final = Tracker(name="ours", python=Path(sys.executable))
READ_BY_THEMSELVES: Final = ("ours", "trackio", "kohakuboard", "aim")
MEMBERS: Final = 8
RUNS: Final = 100
STARTS: Final = 3
Figures = dict[str, float]


def tight(peer: Peer, seconds: float) -> Figures:
    """100,000 calls of 5 numbers as fast as they go, until they are durable."""
    with checkout() as folder:
        ended = run(peer, folder, "loop", "--calls=100000", f"--seconds={seconds}")
        size = _stored(folder)
    done, found = ended.figures["calls"], ended.figures
    return {
        "p50_us": found["p50_us"],
        "p999_us": found["p999_us"],
        "wall_s": found["wall_s"] * 100_000 / done,
        "cpu_s": (ended.cpu_s - found["cpu_before_s"]) * 100_000 / done,
        "bytes_a_call": size / done,
        "peak_mb": ended.peak_mb,
    }


def paced(peer: Peer, seconds: float) -> Figures:
    """1,000 calls of 5 numbers a second, for 4 s."""
    del seconds
    with checkout() as folder:
        found = run(peer, folder, "loop", "--calls=4000", "--rate=1000", "--seconds=8").figures
    return {"p50_us": found["p50_us"], "p999_us": found["p999_us"]}


def wide(peer: Peer, seconds: float) -> Figures:
    """2,000 calls of 1,000 numbers."""
    with checkout() as folder:
        shape = ("--calls=2000", "--metrics=1000", f"--seconds={seconds}")
        found = run(peer, folder, "loop", *shape).figures
    return {"p50_us": found["p50_us"], "wall_s": found["wall_s"] * 2000 / found["calls"]}


def small_runs(peer: Peer, seconds: float) -> Figures:
    """Runs of 500 calls of 10 numbers, one after the other."""
    with checkout() as folder:
        shape = ("--runs=50", "--calls=500", "--metrics=10", f"--seconds={seconds}")
        found = run(peer, folder, "small_runs", *shape).figures
    return {"both_ms": found["both_ms"], "wall_ms": found["wall_ms"]}


def crowd(peer: Peer, seconds: float) -> Figures:
    """8 processes begin at once, 20,000 calls each, into one project."""
    names = [f"member-{number}" for number in range(MEMBERS)]
    with checkout() as folder:
        shape = ("--calls=20000", f"--seconds={seconds}")
        run(peer, folder, "start", "--name=first")  # the project exists
        members = [begin(peer, folder, "member", f"--name={name}", *shape) for name in names]
        for each in members:
            _wait(each.is_ready, each)
        began_s = time.time()
        for each in members:
            each.go()
        ended = [require_success(each.wait()) for each in members]
        wall_s = max(each.figures["ended_s"] for each in ended) - began_s
        done = sum(each.figures["calls"] for each in ended)
        found = read_back(peer, folder, *names)
    figures = {"rows_a_s": done / wall_s}
    return figures if found is None else {**figures, "lost": _lost(done, sum(found.values()))}


def killed(peer: Peer, seconds: float) -> Figures:
    """SIGKILL after some 3 s of 1,000 calls a second: what had returned and cannot be read back."""
    del seconds
    with checkout() as folder:
        file, kill_after_s = folder / "acknowledged", random.uniform(2.5, 3.5)
        logger = begin(
            peer, folder, "until_killed", "--calls=60000", "--rate=1000", f"--acknowledged={file}"
        )
        _wait(lambda: _acknowledged(file) > 0, logger)
        time.sleep(kill_after_s)
        os.kill(logger.first_error_line(), signal.SIGKILL)
        logger.wait()
        found = read_back(peer, folder, "only")
        done = _acknowledged(file)
    if found is None:
        return {"calls": done}
    return {"calls": done, "lost": _lost(done, found["only"])}


def start(peer: Peer, seconds: float) -> Figures:
    """Import, begin a run, end it after one row: the middle of some processes."""
    del seconds
    found: list[dict[str, Any]] = []
    for _ in range(STARTS):
        with checkout() as folder:
            found.append(run(peer, folder, "start").figures)
    return {name: median(each[name] for each in found) for name in found[0]}


@contextmanager
def checkout() -> Iterator[Path]:
    """An empty Git repository with one commit, as the folder of a training; gone afterwards.

    DVCLive changes the repository that it finds itself in.
    """
    git = ("git", "-c", "user.name=bench", "-c", "user.email=bench@localhost")
    with fresh_folder() as folder:
        for command in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "-m", "it")):
            subprocess.run([*git, *command], cwd=folder, check=True)
        yield folder


def reading(peer: Peer, seconds: float) -> Figures:
    """100 runs of 100 calls of 10 numbers, asked through the tracker's own local reader."""
    from benchmarks.peers.questions import READERS

    if peer.adapter not in READERS:
        return {}
    with checkout() as folder:
        shape = (f"--runs={RUNS}", "--calls=100", "--metrics=10", f"--seconds={6 * seconds}")
        if run(peer, folder, "small_runs", *shape).figures["runs"] < RUNS:
            return {}
        script, asker = "peers/questions.py", Tracker(name="", python=peer.python(OURS.python))
        ended = Started(asker, folder, script, f"--adapter={peer.adapter}").wait()
    return require_success(ended).figures


def begin(peer: Peer, folder: Path, workload: str, *arguments: str) -> "Reaped":
    """Start a workload under the reaper."""
    python = str(peer.python(OURS.python))
    command = (python, str(HERE / "loops.py"), workload, f"--adapter={peer.adapter}", *arguments)
    return Reaped(OURS, folder, "peers/reaper.py", *command)


def run(peer: Peer, folder: Path, workload: str, *arguments: str) -> Ended:
    """Run a workload to its end."""
    return require_success(begin(peer, folder, workload, *arguments).wait())


def read_back(peer: Peer, folder: Path, *names: str) -> dict[str, int] | None:
    """How many calls of each run can be read; None if nothing here can read this tracker."""
    from benchmarks.peers.readback import COUNTERS

    if peer.adapter not in COUNTERS:
        return None
    python = peer.python(OURS.python) if peer.adapter in READ_BY_THEMSELVES else OURS.python
    reader = Tracker(name=peer.name, python=python)
    script = "peers/readback.py"
    ended = Started(reader, folder, script, f"--adapter={peer.adapter}", *names).wait()
    return require_success(ended).figures


class Reaped(Started):
    """A process under the reaper, whose first line of errors is the measured one's id."""

    def first_error_line(self) -> int:
        """The process id of what is measured."""
        return int(self._err.read_text().splitlines()[0])


def _stored(folder: Path) -> int:
    """What the tracker left, without what was printed."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in (".git", "output")
    )


def _lost(returned: float, found: int) -> float:
    """A call may be there that had not returned yet."""
    return max(0, returned - found)


def _wait(is_so: Callable[[], bool], process: Started) -> None:
    while not is_so():
        if not process.is_running():
            raise RuntimeError(f"a process ended early:\n{process.wait().errors}")
        time.sleep(0.002)


def _acknowledged(file: Path) -> int:
    return int.from_bytes(file.read_bytes(), "little") if file.exists() else 0


WORKLOADS: Final[dict[str, Callable[[Peer, float], Figures]]] = {
    "start": start,
    "tight": tight,
    "paced": paced,
    "wide": wide,
    "small_runs": small_runs,
    "crowd": crowd,
    "killed": killed,
    "reading": reading,
}
