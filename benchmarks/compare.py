"""What a change costs: this checkout against an earlier commit, as ratios, in about a minute.

Both run the same small workloads in fresh processes, one after the other, with the same packages.
The middle of the rounds counts, so that a busy machine slows both alike. It reads nothing of the
released trackio; `python -m benchmarks` does.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import writing
from benchmarks.processes import HERE, Tracker, fresh_folder, run, run_script, stored_bytes

ROOT: Final = HERE.parent
ROUNDS: Final = 5
Figures = dict[str, float]
Measured = Mapping[str, list[Figures]]


def main() -> None:
    """Print the ratios; exit with 1 if CPU grew beyond what the command line allows."""
    args = _arguments()
    commit = _commit(args.base)
    if commit is None:
        print(f"nothing to compare with: this checkout does not hold the commit {args.base}")
        return
    python = Path(sys.executable)
    with checked_out(commit) as source:
        trackers = {
            "before": Tracker(name="ours", python=python, source=source),
            "now": Tracker(name="ours", python=python, source=ROOT),
        }
        measured = measure(trackers, args.rounds)
    ratios = {name: ratio(measured, name) for name in measured["now"][0]}
    print(f"against {commit[:9]}, the middle of {args.rounds} rounds:")
    for name, (before, now) in ratios.items():
        print(f"  {name:32} {before:10.2f} → {now:10.2f}   {now / before:5.2f} ×")
    before, now = ratios["CPU of 20,000 calls, s"]
    if args.fail_above and now / before > args.fail_above:
        sys.exit(f"logging takes more than {args.fail_above:g} × the CPU of {commit[:9]}")


def measure(trackers: Mapping[str, Tracker], rounds: int) -> Measured:
    """Each round measures one after the other, in changing order."""
    for tracker in trackers.values():
        writing.warm_up(tracker)
    measured: dict[str, list[Figures]] = {name: [] for name in trackers}
    for number in range(rounds):
        names = list(trackers) if number % 2 == 0 else list(reversed(list(trackers)))
        for name in names:
            measured[name].append(once(trackers[name]))
    return measured


def once(tracker: Tracker) -> Figures:
    """One round of one side."""
    with fresh_folder() as folder:
        first = run_script(tracker, folder, "first.py").figures
    with fresh_folder() as folder:
        tight = run(tracker, folder, "tight", "--calls=20000")
        size = stored_bytes(folder)
        found = run(tracker, folder, "count", "--name=only")
    with fresh_folder() as folder:
        shape = ("--runs=20", "--calls=100", "--metrics=10")
        small = run(tracker, folder, "small_runs", *shape).figures
    return {
        "import, ms": first["import_ms"],
        "first init, ms": first["init_ms"],
        "a call of 5 numbers, µs": tight.figures["p50_us"],
        "20,000 calls until durable, s": tight.figures["wall_s"],
        "CPU of 20,000 calls, s": tight.cpu_s - tight.figures["cpu_before_s"],
        "bytes a number": size / tight.figures["points"],
        "reading them, CPU, s": found.cpu_s,
        "init and finish, ms": small["both_ms"],
    }


def ratio(measured: Measured, name: str) -> tuple[float, float]:
    """The figure before and now."""
    return (
        median(figures[name] for figures in measured["before"]),
        median(figures[name] for figures in measured["now"]),
    )


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """The files of a commit in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", commit, "trackio"], cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        subprocess.run(["tar", "-x", "-C", folder], check=True, input=archive.stdout)
        yield Path(folder)


def _commit(name: str) -> str | None:
    command = ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"]
    found = subprocess.run(command, check=False, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return found.stdout.strip() or None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument(
        "base", nargs="?", default="HEAD~1", help="a commit; the one before, if none"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--fail-above", type=float, default=0, help="a ratio of CPU; 0 never fails")
    return parser.parse_args()


if __name__ == "__main__":
    main()
