"""What one evaluator is done with, as a value and as `state/<consumer>.json`. It only grows.

Per writer a set of seq ranges, written as one number once it has no holes; per rule the marks that
it has fired for; and of an alert that only some webhooks took, which ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from trackio.cover import merge_ranges, subtract
from trackio.errors import UnreadableFile
from trackio.model import RunId, SeqRange, WriterId
from trackio.upkeep.alerts.due import Due

FORMAT: Final = 1
Ranges = tuple[SeqRange, ...]


@dataclass(slots=True, kw_only=True)
class Tried:
    """An alert that is not done yet: since when, and which webhooks have it."""

    since_s: float
    told: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Marks:
    """The watermark of one evaluator in one project."""

    rows: dict[RunId, dict[WriterId, Ranges]] = field(default_factory=dict)
    rules: dict[str, set[str]] = field(default_factory=dict)
    tried: dict[str, Tried] = field(default_factory=dict)

    def new_of(self, run_id: RunId, writer_id: WriterId, ranges: Iterable[SeqRange]) -> Ranges:
        """What of a writer's rows is not done."""
        return subtract(ranges, self.rows.get(run_id, {}).get(writer_id, ()))

    def add_rows(self, run_id: RunId, writer_id: WriterId, ranges: Iterable[SeqRange]) -> None:
        """Done with these rows."""
        writers = self.rows.setdefault(run_id, {})
        writers[writer_id] = merge_ranges([*writers.get(writer_id, ()), *ranges])

    def has(self, due: Due) -> bool:
        """Whether an alert is done."""
        if due.rule is not None:
            return due.mark in self.rules.get(due.rule, ())
        return not self.new_of(due.run_id, due.writer_id, [SeqRange(due.seq, due.seq)])

    def add(self, due: Due) -> None:
        """Done with this alert."""
        self.tried.pop(due.name, None)
        if due.rule is not None:
            self.rules.setdefault(due.rule, set()).add(due.mark)
        else:
            self.add_rows(due.run_id, due.writer_id, [SeqRange(due.seq, due.seq)])

    def told(self, due: Due) -> set[str]:
        """The webhooks that have this alert already."""
        tried = self.tried.get(due.name)
        return set() if tried is None else tried.told

    def try_like(self, other: "Marks", due: Due, now_s: float) -> Tried:
        """This alert is being told; goes on where this or `other` left off."""
        mine = self.tried.setdefault(due.name, Tried(since_s=now_s))
        if (before := other.tried.get(due.name)) is not None:
            mine.told |= before.told
            mine.since_s = min(mine.since_s, before.since_s)
        return mine

    def merge(self, other: "Marks", *, with_tried: bool = False) -> None:
        """Done with whatever `other` is done with."""
        for run_id, writers in other.rows.items():
            for writer_id, ranges in writers.items():
                self.add_rows(run_id, writer_id, ranges)
        for rule, marks in other.rules.items():
            self.rules.setdefault(rule, set()).update(marks)
        for name, tried in other.tried.items() if with_tried else ():
            mine = self.tried.setdefault(name, Tried(since_s=tried.since_s))
            mine.told |= tried.told
            mine.since_s = min(mine.since_s, tried.since_s)


def encode_marks(marks: Marks) -> bytes:
    """The bytes of the file."""
    rows = {
        run_id: {writer_id: _short(ranges) for writer_id, ranges in sorted(writers.items())}
        for run_id, writers in sorted(marks.rows.items())
    }
    said = {
        "format": FORMAT,
        "done": rows,
        "rules": {rule: sorted(found) for rule, found in sorted(marks.rules.items())},
        "tried": {
            name: {"since": tried.since_s, "told": sorted(tried.told)}
            for name, tried in sorted(marks.tried.items())
        },
    }
    return orjson.dumps(said)


def decode_marks(data: bytes) -> Marks:
    """What the file says.

    Raises:
        UnreadableFile: not such a file, or one of a newer format.
    """
    try:
        said = orjson.loads(data)
        if said["format"] > FORMAT:
            raise UnreadableFile(f"watermarks of format {said['format']}; this reads {FORMAT}")
        return Marks(
            rows={
                RunId(run_id): {WriterId(w): _long(ranges) for w, ranges in writers.items()}
                for run_id, writers in said["done"].items()
            },
            rules={rule: set(found) for rule, found in said["rules"].items()},
            tried=_tried(said["tried"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise UnreadableFile(f"not the watermarks of an evaluator: {exc!r}") from exc


def _short(ranges: Ranges) -> int | list[tuple[int, ...]]:
    is_whole = len(ranges) == 1 and ranges[0].first == 0
    return ranges[0].last if is_whole else [tuple(one) for one in ranges]


def _long(said: int | list[list[int]]) -> Ranges:
    if isinstance(said, int):
        return (SeqRange(0, said),)
    return merge_ranges(SeqRange(int(first), int(last)) for first, last in said)


def _tried(said: Mapping[str, Any]) -> dict[str, Tried]:
    return {
        name: Tried(since_s=float(one["since"]), told=set(one["told"]))
        for name, one in said.items()
    }
