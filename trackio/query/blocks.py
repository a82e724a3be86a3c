"""Points of many series in blocks, and how to bring them into order. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trackio import arrays

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]
NO_STEP: Final = int(np.iinfo(np.int64).min)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Points in blocks: `size[i]` rows of one series of one attempt, then those of the next."""

    series: Ints
    attempt: Ints
    size: Ints
    seq: Ints
    step: Ints
    value: Floats
    time_us: Ints | None
    text: Texts | None

    @property
    def starts(self) -> Ints:
        """Where each block begins."""
        return np.cumsum(self.size) - self.size

    def per_row(self, of_block: Ints) -> Ints:
        """What is said of each block, for each of its rows."""
        return np.repeat(of_block, self.size)

    def only(self, which: Bools) -> "Blocks":
        """The rows that are picked, and the blocks that are left."""
        ends = np.cumsum(self.size)
        size = np.diff(np.append(0, np.cumsum(which))[ends], prepend=0)
        left = size > 0
        return replace(
            self.pick(which), series=self.series[left], attempt=self.attempt[left], size=size[left]
        )

    def take(self, blocks: Ints) -> "Blocks":
        """The blocks in this order."""
        size = self.size[blocks]
        shift = self.starts[blocks] - (np.cumsum(size) - size)
        order = np.arange(len(self.seq)) + np.repeat(shift, size)
        return replace(
            self.pick(order), series=self.series[blocks], attempt=self.attempt[blocks], size=size
        )

    def pick(self, which: Ints | Bools) -> "Blocks":
        """These rows; what the blocks are is left as it was."""
        return replace(
            self,
            seq=self.seq[which],
            step=self.step[which],
            value=self.value[which],
            time_us=None if self.time_us is None else self.time_us[which],
            text=None if self.text is None else self.text[which],
        )


def join(parts: Sequence[Blocks]) -> Blocks:
    """The blocks of all parts, one part after the other; at least one part."""
    if len(parts) == 1:
        return parts[0]
    times = [part.time_us for part in parts if part.time_us is not None]
    texts = [np.full(len(p.seq), None, object) if p.text is None else p.text for p in parts]
    return Blocks(
        series=np.concatenate([part.series for part in parts]),
        attempt=np.concatenate([part.attempt for part in parts]),
        size=np.concatenate([part.size for part in parts]),
        seq=np.concatenate([part.seq for part in parts]),
        step=np.concatenate([part.step for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        time_us=np.concatenate(times) if times else None,
        text=np.concatenate(texts),
    )


def in_order(rows: Blocks) -> Blocks:
    """The blocks by series, attempt and seq: nearly always that sorts the rows too."""
    first_seq = rows.seq[rows.starts]
    order = np.lexsort((first_seq, rows.attempt, rows.series))
    is_sorted = np.array_equal(order, np.arange(len(order)))
    return rows if is_sorted else rows.take(order)


def order_of(rows: Blocks, x: Ints) -> Ints | None:
    """What sorts ordered blocks by series, x, attempt and seq; None if their rows are sorted."""
    series_starts = rows.starts[1:][rows.series[1:] != rows.series[:-1]]
    falls = x[1:] < x[:-1]
    ties = x[1:] == x[:-1]
    if ties.any():
        falls |= ties & (rows.seq[1:] < rows.seq[:-1])
    falls[series_starts - 1] = False
    if not falls.any():
        return None
    return _lexsort(rows.seq, rows.per_row(rows.attempt), x, rows.per_row(rows.series))


def _lexsort(*columns: Ints) -> Ints:
    order: Ints = np.lexsort(columns)
    return order


def texts_of(table: pa.Table) -> Texts | None:
    """The texts, if there are any."""
    if "text" not in table.column_names or table.column("text").null_count == len(table):
        return None
    return np.array(table.column("text").to_pylist(), object)


def ints_of(table: pa.Table, name: str) -> Ints:
    """A column of integers or times; `NO_STEP` where it is null."""
    column = table.column(name).cast(pa.int64())
    nulls = arrays.nulls(column)
    numbers: Ints = arrays.to_numpy(column)
    return numbers if nulls is None else np.where(nulls, NO_STEP, numbers)


def floats_of(table: pa.Table, name: str) -> Floats:
    """A column of doubles; NaN where it is null."""
    column = table.column(name)
    nulls = arrays.nulls(column)
    numbers: Floats = arrays.to_numpy(column)
    return numbers if nulls is None else np.where(nulls, np.nan, numbers)
