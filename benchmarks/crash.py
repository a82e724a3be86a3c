"""What is lost: to SIGKILL, and when 64 processes log into one project at once."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.processes import Started, Tracker, drive, fresh_folder, run

MEMBERS: Final = 64
CALLS: Final = 500
RATE: Final = 100
Figures = dict[str, float]


def killed(tracker: Tracker) -> Figures:
    """SIGKILL after some 3 s of 1,000 calls a second: how many that had returned are not there."""
    with fresh_folder() as folder:
        acknowledged = folder / "acknowledged"
        kill_at = random.randint(2500, 3500)
        logger = drive(
            tracker, folder, "until_killed", "--calls=20000", f"--acknowledged={acknowledged}"
        )
        try:
            _wait(lambda: _read(acknowledged) >= kill_at, logger)
        finally:
            os.kill(logger.process.pid, signal.SIGKILL)
            logger.wait()
        found = run(tracker, folder, "count").figures["runs"].get("only", 0)
        return {"lost": max(0, _read(acknowledged) - found), "calls": _read(acknowledged)}


def crowd(tracker: Tracker) -> Figures:
    """64 processes begin at once, 500 calls each: calls that are not there, and complaints."""
    with fresh_folder() as folder:
        names = [f"member-{number:02d}" for number in range(MEMBERS)]
        shape = (f"--calls={CALLS}", f"--rate={RATE}", "--wait")
        members = [drive(tracker, folder, "member", f"--name={name}", *shape) for name in names]
        for each in members:
            _wait(each.is_ready, each)
        began = time.perf_counter()
        for each in members:
            each.go()
        ended = [each.wait() for each in members]
        wall_s = time.perf_counter() - began
        found = run(tracker, folder, "count").figures["runs"]
    return {
        "lost": MEMBERS * CALLS - sum(found.get(name, 0) for name in names),
        "errors": sum(1 for each in ended if each.exit_code or each.errors.strip()),
        "wall_s": wall_s,
    }


def _wait(is_so: Callable[[], bool], process: Started) -> None:
    while not is_so():
        if not process.is_running():
            raise RuntimeError(f"a process ended early:\n{process.wait().errors}")
        time.sleep(0.002)


def _read(acknowledged: Path) -> int:
    data = acknowledged.read_bytes() if acknowledged.exists() else b""
    return int.from_bytes(data, "little")
