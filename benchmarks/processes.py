"""Run the driver in fresh processes and measure them from outside. No numbers are judged here."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

HERE = Path(__file__).parent
WORK = HERE.parent / ".bench" / "work"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker:
    """A tracker and the interpreter that holds it.

    With `source`, a checkout, its code is measured with the packages of that interpreter.
    """

    name: str
    python: Path
    source: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that ended: its figures, the CPU time of its whole tree, its peak memory."""

    exit_code: int
    figures: dict[str, Any]
    cpu_s: float
    peak_mb: float
    errors: str


class Started:
    """A running script whose output goes to files, so that it never waits for a reader."""

    def __init__(self, tracker: Tracker, folder: Path, script: str, *arguments: str) -> None:
        self._files = folder / "output" / uuid4().hex
        self._files.parent.mkdir(parents=True, exist_ok=True)
        command = [str(tracker.python), str(HERE / script)]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*command, *arguments],
                cwd=folder,
                env=_environment(folder, tracker.source),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
            )

    @property
    def _out(self) -> Path:
        return self._files.with_suffix(".out")

    @property
    def _err(self) -> Path:
        return self._files.with_suffix(".err")

    def is_running(self) -> bool:
        """Whether the process has not ended; `wait` works in either case."""
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, how) is None

    def is_ready(self) -> bool:
        """Whether a process that waits has said that it does."""
        return "ready" in self._out.read_text()

    def go(self) -> None:
        """Let a process that waits for the end of its standard input begin."""
        if self.process.stdin:
            self.process.stdin.close()

    def wait(self) -> Ended:
        """Wait for the end; the CPU includes every descendant that was waited for."""
        self.go()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        kilobyte = 1 if sys.platform == "darwin" else 1024
        return Ended(
            exit_code=self.process.returncode,
            figures=_last_json(self._out.read_text()),
            cpu_s=usage.ru_utime + usage.ru_stime,
            peak_mb=usage.ru_maxrss * kilobyte / 1e6,
            errors=self._err.read_text(),
        )


def drive(tracker: Tracker, folder: Path, workload: str, *arguments: str) -> Started:
    """Start a workload of the driver."""
    return Started(tracker, folder, "driver.py", workload, "--tracker", tracker.name, *arguments)


def run(tracker: Tracker, folder: Path, workload: str, *arguments: str) -> Ended:
    """Run a workload of the driver to its end."""
    return require_success(drive(tracker, folder, workload, *arguments).wait())


def run_script(tracker: Tracker, folder: Path, script: str, *arguments: str) -> Ended:
    """Run another script of this folder to its end."""
    return require_success(Started(tracker, folder, script, *arguments).wait())


def require_success(ended: Ended) -> Ended:
    """What ended, if it ended well."""
    if ended.exit_code:
        raise RuntimeError(f"a measured process failed:\n{ended.errors}")
    return ended


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """An empty folder on the disk of the checkout, gone afterwards."""
    folder = WORK / uuid4().hex
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stored_bytes(folder: Path) -> int:
    """The size of all files of the tracker."""
    return sum(path.stat().st_size for path in _store(folder).rglob("*") if path.is_file())


def _store(folder: Path) -> Path:
    return folder / "store"


def _environment(folder: Path, source: Path | None) -> dict[str, str]:
    """Neither the user's settings nor the network reach a measured process."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    apart = {"HOME": str(folder), "HF_HOME": str(folder / "hf"), "TRACKIO_DIR": str(_store(folder))}
    code = {"PYTHONPATH": str(source)} if source else {}
    return {**kept, **apart, **code, "HF_HUB_OFFLINE": "1"}


def _last_json(text: str) -> dict[str, Any]:
    found = [line for line in text.splitlines() if line.startswith("{")]
    return dict(json.loads(found[-1])) if found else {}
