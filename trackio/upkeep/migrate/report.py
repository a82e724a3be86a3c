"""What a migration came to: every file, every row, every difference. Values only.

A row that was read is written, kept (in a table under `legacy/`, because no row has room for
it), a duplicate by its id, quarantined, or left out because somebody said so (its run was
deleted in the new store, its project was not asked for); `holds` says that this is all.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from trackio.upkeep.migrate.tally import Figures

Disposition = Literal["migrated", "copied", "derived", "quarantined", "foreign"]
Outcome = Literal["migrated", "as before", "changed since", "deleted there"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file of the source."""

    path: str
    size_bytes: int
    disposition: Disposition
    note: str = ""


@dataclass(slots=True, kw_only=True)
class TableReport:
    """What became of the rows of one table; `expected` is what the source itself counted."""

    source: str
    table: str
    read: int = 0
    written: int = 0
    kept: int = 0
    duplicates: int = 0
    quarantined: int = 0
    left_out: int = 0
    expected: int | None = None

    @property
    def holds(self) -> bool:
        """Whether every row is accounted for."""
        found = self.written + self.kept + self.duplicates + self.quarantined
        found += self.left_out
        return found == self.read and self.expected in (None, self.read)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesReport:
    """What one series of a run came to, as read from the written shards."""

    kind: str
    key: str
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What became of one run."""

    project: str
    run_id: str
    name: str
    source: str
    outcome: Outcome
    calls: int = 0
    shards: int = 0
    series: tuple[SeriesReport, ...] = ()
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """Something nobody could use: where it is, and why. It stays where it is."""

    source: str
    place: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Report:
    """What a whole migration came to."""

    source: str
    dest: str
    dry_run: bool
    files: list[FileReport] = field(default_factory=list)
    tables: list[TableReport] = field(default_factory=list)
    runs: list[RunReport] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    points: int = 0
    put_files: int = 0
    put_bytes: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether everything came over, and is there as it was read."""
        return not self.quarantined and not self.differences and not self.uncounted

    @property
    def uncounted(self) -> list[TableReport]:
        """The tables some of whose rows nobody can account for."""
        return [table for table in self.tables if not table.holds]

    @property
    def exit_code(self) -> int:
        """0 only if everything came over."""
        return 0 if self.is_whole else 1

    def dispositions(self) -> dict[str, int]:
        """How many files had which fate."""
        return dict(Counter(file.disposition for file in self.files))

    def total(self, name: str) -> int:
        """The sum of one count over all tables."""
        return sum(int(getattr(table, name)) for table in self.tables)


def series_reports(figures: Iterable[tuple[tuple[str, str], Figures]]) -> tuple[SeriesReport, ...]:
    """Figures by series as the report has them."""
    return tuple(SeriesReport(kind=kind, key=key, figures=f) for (kind, key), f in figures)
