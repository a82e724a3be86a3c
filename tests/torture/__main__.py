"""Do all of it, or some: `python -m tests.torture --help`."""

import argparse
import os
import platform
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

import psutil

from .corruption import corruption
from .crowd import crowd
from .disks import disks
from .endings import endings
from .histories import histories, mutants
from .hosts import hosts
from .kills import kills
from .scenario import Outcome, Part, Scale, table
from .soak import soak

PARTS: Final[dict[str, tuple[str, Part]]] = {
    "histories": ("The simulated world", histories),
    "mutants": ("The same world, with a rule of the format taken out", mutants),
    "kills": ("Real processes, killed at random moments", kills),
    "crowd": ("Many writers at once", crowd),
    "endings": ("Ways to end, and to multiply", endings),
    "disks": ("Disks and system calls", disks),
    "hosts": ("Two machines, one store", hosts),
    "soak": ("A long time", soak),
    "verify": ("What `verify` finds", corruption),
}
PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts that are asked for; 1 if anything is broken."""
    asked = _parser().parse_args(argv)
    scale = Scale(**{field.name: getattr(asked, field.name) for field in fields(Scale)})
    is_well = True
    for name in asked.only or PARTS:
        title, part = PARTS[name]
        began_s = time.monotonic()
        print(f"{title}", flush=True)
        outcomes = []
        for outcome in part(scale):
            outcomes.append(outcome)
            _tell(outcome)
        is_well = is_well and all(outcome.is_ok is not False for outcome in outcomes)
        if asked.write:
            write(name, [f"### {title}", "", _where(name, began_s), "", *table(outcomes)])
    return 0 if is_well else 1


def write(name: str, lines: list[str]) -> None:
    """Put the table of one part between its markers in the page."""
    begin, end = f"<!-- torture: {name} -->", f"<!-- /torture: {name} -->"
    text = PAGE.read_text()
    block = "\n".join([begin, "", *lines, "", end])
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: block, text))


def _tell(outcome: Outcome) -> None:
    mark = {True: "ok     ", False: "BROKEN ", None: "skipped"}[outcome.is_ok]
    print(f"  {mark} {outcome.what}: {outcome.said}", flush=True)


def _where(name: str, began_s: float) -> str:
    minutes = (time.monotonic() - began_s) / 60
    given = [text for text in sys.argv[1:] if text != "--write"]
    asked = " ".join(given) if "--only" in given else " ".join(["--only", name, *given])
    memory_gb = psutil.virtual_memory().total / 1e9
    return (
        f'`make torture ARGS="{asked}"`: {minutes:.1f} min on '
        f"{os.cpu_count()} cores with {memory_gb:.0f} GB, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"{time.strftime('%Y-%m-%d')}."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    for field in fields(Scale):
        kind = type(field.default)
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=kind, default=field.default, help=f"({field.default})")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts")
    parser.add_argument("--write", action="store_true", help="put the tables into the page")
    return parser


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # or sets have another order each time
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.torture", *sys.argv[1:]])  # noqa: S606 - itself
    sys.exit(main())
