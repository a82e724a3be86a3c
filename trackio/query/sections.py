"""Where the rows of a series stand in large files. Knows row groups; knows no cover and no buckets.

A file is sorted by kind, key, run, writer and seq. So a long series has row groups of its own, of
which the footer tells everything but the values, and at either end shares one with its neighbours.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trackio import arrays
from trackio.query.blocks import NO_STEP, Bools, Floats, Ints, floats_of, ints_of
from trackio.rows import cut_by_series

_NAMES: Final = ("kind", "key", "run_id", "writer_id")
_NUMBERS: Final = ("seq", "step", "time")
Span = tuple[Any, Any]


class Name(NamedTuple):
    """Whose rows they are."""

    kind: str
    key: str
    run_id: str
    writer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Neighbouring rows of one series of one writer, all in one row group.

    The spans hold the least and the greatest; `steps` is None where no row has one. A plain
    section has a step and a number in every row.
    """

    path: str
    group: int
    begin: int
    end: int
    seqs: Span
    steps: Span | None
    times_us: Span
    is_plain: bool

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.end - self.begin


class Rows(NamedTuple):
    """The rows of a section that are numbers; what was not asked for is None."""

    seq: Ints | None
    step: Ints | None
    time_us: Ints | None
    value: Floats

    def only(self, which: Bools) -> "Rows":
        """Those that are picked."""
        seq, step, time_us = (
            None if column is None else column[which]
            for column in (self.seq, self.step, self.time_us)
        )
        return Rows(seq, step, time_us, self.value[which])


@dataclass(frozen=True, slots=True)
class _Group:
    """A row group that several series share."""

    path: str
    number: int
    spans: Sequence[Span | None]

    def may_hold(self, name: Name) -> bool:
        return all(
            span is None or span[0] <= part <= span[1]
            for span, part in zip(self.spans, name, strict=True)
        )


@dataclass(slots=True)
class Index:
    """The sections of one file, or of its parts. Ends of series are read when they are met."""

    metadata: dict[str, pq.FileMetaData] = field(default_factory=dict)
    own: defaultdict[Name, list[Section]] = field(default_factory=lambda: defaultdict(list))
    _shared: list[_Group] = field(default_factory=list)
    _ends: dict[tuple[str, int], Mapping[Name, Section]] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterable[str]) -> "Index":
        """What the footers of these files tell.

        Raises:
            OSError, pa.ArrowException: one of them cannot be read.
        """
        index = cls()
        for path in paths:
            metadata = pq.ParquetFile(path, pre_buffer=False).metadata
            index.metadata[path] = metadata
            places = {metadata.schema.column(i).name: i for i in range(metadata.num_columns)}
            for number in range(metadata.num_row_groups):
                index._add(path, number, metadata.row_group(number), places)
        return index

    def find(self, name: Name) -> list[Section]:
        """The sections of one series, by seq; raises as `of`."""
        shared = [group for group in self._shared if group.may_hold(name)]
        ends = (self._read_shared(group).get(name) for group in shared)
        found = [*self.own.get(name, ()), *(end for end in ends if end is not None)]
        return sorted(found, key=lambda section: section.seqs)

    def _add(self, path: str, number: int, group: Any, places: Mapping[str, int]) -> None:
        told = {name: group.column(places[name]).statistics for name in (*_NAMES, *_NUMBERS)}
        spans = [_text_span(told[name]) for name in _NAMES]
        whose = [span[0] for span in spans if span is not None and span[0] == span[1]]
        seqs, steps, times_us = (_span(told[name]) for name in _NUMBERS)
        has_steps = steps is not None or _is_empty(told["step"], group.num_rows)
        if len(whose) < len(_NAMES) or seqs is None or times_us is None or not has_steps:
            self._shared.append(_Group(path, number, spans))
            return
        value = group.column(places["value"]).statistics
        section = Section(
            path=path,
            group=number,
            begin=0,
            end=group.num_rows,
            seqs=seqs,
            steps=steps,
            times_us=times_us,
            is_plain=_has_no_null(value) and _has_no_null(told["step"]),
        )
        self.own[Name(*whose)].append(section)

    def _read_shared(self, group: _Group) -> Mapping[Name, Section]:
        """What a row group holds of each of its series."""
        known = self._ends.get((group.path, group.number))
        if known is None:
            file = pq.ParquetFile(
                group.path,
                metadata=self.metadata[group.path],
                read_dictionary=list(_NAMES),
                pre_buffer=False,
            )
            columns = [*_NAMES, *_NUMBERS, "value"]
            table = file.read_row_group(group.number, columns=columns, use_threads=False)
            known = dict(_cut(group, table))
            self._ends[group.path, group.number] = known
        return known


