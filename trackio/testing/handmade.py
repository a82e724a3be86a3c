"""Writers whose files a test puts by hand, at times and in shapes of its choosing."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from trackio import keys, rows, shard
from trackio.ledger import Ledger
from trackio.meta import encode_meta
from trackio.model import (
    ALERT,
    CONFIG,
    FINISH,
    METRIC,
    RUN,
    START,
    SUMMARY,
    SYSTEM,
    Call,
    Json,
    PackId,
    RunId,
    RunMeta,
    SeqRange,
    Value,
    WriterId,
)
from trackio.pack import PackMeta, PackWriter, Stretch
from trackio.store.base import Store
from trackio.values.plain import dump_text
from trackio.writer.summary import Summary

START_S = 1_000_000_000.0
_numbers = count(1)


class HandWriter:
    """One writer. Its calls take one second each unless they are told when they are made.

    Args:
        store: where `put` puts its files.
        project: of which project.
        run_id: of which run.
        start_s: when it starts, in seconds since 1970; its id tells.
        label: what its start row says.
        resumed_from: the same.
    """

    def __init__(
        self,
        store: Store,
        project: str,
        run_id: str,
        *,
        start_s: float = START_S,
        label: str | None = None,
        resumed_from: Sequence["HandWriter"] = (),
    ) -> None:
        self.store = store
        self.project = project
        self.run_id = RunId(run_id)
        self.writer_id = WriterId(f"{round(start_s * 1000):012x}{next(_numbers):012x}")
        self.calls: list[Call] = []
        self._now_s = start_s
        self._next_step = 0
        resumed = [writer.writer_id for writer in resumed_from] or None
        self.say(RUN, START, {"label": label, "host": "laptop", "resumed_from": resumed})

    def at(self, time_s: float) -> "HandWriter":
        """The next call is made then."""
        self._now_s = time_s
        return self

    def log(self, data: Mapping[str, Value], step: int | None = None) -> int:
        """A `log` call; without a step it gets the next one. Returns its seq."""
        auto = step is None
        step = self._next_step if step is None else step
        self._next_step = max(self._next_step, step + 1)
        return self.call(METRIC, data, step=step, auto=auto)

    def log_system(self, data: Mapping[str, Value]) -> int:
        """A sample of the machine; returns its seq."""
        return self.call(SYSTEM, data)

    def configure(self, **config: Value) -> int:
        """A change of the config; returns its seq."""
        return self.call(CONFIG, config)

    def show(self, **summary: Value) -> int:
        """Values that the user puts into the summary; returns the seq."""
        return self.call(SUMMARY, summary)

    def alert(self, title: str, text: str = "", level: str = "warn") -> int:
        """An alert; returns its seq."""
        return self.say(ALERT, title, {"level": level, "text": text})

    def finish(self, state: str = "finished") -> int:
        """What a writer says at its end: the summary, and that it is over."""
        summary = Summary()
        summary.add(rows.table_of([self.calls], self.run_id, self.writer_id))
        self.call(SUMMARY, summary.rows())
        return self.say(RUN, FINISH, {"state": state, "reason": None, "last_seq": len(self.calls)})

    def say(self, kind: str, key: str, said: Mapping[str, Any]) -> int:
        """A call of one row whose value is JSON; returns its seq."""
        return self.call(kind, {key: Json(dump_text(said))})

    def call(
        self, kind: str, data: Mapping[str, Value], *, step: int | None = None, auto: bool = False
    ) -> int:
        """Any call; returns its seq."""
        seq = len(self.calls)
        self.calls.append(Call(seq, round(self._now_s * 1e6), kind, step, auto, dict(data)))
        self._now_s += 1.0
        return seq

    def key(self, first: int = 0, last: int | None = None) -> str:
        """The key of a shard of these calls; of all, if none are named."""
        end = len(self.calls) - 1 if last is None else last
        return str(keys.ShardKey(self.project, self.run_id, self.writer_id, first, end))

    def put(self, first: int = 0, last: int | None = None) -> str:
        """Put a shard of these calls; returns its key."""
        span = SeqRange(first, len(self.calls) - 1 if last is None else last)
        key = self.key(*span)
        calls = self.calls[span.first : span.last + 1]
        self.store.put({key: shard.encode(calls, self.run_id, self.writer_id, span)})
        return key

    def put_meta(self, name: str, **meta: Any) -> str:
        """Put the run's `meta.json`; returns its key."""
        said = RunMeta(**{"name": name, "created": "2001-09-09T01:46:40Z", **meta})
        key = str(keys.MetaKey(self.project, self.run_id))
        self.store.put({key: encode_meta(said)})
        return key

    def table(self, span: SeqRange) -> pa.Table:
        """The rows of these calls."""
        calls = self.calls[span.first : span.last + 1]
        return rows.table_of([calls], self.run_id, self.writer_id)


def put_pack(pack_id: str, parts: Iterable[tuple[HandWriter, int, int]]) -> str:
    """Put a pack of stretches of several writers, and their pointers; returns its key."""
    listed = [(writer, SeqRange(first, last)) for writer, first, last in parts]
    first_writer = listed[0][0]
    tables = [writer.table(span) for writer, span in listed]
    packed = rows.sort(pa.concat_tables([table.cast(rows.SCHEMA) for table in tables]))
    key = str(keys.PackKey(first_writer.project, PackId(pack_id)))
    first_writer.store.put({key: _encode_pack(packed, listed)})
    for writer, (first, last) in listed:
        pointer = keys.PointerKey(
            writer.project, writer.run_id, writer.writer_id, first, last, PackId(pack_id)
        )
        writer.store.put({str(pointer): b""})
    return key


def _encode_pack(packed: pa.Table, parts: Iterable[tuple[HandWriter, SeqRange]]) -> bytes:
    ledger = Ledger(
        Stretch(
            run_id=writer.run_id,
            writer_id=writer.writer_id,
            first=span.first,
            last=span.last,
            rows=0,
            fingerprint=0,
        )
        for writer, span in parts
    )
    ledger.add(rows.as_written(packed))
    with TemporaryDirectory() as folder:
        sink = Path(folder) / "pack.parquet"
        with PackWriter(sink) as out:
            out.write(packed)
            out.close(PackMeta(stretches=ledger.stretches()))
        return sink.read_bytes()
