"""Tables: columns of plain values and of media, from rows or a DataFrame. Imports no pandas."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar

from trackio.values.plain import UnstorableError
from trackio.values.rich import Hold, Rich, refer_inside


class Table(Rich):
    """Rows under named columns; a cell may be a number, a text, a medium or a list of media.

    Args:
        columns: the names of the columns; without them `data` says them, or they are counted.
        data: rows: lists of cells, dicts by column, or a DataFrame.
        dataframe: a DataFrame, instead.
        rows: as `data`, which comes first.
        optional, allow_mixed_types, dtype, log_mode: accepted for wandb's sake; any cell may
            be empty, and columns may mix types.
    """

    TYPE: ClassVar[str] = "trackio.table"
    BRIEF: ClassVar[tuple[str, ...]] = ("_type", "columns", "rows")

    def __init__(  # noqa: PLR0917 - the released Trackio has them in this order
        self,
        columns: Sequence[Any] | None = None,
        data: Any = None,
        dataframe: Any = None,
        rows: Any = None,
        optional: Any = True,
        allow_mixed_types: bool = False,
        log_mode: str | None = "IMMUTABLE",
        *,
        dtype: Any = None,
    ) -> None:
        del optional, allow_mixed_types, log_mode, dtype
        given = next((one for one in (dataframe, data, rows) if one is not None), ())
        self.columns: list[str] = [] if columns is None else [str(name) for name in columns]
        self.data: list[list[Any]] = []
        if hasattr(given, "columns") and not isinstance(given, Table):
            self.columns, self.data = _from_frame(given)
        elif isinstance(given, Table):
            self.columns, self.data = list(given.columns), [list(row) for row in given.data]
        else:
            for row in given:
                self.add_data(*([row] if isinstance(row, Mapping) else _cells(row)))

    def __len__(self) -> int:
        return len(self.data)

    def add_data(self, *cells: Any) -> None:
        """One more row, a cell a column; or a dict by column."""
        if len(cells) == 1 and isinstance(cells[0], Mapping):
            named = {str(name): cell for name, cell in cells[0].items()}
            for name in named:
                if name not in self.columns:
                    self._widen(name)
            cells = tuple(named.get(name) for name in self.columns)
        for place in range(len(self.columns), len(cells)):
            self._widen(str(place))
        self.data.append([*cells, *[None] * (len(self.columns) - len(cells))])

    add_row = add_data

    def add_column(self, name: str, data: Iterable[Any], optional: bool = False) -> None:
        """One more column, a cell a row.

        Raises:
            ValueError: there is such a column, or there are more or fewer cells than rows.
        """
        del optional
        cells = _cells(data)
        if name in self.columns:
            raise ValueError(f"there is a column {name!r} already")
        if self.columns and len(cells) != len(self.data):
            raise ValueError(f"{len(cells)} cells for {len(self.data)} rows")
        rows = self.data if self.columns else [[] for _ in cells]
        self.data = [[*row, cell] for row, cell in zip(rows, cells, strict=True)]
        self.columns.append(str(name))

    def get_column(self, name: str, convert_to: str | None = None) -> Any:
        """The cells of a column, as a list, or with `convert_to="numpy"` as an array.

        Raises:
            KeyError: there is no such column.
        """
        if name not in self.columns:
            raise KeyError(f"there is no column {name!r}; there are {', '.join(self.columns)}")
        place = self.columns.index(name)
        cells = [row[place] for row in self.data]
        if convert_to != "numpy":
            return cells
        import numpy as np

        return np.array(cells)

    def iterrows(self) -> Iterator[tuple[int, list[Any]]]:
        """Each row with its place."""
        yield from enumerate(self.data)

    def get_dataframe(self) -> Any:
        """All of it as a pandas DataFrame."""
        # Logging never imports pandas; whoever asks for a DataFrame wants it.
        return import_module("pandas").DataFrame(self.data, columns=self.columns)

    def encode(self, hold: Hold) -> dict[str, Any]:
        """Its columns, how many rows it has, and the rows, each by column."""
        if len(set(self.columns)) < len(self.columns):
            raise UnstorableError(f"two columns have one name: {', '.join(self.columns)}")
        cells = (refer_inside([_plain(cell) for cell in row], hold) for row in self.data)
        rows = [dict(zip(self.columns, row, strict=True)) for row in cells]
        return {"columns": self.columns, "rows": len(rows), "_value": rows}

    def _widen(self, name: str) -> None:
        self.columns.append(name)
        for row in self.data:
            row.append(None)


def _cells(row: Any) -> list[Any]:
    if isinstance(row, str | bytes) or not isinstance(row, Iterable):
        return [row]
    return list(row)


def _from_frame(frame: Any) -> tuple[list[str], list[list[Any]]]:
    """A frame of pandas, Polars or whatever has columns and rows."""
    columns = [str(name) for name in frame.columns]
    if callable(rows := getattr(frame, "iter_rows", None)):
        return columns, [list(row) for row in rows()]
    if callable(tuples := getattr(frame, "itertuples", None)):
        return columns, [list(row) for row in tuples(index=False, name=None)]
    raise UnstorableError(f"a {type(frame).__name__} is no table that can be read")


def _plain(cell: Any) -> Any:
    """An array as a list, a missing value as none; anything else is as it is."""
    if hasattr(cell, "tolist") and getattr(cell, "shape", None):
        return cell.tolist()
    if type(cell).__name__ in ("NAType", "NaTType"):
        return None
    return cell
