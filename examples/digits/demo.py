"""Train five networks live, kill one of them, recover it, and show all of it in the dashboard.

`make demo` runs this. `make demo ARGS=--check` does the same without anybody watching, checks that
every row is there, and exits.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from checks import check_pages, check_rows, stored_calls
from trainings import RECIPES, Training, stop_all

import trackio

PROJECT: Final = "digits"
HOME: Final = Path(__file__).parents[2] / ".demo"
STORE: Final = HOME / "store"
VICTIM: Final = "momentum"
KILL_AFTER: Final = 0.4
"""The part of its steps after which the victim is killed."""


def main() -> None:
    """Play the demo from an empty store to the end."""
    os.chdir(HOME.parent)
    args = parse_arguments()
    prepare()
    pause_s = 0.01 if args.check else 0.05
    say(
        f"Five networks learn to read handwritten digits, each in a process of its own, "
        f"{args.steps} steps, every step logged. The store is {STORE.relative_to(Path.cwd())}/."
    )
    trainings = [Training(recipe, PROJECT, args.steps, pause_s, HOME) for recipe in RECIPES]
    try:
        play(trainings, args)
    except KeyboardInterrupt:
        print()
    finally:
        stop_all(trainings)


def parse_arguments() -> argparse.Namespace:
    """How long, where, and whether somebody is watching."""
    parser = argparse.ArgumentParser(description="Train, kill, recover, show.")
    parser.add_argument("--check", action="store_true", help="check everything, then exit")
    parser.add_argument("--steps", type=int, default=600, help="of each training")
    parser.add_argument("--port", type=int, help="of the dashboard; a free one if none is given")
    return parser.parse_args()


def prepare() -> None:
    """Begin with an empty store, for this process and all that it starts."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    os.environ["TRACKIO_DIR"] = str(STORE)
    for name in ("TRACKIO_STORE", "TRACKIO_JOURNAL_DIR"):
        os.environ.pop(name, None)


def play(trainings: list[Training], args: argparse.Namespace) -> None:
    """Serve, kill, recover, wait; then check, or serve until Ctrl-C."""
    shown = trackio.show(PROJECT, open_browser=False, block_thread=False, port=args.port)
    try:
        say(f"Watch them live: {shown.full_url}")
        victim = next(training for training in trainings if training.name == VICTIM)
        wait_until(victim, calls=int(args.steps * KILL_AFTER))
        kill_and_recover(victim)
        say("The other four go on to their ends.")
        for training in trainings:
            training.wait()
        tell_result(trainings)
        check_rows(PROJECT, trainings)
        if args.check:
            check_pages(shown.local_url, PROJECT, trainings)
            say("Every row of every run is in the store and in the dashboard.")
        else:
            say(f"The dashboard stays at {shown.full_url} until you press Ctrl-C.")
            wait_for_ctrl_c()
    finally:
        shown.app.close(verbose=False)


def kill_and_recover(victim: Training) -> None:
    """End a training with SIGKILL and publish what its process could not."""
    victim.kill()
    calls, stored = victim.calls, stored_calls(PROJECT).get(victim.name, 0)
    say(
        f"kill -9 {victim.pid}: {victim.name!r} is gone. Its log() had returned {calls} times; "
        f"{stored} calls are in the store, {calls - stored} only in the journal it left."
    )
    print("          $ trackio recover", flush=True)
    subprocess.run([Path(sys.executable).with_name("trackio"), "recover"], check=True)
    stored = stored_calls(PROJECT).get(victim.name, 0)
    if stored < calls:
        sys.exit(f"{calls - stored} calls of {victim.name!r} were lost")
    say(f"{stored} calls of {victim.name!r} are in the store: none was lost.")


def wait_until(training: Training, *, calls: int) -> None:
    """Wait until so many calls have returned."""
    while training.calls < calls:
        if not training.is_running:
            training.wait()
            sys.exit(f"{training.name!r} ended before it could be killed")
        time.sleep(0.01)


def wait_for_ctrl_c() -> None:
    """Sleep until somebody ends the demo."""
    while True:
        time.sleep(3600)


def tell_result(trainings: list[Training]) -> None:
    """A line for each run, as a reader finds it."""
    calls = {training.name: training.calls for training in trainings}
    stored = stored_calls(PROJECT)
    say("What a reader finds:")
    print(f"          {'run':14}{'status':12}{'logged':>8}{'stored':>8}{'accuracy':>10}")
    for run in trackio.Api().runs(PROJECT):
        accuracy = run.summary.get("eval/accuracy", float("nan"))
        print(
            f"          {run.name:14}{run.status:12}{calls[run.name]:8}{stored[run.name]:8}"
            f"{accuracy:10.1%}"
        )
    print(f"          {VICTIM!r} will be shown as crashed once nothing came for 2½ minutes.")


def say(text: str) -> None:
    """Tell what happens, and when."""
    print(f"{time.perf_counter() - BEGAN:7.1f} s {text}", flush=True)


BEGAN: Final = time.perf_counter()

if __name__ == "__main__":
    main()
