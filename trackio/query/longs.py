"""Buckets of long series, section by section: what lies inside a window was summed up before.

A run is read so if a large file holds a long stretch of one of the series that are asked for. Which
way is taken, and in which order numbers are added, follows from the files and the question alone,
so that equal questions have equal answers, whatever was asked before.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from trackio import overview
from trackio.model import RunId
from trackio.query.attempts import Line
from trackio.query.digests import Columns, Scale
from trackio.query.needs import Need
from trackio.query.parts import Limits, Part, PartReader, in_line, part_of, part_of_points
from trackio.query.pieces import Piece
from trackio.query.points import NO_STEP, Places, SeriesName, Window, read_blocks, x_of
from trackio.query.sections import Index, Name
from trackio.query.summed import Summed, nothing
from trackio.query.view import View

Spans = list[tuple[str, int, int]]
"""The key of each series, its first and its last x, in the unit of its buckets."""


def find_long(
    view: View, lines: Mapping[RunId, Sequence[Line]], keys: Sequence[str], kind: str
) -> frozenset[RunId]:
    """The runs of which a large file holds a long stretch of one of these series."""
    need = Need(kinds=[kind], keys=keys)
    large = view.large(view.pieces(lines), need, view.digests.policy.large_rows)
    if not large:
        return frozenset()

    def look(indexes: Mapping[str, Index]) -> frozenset[RunId]:
        rows: Counter[tuple[RunId, str]] = Counter()
        for piece in large:
            own = indexes[piece.key].own
            for key in keys:
                sections = own.get(_name(piece, kind, key), ())
                rows[piece.run_id, key] += sum(section.rows for section in sections)
        enough = view.digests.policy.long_rows
        return frozenset(run_id for (run_id, _), count in rows.items() if count >= enough)

    return view.digest(large, need, look)


def read_long(
    view: View,
    lines: Mapping[RunId, Sequence[Line]],
    keys: Sequence[str],
    kind: str,
    *,
    window: Window,
    choose: Callable[[Spans], Mapping[str, int]],
) -> Summed:
    """The buckets of these series; `choose` says how wide those of a key are, given all spans."""
    need = Need(kinds=[kind], keys=keys)
    pieces = view.pieces(lines)
    large = view.large(pieces, need, view.digests.policy.indexed_rows)
    is_large = frozenset(large)
    parts = _Parts(Places(lines, list(dict.fromkeys(keys))), kind, window)
    parts.add_small(view, [piece for piece in pieces if piece not in is_large])

    def read(indexes: Mapping[str, Index]) -> Summed:
        parts.add_large(large, indexes)
        metadata = {path: m for index in indexes.values() for path, m in index.metadata.items()}
        return parts.read(PartReader(view.digests, metadata), choose)

    return view.digest(large, need, read)


class _Parts:
    """The parts of each series, by the number of the series."""

    def __init__(self, places: Places, kind: str, window: Window) -> None:
        self._places = places
        self._kind = kind
        self._window = window
        self._parts: defaultdict[int, list[Part]] = defaultdict(list)

    def add_small(self, view: View, pieces: Sequence[Piece]) -> None:
        """Read the points of files that are not large."""
        if not pieces:
            return
        axis = self._window.axis
        query = "points_by_step" if axis == "step" else "points"
        rows = read_blocks(view, pieces, self._places, self._kind, self._window, query=query)
        x, starts = x_of(rows, self._places, axis), rows.starts.tolist()
        has_x = x != NO_STEP
        for i, start in enumerate(starts):
            here = np.arange(start, start + int(rows.size[i]))[has_x[start : start + rows.size[i]]]
            if len(here):
                number = int(rows.series[i])
                order = int(rows.attempt[i]), int(rows.seq[start])
                points = x[here], rows.value[here]
                self._parts[number].append(part_of_points(order, self._scale(number, 0), points))

    def add_large(self, pieces: Iterable[Piece], indexes: Mapping[str, Index]) -> None:
        """Find the sections of large files."""
        for piece in pieces:
            line, place, attempt = self._places.of_writer[piece.run_id, piece.writer_id]
            for at, key in enumerate(self._places.keys):
                number = line * len(self._places.keys) + at
                scale = self._scale(number, attempt.offset)
                limits = Limits.of(piece, attempt, key, self._window)
                for section in indexes[piece.key].find(_name(piece, self._kind, key)):
                    part = part_of(section, place, scale, limits)
                    if part is not None:
                        self._parts[number].append(part)

    def read(self, reader: PartReader, choose: Callable[[Spans], Mapping[str, int]]) -> Summed:
        """All buckets, in the order of the series."""
        lines = {number: in_line(self._parts[number]) for number in sorted(self._parts)}
        spans = {number: self._span(reader, number, line) for number, line in lines.items()}
        known = {number: span for number, span in spans.items() if span is not None}
        shifts = choose(list(known.values()))
        reader.prepare((part, shifts[known[n][0]]) for n in known for part in lines[n])
        return _summed(
            {
                self._places.name(number): [
                    reader.buckets(part, shifts[key]) for part in lines[number]
                ]
                for number, (key, _, _) in known.items()
            }
        )

    def _span(
        self, reader: PartReader, number: int, line: Sequence[Part]
    ) -> tuple[str, int, int] | None:
        low, high = reader.first_x(line), reader.last_x(line)
        if low is None or high is None:
            return None
        unit = self._scale(number, 0).unit
        return self._places.name(number).key, unit(low), unit(high)

    def _scale(self, number: int, offset: int) -> Scale:
        if self._window.axis == "step":
            return Scale(True, offset)
        line = number // len(self._places.keys)
        start_us = int(self._places.starts_us[line]) if self._window.axis == "relative" else 0
        return Scale(False, -start_us)


def _name(piece: Piece, kind: str, key: str) -> Name:
    return Name(kind, key, piece.run_id, piece.writer_id)


def _summed(found: Mapping[SeriesName, Sequence[tuple[int, Columns]]]) -> Summed:
    """The buckets of all parts, series by series."""
    parts = [part for line in found.values() for part in line]
    if not parts:
        return nothing()
    sizes = [len(columns["bucket"]) for _, columns in parts]
    of_series = [sum(len(columns["bucket"]) for _, columns in line) for line in found.values()]
    return Summed(
        names=tuple(found),
        bounds=np.append(0, np.cumsum(of_series)),
        shift=np.repeat([shift for shift, _ in parts], sizes),
        columns={
            name: np.concatenate([columns[name] for _, columns in parts])
            for name in overview.BUCKETS
        },
    )