class SectionReader:
    """Reads sections, keeping the last file open. For one thread."""

    def __init__(self, metadata: Mapping[str, pq.FileMetaData]) -> None:
        self._metadata = metadata
        self._open: tuple[str, pq.ParquetFile] | None = None

    def read(self, section: Section, columns: Iterable[str]) -> Rows:
        """Those rows that are numbers: true is 1, false 0; a missing step is `NO_STEP`.

        Raises:
            OSError, pa.ArrowException: the file cannot be read.
        """
        wanted = [*columns, "value"]
        table = self._table(section, wanted)
        value = table.column("value")
        found = Rows(
            seq=ints_of(table, "seq") if "seq" in wanted else None,
            step=ints_of(table, "step") if "step" in wanted else None,
            time_us=ints_of(table, "time") if "time" in wanted else None,
            value=floats_of(table, "value"),
        )
        if not value.null_count:
            return found
        text = self._table(section, ["text"]).column("text")
        is_true, is_false = (
            arrays.to_numpy(pc.fill_null(pc.equal(text, said), False)) for said in ("true", "false")
        )
        is_number = ~arrays.to_numpy(value.is_null())
        numbers = np.where(is_number, found.value, is_true.astype(np.float64))
        return found._replace(value=numbers).only(is_number | is_true | is_false)

    def _table(self, section: Section, columns: Sequence[str]) -> pa.Table:
        if self._open is None or self._open[0] != section.path:
            metadata = self._metadata.get(section.path)
            file = pq.ParquetFile(section.path, metadata=metadata, pre_buffer=False)
            self._open = section.path, file
        table = self._open[1].read_row_group(section.group, columns=columns, use_threads=False)
        return table.slice(section.begin, section.rows)


def _cut(group: _Group, table: pa.Table) -> Iterator[tuple[Name, Section]]:
    """The sections of a row group that several series share."""
    begin = 0
    for (_, *name), mine in cut_by_series(table):
        seq, step, time_us = (ints_of(mine, column) for column in _NUMBERS)
        steps = step[step != NO_STEP]
        end = begin + mine.num_rows
        yield (
            Name(*name),
            Section(
                path=group.path,
                group=group.number,
                begin=begin,
                end=end,
                seqs=_ends(seq),
                steps=_ends(steps) if len(steps) else None,
                times_us=_ends(time_us),
                is_plain=len(steps) == len(step) and not mine.column("value").null_count,
            ),
        )
        begin = end


def _ends(numbers: Ints) -> Span:
    return int(numbers.min()), int(numbers.max())


def _span(statistics: Any) -> Span | None:
    if statistics is None or not statistics.has_min_max:
        return None
    return statistics.min_raw, statistics.max_raw


def _text_span(statistics: Any) -> Span | None:
    span = _span(statistics)
    try:
        return None if span is None else (span[0].decode(), span[1].decode())
    except UnicodeDecodeError:
        return None


def _has_no_null(statistics: Any) -> bool:
    return statistics is not None and statistics.has_null_count and statistics.null_count == 0


def _is_empty(statistics: Any, rows: int) -> bool:
    return statistics is not None and statistics.has_null_count and statistics.null_count == rows
