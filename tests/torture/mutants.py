"""Rules of docs/format.md taken out of the real code, one at a time, by hand.

A simulation that passes proves little until it has been seen to fail. Each mutant breaks one
clause; the histories that run under it must find that out.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from trackio import catalog, cover, keys
from trackio.errors import StoreUnavailable
from trackio.model import Call, SeqRange
from trackio.spool import Spool
from trackio.upkeep import collect, recover, trust
from trackio.upkeep.alerts.evaluator import Evaluator
from trackio.upkeep.compact import plan as packing
from trackio.writer import rollup
from trackio.writer.publisher import Publisher
from trackio.writer.writer import Writer

Break = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A rule, and a context in which nobody keeps it."""

    name: str
    rule: str
    broken: Break


def _set(place: object, name: str, value: object) -> Break:
    return lambda: mock.patch.object(place, name, value)


def _together(*breaks: Break) -> Break:
    @contextmanager
    def all_of_them() -> Iterator[None]:
        with ExitStack() as stack:
            for each in breaks:
                stack.enter_context(each())
            yield

    return all_of_them


def _one_stretch(calls: Sequence[Call]) -> Iterable[tuple[Call, ...]]:
    return [tuple(calls)] if calls else []


def _walk_without_order(
    files: Any, candidates: set[Any], known: trust.Trust, read_for: Any
) -> Iterator[tuple[Any, bool]]:
    """As `collect._walk`, but whatever is in the folder counts, also what stands behind."""
    del read_for
    for key in cover.in_walk_order(candidates):
        others = [k for k in files.ranges if k != key and known.holds(k, files.ranges[k])]
        held = cover.merge_ranges(SeqRange(k.first, k.last) for k in others)
        left = cover.subtract([SeqRange(key.first, key.last)], held)
        yield key, (known.is_old(files.ranges[key]) and not left) or known.is_without_pack(key)


_packs_to_delete = collect._packs_to_delete


def _packs_and_marks_to_delete(snapshot: Any, known: trust.Trust) -> Iterator[str]:
    for key in _packs_to_delete(snapshot, known):
        yield key
        pack = keys.parse(key)
        if isinstance(pack, keys.PackKey):
            yield str(keys.CondemnedKey(snapshot.project, pack.pack_id))


_plan_recovery = recover.plan


def _plan_on_listing(left: Any, seen: recover.Seen, *rest: Any, **more: Any) -> recover.Plan:
    seen = recover.Seen(
        held=seen.held, safe=seen.held, tombstone=seen.tombstone, has_meta=seen.has_meta
    )
    return _plan_recovery(left, seen, *rest, **more)


def _spanning(self: packing.Task) -> Iterator[tuple[Any, Any, SeqRange]]:
    spans: dict[tuple[Any, Any], SeqRange] = {}
    for each in self.sources:
        before = spans.get((each.run_id, each.writer_id), SeqRange(each.first, each.last))
        spans[each.run_id, each.writer_id] = SeqRange(
            min(before.first, each.first), max(before.last, each.last)
        )
    yield from ((*owner, span) for owner, span in spans.items())


def _greedy_cover(found: Iterable[Any], packs: Any = frozenset()) -> cover.Cover:
    real = cover.cover(found, packs)
    taken = tuple(cover.Taken(t.key, t.key.first, t.last) for t in real.taken)
    return cover.Cover(taken, real.gaps, real.superseded, real.end)


_put_batch = Spool._put


def _put_and_hope(self: Spool, files: Any) -> None:
    try:
        _put_batch(self, files)
    except StoreUnavailable:
        self._finish_with(list(files))
        raise


_tell = Evaluator._tell


def _write_down_then_tell(self: Evaluator, due: Any, tried: Any, marks: Any, report: Any) -> None:
    marks.add(due)
    self._save(marks)
    marks.rows[due.run_id][due.writer_id] = cover.subtract(
        marks.rows[due.run_id][due.writer_id], [SeqRange(due.seq, due.seq)]
    )
    _tell(self, due, tried, marks, report)


_take = Writer.take


def _take_as_safe(self: Writer) -> list[Any]:
    taken = _take(self)
    self._journals.drop_safe(self.next_seq - 1)
    return taken


def _no_grace(plan: Callable[..., collect.Plan]) -> Callable[..., collect.Plan]:
    def planned(*args: Any, **more: Any) -> collect.Plan:
        return plan(*args, **{**more, "grace_s": 0.0})

    return planned


MUTANTS = (
    Mutant(
        name="missing line",
        rule="A recoverer publishes only stretches of consecutive seqs that it has read.",
        broken=_set(recover, "_stretches", _one_stretch),
    ),
    Mutant(
        name="listed is held",
        rule="A recoverer leaves out only what readable files hold.",
        broken=_set(recover, "_readable_ranges", lambda files, check: files.cover.ranges),
    ),
    Mutant(
        name="held is safe",
        rule="A journal goes only if its rows pass the collector's test.",
        broken=_set(recover, "plan", _plan_on_listing),
    ),
    Mutant(
        name="merge over holes",
        rule="A file made from others never spans a seq that none of them holds.",
        broken=_set(rollup, "_touch", lambda group: True),
    ),
    Mutant(
        name="pointer over gaps",
        rule="One pointer per contiguous stretch, never across a gap.",
        broken=_set(packing.Task, "stretches", _spanning),
    ),
    Mutant(
        name="any entry counts",
        rule="An entry goes only on account of those before it in the walk order.",
        broken=_set(collect, "_walk", _walk_without_order),
    ),
    Mutant(
        name="unread is readable",
        rule="Each of these was read to the end after the listing.",
        broken=_together(
            _set(collect, "make_check", lambda store: lambda key: True),
            _set(recover, "make_check", lambda store: lambda key: True),
        ),
    ),
    Mutant(
        name="no grace",
        rule="Each of these is older than grace.",
        broken=_together(
            _set(collect, "plan", _no_grace(collect.plan)),
            _set(collect, "plan_writer", _no_grace(collect.plan_writer)),
        ),
    ),
    Mutant(
        name="mark goes too",
        rule="The mark of a condemned pack is never deleted, not even after its pack.",
        broken=_set(collect, "_packs_to_delete", _packs_and_marks_to_delete),
    ),
    Mutant(
        name="packs at once",
        rule="A pack goes in two passes, each older than grace.",
        broken=_set(
            collect,
            "_packs_to_delete",
            lambda snapshot, known: (
                str(keys.PackKey(snapshot.project, pack_id))
                for pack_id in snapshot.packs
                if pack_id not in collect._named(snapshot)
            ),
        ),
    ),
    Mutant(
        name="rows twice",
        rule="From an overlapping entry only the rows beyond what is covered count.",
        broken=_set(catalog, "cover", _greedy_cover),
    ),
    Mutant(
        name="sent is stored",
        rule="A spool file goes only when this process's own put of it returned OK.",
        broken=_set(Spool, "_put", _put_and_hope),
    ),
    Mutant(
        name="taken is safe",
        rule="The journal's lines go only when they are in a shard that was put.",
        broken=_set(Writer, "take", _take_as_safe),
    ),
    Mutant(
        name="deleted run, old id",
        rule="A writer of an explicit run id reads its tombstones before it puts anything.",
        broken=_set(Publisher, "_admit", lambda self: None),
    ),
    Mutant(
        name="told in advance",
        rule="A consumer's watermark says only what it is done with.",
        broken=_set(Evaluator, "_tell", _write_down_then_tell),
    ),
)
