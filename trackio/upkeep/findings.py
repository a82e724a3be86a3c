"""Judge what a listing and the files that were read say of a project. Pure.

An error is something that is not as it should be. A note is something one may want to know:
what is late may still arrive, and of a run that ended without saying so nobody knows whether
there was more.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from trackio.catalog import RunFiles, Snapshot, WriterFiles
from trackio.cover import Taken, merge_ranges, subtract
from trackio.keys import PackKey, PointerKey, RangeKey
from trackio.model import Entry, RunId, SeqRange
from trackio.upkeep.examine import Contents, Share

CLOCK_SKEW_S: Final = 300.0
"""Rows from so far in the future mean that a clock is wrong."""
RECOVER: Final = "trackio recover"

Kind = Literal[
    "clock",
    "double",
    "foreign",
    "late",
    "missing",
    "no meta",
    "no pack",
    "orphan",
    "unknown end",
    "unreadable",
    "wrong owner",
    "wrong range",
]
Level = Literal["error", "note"]
_NOTES: Final = frozenset({"clock", "foreign", "late", "no meta", "orphan", "unknown end"})
COMPACT: Final = "trackio compact"
_HELP: Final[dict[Kind, str]] = {
    "clock": "timedatectl status",
    "double": RECOVER,
    "foreign": "trackio sync",  # copies all but such files
    "late": "trackio verify",
    "missing": RECOVER,
    "no pack": "trackio sync",
    "orphan": COMPACT,
    "unknown end": RECOVER,
    "unreadable": RECOVER,
    "wrong owner": RECOVER,
    "wrong range": RECOVER,
}
"""What may help, where nothing more special does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found.

    `subject` is a key, a run id, or `<run id>/<writer id>`; `command` is what may help.
    """

    kind: Kind
    level: Level
    subject: str
    message: str
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The store's time, and how long what may still arrive is waited for."""

    now_s: float
    settle_s: float

    def is_old(self, entry: Entry) -> bool:
        """Whether it was put so long ago that somebody should have dealt with it."""
        return self.now_s - entry.time_s > self.settle_s


def judge(snapshot: Snapshot, contents: Mapping[str, Contents], times: Times) -> list[Finding]:
    """All findings of a project of which every file that counts was read."""
    found = [*_of_keys(snapshot), *_orphans(snapshot, times)]
    for run in snapshot.runs.values():
        if not run.is_deleted:
            found += _of_run(run)
            for writer in run.writers.values():
                found += _of_gaps(run.run_id, writer, times)
                found += _of_pointers(snapshot, writer)
                found += _of_files(snapshot.project, run.run_id, writer, contents)
                found += _of_end(
                    run.run_id, writer, _shares(snapshot, run, writer, contents), times
                )
    return found


def key_of(project: str, key: RangeKey) -> str:
    """The key of the file that holds the rows of a shard or pointer."""
    return str(PackKey(project, key.pack_id)) if isinstance(key, PointerKey) else str(key)


def unreadable(key: str, reason: str) -> Finding:
    """The file under `key` cannot be read."""
    message = f"it cannot be read: {reason}; the journal of its writer may still hold its rows"
    return _found("unreadable", key, message, RECOVER)


def _of_keys(snapshot: Snapshot) -> Iterator[Finding]:
    for key in snapshot.foreign:
        yield _found("foreign", key, "it is no file of Trackio's; nothing reads it")


def _orphans(snapshot: Snapshot, times: Times) -> Iterator[Finding]:
    """What collection will take away, or should have taken away long ago."""
    named = {
        key.pack_id
        for run in snapshot.runs.values()
        for writer in run.writers.values()
        for key in writer.ranges
        if isinstance(key, PointerKey)
    }
    for pack_id, entry in snapshot.packs.items():
        if pack_id not in named and times.is_old(entry):
            yield _found("orphan", entry.key, "no pointer names this pack")
        elif pack_id in named and pack_id in snapshot.condemned:
            yield _found("orphan", entry.key, "it is condemned, and rows still count of it")
    for pack_id, entry in snapshot.overviews.items():
        if pack_id not in snapshot.packs and times.is_old(entry):
            yield _found("orphan", entry.key, "its pack is gone")


def left_over(path: str, command: str) -> Finding:
    """A temporary file of a process that was killed while it wrote."""
    message = "a process was killed while it wrote this temporary file; nothing reads it"
    return _found("orphan", path, message, command)


def _of_run(run: RunFiles) -> Iterator[Finding]:
    if run.meta is None:
        command = f"trackio rename run -r {run.run_id} NAME"
        yield _found("no meta", run.run_id, "it has no meta.json, and so no name", command)


def _of_gaps(run_id: RunId, writer: WriterFiles, times: Times) -> Iterator[Finding]:
    for gap in writer.cover.gaps:
        age_s = times.now_s - _since_s(writer, gap)
        calls = f"calls {gap.first:,} to {gap.last:,}"
        subject = f"{run_id}/{writer.writer_id}"
        if age_s < times.settle_s:
            yield _found("late", subject, f"{calls} have not arrived yet")
        else:
            message = f"{calls} are missing; what follows them came {age_s / 60:,.0f} min ago"
            yield _found("missing", subject, message, RECOVER)


