"""Turn the lines of a writer into shards and put them. Runs in the writer's thread, or a test's.

Order of puts: what is said of the run, then the shards that need it (`docs/format.md`,
Writing).
"""

from collections.abc import Callable, Mapping
from typing import Final

import pyarrow as pa

from trackio import ids, journal, shard
from trackio.buffer import Batch
from trackio.columns import is_dense, read_numbers
from trackio.keys import ShardKey
from trackio.lifecycle import in_arrow
from trackio.model import (
    FINISH,
    RUN,
    SUMMARY,
    Json,
    SeqRange,
    WriterId,
)
from trackio.rows import Rows, only
from trackio.settings import FlushPolicy
from trackio.store.base import Store
from trackio.values.plain import dump_text
from trackio.writer.meta import find_tombstone, has_meta, meta_files
from trackio.writer.rollup import Put
from trackio.writer.summary import MetricSummary, Summary
from trackio.writer.writer import Writer

_SLICE_CALLS: Final = 2048
_EMPTY: Final = Batch(0, -1, [])


class Publisher:
    """Puts the calls of one writer into `store`.

    Args:
        writer: where the lines come from.
        store: a directory: the target itself, or the spool's folder.
        target: the store in which tombstones are looked up.
        on_put: told the names of files that were put, in order.
        make_id: makes the id of a writer whose run was deleted before it began.
    """

    def __init__(
        self,
        writer: Writer,
        store: Store,
        *,
        target: Store,
        policy: FlushPolicy,
        on_put: Callable[[list[str]], None] = lambda names: None,
        make_id: Callable[[], str] = ids.make_id,
    ) -> None:
        self._make_id = make_id
        self._summary = Summary()
        self._summarized = -1
        self._writer = writer
        self._store = store
        self._target = target
        self._policy = policy
        self._on_put = on_put
        self._is_admitted = writer.header.is_new_run
        self._has_meta = False
        self._is_finished = False

    def open(self) -> None:
        """Put what is said of the run itself, so that a reader finds it; raises as `publish`."""
        self._admit()
        self._put_meta()

    def publish(self) -> list[Put]:
        """Put every call there is; returns the shards.

        Raises:
            StoreUnavailable, StoreRefused: some calls wait for the next time.
        """
        groups = self._prepare()
        puts = [self._put_shard(group) for group in groups]
        if puts:
            with in_arrow():
                pa.default_memory_pool().release_unused()
        return puts

    def finish(self, said: Mapping[str, str | None]) -> list[Put]:
        """Put every call, then the summary and what the finish row says as the last calls.

        Raises:
            StoreUnavailable, StoreRefused: `publish` does what is left.
        """
        if self._is_finished:
            return self.publish()
        self._writer.seal()
        *groups, last = self._prepare() or [_EMPTY]
        puts = [self._put_shard(group) for group in groups]
        with in_arrow():
            whole, data = self._encode_last(last, said)
        return [*puts, self._put(whole, data)]

    def latest(self) -> tuple[int, dict[str, MetricSummary]]:
        """Up to which seq the metrics are summed up at least, and how; for any thread."""
        seq = self._summarized
        return seq, self._summary.copy()

    def _prepare(self) -> list[Batch]:
        """What is to be put, in the sizes of shards, once the run itself is known to the store."""
        batches = self._writer.take()
        if batches:
            self.open()
            self._put_media()
        return _grouped(batches, self._policy)

    def _rows(self, batch: Batch) -> Rows:
        header = self._writer.header
        rows = Rows(header.run_id, header.writer_id)
        if batch.lines:
            _add(rows, batch.lines)
        return rows

    def _encode(self, batch: Batch) -> bytes:
        """The bytes of a shard; what it says of metrics is summed up. Within `in_arrow`."""
        table = self._rows(batch).table()
        self._summarize(table, batch.last)
        return shard.encode_table(table, SeqRange(batch.first, batch.last))

    def _encode_last(self, last: Batch, said: Mapping[str, str | None]) -> tuple[Batch, bytes]:
        """The last shard, with what is said at the end; which calls it holds. Within `in_arrow`."""
        built = self._rows(last)
        self._summarize(built.table(), last.last)
        if summary := self._summary.rows():
            self._writer.append_last(SUMMARY, summary)
        row = dump_text({**said, "last_seq": self._writer.next_seq})
        self._writer.append_last(RUN, {FINISH: Json(row)})
        self._is_finished = True
        tail = self._writer.take()[-1]
        self._summarized = tail.last  # these say nothing of metrics
        whole = Batch(tail.first if last is _EMPTY else last.first, tail.last, [])
        _add(built, tail.lines)
        return whole, shard.encode_table(built.table(), SeqRange(whole.first, whole.last))

    def _put_shard(self, batch: Batch) -> Put:
        with in_arrow():
            data = self._encode(batch)
        return self._put(batch, data)

    def _put(self, batch: Batch, data: bytes) -> Put:
        header = self._writer.header
        span = SeqRange(batch.first, batch.last)
        key = ShardKey(header.project, header.run_id, header.writer_id, *span)
        self._store.put({str(key): data})
        self._writer.mark_safe(batch.last)
        self._on_put([str(key)])
        return Put(key, len(data), data)

    def _summarize(self, table: pa.Table, last: int) -> None:
        """Take in the rows, up to seq `last`, that the summary does not know yet."""
        if last > self._summarized:
            self._summary.add(only(table, self._summarized + 1, last))
            self._summarized = last

    def _admit(self) -> None:
        """Take another id if the run was deleted, as the store has it, after this one was made."""
        if self._is_admitted:
            return
        header = self._writer.header
        tombstone = find_tombstone(self._target, header.project, header.run_id)
        if tombstone is not None and header.writer_id < tombstone:
            fresh = max(self._make_id(), ids.id_after(tombstone))
            self._writer.rename(WriterId(fresh))
        self._is_admitted = True

    def _put_meta(self) -> None:
        if self._has_meta:
            return
        header = self._writer.header
        if header.is_new_run or not has_meta(self._target, header.project, header.run_id):
            files = meta_files(header)
            self._store.put(files)
            self._on_put(list(files))
        self._has_meta = True

    def _put_media(self) -> None:
        if (media := self._writer.media) is not None and (names := media.settle()):
            self._on_put(names)


def _add(rows: Rows, lines: list[bytes]) -> None:
    """Take in calls: those of plain numbers as columns, the others one by one."""
    logs, others = journal.split_logs(lines)
    longest = max(lines, key=len)
    is_table = bool(logs) and is_dense(lines, longest)
    numbers = read_numbers(logs, len(longest)) if is_table else None
    if numbers is not None:
        rows.add_numbers(numbers)
        lines = others
    # A few thousand at a time, so that no step holds the interpreter for long.
    for start in range(0, len(lines), _SLICE_CALLS):
        rows.add(journal.decode_calls(lines[start : start + _SLICE_CALLS]))


def _grouped(batches: list[Batch], policy: FlushPolicy) -> list[Batch]:
    """Neighbouring batches joined up to the size of a shard."""
    if len(batches) < 2:
        return batches
    groups: list[Batch] = []
    size = 0
    for batch in batches:
        more = sum(map(len, batch.lines))
        calls = len(batch.lines) + (len(groups[-1].lines) if groups else 0)
        if groups and calls <= policy.max_calls and size + more <= policy.max_bytes:
            before = groups.pop()
            groups.append(Batch(before.first, batch.last, before.lines + batch.lines))
            size += more
        else:
            groups.append(batch)
            size = more
    return groups
