"""Thousands of seeded histories on all cores, and as many as it takes to catch each mutant."""

import logging
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from trackio.testing.histories import STEPS, Told, run_history

from .mutants import MUTANTS
from .scenario import Outcome, Scale, attempt

CHUNK = 25
AGAIN = "python -m tests.torture --only histories --histories 1 --seed"


def _prepare() -> None:
    import pyarrow as pa

    logging.disable(logging.CRITICAL)  # stores that fail are told of thousands of times
    pa.set_cpu_count(1)


def _run_some(seeds: tuple[int, ...]) -> tuple[list[Told], list[str]]:
    told, failures = [], []
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="trackio-world-", dir=_fast_disk()) as name:
            try:
                told.append(run_history(Path(name), seed))
            except Exception as exc:  # noqa: BLE001 - the seed has to be told with it
                failures.append(f"{exc!r} (again: {AGAIN} {seed})")
    return told, failures


def _fast_disk() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _pool(cores: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_prepare)


def histories(scale: Scale) -> Iterator[Outcome]:
    """Everybody at once, everything going wrong; nothing lost, nothing twice."""
    seeds = range(scale.seed, scale.seed + scale.histories)
    chunks = [tuple(seeds[at : at + CHUNK]) for at in range(0, len(seeds), CHUNK)]
    began_s = time.monotonic()
    told: list[Told] = []
    failures: list[str] = []
    with _pool(os.cpu_count() or 1) as pool:
        for some, failed in pool.map(_run_some, chunks):
            told += some
            failures += failed
            for failure in failed:
                print(failure, flush=True)
            if len(told) % 1000 < CHUNK:
                print(f"  ({len(told) + len(failures):,} histories so far)", flush=True)
    took_s = time.monotonic() - began_s

    def work() -> str:
        assert not failures, f"{len(failures)} histories fail, the first: {failures[0]}"
        rows, alerts = sum(t.rows for t in told), sum(t.alerts for t in told)
        return (
            f"{len(told):,} histories from seed {scale.seed}, {rows:,} acknowledged rows and "
            f"{alerts:,} alerts: 0 rows lost, 0 shown twice, 0 alerts untold, 0 errors of "
            f"`verify` ({took_s / 60:.0f} min on {os.cpu_count()} cores)"
        )

    yield attempt(f"simulated histories of {STEPS} steps each", work)


def mutants(scale: Scale) -> Iterator[Outcome]:
    """Each rule of the format taken out; histories must notice."""
    with _pool(os.cpu_count() or 1) as pool:
        count = len(MUTANTS)
        found = pool.map(
            catch, range(count), [scale.mutant_histories] * count, [scale.seed] * count
        )
        for mutant, caught in zip(MUTANTS, found, strict=True):
            yield attempt(f"without “{mutant.rule}”", lambda caught=caught: _said(caught))


def catch(place: int, most: int, seed: int) -> tuple[int, str]:
    """How many histories it took to see that this mutant keeps no rule, and what was seen."""
    with MUTANTS[place].broken():
        for number in range(most):
            _, failures = _run_some((seed + number,))
            if failures:
                return number + 1, failures[0].partition("steps: ")[2]
    return most, ""


def _said(caught: tuple[int, str]) -> str:
    number, failure = caught
    assert failure, f"{number:,} histories did not notice"
    return f"history {number:,} notices: {failure.partition(':')[0].partition(' [')[0]}"
