"""Headers, calls and lines for tests of the write path. Asserts nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trackio import journal
from trackio.hosts import ProcessIdentity
from trackio.model import METRIC, Call, RunId, RunMeta, WriterId
from trackio.values.plain import encode_data

PROJECT = "p"
RUN_ID = RunId("0" * 23 + "1")
WRITER_ID = WriterId("0" * 23 + "2")
OWNER = ProcessIdentity(host="here", pid=1, boot_id="boot", pid_namespace="ns", started="1")
HEADER = journal.Header(
    project=PROJECT,
    run_id=RUN_ID,
    writer_id=WRITER_ID,
    store_url="memory://there",
    meta=RunMeta(name="a run", created="2026-01-01T00:00:00+00:00"),
    is_new_run=True,
    owner=OWNER,
)


def header(**changes: Any) -> journal.Header:
    """`HEADER` with some fields changed."""
    return replace(HEADER, **changes)


def call(seq: int, kind: str = METRIC, /, *, step: int | None = None, **data: Any) -> Call:
    """A call at a time of its own."""
    where = seq if step is None and kind == METRIC else step
    return Call(seq, 10**15 + seq, kind, where, kind == METRIC and step is None, data)


def calls(first: int, last: int) -> list[Call]:
    """Calls of two metrics each."""
    return [call(seq, loss=1.0 / (seq + 1), acc=float(seq)) for seq in range(first, last + 1)]


def no_warning(key: str, problem: str) -> None:
    """A `Warn` for data that is stored as it is."""
    raise AssertionError(f"{key!r} {problem}")


def line_of(said: Call) -> bytes:
    """The journal line of a call whose values are plain."""
    data = encode_data(said.data, no_warning)
    if said.kind == METRIC:
        auto = b"true" if said.auto else b"false"
        return journal.encode_log(said.seq, said.time_us, said.step or 0, auto, data)
    return journal.encode_call(said.seq, said.time_us, said.kind, said.step, data)


FDS = Path("/proc/self/fd")
needs_proc = pytest.mark.skipif(not FDS.exists(), reason="counts the files in /proc/self/fd")


def count_open_files() -> int:
    """How many files this process has open."""
    return len(list(FDS.iterdir()))
