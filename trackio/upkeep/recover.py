"""Publish what dead processes left in their journals. It adds no row and no seq of its own.

The rules are those of `docs/format.md`, Writing, Recovery: only lines that were read whole,
whose seqs no readable listed file holds, in stretches of consecutive seqs; so recovering
twice, from two hosts, or beside the living writer is harmless. `look` asks the store, `plan`
decides on values, `apply` acts.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from trackio import journal, shard
from trackio.catalog import WriterFiles, list_packs, list_writer
from trackio.cover import cover, merge_ranges, subtract
from trackio.errors import FormatTooNew, UnreadableFile
from trackio.hosts import ProcessIdentity, is_proven_alive, is_proven_dead
from trackio.keys import ShardKey
from trackio.model import Call, SeqRange, TombstoneId, WriterId
from trackio.store.base import Content, Store
from trackio.upkeep.collect import store_now
from trackio.upkeep.trust import Check, Trust, make_check, safe_ranges
from trackio.writer.journal_file import SUFFIX
from trackio.writer.meta import find_tombstone, has_meta, meta_files

WEEK_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The journals of one writer, as they lie on disk."""

    header: journal.Header
    paths: tuple[Path, ...]
    calls: tuple[Call, ...]
    torn: int
    changed_s: float
    is_dead: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the store says of that writer.

    `held` are the seqs in readable files, `safe` those in readable files older than grace.
    """

    held: tuple[SeqRange, ...]
    safe: tuple[SeqRange, ...]
    tombstone: TombstoneId | None
    has_meta: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The stretches of calls to publish, and the journals that hold nothing else any more."""

    left: Left
    publish: tuple[tuple[Call, ...], ...]
    with_meta: bool
    drop: tuple[Path, ...]

    @property
    def calls(self) -> int:
        """How many calls are to be published."""
        return sum(map(len, self.publish))

    def __str__(self) -> str:
        header = self.left.header
        return (
            f"{header.project}/{header.meta.name}: publish {self.calls} of "
            f"{len(self.left.calls)} calls, remove {len(self.drop)} of "
            f"{len(self.left.paths)} journals"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Whose journals are taken up, and when one may be removed."""

    settle_s: float = 600.0
    drop_after_s: float = WEEK_S
    everything: bool = False
    is_dead: Callable[[ProcessIdentity], bool] = is_proven_dead
    is_alive: Callable[[ProcessIdentity], bool] = is_proven_alive


def find_left(
    folder: Path, policy: Policy, *, now_s: float, project: str | None = None
) -> tuple[list[Left], list[tuple[Path, str]]]:
    """The journals in `folder` that are worth taking up, and those that cannot be read.

    Left alone are those of living processes, and those that changed within `settle_s` of
    processes nobody can tell anything about; `everything` takes these up too.
    """
    problems: list[tuple[Path, str]] = []
    headers = _headers(folder, problems)
    by_writer: defaultdict[str, list[Path]] = defaultdict(list)
    for path, header in headers.items():
        if project is None or header.project == project:
            by_writer[header.writer_id].append(path)
    found = (
        _read_left([(path, headers[path]) for path in paths], policy, now_s)
        for paths in by_writer.values()
    )
    return [left for left in found if left is not None], problems


def look(
    left: Left,
    store: Store,
    *,
    spooled: Store | None,
    grace_s: float,
    may_ask_time: bool = True,
) -> Seen:
    """Ask the store what it holds of the writer; `spooled` waits to be sent to it.

    The store is asked for its time by a put; without that nothing is old enough to be `safe`.

    Raises:
        StoreUnavailable, StoreRefused: a listing is not whole, so nothing can be said.
    """
    header = left.header
    now_s = float("-inf")
    if may_ask_time:
        now_s = store_now(store, header.project, header.writer_id)
    check = make_check(store)
    files = _near(list_writer(store, header.project, header.run_id, header.writer_id), left)
    packs, condemned = list_packs(store, header.project)
    trust = Trust(check=check, older_than_s=now_s - grace_s, packs=packs, condemned=condemned)
    held = list(_readable_ranges(files, check))
    if spooled is not None:
        waiting = list_writer(spooled, header.project, header.run_id, header.writer_id)
        held += _readable_ranges(waiting, make_check(spooled))
    return Seen(
        held=merge_ranges(held),
        safe=safe_ranges(files, trust),
        tombstone=find_tombstone(store, header.project, header.run_id),
        has_meta=has_meta(store, header.project, header.run_id),
    )


def plan(left: Left, seen: Seen, policy: Policy, *, now_s: float) -> Plan:
    """What to publish of a journal, and whether it may go."""
    is_deleted = seen.tombstone is not None and left.header.writer_id < seen.tombstone
    missing = [] if is_deleted else [call for call in left.calls if not _holds(seen.held, call.seq)]
    spans = [SeqRange(call.seq, call.seq) for call in left.calls]
    is_safe = is_deleted or not subtract(merge_ranges(spans), seen.safe)
    may_go = left.is_dead or now_s - left.changed_s > policy.drop_after_s
    return Plan(
        left=left,
        publish=tuple(_stretches(missing)),
        with_meta=bool(missing) and not seen.has_meta,
        drop=left.paths if is_safe and may_go else (),
    )


def apply(plan: Plan, files: Store) -> list[str]:
    """Put the shards into `files`, the store or its spool's folder; returns their keys.

    Journals go only in a later plan, when what is put now has been seen to be safe.
    """
    header = plan.left.header
    put: dict[str, Content] = {}
    if plan.with_meta:
        put |= meta_files(header)
        files.put(put)
    for calls in plan.publish:
        span = SeqRange(calls[0].seq, calls[-1].seq)
        key = ShardKey(header.project, header.run_id, header.writer_id, *span)
        data = shard.encode(calls, header.run_id, header.writer_id, span)
        files.put({str(key): data})
        put[str(key)] = data
    for path in plan.drop:
        path.unlink(missing_ok=True)
    return list(put)


def live_writers(folder: Path, policy: Policy, *, now_s: float) -> frozenset[WriterId]:
    """The writers whose journals are left alone, and what they spooled with them."""
    headers = _headers(folder, [])
    return frozenset(
        header.writer_id
        for path, header in headers.items()
        if not _is_worthwhile(header.owner, _changed_s(path, now_s), policy, now_s)
    )


def _headers(folder: Path, problems: list[tuple[Path, str]]) -> dict[Path, journal.Header]:
    """The header of each journal that has one."""
    headers = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            headers[path] = journal.decode_header(_first_line(path))
        except FileNotFoundError:
            continue  # its owner is done with it
        except (OSError, UnreadableFile, FormatTooNew) as exc:
            problems.append((path, str(exc)))
    return headers


def _read_left(
    journals: Sequence[tuple[Path, journal.Header]], policy: Policy, now_s: float
) -> Left | None:
    owner = journals[-1][1].owner
    try:
        changed_s = max(path.stat().st_mtime for path, _ in journals)
        if not _is_worthwhile(owner, changed_s, policy, now_s):
            return None
        whole = [journal.decode(path.read_bytes()) for path, _ in journals]
    except FileNotFoundError:
        return None  # its owner is done with it
    return Left(
        header=journals[-1][1],
        paths=tuple(path for path, _ in journals),
        calls=tuple(journal.join_calls(each.calls for each in whole)),
        torn=sum(each.torn for each in whole),
        changed_s=changed_s,
        is_dead=policy.is_dead(owner),
    )


def _changed_s(path: Path, now_s: float) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return now_s  # its owner is done with it


def _is_worthwhile(owner: ProcessIdentity, changed_s: float, policy: Policy, now_s: float) -> bool:
    if policy.everything:
        return True
    if policy.is_alive(owner):
        return False
    return policy.is_dead(owner) or now_s - changed_s > policy.settle_s


def _near(files: WriterFiles, left: Left) -> WriterFiles:
    """Without the files that hold nothing of these journals, which would be read in vain."""
    if not left.calls:
        return files
    first, last = left.calls[0].seq, left.calls[-1].seq
    near = {k: e for k, e in files.ranges.items() if k.first <= last and first <= k.last}
    return replace(files, ranges=near)


def _readable_ranges(files: WriterFiles, check: Check) -> tuple[SeqRange, ...]:
    """What the cover holds once every shard in it that cannot be read is taken out."""
    packs = {taken.key.pack_id for taken in files.cover.taken if taken.key.is_pointer}
    readable = set(files.ranges)
    while True:
        chosen = cover(readable, packs)
        bad = {t.key for t in chosen.taken if isinstance(t.key, ShardKey) and not check(t.key)}
        if not bad:
            return chosen.ranges
        readable -= bad


def _stretches(calls: Sequence[Call]) -> Iterable[tuple[Call, ...]]:
    """The calls, cut wherever a seq is missing."""
    cuts = [place for place, (a, b) in enumerate(pairwise(calls), 1) if b.seq != a.seq + 1]
    bounds = [0, *cuts, len(calls)]
    return [tuple(calls[start:end]) for start, end in pairwise(bounds) if start < end]


def _holds(ranges: Collection[SeqRange], seq: int) -> bool:
    return any(first <= seq <= last for first, last in ranges)


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline()
