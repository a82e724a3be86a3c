"""Runs put into a store as real shards, at times of the test's choosing. Asserts nothing."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from trackio import keys, shard
from trackio.ids import make_id
from trackio.meta import encode_meta
from trackio.model import (
    CONFIG,
    FINISH,
    METRIC,
    RUN,
    START,
    SUMMARY,
    Call,
    Json,
    RunId,
    RunMeta,
    SeqRange,
    WriterId,
)
from trackio.rows import table_of
from trackio.store.base import Store
from trackio.writer.summary import Summary

_BITS = itertools.count(1)


class FixedTime:
    """A clock that stands where it was put."""

    def __init__(self, time_s: float) -> None:
        self.time_s = time_s

    def time_ns(self) -> int:
        return int(self.time_s * 1e9)

    def monotonic(self) -> float:
        return self.time_s


class WrittenRun:
    """One writer of one run; each `log` is a shard of its own."""

    def __init__(
        self,
        store: Store,
        project: str,
        name: str,
        *,
        at_s: float,
        config: Mapping[str, Any] | None = None,
        group: str | None = None,
    ) -> None:
        self.store, self.project, self.name = store, project, name
        self._begin(RunId(_make_id(at_s)), at_s, resumed_from=None)
        created = datetime.fromtimestamp(at_s, UTC).isoformat()
        meta = RunMeta(name=name, created=created, group=group)
        store.put({str(keys.MetaKey(project, self.run_id)): encode_meta(meta)})
        if config:
            self._put([(CONFIG, None, dict(config), at_s)])

    def _begin(self, run_id: RunId, at_s: float, resumed_from: list[str] | None) -> None:
        self.run_id, self.writer_id, self.at_s = run_id, WriterId(_make_id(at_s)), at_s
        self._seq = 0
        self._summary = Summary()
        start = {"label": None, "host": "lab-7", "resumed_from": resumed_from}
        self._put([(RUN, None, {START: _json(start)}, at_s)])

    def resume(self, *, at_s: float) -> None:
        """From here on write as another writer, that goes on where this one ended."""
        self._begin(self.run_id, at_s, resumed_from=[self.writer_id])

    def log(
        self, rows: Sequence[Mapping[str, Any]], *, first_step: int = 0, every_s: float = 1.0
    ) -> None:
        """One call for each row, at consecutive steps, in one shard."""
        begin = self.at_s + first_step * every_s
        self._put(
            (METRIC, first_step + i, dict(row), begin + i * every_s) for i, row in enumerate(rows)
        )

    def finish(self, *, after_s: float, state: str = "finished", **last: float) -> None:
        """The last two calls of a writer: what it counted, and how it ended.

        `last` says what the summary calls a metric's last value, where that is not the last one.
        """
        at = self.at_s + after_s
        summary: dict[str, Any] = dict(self._summary.rows())
        for key, value in last.items():
            summary[key] = _json({**orjson.loads(str(summary[key])), "last": value})
        said = {"state": state, "reason": None, "last_seq": self._seq + 1}
        self._put([(SUMMARY, None, summary, at), (RUN, None, {FINISH: _json(said)}, at)])

    def _put(self, calls: Iterable[tuple[str, int | None, dict[str, Any], float]]) -> None:
        made = [
            Call(seq, int(at * 1e6), kind, step, False, data)
            for seq, (kind, step, data, at) in enumerate(calls, self._seq)
        ]
        self._summary.add(table_of([made], self.run_id, self.writer_id))
        span = SeqRange(made[0].seq, made[-1].seq)
        key = keys.ShardKey(self.project, self.run_id, self.writer_id, span.first, span.last)
        self.store.put({str(key): shard.encode(made, self.run_id, self.writer_id, span)})
        self._seq = span.last + 1


def _make_id(at_s: float) -> str:
    return make_id(FixedTime(at_s), lambda _: next(_BITS))


def _json(value: Mapping[str, Any]) -> Json:
    return Json(orjson.dumps(value).decode())
