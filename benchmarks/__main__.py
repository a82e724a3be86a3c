"""Run the workloads in rounds, print the table, keep it in `.bench/`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import artifacts, asking, commands, crash, machine, reading_remote, remote, writing
from benchmarks.processes import Tracker, fresh_folder, run
from benchmarks.table import as_markdown, as_text, make_rows
from benchmarks.targets import LINES

RESULTS: Final = Path(__file__).parents[1] / ".bench"
WORKLOADS: Final[dict[str, Callable[[Tracker], dict[str, float]]]] = {
    "start": writing.start,
    "tight": writing.tight,
    "paced": writing.paced,
    "wide": writing.wide,
    "small_runs": writing.small_runs,
    "million": writing.million,
    "killed": crash.killed,
    "crowd": crash.crowd,
    "reading": asking.reading,
    "dashboard": asking.dashboard,
    "packing": asking.packing,
    "remote": remote.remote,
    "reading_remote": reading_remote.reading_remote,
    "commands": commands.commands,
    "artifacts": artifacts.artifacts,
}
Measured = dict[tuple[str, str], list[dict[str, float]]]


def main() -> None:
    """Measure what the command line asks for and write `.bench/table.md`."""
    args = _arguments()
    ours = Tracker(name="ours", python=Path(sys.executable))
    peer = Tracker(name="peer", python=args.peer_python.absolute())
    if calm := machine.warning():
        print(calm)
    measured = measure(args.workloads, (ours, peer), args.rounds)
    rows = make_rows(LINES, measured)
    print(f"\n{as_text(rows)}\n")
    _keep(measured, as_markdown(rows), machine.describe(_version(peer), args.rounds))


def measure(workloads: list[str], trackers: tuple[Tracker, ...], rounds: int) -> Measured:
    """The figures of every workload: each round runs one tracker after the other."""
    measured: Measured = {}
    for tracker in trackers:
        writing.warm_up(tracker)
    for number in range(rounds):
        for workload in workloads:
            for tracker in trackers if number % 2 == 0 else reversed(trackers):
                figures = WORKLOADS[workload](tracker)
                measured.setdefault((workload, tracker.name), []).append(figures)
                print(f"round {number + 1}  {workload:10}  {tracker.name}  {_shown(figures)}")
                sys.stdout.flush()
    return measured


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], help="all, if none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-python", type=Path, default=Path(".venv-peer/bin/python"))
    args = parser.parse_args()
    args.workloads = args.workloads or list(WORKLOADS)
    return args


def _version(tracker: Tracker) -> str:
    with fresh_folder() as folder:
        return str(run(tracker, folder, "version").figures["version"])


def _shown(figures: dict[str, float]) -> str:
    return "  ".join(f"{name}={value:,.2f}" for name, value in figures.items())


def _keep(measured: Measured, table: str, described: str) -> None:
    flat = {f"{workload}, {tracker}": found for (workload, tracker), found in measured.items()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "results.json").write_text(json.dumps(flat, indent=1))
    (RESULTS / "table.md").write_text(f"{table}\n\n{described}\n")
    print(
        f"{described}\nWritten to {RESULTS / 'table.md'}; `make bench-readme` puts it in README.md"
    )


if __name__ == "__main__":
    main()
