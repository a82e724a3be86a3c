"""Bring the runs that a source found into a store. Knows no kind of source.

Ids follow from the source alone, what was put is read back and compared, and every row of the
source is accounted for: all of that is the migration's own machinery.
"""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from trackio.importers.feed import Feed
from trackio.importers.found import About
from trackio.model import Json, RunMeta, TombstoneId, WriterId
from trackio.store.base import Store
from trackio.upkeep.migrate.books import few_collections
from trackio.upkeep.migrate.media import MediaFiles
from trackio.upkeep.migrate.moments import iso_of
from trackio.upkeep.migrate.names import is_same_identity, make_writer_id, storable_run_id
from trackio.upkeep.migrate.outlet import Outlet
from trackio.upkeep.migrate.report import Report, TableReport
from trackio.upkeep.migrate.sink import RunPlan, Sink
from trackio.values.plain import dump_text
from trackio.writer.meta import find_tombstone

Tick = Callable[[int], None]
"""Told how many rows more were read."""


class Source(Protocol):
    """One run of a source."""

    @property
    def about(self) -> About:
        """What is known before its rows are read."""

    def feed(self, feed: Feed) -> None:
        """Hand over every row, in order."""


def bring(
    sources: Iterable[Source],
    store: Store,
    *,
    root: str,
    dry_run: bool = False,
    tick: Tick = lambda rows: None,
) -> Report:
    """Bring every run over; what is there already is left as it is.

    Args:
        sources: the runs, found in an order that is always the same.
        store: where to.
        root: what the source is called in the report.
        dry_run: read and count everything, put nothing.
        tick: told how many rows more were read.

    Raises:
        StoreUnavailable, StoreRefused: some of it is there; importing again goes on.
    """
    report = Report(source=root, dest=store.url, dry_run=dry_run)
    with tempfile.TemporaryDirectory(prefix="trackio-import-") as scratch, few_collections():
        context = _Import(Outlet(store, dry_run=dry_run), report, Path(scratch), tick)
        for source in sources:
            context.bring(source)
    return report


class _Import:
    """What all runs of one import share."""

    def __init__(self, outlet: Outlet, report: Report, scratch: Path, tick: Tick) -> None:
        self._outlet = outlet
        self._report = report
        self._scratch = scratch
        self._tick = tick
        self._before: dict[tuple[str, str], WriterId] = {}

    def bring(self, source: Source) -> None:
        """Bring one run over, and report it."""
        about, report = source.about, self._report
        tombstone = find_tombstone(self._outlet.store, about.project, storable_run_id(about.run_id))
        plan = _plan(about, self._before.get((about.project, about.run_id)), tombstone)
        self._before[about.project, about.run_id] = plan.writer_id
        sink = Sink(plan, self._outlet, MediaFiles(self._scratch, ()))
        counts = TableReport(source=about.path, table=about.name)
        report.tables.append(counts)
        feed = Feed(sink, counts, report, scratch=self._scratch, tick=self._tick)
        if sink.is_open:
            source.feed(feed)
        done = feed.finish()
        report.runs.append(done)
        report.points += sum(series.figures.count for series in done.series)
        report.differences += [
            f"{plan.project}, run {plan.name!r}: {it}" for it in done.differences
        ]
        if done.outcome == "deleted there":
            report.notes.append(
                f"run {plan.name!r} was deleted in {plan.project!r} and stays so: import into "
                "another project to have it again"
            )
        report.differences += self._outlet.differences
        self._outlet.differences.clear()
        report.put_files, report.put_bytes = self._outlet.put_files, self._outlet.put_bytes


def _plan(about: About, before: WriterId | None, tombstone: TombstoneId | None) -> RunPlan:
    start = {
        "label": None,
        "host": about.host,
        "user": about.user,
        "command": about.command,
        "resumed_from": None if before is None else [before],
        "imported_from": about.path,
        "tracker": about.tracker,
        "origin": about.origin or None,
    }
    return RunPlan(
        project=about.project,
        run_id=storable_run_id(about.run_id),
        name=about.name,
        writer_id=_writer_id(about, tombstone),
        source=about.path,
        created_us=about.created_us,
        meta=RunMeta(
            name=about.name,
            created=iso_of(about.created_us),
            group=about.group,
            tags=about.tags,
            notes=about.notes,
        ),
        start=Json(dump_text(start)),
        config=dict(about.config),
        reason=f"imported from {about.tracker}",
    )


def _writer_id(about: About, tombstone: TombstoneId | None) -> WriterId:
    """The id that the source decides; above the tombstone where an earlier state was deleted.

    Who deletes an import to make room for its source as it is now, wants that. Who deleted the
    source as it is now does not, and neither does who deleted more than an import of it.
    """
    own = make_writer_id(about.created_us, about.identity, about.state)
    if tombstone is None or own > tombstone:
        return own
    hidden = WriterId(f"{int(tombstone, 16) - 1:024x}")
    if hidden[12:] == own[12:] or not is_same_identity(hidden, own):
        return own
    later = WriterId(f"{tombstone[:12]}{own[12:]}")
    return later if later > tombstone else WriterId(f"{int(later[:12], 16) + 1:012x}{own[12:]}")
