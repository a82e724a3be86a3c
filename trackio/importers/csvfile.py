"""A run in a CSV file: a row is a `log` call, a column a metric. Writes nothing itself.

Names stay as they are. One column may say the step and one the time; without a step rows are
counted. Empty cells hold nothing; numbers, "nan", "inf", bools and texts come over as such.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from hashlib import file_digest
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from trackio.errors import InvalidInput
from trackio.importers.feed import Feed
from trackio.importers.found import About, plain_config
from trackio.upkeep.migrate.moments import parse_moment
from trackio.upkeep.migrate.names import derive_run_id

STEPS: Final = ("step", "Step", "_step", "global_step", "Global Step")
TIMES: Final = ("timestamp", "Timestamp", "_timestamp", "time", "Time", "wall_time", "Wall time")
_BLOCK_BYTES: Final = 4 << 20
_MAX_MS: Final = 1e11
"""Larger numbers are milliseconds."""


class CsvRun:
    """The run of one CSV file.

    Args:
        path: the file.
        project: the project that it will be of.
        name: what it is called; the name of the file unless said.
        step: the column of steps; found by its usual names.
        time: the column of times, likewise: seconds or milliseconds since 1970, or ISO 8601,
            in UTC where no zone is said.
        config: hyper-parameters, which a CSV file does not have.

    Raises:
        InvalidInput: there is no such file or column, or it is no CSV.
    """

    def __init__(
        self,
        path: Path,
        project: str,
        name: str | None = None,
        *,
        step: str | None = None,
        time: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self._path = path.expanduser().resolve()
        if not self._path.is_file():
            raise InvalidInput(f"there is no file {self._path}")
        self._columns = self._header()
        self._step = self._find(step, STEPS)
        self._time = self._find(time, TIMES)
        name = name or self._path.stem
        with self._path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        self.about = About(
            tracker="csv",
            path=self._path.name,
            project=project,
            run_id=derive_run_id("csv", project, name),
            name=name,
            identity=("csv", project, name),
            state=digest,
            created_us=self._first_time_us(),
            config=plain_config(config or {}),
            origin={"sha256": digest, "columns": self._columns},
        )

    def feed(self, feed: Feed) -> None:
        """Every row."""
        place = 0
        others = [name for name in self._columns if name not in (self._step, self._time)]
        last_us = self.about.created_us
        for block in self._blocks():
            times = self._times(block, last_us)
            steps = self._steps(block, place)
            columns = [(name, *_values(block.column(name))) for name in others]
            for at, (time_us, step) in enumerate(zip(times, steps, strict=True)):
                if step is None and self._step is not None:
                    cells = sum(values[at] is not None for _, values, _ in columns)
                    feed.quarantine(f"row {place + at + 2}", "its step is no number", rows=cells)
                else:
                    self._feed_row(feed, columns, at, time_us, step)
            if times:
                last_us = times[-1]
            place += block.num_rows

    def _feed_row(
        self,
        feed: Feed,
        columns: Sequence[tuple[str, Sequence[Any], bool]],
        at: int,
        time_us: int,
        step: int | None,
    ) -> None:
        data = {name: cell for name, values, _ in columns if (cell := values[at]) is not None}
        is_plain = all(is_number or values[at] is None for _, values, is_number in columns)
        is_auto = self._step is None
        if not is_plain:
            feed.log(time_us, step, data, auto=is_auto)
        elif is_auto:
            feed.counted(time_us, step or 0, data)
        else:
            feed.numbers(time_us, step, data)

    def _header(self) -> list[str]:
        """The names of the columns.

        Raises:
            InvalidInput: there are none, or two are alike.
        """
        try:
            with pv.open_csv(self._path, convert_options=pv.ConvertOptions(column_types={})) as csv:
                names = list(csv.schema.names)
        except (pa.ArrowInvalid, UnicodeDecodeError) as exc:
            raise InvalidInput(f"{self._path} cannot be read as CSV: {exc}") from exc
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InvalidInput(f"{self._path} has several columns {twice}: give each its own name")
        return names

    def _find(self, given: str | None, usual: Sequence[str]) -> str | None:
        if given is not None and given not in self._columns:
            listed = ", ".join(self._columns[:20])
            raise InvalidInput(f"{self._path} has no column {given!r}; there are: {listed}")
        return given or next((name for name in usual if name in self._columns), None)

    def _blocks(self) -> Iterator[pa.RecordBatch]:
        """The cells as texts, null where empty.

        Raises:
            InvalidInput: a row has more or fewer cells than the header.
        """
        convert = pv.ConvertOptions(
            column_types=dict.fromkeys(self._columns, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        )
        read = pv.ReadOptions(block_size=_BLOCK_BYTES)
        parse = pv.ParseOptions(newlines_in_values=True)
        try:
            with pv.open_csv(self._path, read, parse, convert) as csv:
                yield from csv
        except pa.ArrowInvalid as exc:
            raise InvalidInput(f"{self._path} cannot be read as CSV: {exc}") from exc

    def _first_time_us(self) -> int:
        fallback = int(self._path.stat().st_mtime_ns // 1000)
        for block in self._blocks():
            return next(iter(self._times(block, fallback)), fallback)
        return fallback

    def _times(self, block: pa.RecordBatch, before_us: int) -> list[int]:
        """When each row was; a row without a time has that of the one before it."""
        if self._time is None:
            return [before_us] * block.num_rows
        times = []
        for cell in block.column(self._time).to_pylist():
            before_us = _time_us(cell, before_us)
            times.append(before_us)
        return times

    def _steps(self, block: pa.RecordBatch, place: int) -> list[int | None]:
        if self._step is None:
            return list(range(place, place + block.num_rows))
        return [_whole(cell) for cell in _values(block.column(self._step))[0]]


def _time_us(cell: str | None, before_us: int) -> int:
    if cell is None:
        return before_us
    try:
        number = float(cell)
    except ValueError:
        found = parse_moment(cell, is_utc=True, zone=UTC, is_known=True).time_us
    else:
        seconds = number / 1000 if number > _MAX_MS else number
        found = round(seconds * 1e6) if 0 <= seconds < _MAX_MS else None
    return before_us if found is None else found


def _whole(cell: Any) -> int | None:
    """A step: an integer, or a number that is one."""
    if isinstance(cell, int):
        return cell
    return int(cell) if isinstance(cell, float) and cell.is_integer() else None


def _values(column: pa.Array) -> tuple[list[Any], bool]:
    """The cells of a column as values, and whether all are numbers."""
    for kind in (pa.int64(), pa.float64()):
        try:
            numbers = pc.cast(column, kind)
        except pa.ArrowInvalid:
            continue
        if kind == pa.int64() or not _has_large(numbers):
            return numbers.to_pylist(), True
    return [None if cell is None else _value(cell) for cell in column.to_pylist()], False


def _has_large(numbers: pa.Array) -> bool:
    """Whether one may be an integer that a double cannot hold."""
    return bool(
        pc.any(pc.and_(pc.is_finite(numbers), pc.greater_equal(pc.abs(numbers), 2.0**53))).as_py()
    )


def _value(cell: str) -> Any:
    text = cell.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return cell
