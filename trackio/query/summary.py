"""Last, min, max, mean and count of each metric of a run, over what is visible of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trackio.model import WriterId
from trackio.query.attempts import Attempt, Line
from trackio.query.facts import Below, Tally
from trackio.query.lines import Writers
from trackio.query.said import Stats, WriterSaid, decode_value, show, split_value
from trackio.query.view import View
from trackio.values.definition import find_definition


@dataclass(slots=True)
class _Sum:
    """Points added up, those of a piece after those of the pieces before it."""

    count: int = 0
    finite: int = 0
    sum: float = 0.0
    min: float | None = None
    max: float | None = None
    last: Any = None
    step: int | None = None

    def add(self, tally: Tally, offset: int) -> None:
        self.count += tally.points + tally.others
        self.finite += tally.finite
        self.sum += tally.sum or 0.0
        self.min = min((n for n in (self.min, tally.min) if n is not None), default=None)
        self.max = max((n for n in (self.max, tally.max) if n is not None), default=None)
        self.last = decode_value(tally.last_value, tally.last_text)
        self.step = None if tally.last_step is None else tally.last_step + offset

    def stats(self) -> Stats:
        number, text = split_value(self.last)
        return Stats(
            last=number,
            text=text,
            min=self.min,
            max=self.max,
            mean=self.sum / self.finite if self.finite else None,
            count=self.count,
            step=self.step,
        )


def summarize(
    view: View, lines: Sequence[Line], heard: Iterable[WriterSaid], writers: Writers
) -> dict[str, Stats]:
    """The summary of a run.

    Of several lines the first that has a metric gives its last value, all of them its min,
    max, mean and count. What the user put there counts as the last value, and so does what
    `define_metric` chose.
    """
    said = {writer.writer_id: writer for writer in heard}
    of_lines = [_of_line(view, line, said, writers) for line in lines]
    summary = of_lines[0] if len(of_lines) == 1 else _merge(of_lines)
    for key, choice in _choices(said.values(), summary).items():
        if choice == "none":
            del summary[key]
        elif (chosen := getattr(summary[key], choice)) is not None:
            summary[key] = show(summary[key], chosen)
    for writer in said.values():
        for key, value in writer.shown.items():
            summary[key] = show(summary.get(key, Stats()), value)
    return summary


def _choices(heard: Iterable[WriterSaid], metrics: Iterable[str]) -> dict[str, str]:
    """Of each metric that is not summed up by its last value, what is."""
    defined = {key: said for writer in heard for key, said in writer.defined.items()}
    if not defined:
        return {}
    found = {key: find_definition(defined, key) for key in metrics}
    return {key: d.choice for key, d in found.items() if d is not None and d.choice != "last"}


def _of_line(
    view: View, line: Line, said: Mapping[WriterId, WriterSaid], writers: Writers
) -> dict[str, Stats]:
    """What a writer summed up itself is believed; where there is more to it, we count."""
    if len(line.attempts) == 1:
        writer = said[line.attempts[0].writer_id]
        if writer.finish is not None:
            return dict(writer.summary)
    sums: dict[str, _Sum] = {}
    for attempt in line.attempts:
        for tally in _visible(view, attempt, writers):
            sums.setdefault(tally.key, _Sum()).add(tally, attempt.offset)
    return {key: total.stats() for key, total in sums.items()}


def _visible(view: View, attempt: Attempt, writers: Writers) -> list[Tally]:
    """How the metrics of an attempt add up in each of its pieces, abandoned points left out."""
    pieces = writers[attempt.writer_id]
    found = view.tallies(pieces)
    kept: list[Tally | Below] = []
    for piece in pieces:
        for tally in found[piece]:
            cut = attempt.cuts.get(tally.key)
            if cut is None or tally.max_step is None or tally.max_step + attempt.offset < cut:
                kept.append(tally)
            else:
                kept.append(Below(piece, tally.key, cut - attempt.offset))
    below_cut = view.tallies_below(ask for ask in kept if isinstance(ask, Below))
    visible = (below_cut[part] if isinstance(part, Below) else part for part in kept)
    return [tally for tally in visible if tally is not None]


def _merge(of_lines: Iterable[Mapping[str, Stats]]) -> dict[str, Stats]:
    merged: dict[str, list[Stats]] = {}
    for line in of_lines:
        for key, stats in line.items():
            merged.setdefault(key, []).append(stats)
    return {key: _merge_stats(parts) for key, parts in merged.items()}


def _merge_stats(parts: Sequence[Stats]) -> Stats:
    count = sum(part.count for part in parts)
    means = [(part.mean, part.count) for part in parts if part.mean is not None]
    weight = sum(n for _, n in means)
    return Stats(
        last=parts[0].last,
        text=parts[0].text,
        step=parts[0].step,
        min=min((part.min for part in parts if part.min is not None), default=None),
        max=max((part.max for part in parts if part.max is not None), default=None),
        mean=sum(mean * n for mean, n in means) / weight if weight else None,
        count=count,
    )
