"""Train five networks live, kill one of them, recover it, and show all of it in the dashboard.

`make demo` runs this; `make demo ARGS=--check` does the same without a browser, checks that every
row is there, and exits.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from trainings import RECIPES, Training, stop_all

PROJECT: Final = "digits"
HOME: Final = Path(__file__).parents[2] / ".demo"
VICTIM: Final = "momentum"
LATEST_KILL: Final = 0.45
"""The part of its steps after which the victim is killed."""


def main() -> None:
    """Play the demo from an empty store to the end."""
    args = parse_arguments()
    prepare()
    say(f"Five networks learn to read handwritten digits. All files are in {HOME}.")
    pause_s = 0.01 if args.check else 0.05
    trainings = [Training(recipe, PROJECT, args.steps, pause_s, HOME) for recipe in RECIPES]
    try:
        play(trainings, args)
    except KeyboardInterrupt:
        print()
    finally:
        stop_all(trainings)


def parse_arguments() -> argparse.Namespace:
    """How long, where, and whether somebody is watching."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="check everything, then exit")
    parser.add_argument("--steps", type=int, default=600, help="of each training")
    parser.add_argument("--port", type=int, help="of the dashboard; a free one if none is given")
    return parser.parse_args()


def prepare() -> None:
    """Begin with an empty store, of this process and of all that it starts."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    os.environ["TRACKIO_DIR"] = str(HOME / "store")
