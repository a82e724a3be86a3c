"""What a part of the torture is told, and what it says of each thing that it did."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from children import metrics, recover


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is done; the defaults are what docs/reliability.md promises."""

    seed: int = 0
    histories: int = 10_000
    kills: int = 1_000
    writers: int = 256
    calls: int = 1_000
    stores: int = 1_000
    mutant_histories: int = 1_000
    soak_hours: float = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One thing that was done, and what came of it; None where this machine does not permit it."""

    what: str
    said: str
    is_ok: bool | None


Part = Callable[[Scale], Iterator[Outcome]]


class NotPossible(Exception):
    """This machine forbids it; the message says what and why."""


def attempt(what: str, work: Callable[[], str]) -> Outcome:
    """Do one thing; `work` says what came of it, or raises AssertionError or NotPossible."""
    try:
        return Outcome(what=what, said=work(), is_ok=True)
    except NotPossible as exc:
        return Outcome(what=what, said=f"not possible here: {exc}", is_ok=None)
    except AssertionError as exc:
        return Outcome(what=what, said=str(exc).splitlines()[0][:300], is_ok=False)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for what one thing leaves behind."""
    with tempfile.TemporaryDirectory(prefix="trackio-torture-") as name:
        yield Path(name)


def check_kept(place: Path, acknowledged: list[float], *, beside: int = 1) -> None:
    """Every acknowledged value is stored once, and hardly anything else."""
    recover(place)
    check_same(metrics(place), acknowledged, beside=beside)


def check_same(found: list[float], acknowledged: list[float], *, beside: int = 0) -> None:
    """Both hold the same; `beside` calls may have been made and not said so."""
    lost = set(acknowledged) - set(found)
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged rows are lost"
    assert len(found) == len(set(found)), f"{len(found) - len(set(found))} rows are shown twice"
    more = len(set(found) - set(acknowledged))
    assert more <= beside, f"{more} rows that nobody acknowledged"


def table(outcomes: list[Outcome]) -> list[str]:
    """The lines of a Markdown table."""
    marks: dict[Any, str] = {True: "ok", False: "**broken**", None: "–"}
    return [
        "| what is done | what came of it | |",
        "|---|---|---|",
        *(f"| {o.what} | {o.said} | {marks[o.is_ok]} |" for o in outcomes),
    ]
