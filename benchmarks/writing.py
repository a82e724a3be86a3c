"""What logging costs: time, CPU, memory and disk of one process. Crashes are in `crash`."""

from typing import Final

from benchmarks.processes import Tracker, fresh_folder, run, run_script, stored_bytes

STARTS: Final = 5
Figures = dict[str, float]


def tight(tracker: Tracker) -> Figures:
    """100,000 calls of 5 numbers as fast as they go, until they are durable."""
    with fresh_folder() as folder:
        ended = run(tracker, folder, "tight", "--calls=100000")
        size = stored_bytes(folder)
    figures = ended.figures
    return {
        "p50_us": figures["p50_us"],
        "p999_us": figures["p999_us"],
        "wall_s": figures["wall_s"],
        "cpu_s": ended.cpu_s - figures["cpu_before_s"],
        "bytes_a_point": size / figures["points"],
    }


def paced(tracker: Tracker) -> Figures:
    """4 s of 1,000 calls of 5 numbers a second."""
    with fresh_folder() as folder:
        figures = run(tracker, folder, "paced", "--calls=4000", "--rate=1000").figures
    return {name: figures[name] for name in ("p50_us", "p99_us", "p999_us")}


def wide(tracker: Tracker) -> Figures:
    """2,000 calls of 1,000 numbers."""
    with fresh_folder() as folder:
        figures = run(tracker, folder, "tight", "--calls=2000", "--metrics=1000").figures
    return {name: figures[name] for name in ("p50_us", "wall_s")}


def million(tracker: Tracker) -> Figures:
    """A million calls of 5 numbers: how much memory the backlog takes."""
    with fresh_folder() as folder:
        ended = run(tracker, folder, "backlog", "--calls=1000000")
    return {"peak_mb": ended.peak_mb, "wall_s": ended.figures["wall_s"]}


def start(tracker: Tracker) -> Figures:
    """`import trackio` and the first `init`: the middle one of five processes."""
    with fresh_folder() as folder:
        found = [run_script(tracker, folder, "first.py").figures for _ in range(STARTS)]
    return {name: _middle([each[name] for each in found]) for name in ("import_ms", "init_ms")}


def small_runs(tracker: Tracker) -> Figures:
    """50 runs of 500 calls of 10 numbers: `init` and `finish` together, the middle one."""
    with fresh_folder() as folder:
        shape = ("--runs=50", "--calls=500", "--metrics=10")
        return {"both_ms": run(tracker, folder, "small_runs", *shape).figures["both_ms"]}


def warm_up(tracker: Tracker) -> None:
    """Let the interpreter write its bytecode before anything is measured."""
    with fresh_folder() as folder:
        run_script(tracker, folder, "first.py")


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
