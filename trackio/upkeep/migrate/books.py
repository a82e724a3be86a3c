"""What all sources of a migration share, and what all tables of one source do. Reads no row."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from trackio.upkeep.migrate.aside import Aside
from trackio.upkeep.migrate.identity import RunKey
from trackio.upkeep.migrate.legacy import Row, Shape
from trackio.upkeep.migrate.media import MediaFiles
from trackio.upkeep.migrate.moments import UNKNOWN, Moment, parse_moment
from trackio.upkeep.migrate.outlet import Outlet
from trackio.upkeep.migrate.plans import Plans
from trackio.upkeep.migrate.report import Quarantined, Report, TableReport
from trackio.upkeep.migrate.sink import Sink, temporary_blob

_MAX_WAITING: Final = 800_000
"""So many values may wait in the sinks of all runs together."""

Tick = Callable[[int, int], None]
"""Told how many rows more were read, and how many more are known to be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What all sources share; `wanted` says whether a project was asked for."""

    outlet: Outlet
    media: MediaFiles
    report: Report
    scratch: Path
    zone: tzinfo | None
    wanted: Callable[[str], bool]
    tick: Tick = field(default=lambda read, found: None)

    def quarantine(self, source: str, place: str, reason: str) -> None:
        """Say that something could not be used; it stays where it is."""
        found = Quarantined(source=source, place=place, reason=reason)
        self.report.quarantined.append(found)


class Books:
    """The sinks of one source's runs, and what is kept of it beside them."""

    def __init__(self, plans: Plans, context: Context) -> None:
        self.plans = plans
        self.context = context
        self._asides: dict[tuple[str, str], Aside] = {}
        self._sinks = {
            key: Sink(plan, context.outlet, context.media)
            for key, plan in plans.by_run.items()
            if context.wanted(key.project)
        }

    def sink(self, key: RunKey) -> Sink | None:
        """Where the rows of a run go; None if nobody wants them."""
        sink = self._sinks.get(key)
        return sink if sink is not None and sink.is_open else None

    def time(self, key: RunKey, raw: Any, shape: Shape) -> Moment:
        """When a row was written."""
        if not isinstance(raw, str | int | float):
            return UNKNOWN
        known = self.plans.zones.get(key, self.plans.zone)
        zone = known or self.context.zone
        return parse_moment(raw, is_utc=shape.is_utc, zone=zone, is_known=known is not None)

    def aside(self, project: str, path: str) -> Aside:
        """Where what has no row is kept."""
        if (project, path) not in self._asides:
            folder = self.context.scratch / f"aside-{len(self._asides)}"
            self._asides[project, path] = Aside(folder, project, path)
        return self._asides[project, path]

    def open_table(self, path: str, table: str, expected: int | None = None) -> TableReport:
        """The account of one table."""
        counts = TableReport(source=path, table=table, expected=expected)
        self.context.report.tables.append(counts)
        return counts

    def quarantine(self, counts: TableReport, row: Row, columns: Iterable[str], why: str) -> None:
        """Keep a row that nobody can use, byte by byte, and say so."""
        counts.quarantined += 1
        said = {"table": counts.table, "reason": why, **as_object(row, columns)}
        self.aside(self.plans.home, counts.source).keep("quarantined", said)
        self.context.quarantine(counts.source, f"{counts.table} {row[0]}", why)

    def hold_trace(self, sink: Sink, text: str) -> dict[str, Any]:
        """A long trace as a media file of its own; what then stands for it."""
        data = text.encode()
        digest = sha256(data).hexdigest()
        sink.hold(temporary_blob(self.context.scratch, data, digest, "json"))
        return {"sha256": digest, "extension": "json", "size": len(data)}

    def relieve(self) -> None:
        """Put the fullest sinks if too much waits."""
        waiting = sum(sink.points for sink in self._sinks.values())
        while waiting > _MAX_WAITING:
            fullest = max(self._sinks.values(), key=lambda sink: sink.points)
            waiting -= fullest.points
            fullest.flush()

    def finish(self) -> None:
        """Put what is left, of every run and beside them, and report it."""
        self.context.report.runs += [sink.finish() for sink in self._sinks.values()]
        for aside in self._asides.values():
            aside.finish()
            self.context.outlet.put_missing(dict(aside.files()))

    def close(self) -> None:
        """Let go of scratch files, whether or not it is finished."""
        for aside in self._asides.values():
            aside.close()


@contextmanager
def few_collections() -> Iterator[None]:
    """Look for garbage in cycles rarely: rows make a lot of objects, and none of them cycles."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


_COMMON: Final = (
    "place", "project_name", "run_id", "run_name", "timestamp", "step", "log_id", "space_id",
)  # fmt: skip


def as_object(row: Row, columns: Iterable[str]) -> dict[str, Any]:
    """A row by column, without those that are null."""
    named: Iterator[tuple[str, Any]] = zip((*_COMMON, *columns), row, strict=False)
    return {name: value for name, value in named if value is not None}
