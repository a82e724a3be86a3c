"""Read the folders of the very first Trackio: `<project>/<run>/run.csv` and `config.json`.

They hold neither times nor steps; an empty cell is a metric that the row did not have.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from trackio.upkeep.migrate.legacy import CONFIGS, METRICS, Damage, Row, Shape

_BATCH: Final = 2048
_WORDS: Final[Mapping[str, Any]] = {"True": True, "False": False, "None": None}


class CsvRuns:
    """The runs of one project folder, as if they were its database."""

    def __init__(self, runs: Mapping[str, Path], *, path: str, stem: str) -> None:
        self.path = path
        self.stem = stem
        self.damage: list[Damage] = []
        self.tables = {
            METRICS: Shape(columns=("run_name", "metrics")),
            CONFIGS: Shape(columns=("run_name", "config")),
        }
        self._runs = dict(sorted(runs.items()))

    def close(self) -> None:
        """There is nothing to close."""

    def owners(self, table: str) -> Iterator[list[Row]]:
        """As `rows`."""
        for batch in self.rows(table):
            yield [row[:5] for row in batch]

    def rows(self, table: str) -> Iterator[list[Row]]:
        """The rows of all runs, run by run."""
        for name, folder in self._runs.items():
            read = self._lines(folder) if table == METRICS else self._config(folder)
            batch: list[Row] = []
            for place, body in enumerate(read, 1):
                batch.append((place, None, None, name, None, None, None, None, body))
                if len(batch) == _BATCH:
                    yield batch
                    batch = []
            if batch:
                yield batch

    def objects(self, table: str) -> Iterator[dict[str, Any]]:
        """There is no other table."""
        yield from ()

    def _lines(self, folder: Path) -> Iterator[dict[str, Any]]:
        done = 0
        try:
            with (folder / "run.csv").open(encoding="utf-8", newline="") as file:
                for cells in csv.DictReader(file):
                    done += 1
                    yield {key: _value(text) for key, text in cells.items() if key and text}
        except (OSError, UnicodeDecodeError, csv.Error) as exc:
            damage = Damage(table=METRICS, first=done + 1, last=done + 1, reason=str(exc))
            if damage not in self.damage:
                self.damage.append(damage)

    def _config(self, folder: Path) -> Iterator[bytes]:
        file = folder / "config.json"
        if file.exists():
            yield file.read_bytes()


def _value(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
