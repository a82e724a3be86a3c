"""Child processes that log, and what came of it in the store. Asserts nothing."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import orjson

from trackio import shard
from trackio.catalog import list_project
from trackio.model import CONFIG, FINISH, METRIC, RUN, WriterId
from trackio.settings import Settings
from trackio.store import open_store
from trackio.upkeep import background

PROJECT = "p"
START = f"import os, sys, signal, threading, time, trackio\nrun = trackio.init({PROJECT!r})\n"
IMPATIENT = "import dataclasses\nrun._settings = dataclasses.replace(run._settings, finish_s=0.5)\n"
LONGEST_S = 120  # a hang is a failure, not a wait


class Row(NamedTuple):
    """One row as a reader sees it."""

    run_id: str
    writer_id: WriterId
    seq: int
    kind: str
    key: str
    value: float | None
    text: str | None
    step: int | None


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a process that logs into `folder`; warnings are errors there too.

    Nothing is logged by itself, so that rows can be counted.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRACKIO_")}
    quiet = {"TRACKIO_SYSTEM_S": "0", "TRACKIO_ENVIRONMENT": "0", "PYTHONWARNINGS": "error"}
    return {**kept, **quiet, "TRACKIO_DIR": str(folder), **more}


def start(folder: Path, script: str, *args: str, **env: str) -> "subprocess.Popen[str]":
    """A child that runs `script`; its output can be read."""
    return subprocess.Popen(
        [sys.executable, "-c", dedent(script), *args],
        env=environment(folder, **env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, script: str, *args: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """A child that has ended."""
    child = start(folder, script, *args, **env)
    try:
        out, err = child.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


def settings(folder: Path) -> Settings:
    """What a process that logs into `folder` works with."""
    return Settings.from_env({"TRACKIO_DIR": str(folder)})


def recover(folder: Path, **how: Any) -> background.Report:
    """What the next process on this machine does first."""
    return background.recover(settings(folder), **how)


def stored(folder: Path, project: str = PROJECT) -> list[Row]:
    """Every row of a project as its cover takes it, in the order of writers and seqs."""
    store = open_store(folder)
    found = []
    for run_files in list_project(store, project).runs.values():
        for files in run_files.writers.values():
            for taken in files.cover.taken:
                _, table = shard.decode(store.path(str(taken.key)))
                columns = zip(*(table[name].to_pylist() for name in Row._fields), strict=True)
                rows = (Row(*values) for values in columns)
                found += [row for row in rows if taken.first <= row.seq <= taken.last]
    return sorted(found, key=lambda row: (row.writer_id, row.seq, row.kind, row.key))


def metrics(folder: Path, key: str = "i") -> list[float]:
    """The values of one metric, sorted: as often as they are stored."""
    return sorted(row.value for row in stored(folder) if (row.kind, row.key) == (METRIC, key))


def finishes(folder: Path) -> list[Mapping[str, Any]]:
    """What each writer said at its end, in the order of the writers."""
    rows = [row for row in stored(folder) if (row.kind, row.key) == (RUN, FINISH)]
    return [orjson.loads(row.text) for row in rows]


def configs(folder: Path) -> dict[str, float | str | None]:
    """The config values of a project with one run."""
    rows = [row for row in stored(folder) if row.kind == CONFIG]
    return {row.key: row.text if row.value is None else row.value for row in rows}


def journals(folder: Path) -> list[str]:
    """The journals that are left."""
    return sorted(path.name for path in (folder / ".journal").glob("*"))
