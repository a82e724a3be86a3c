"""`trackio list alerts`, `media`, `traces`, `reports`: what was logged that is no number."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.options import (
    Opened,
    Page,
    Since,
    complete_run,
    json_option,
    with_page,
    with_project,
)
from trackio.cli.output import Answer, Column, print_answer
from trackio.cli.runs import warnings_of
from trackio.cli.text import Moment
from trackio.render import iso_time

if TYPE_CHECKING:
    from trackio.query.alerts import Alert
    from trackio.query.media_rows import MediaRow

one_run_option = click.option(
    "-r", "--run", metavar="RUN", help="Only of this run.", shell_complete=complete_run
)
_TYPES = (
    *("image", "video", "audio", "html", "object3d", "table", "histogram", "trace"),
    *("markdown", "json", "text"),
)


@click.command
@with_project
@one_run_option
@click.option("--level", type=click.Choice(("info", "warn", "error")), help="Only of this level.")
@click.option("--since", type=Since(), help="Only since then, as 2h or a time.")
@with_page(limit=100)
@json_option
def alerts(
    *,
    opened: Opened,
    run: str | None,
    level: str | None,
    since: float | None,
    page: Page,
    as_json: bool,
) -> None:
    """List the alerts that runs raised, newest first."""
    from trackio.query.alerts import list_alerts

    names = _names(opened, run)
    run_id = next(iter(names)) if run is not None else None
    found = list_alerts(opened.view, run_id, level, since)[::-1]
    answer = _answer(opened, "alerts", found, page)
    columns = [
        Column("time", lambda alert: Moment(alert.time_s)),
        Column("level", lambda alert: alert.level),
        Column("title", lambda alert: alert.title),
        Column("text", lambda alert: alert.text),
        Column("run", lambda alert: names.get(alert.run_id)),
        Column("step", lambda alert: alert.step),
    ]
    print_answer(answer, columns, as_json=as_json, as_object=lambda one: _alert(one, names))


@click.command
@with_project
@one_run_option
@click.option("--type", "kind", type=click.Choice(_TYPES), help="Only of this type.")
@click.option("-m", "--metric", "key", metavar="NAME", help="Only what was logged as this.")
@with_page(limit=100)
@json_option
def media(
    *, opened: Opened, run: str | None, kind: str | None, key: str | None, page: Page, as_json: bool
) -> None:
    """List images, tables, histograms, sounds, …: where they were logged, not what they show."""
    rows = [row for row in media_rows(opened, run, key) if kind in (None, row.type)]
    _print_media(opened, "media", rows, page, run=run, as_json=as_json)


@click.command
@with_project
@one_run_option
@click.option("--search", metavar="TEXT", help="Only traces that say this.")
@click.option("--step", type=int, metavar="N", help="Only traces of this step.")
@with_page(limit=50)
@json_option
def traces(
    *,
    opened: Opened,
    run: str | None,
    search: str | None,
    step: int | None,
    page: Page,
    as_json: bool,
) -> None:
    """List the traces of runs: conversations, and what agents did."""
    rows = [row for row in media_rows(opened, run) if row.type == "trace"]
    at_step = [row for row in rows if step in (None, row.step)]
    found = [row for row in at_step if search is None or _says(opened, row, search)]
    _print_media(opened, "traces", found, page, run=run, as_json=as_json)


@click.command
@with_project
@one_run_option
@with_page(limit=100)
@json_option
def reports(*, opened: Opened, run: str | None, page: Page, as_json: bool) -> None:
    """List the reports that were logged as Markdown."""
    rows = [row for row in media_rows(opened, run) if row.type == "markdown"]
    _print_media(opened, "reports", rows, page, run=run, as_json=as_json)


def id_of(row: "MediaRow") -> str:
    """Names one logged value: its log id, and its place if it was logged in a list."""
    place = "" if row.index is None else f"-{row.index}"
    return f"{row.writer_id}-{row.seq}{place}"


def media_rows(opened: Opened, run: str | None, key: str | None = None) -> "list[MediaRow]":
    """What the runs that are asked for logged that is no number."""
    from trackio.query.media_rows import list_media

    wanted = None if key is None else [key]
    return [
        row for run_id in _names(opened, run) for row in list_media(opened.view, run_id, wanted)
    ]


def _print_media(
    opened: Opened,
    kind: str,
    rows: "Sequence[MediaRow]",
    page: Page,
    *,
    run: str | None,
    as_json: bool,
) -> None:
    names = _names(opened, run)
    columns = [
        Column("key", lambda row: row.key),
        Column("type", lambda row: row.type),
        Column("run", lambda row: names[row.run_id]),
        Column("step", lambda row: row.step),
        Column("time", lambda row: Moment(row.time_s)),
        Column("id", id_of),
    ]
    answer = _answer(opened, kind, rows, page)
    print_answer(answer, columns, as_json=as_json, as_object=lambda row: _row(row, names))


def _names(opened: Opened, run: str | None) -> dict[str, str]:
    """The names of the runs that are asked for, by id."""
    from trackio.query.runs import find_run

    if run is not None:
        found = find_run(opened.view, run)
        return {found.run_id: found.name}
    metas = opened.view.metas(opened.view.runs())
    return {run_id: meta.name if meta else str(run_id) for run_id, meta in metas.items()}


def _answer(opened: Opened, kind: str, found: Sequence[Any], page: Page) -> Answer:
    return Answer(
        kind=kind,
        items=page.of(found),
        total=len(found),
        offset=page.offset,
        as_of_s=opened.as_of_s,
        about={"project": opened.project},
        warnings=warnings_of(opened),
    )


def _alert(alert: "Alert", names: dict[str, str]) -> dict[str, Any]:
    return {
        "log_id": f"{alert.writer_id}-{alert.seq:012d}",
        "time": iso_time(alert.time_s),
        "level": alert.level,
        "title": alert.title,
        "text": alert.text,
        "run": names.get(alert.run_id),
        "run_id": alert.run_id,
        "step": alert.step,
    }


def _row(row: "MediaRow", names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": id_of(row),
        "key": row.key,
        "type": row.type,
        "run": names[row.run_id],
        "run_id": row.run_id,
        "step": row.step,
        "time": iso_time(row.time_s),
        "caption": row.reference.get("caption"),
    }


def _says(opened: Opened, row: "MediaRow", text: str) -> bool:
    """Whether a trace holds a text, anywhere."""
    from trackio.query.media import Media
    from trackio.render import to_json

    return text.casefold() in to_json(Media(row, opened.source.files).load()).casefold()
