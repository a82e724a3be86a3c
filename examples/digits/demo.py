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
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from checks import check_old_projects, check_pages, check_rows, stored_calls
from trainings import RECIPES, Training, stop_all

import trackio
from trackio.dashboard.show import Shown

PROJECT: Final = "digits"
HOME: Final = Path(__file__).parents[2] / ".demo"
STORE: Final = HOME / "store"
OLD_PROJECTS: Final = HOME.parent / "tests" / "fixtures" / "legacy" / "0.43.0.tar.gz"
VICTIM: Final = "momentum"
KILL_AFTER: Final = 0.4
"""The part of its steps after which the victim is killed, …"""
UNSAVED: Final = 25
"""… as soon as so many of its calls are in no file of the store yet."""


def main() -> None:
    """Play the demo from an empty store to the end."""
    args = parse_arguments()
    prepare()
    shown = trackio.show(PROJECT, open_browser=False, block_thread=False, port=args.port)
    trainings: list[Training] = []
    try:
        play(shown, trainings, args)
    except KeyboardInterrupt:
        print()
    finally:
        stop_all(trainings)
        shown.app.close(verbose=False)


def parse_arguments() -> argparse.Namespace:
    """How long, where, and whether somebody is watching."""
    parser = argparse.ArgumentParser(description="Train, kill, recover, show.")
    parser.add_argument("--check", action="store_true", help="check everything, then exit")
    parser.add_argument("--steps", type=int, default=600, help="of each training")
    parser.add_argument("--port", type=int, help="of the dashboard; a free one if none is given")
    return parser.parse_args()


def prepare() -> None:
    """Begin with an empty store, for this process and all that it starts."""
    os.chdir(HOME.parent)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    for name in [name for name in os.environ if name.startswith("TRACKIO_")]:
        del os.environ[name]
    os.environ["TRACKIO_DIR"] = str(STORE)


def play(shown: Shown, trainings: list[Training], args: argparse.Namespace) -> None:
    """Train, kill, recover, wait; then check, or serve until Ctrl-C."""
    say(
        f"Five networks learn to read handwritten digits, each in a process of its own, "
        f"{args.steps} steps, every step logged. The store is {STORE.relative_to(Path.cwd())}/."
    )
    pause_s = 0.01 if args.check else 0.05
    trainings += [Training(recipe, PROJECT, args.steps, pause_s, HOME) for recipe in RECIPES]
    say(f"Watch them live: {shown.full_url}")
    migrate_old_projects()
    victim = next(training for training in trainings if training.name == VICTIM)
    wait_until(victim, lambda: victim.calls >= args.steps * KILL_AFTER)
    wait_until(victim, lambda: victim.calls - stored(victim) >= UNSAVED)
    kill_and_recover(victim)
    say("The other four go on to their ends.")
    for training in trainings:
        training.wait()
    tell_result(trainings)
    check_rows(PROJECT, trainings)
    if args.check:
        check_pages(shown.local_url, PROJECT, trainings)
        check_old_projects(shown.local_url)
        say("Every row of every run is in the store and in the dashboard.")
    else:
        say(f"The dashboard stays at {shown.full_url} until you press Ctrl-C.")
        wait_for_ctrl_c()


def migrate_old_projects() -> None:
    """Bring a directory of the released Trackio 0.43 into the same store while all this goes on."""
    with tarfile.open(OLD_PROJECTS) as archive:
        archive.extractall(HOME / "old", filter="data")
    say("A directory that the released Trackio 0.43 wrote comes over, with proof:")
    print("          $ trackio migrate --source .demo/old/trackio --dest .demo/store", flush=True)
    command = str(Path(sys.executable).with_name("trackio"))
    source = str(HOME / "old" / "trackio")
    subprocess.run([command, "migrate", "--source", source, "--dest", str(STORE)], check=True)
    say("Its projects stand beside the new ones in the dashboard's list of projects.")


def kill_and_recover(victim: Training) -> None:
    """End a training with SIGKILL and publish what its process could not."""
    victim.kill()
    calls, before = victim.calls, stored(victim)
    say(
        f"kill -9 {victim.pid}: {victim.name!r} is gone. Its log() had returned {calls} times; "
        f"{before} calls are in the store, {calls - before} only in the journal it left."
    )
    print("          $ trackio recover", flush=True)
    subprocess.run([Path(sys.executable).with_name("trackio"), "recover"], check=True)
    if (after := stored(victim)) < calls:
        sys.exit(f"{calls - after} calls of {victim.name!r} were lost")
    say(f"{after} calls of {victim.name!r} are in the store: none was lost.")


def stored(training: Training) -> int:
    """How many calls of a training a reader finds."""
    return stored_calls(PROJECT).get(training.name, 0)


def wait_until(training: Training, is_so: Callable[[], bool]) -> None:
    """Wait until something is so, while the training runs."""
    while not is_so():
        if not training.is_running:
            training.wait()
            sys.exit(f"{training.name!r} ended before it could be killed")
        time.sleep(0.02)


def wait_for_ctrl_c() -> None:
    """Sleep until somebody ends the demo."""
    while True:
        time.sleep(3600)


def tell_result(trainings: list[Training]) -> None:
    """A line for each run, as a reader finds it."""
    calls = {training.name: training.calls for training in trainings}
    found = stored_calls(PROJECT)
    say("What a reader finds:")
    print(f"          {'run':14}{'status':12}{'logged':>8}{'stored':>8}{'accuracy':>10}")
    for run in trackio.Api().runs(PROJECT):
        accuracy = run.summary.get("eval/accuracy", float("nan"))
        print(
            f"          {run.name:14}{run.status:12}{calls[run.name]:8}{found[run.name]:8}"
            f"{accuracy:10.1%}"
        )
    print(f"          {VICTIM!r} will be shown as crashed once nothing came for 2½ minutes.")


def say(text: str) -> None:
    """Tell what happens, and when."""
    print(f"{time.perf_counter() - BEGAN:7.1f} s {text}", flush=True)


BEGAN: Final = time.perf_counter()

if __name__ == "__main__":
    main()