def _since_s(writer: WriterFiles, gap: SeqRange) -> float:
    """A gap is as old as the oldest file beyond it."""
    return min(e.time_s for key, e in writer.ranges.items() if key.first > gap.last)


def _of_pointers(snapshot: Snapshot, writer: WriterFiles) -> Iterator[Finding]:
    for key in writer.ranges:
        if isinstance(key, PointerKey) and key.pack_id not in snapshot.packs:
            pack = PackKey(snapshot.project, key.pack_id)
            lost = subtract([SeqRange(key.first, key.last)], writer.cover.ranges)
            if lost:
                calls = ", ".join(f"{first:,} to {last:,}" for first, last in lost)
                message = (
                    f"{pack} is not there, and no other file holds calls {calls}; if this store "
                    "is a copy, copy it once more"
                )
                yield _found("no pack", str(key), message)


def _of_files(
    project: str, run_id: RunId, writer: WriterFiles, contents: Mapping[str, Contents]
) -> Iterator[Finding]:
    for taken in writer.cover.taken:
        read = contents.get(key_of(project, taken.key))
        if read is None:
            continue
        share = read.shares.get((run_id, writer.writer_id))
        if share is not None:
            yield from _of_share(writer, taken, share)
        if taken.key.is_pointer:
            yield from _of_pointer(run_id, writer, taken, read)
        else:
            yield from _of_shard(run_id, writer, taken, read)


def _of_share(writer: WriterFiles, taken: Taken, share: Share) -> Iterator[Finding]:
    skew_s = share.newest_s - writer.ranges[taken.key].time_s
    if skew_s > CLOCK_SKEW_S:
        message = f"it holds rows {skew_s / 60:,.0f} min younger than itself: a clock is wrong"
        yield _found("clock", str(taken.key), message)


def _of_pointer(
    run_id: RunId, writer: WriterFiles, taken: Taken, read: Contents
) -> Iterator[Finding]:
    owner = run_id, writer.writer_id
    stretches = () if read.pack is None else read.pack.stretches
    held = [SeqRange(s.first, s.last) for s in stretches if (s.run_id, s.writer_id) == owner]
    span = SeqRange(taken.key.first, taken.key.last)
    if subtract([span], merge_ranges(held)):
        message = f"its pack does not hold calls {span.first:,} to {span.last:,} of this writer"
        yield _found("wrong range", str(taken.key), message)
    if read.doubles:
        yield _found("double", str(taken.key), f"{read.doubles:,} rows of its pack are there twice")


def _of_shard(
    run_id: RunId, writer: WriterFiles, taken: Taken, read: Contents
) -> Iterator[Finding]:
    key = taken.key
    if (read.meta.first, read.meta.last) != (key.first, key.last):
        message = f"its metadata says that it holds calls {read.meta.first} to {read.meta.last}"
        yield _found("wrong range", str(key), message)
    for owner, share in read.shares.items():
        if owner != (run_id, writer.writer_id):
            yield _found("wrong owner", str(key), f"it holds rows of {'/'.join(owner)}")
        elif share.min_seq < key.first or share.max_seq > key.last:
            message = f"it holds rows of calls {share.min_seq} to {share.max_seq}"
            yield _found("wrong range", str(key), message)
    if read.doubles:
        yield _found("double", str(key), f"{read.doubles:,} of its rows are there twice")


def _shares(
    snapshot: Snapshot, run: RunFiles, writer: WriterFiles, contents: Mapping[str, Contents]
) -> list[Share]:
    found = (contents.get(key_of(snapshot.project, t.key)) for t in writer.cover.taken)
    owner = run.run_id, writer.writer_id
    return [read.shares[owner] for read in found if read is not None and owner in read.shares]


def _of_end(
    run_id: RunId, writer: WriterFiles, shares: Iterable[Share], times: Times
) -> Iterator[Finding]:
    """Whether the last call is there: only a finish row knows which that is."""
    subject = f"{run_id}/{writer.writer_id}"
    finished = [share for share in shares if share.finish_seq is not None]
    last_seq = max((share.last_seq or 0 for share in finished), default=None)
    if last_seq is not None and last_seq >= writer.cover.end:
        message = f"it finished with call {last_seq:,}; calls from {writer.cover.end:,} are missing"
        yield _found("missing", subject, message, RECOVER)
    silent_s = times.now_s - writer.newest_s
    if not finished and writer.cover.end and silent_s > times.settle_s:
        message = (
            f"it is silent for {silent_s / 60:,.0f} min and never said that it finished; "
            f"{writer.cover.end:,} calls are here, its journal may hold more"
        )
        yield _found("unknown end", subject, message, RECOVER)


def _found(kind: Kind, subject: str, message: str, command: str | None = None) -> Finding:
    level: Level = "note" if kind in _NOTES else "error"
    helps = command or _HELP.get(kind)
    return Finding(kind=kind, level=level, subject=subject, message=message, command=helps)
