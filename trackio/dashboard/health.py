"""How the files of a project are: what a listing tells at once, and `verify` as a page."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from trackio.catalog import Snapshot, WriterFiles
from trackio.dashboard.meta import Meta
from trackio.model import Entry, RunId
from trackio.store.base import Store
from trackio.upkeep.verify import SETTLE_S, verify

_MOST: Final = 500
_MOST_FILES: Final = 5_000


def health(store: Store, meta: Meta, now_s: float, *, is_thorough: bool) -> dict[str, Any]:
    """What is live, what is superseded, what is missing; with `is_thorough` all is read."""
    snapshot = meta.view.snapshot
    unreadable = meta.view.unreadable
    return {
        "rev": meta.rev,
        "store": store.url,
        "now_s": now_s,
        "counts": _counts(snapshot),
        "gaps": _gaps(meta, now_s),
        "lag": _lag(snapshot),
        "unreadable": [{"key": k, "why": why} for k, why in list(unreadable.items())[:_MOST]],
        "files": _files(snapshot),
        "verified": _verified(store, meta.project, now_s) if is_thorough else None,
    }


def files(meta: Meta, run_ids: Iterable[str]) -> dict[str, Any]:
    """What lies in the store of these runs, by what it is; those of packs belong to many."""
    found = []
    for run_id in run_ids:
        run = meta.view.snapshot.runs[RunId(run_id)]
        kinds = [("meta", run.meta)] if run.meta else []
        for writer in run.writers.values():
            kinds += [("shard", e) for k, e in writer.ranges.items() if not k.is_pointer]
            kinds += [("media", entry) for entry in writer.media.values()]
        code = meta.run_codes[RunId(run_id)]
        found += [_file(entry, kind, code) for kind, entry in kinds]
    found += [_file(entry, "pack", None) for entry in meta.view.snapshot.packs.values()]
    return {"rev": meta.rev, "total": len(found), "files": found[:_MOST_FILES]}


def _file(entry: Entry, kind: str, run: str | None) -> dict[str, Any]:
    size, time_s = entry.size_bytes, entry.time_s
    return {"key": entry.key, "kind": kind, "run": run, "size": size, "time_s": time_s}


def _counts(snapshot: Snapshot) -> dict[str, int]:
    found: Counter[str] = Counter()
    for writer in _writers(snapshot):
        taken = {taken.key for taken in writer.cover.taken}
        for key, entry in writer.ranges.items():
            kind = "pointers" if key.is_pointer else "shards" if key in taken else "superseded"
            found[kind] += 1
            found[f"{kind}_bytes"] += entry.size_bytes
        found["media"] += len(writer.media)
        found["media_bytes"] += sum(entry.size_bytes for entry in writer.media.values())
        found["calls"] += sum(part.last - part.first + 1 for part in writer.cover.ranges)
        found["writers"] += 1
    found["packs"] = len(snapshot.packs)
    found["packs_bytes"] = sum(entry.size_bytes for entry in snapshot.packs.values())
    found["condemned"] = len(snapshot.condemned)
    found["runs"] = sum(not run.is_deleted for run in snapshot.runs.values())
    found["deleted"] = sum(run.is_deleted for run in snapshot.runs.values())
    found["foreign"] = len(snapshot.foreign)
    return dict(found)


def _gaps(meta: Meta, now_s: float) -> list[dict[str, Any]]:
    """Calls that no file holds: late while they may still come, missing after that."""
    found = []
    names = {run.run_id: run.name for run in meta.runs}
    for run in meta.view.snapshot.runs.values():
        for writer in run.writers.values():
            for gap in writer.cover.gaps:
                beyond = [e.time_s for k, e in writer.ranges.items() if k.first > gap.last]
                age_s = now_s - min(beyond, default=now_s)
                found.append(
                    {
                        "run": names.get(run.run_id, run.run_id),
                        "writer": writer.writer_id,
                        "first": gap.first,
                        "last": gap.last,
                        "age_s": age_s,
                        "is_late": age_s < SETTLE_S,
                    }
                )
    return found[:_MOST]


def _lag(snapshot: Snapshot) -> dict[str, int]:
    """How much compaction has not packed yet."""
    lag: Counter[str] = Counter()
    for writer in _writers(snapshot):
        packed = max((t.last + 1 for t in writer.cover.taken if t.key.is_pointer), default=0)
        lag["calls"] += writer.cover.end - packed
        lag["writers"] += writer.cover.end > packed
    return dict(lag)


def _files(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The files themselves, the newest first; they are plain Parquet."""
    entries = [e for writer in _writers(snapshot) for e in writer.ranges.values()]
    entries += [run.meta for run in snapshot.runs.values() if run.meta is not None]
    entries += [*snapshot.packs.values()]
    entries.sort(key=lambda entry: -entry.time_s)
    return [
        {"key": entry.key, "size": entry.size_bytes, "time_s": entry.time_s}
        for entry in entries[:_MOST]
    ]


def _writers(snapshot: Snapshot) -> list[WriterFiles]:
    return [writer for run in snapshot.runs.values() for writer in run.writers.values()]


def _verified(store: Store, project: str, now_s: float) -> dict[str, Any]:
    report = verify(store, project, now_s=now_s)
    return {
        "files": report.files,
        "rows": report.rows,
        "findings": [
            {
                "level": finding.level,
                "kind": finding.kind,
                "subject": finding.subject,
                "message": finding.message,
                "command": finding.command,
            }
            for finding in report.findings[:_MOST]
        ],
        "left_out": max(0, len(report.findings) - _MOST),
    }
