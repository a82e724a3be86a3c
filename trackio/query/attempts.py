"""Tell which writers of a run continue each other. Pure.

The rules are those of `docs/format.md`, Attempts. A line is what is drawn as one curve: one
writer, or several attempts one after the other.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from trackio.model import WriterId


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """When a writer lived, by its own clock, and what it said it continues."""

    writer_id: WriterId
    label: str | None
    start_s: float
    end_s: float
    resumed_from: tuple[WriterId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The largest step of a writer, whether any was given, and the first of each metric."""

    writer_id: WriterId
    max_step: int | None = None
    has_given: bool = False
    first_steps: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One writer's part of a line.

    `offset` is added to its steps. Of a metric in `cuts` the points at and beyond that step
    are abandoned: a later attempt has taken over.
    """

    writer_id: WriterId
    offset: int = 0
    cuts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Attempts that are drawn as one curve; `label` is empty where the run has one line."""

    label: str
    attempts: tuple[Attempt, ...]


def arrange(lives: Iterable[Life]) -> list[list[Life]]:
    """The writers of a run, put into lines: each writer follows one that had ended.

    Of several ended lines of its label a writer follows the one it resumed, else the first.
    """
    lines: list[list[Life]] = []
    for life in _in_order(lives):
        ended = [
            line
            for line in lines
            if line[-1].label == life.label and line[-1].end_s <= life.start_s
        ]
        resumed = [line for line in ended if line[-1].writer_id in life.resumed_from]
        if ended:
            (resumed or ended)[0].append(life)
        else:
            lines.append([life])
    return lines


def name_lines(labels: Sequence[str | None]) -> list[str]:
    """A name for each line, none alike: its label, or its place among the lines of the run."""
    if len(labels) == 1:
        return [""]
    counts = Counter(labels)
    names = []
    for place, label in enumerate(labels, start=1):
        if label is None:
            names.append(f"writer {place}")
        elif counts[label] == 1:
            names.append(label)
        else:
            names.append(f"{label} (writer {place})")
    return names


def continue_line(extents: Sequence[Extent]) -> tuple[Attempt, ...]:
    """Where each attempt of a line counts on from, and which of its points are abandoned.

    An attempt that gave any step knows where it is and is taken at its word; the others
    count on from where the attempts before them ended.
    """
    offsets = _offsets(extents)
    attempts: list[Attempt] = []
    cuts: dict[str, int] = {}
    for extent, offset in zip(reversed(extents), reversed(offsets), strict=True):
        mine = {key: cuts[key] for key in extent.first_steps if key in cuts}
        attempts.append(Attempt(writer_id=extent.writer_id, offset=offset, cuts=mine))
        for key, step in extent.first_steps.items():
            cuts[key] = min(step + offset, cuts.get(key, step + offset))
    return tuple(reversed(attempts))


def _offsets(extents: Sequence[Extent]) -> list[int]:
    offsets = []
    end = 0
    for extent in extents:
        offset = 0 if extent.has_given else end
        offsets.append(offset)
        if extent.max_step is not None:
            end = max(end, extent.max_step + offset + 1)
    return offsets


def _in_order(lives: Iterable[Life]) -> list[Life]:
    """By id, but never before one that it resumed from."""
    by_id = {life.writer_id: life for life in sorted(lives, key=lambda life: life.writer_id)}
    seen: set[WriterId] = set()
    ordered: list[Life] = []

    def place(life: Life) -> None:
        if life.writer_id in seen:
            return
        seen.add(life.writer_id)
        for earlier in life.resumed_from:
            if earlier in by_id:
                place(by_id[earlier])
        ordered.append(life)

    for life in by_id.values():
        place(life)
    return ordered
