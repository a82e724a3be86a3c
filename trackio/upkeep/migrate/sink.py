"""Turn the calls of one run into shards of one writer, and prove that they are there.

The writer looks as a native one does: it starts with a start row and the config, and ends with
a summary and a finish row. Its id and the names of its shards follow from the source alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from trackio import keys
from trackio.artifacts.artifact import Artifact
from trackio.artifacts.manifest import make_version_id
from trackio.catalog import list_writer
from trackio.keys import MediaKey, MetaKey, NameKey, ShardKey
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
    Value,
    WriterId,
)
from trackio.rows import Rows
from trackio.upkeep.migrate.media import Blob, MediaFiles
from trackio.upkeep.migrate.moments import iso_of
from trackio.upkeep.migrate.names import is_encodable, is_same_identity
from trackio.upkeep.migrate.outlet import Outlet
from trackio.upkeep.migrate.report import Outcome, RunReport, series_reports
from trackio.upkeep.migrate.tally import Figures, Tally, compare
from trackio.values.plain import dump_text
from trackio.writer.meta import find_tombstone
from trackio.writer.summary import Summary

_MAX_CALLS: Final = 32_768
MAX_POINTS: Final = 400_000
"""A shard holds at most so many values, a text counting as one for every 64 characters."""
_TEXT_UNIT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What is known of a run before its rows are read."""

    project: str
    run_id: RunId
    name: str
    writer_id: WriterId
    source: str
    created_us: int
    meta: RunMeta
    start: Json
    config: dict[str, Value] = field(default_factory=dict)
    reason: str = "migrated"
    """What its finish row says of why it ended."""


