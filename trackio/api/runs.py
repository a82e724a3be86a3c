"""Some runs of a project, read when they are first looked at."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

from trackio.api.run import Run
from trackio.errors import InvalidInput


class Runs(Sequence[Run]):
    """Runs that are read when they are first looked at."""

    def __init__(self, load: Callable[[], list[Run]], per_page: int) -> None:
        if per_page < 1:
            raise InvalidInput(f"per_page must be 1 or more, not {per_page}")
        self._load = load
        self._per_page = per_page
        self._runs: list[Run] | None = None

    def __repr__(self) -> str:
        return "Runs(not read yet)" if self._runs is None else f"Runs({len(self._runs)})"

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Run]:
        return iter(self._all())

    if TYPE_CHECKING:  # `typing` would hold this module, and so DuckDB's, beyond its end

        @overload
        def __getitem__(self, index: int) -> Run: ...
        @overload
        def __getitem__(self, index: slice) -> list[Run]: ...

    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        return self._all()[index]

    def pages(self) -> Iterator[list[Run]]:
        """The runs, `per_page` at a time."""
        runs = self._all()
        for start in range(0, len(runs), self._per_page):
            yield runs[start : start + self._per_page]

    def _all(self) -> list[Run]:
        if self._runs is None:
            self._runs = self._load()
        return self._runs
