"""How fast other trackers' files come over: points a second, from files that those tools write.

`python -m benchmarks.importing` makes an environment for each tool under `.venv-peers`, lets it
log 20,000 calls of 10 numbers, and imports what it left in a fresh process. What is timed is the
whole command: reading, writing, reading back and comparing.
"""

import argparse
import csv
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.peers import install, loops
from benchmarks.peers.roster import ROSTER, Peer
from benchmarks.peers.workloads import checkout, run

CALLS: Final = 20_000
METRICS: Final = 10
SOURCES: Final = {
    "tensorboard": ("tensorboard", "only"),
    "tensorboardx": ("tensorboard", "only"),
    "wandb": ("wandb", "wandb"),
    "mlflow_files": ("mlflow", "mlruns"),
}
"""By adapter: which import reads what it leaves, and where that is."""


def main() -> None:
    """Print a line for each source."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.importing", description=__doc__)
    parser.add_argument("sources", nargs="*", choices=[*SOURCES, "csv", []], help="all, if none")
    asked = parser.parse_args().sources or [*SOURCES, "csv"]
    print(f"{machine.here()}{machine.warning() and ', ' + machine.warning()}")
    for peer in ROSTER:
        if peer.adapter in asked:
            install.install([peer])
            tell(peer.name, *from_tool(peer))
    if "csv" in asked:
        tell("CSV", *from_csv())


def from_tool(peer: Peer) -> tuple[int, float, float]:
    """What the tool wrote, imported: points, seconds, CPU seconds."""
    command, place = SOURCES[peer.adapter]
    with checkout() as folder:
        run(peer, folder, "loop", f"--calls={CALLS}", f"--metrics={METRICS}", "--seconds=600")
        return imported(folder, command, folder / place)


def from_csv() -> tuple[int, float, float]:
    """The same numbers as a table."""
    with checkout() as folder:
        rows = loops.rows(CALLS, METRICS)
        with (folder / "only.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return imported(folder, "csv", folder / "only.csv")


def imported(folder: Path, command: str, source: Path) -> tuple[int, float, float]:
    """Import in a fresh process, which exits with an error if anything differs."""
    store = str(folder / "imported")
    given = ["import", command, str(source), "--store", store, "--project", "brought"]
    began, before = time.perf_counter(), _children_cpu_s()
    subprocess.run(
        [sys.executable, "-m", "trackio", *given],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return CALLS * METRICS, time.perf_counter() - began, _children_cpu_s() - before


def tell(name: str, points: int, wall_s: float, cpu_s: float) -> None:
    """One line."""
    print(
        f"{name:14} {points:,} points in {wall_s:5.2f} s: {points / wall_s:,.0f} a second, "
        f"{points / cpu_s:,.0f} a second of CPU",
        flush=True,
    )


def _children_cpu_s() -> float:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