class Sink:
    """Takes the calls of one run, in order."""

    def __init__(self, plan: RunPlan, outlet: Outlet, media: MediaFiles) -> None:
        self.plan = plan
        self.outcome: Outcome = "migrated"
        self.points = 0
        self.last_us = plan.created_us
        self._newest_us = plan.created_us
        self.next_step = 0
        self._outlet = outlet
        self._media = media
        self._next_seq = 0
        self._first = 0
        self._calls: list[Call] = []
        self._blobs: dict[MediaKey, Blob] = {}
        self._shards: list[ShardKey] = []
        self._read = Tally()
        self._written = Tally()
        self._summary = Summary()
        self._listed: set[str] = set()
        self._held: tuple[SeqRange, ...] = ()
        self._was_put = False
        self._is_elsewhere = False
        self._ending = ("finished", plan.reason)
        self._look()
        if self.is_open:
            self._begin()

    @property
    def is_open(self) -> bool:
        """Whether rows go in; a run that was deleted, or has changed since, takes none."""
        return self.outcome in ("migrated", "as before")

    def add(
        self, time_us: int, step: int | None, *, auto: bool, kind: str, data: dict[str, Value]
    ) -> int:
        """One call of one kind; returns its seq."""
        return self.add_kinds(time_us, step, auto=auto, values={kind: data})

    def add_kinds(
        self, time_us: int, step: int | None, *, auto: bool, values: Mapping[str, dict[str, Value]]
    ) -> int:
        """One call with rows of several kinds; returns its seq."""
        seq = self._next_seq
        self._next_seq = seq + 1
        self.last_us = time_us
        for kind, data in values.items():
            if data:
                self._calls.append(Call(seq, time_us, kind, step, auto, data))
                self.points += len(data) + sum(
                    len(value) // _TEXT_UNIT for value in data.values() if isinstance(value, str)
                )
        return seq

    def add_numbers(
        self, time_us: int, step: int | None, *, auto: bool, kind: str, data: dict[str, Any]
    ) -> int:
        """As `add`, for plain numbers: the path that nearly all rows take."""
        seq = self._next_seq
        self._next_seq = seq + 1
        self.last_us = time_us
        if data:
            self._calls.append(Call(seq, time_us, kind, step, auto, data))
            self.points += len(data)
        return seq

    def add_points(self, points: Sequence[tuple[int, int | None, str, float]]) -> None:
        """Calls of one number each, all at once: time, step, metric, value."""
        if not points:
            return
        seqs = range(self._next_seq, self._next_seq + len(points))
        self._calls += [
            Call(seq, time_us, METRIC, step, False, {key: value})
            for seq, (time_us, step, key, value) in zip(seqs, points, strict=True)
        ]
        self._next_seq = seqs.stop
        self.points += len(points)
        self.last_us = points[-1][0]

    def is_due(self) -> bool:
        """Whether what waits is enough for a shard."""
        return self._next_seq - self._first >= _MAX_CALLS or self.points >= MAX_POINTS

    def attach(self, said: dict[str, Any]) -> dict[str, Any]:
        """Say of an object with a `file_path` which file of this writer that is."""
        blob = self._media.find(said["file_path"])
        if blob is None or not self.is_open:
            return said
        self.hold(blob)
        return {**said, "sha256": blob.sha256, "extension": blob.extension}

    def hold(self, blob: Blob) -> None:
        """Put this file before the next shard."""
        plan = self.plan
        self._blobs[
            MediaKey(plan.project, plan.run_id, plan.writer_id, blob.sha256, blob.extension)
        ] = blob

    def put_artifact(
        self, time_us: int, artifact: Artifact, aliases: Iterable[str]
    ) -> dict[str, Any]:
        """Put a version that this run made; what its row says, which the source alone decides."""
        plan = self.plan
        manifest, files = artifact.make_manifest(
            plan.project, run_id=plan.run_id, run_name=plan.name
        )
        manifest = replace(manifest, created=iso_of(time_us))
        wanted_id = make_version_id(manifest.digest, time_us // 1000)
        self._outlet.put_version(manifest, files, aliases=aliases, wanted_id=wanted_id)
        return {
            "direction": "output",
            "project": plan.project,
            "name": artifact.name,
            "type": artifact.type,
            "version_id": wanted_id,
            "digest": manifest.digest,
        }

    def end_as(self, state: str, reason: str | None, time_us: int | None = None) -> None:
        """What the finish row will say, and when it was, if that is known."""
        self._ending = (state, reason or self.plan.reason)
        self._newest_us = max(self._newest_us, time_us or self._newest_us)

    def flush(self) -> None:
        """Put what waits as one shard."""
        last = self._next_seq - 1
        if last < self._first or not self.is_open:
            return
        calls = self._calls
        self._see_times()
        table = self._put(last, lambda: self._rows(calls).table())
        if table is not None:
            self._summary.add(table)

    def finish(self) -> RunReport:
        """Put the rest, check that all of it is there, and say what it came to."""
        if self.is_open:
            self._end()
        figures = self._read.figures()
        differences = [] if self._outlet.dry_run else list(self._check(figures))
        if self.is_open and not self._was_put and not self._outlet.dry_run:
            self.outcome = "as before"
        plan = self.plan
        return RunReport(
            project=plan.project,
            run_id=plan.run_id,
            name=plan.name,
            source=plan.source,
            outcome=self.outcome,
            calls=self._next_seq,
            shards=len(self._shards),
            series=series_reports(figures.items()),
            differences=tuple(differences),
        )

    def _look(self) -> None:
        """See what the store has of this run already."""
        plan, store = self.plan, self._outlet.store
        self._listed = self._outlet.listed(keys.run_prefix(plan.project, plan.run_id))
        tombstone = find_tombstone(store, plan.project, plan.run_id)
        if tombstone is not None and plan.writer_id < tombstone:
            self.outcome = "deleted there"
        elif any(self._is_other_state(key, tombstone or "") for key in self._listed):
            self.outcome = "changed since"
        else:
            files = list_writer(store, plan.project, plan.run_id, plan.writer_id)
            self._held = files.cover.ranges

    def _is_other_state(self, key: str, tombstone: str) -> bool:
        """Whether this file is of the same source as it was, and not deleted."""
        match keys.parse(key):
            case ShardKey() | keys.PointerKey() as parsed if parsed.writer_id >= tombstone:
                other = parsed.writer_id
                return other != self.plan.writer_id and is_same_identity(other, self.plan.writer_id)
        return False

    def _begin(self) -> None:
        plan = self.plan
        meta_key = str(MetaKey(plan.project, plan.run_id))
        if meta_key not in self._listed:
            if is_encodable(plan.name):  # first, because nobody looks for it later
                self._outlet.put({str(NameKey(plan.project, plan.name, plan.run_id)): b""})
            self._outlet.put({meta_key: encode_meta(plan.meta)})
        self.add(plan.created_us, None, auto=False, kind=RUN, data={START: plan.start})
        if plan.config:
            self.add(plan.created_us, None, auto=False, kind=CONFIG, data=plan.config)

    def _end(self) -> None:
        """The last shard: what waits, the summary, the finish row."""
        calls = self._calls
        self._see_times()
        has_metrics = self._read.has(METRIC) or any(call.kind == METRIC for call in calls)
        seq = self._next_seq
        self._next_seq = seq + has_metrics + 1
        state, reason = self._ending
        said = {"state": state, "reason": reason, "last_seq": self._next_seq - 1}

        def build() -> pa.Table:
            built = self._rows(calls)
            self._summary.add(built.table())
            own: list[tuple[str, dict[str, Value]]] = [(RUN, {FINISH: Json(dump_text(said))})]
            if has_metrics:
                own.insert(0, (SUMMARY, self._summary.rows()))
            built.add(
                [
                    Call(seq + at, self._newest_us, kind, None, False, data)
                    for at, (kind, data) in enumerate(own)
                ]
            )
            return built.table()

        self._put(self._next_seq - 1, build)

    def _see_times(self) -> None:
        times = (call.time_us for call in self._calls)
        self._newest_us = max(self._newest_us, max(times, default=self._newest_us))

    def _rows(self, calls: Iterable[Call]) -> Rows:
        rows = Rows(self.plan.run_id, self.plan.writer_id)
        rows.add(list(calls))
        return rows

    def _put(self, last: int, build: Callable[[], pa.Table]) -> pa.Table | None:
        plan = self.plan
        key = ShardKey(plan.project, plan.run_id, plan.writer_id, self._first, last)
        self._read.add_calls(self._calls)
        self._put_blobs()
        table = None
        if str(key) not in self._listed and _holds(self._held, key):
            self._is_elsewhere = True  # merged or packed since: its own check has seen it
        else:
            before = self._outlet.put_files
            table = self._outlet.put_shard(key, self._listed, build)
            self._was_put |= self._outlet.put_files > before
        if table is not None:
            self._written.add_table(table)
        self._shards.append(key)
        self._calls, self._first, self.points = [], last + 1, 0
        return table

    def _put_blobs(self) -> None:
        missing = {
            key: (blob.path, blob.sha256)
            for key, blob in self._blobs.items()
            if str(key) not in self._listed
        }
        self._outlet.put_blobs(missing)
        self._listed |= set(map(str, missing))
        self._blobs = {}

    def _check(self, figures: Mapping[tuple[str, str], Figures]) -> Iterable[str]:
        if not self.is_open:
            if self.outcome == "changed since":
                yield (
                    "it was brought over before, and its source has changed since: delete the run "
                    "in the new store and bring it over again"
                )
            return
        if not self._is_elsewhere:
            yield from compare(figures, self._written.figures())
        plan = self.plan
        files = list_writer(self._outlet.store, plan.project, plan.run_id, plan.writer_id)
        if files.cover.gaps or files.cover.end != self._next_seq:
            yield f"its cover ends at {files.cover.end} with gaps {files.cover.gaps}"


def _holds(ranges: Iterable[SeqRange], key: ShardKey) -> bool:
    return any(first <= key.first and key.last <= last for first, last in ranges)


def temporary_blob(folder: Path, data: bytes, digest: str, extension: str) -> Blob:
    """A file in `folder` that holds `data`, to be put as media."""
    path = folder / f"{digest}.{extension}"
    path.write_bytes(data)
    return Blob(digest, extension, path)
