"""`trackio get trace` and `get report`: one logged text or conversation, whole."""

from typing import TYPE_CHECKING, Any

import click

from trackio.cli.logged import id_of, one_run_option
from trackio.cli.options import Opened, json_option, with_project
from trackio.cli.output import Answer, print_json, write
from trackio.cli.runs import warnings_of
from trackio.errors import NotFound
from trackio.render import to_json

if TYPE_CHECKING:
    from trackio.query.media_rows import MediaRow


@click.command
@with_project
@one_run_option
@click.argument("trace_id", metavar="ID")
@json_option
def trace(*, opened: Opened, run: str | None, trace_id: str, as_json: bool) -> None:
    """Get one trace by its ID, which list traces tells: messages, metadata and spans."""
    row = _find(opened, run, "trace", trace_id)
    said = _load(opened, row)
    if as_json:
        _print(opened, "trace", row, said)
    else:
        write(to_json(said, pretty=True) + "\n")


@click.command
@with_project
@one_run_option
@click.argument("report_id", metavar="ID")
@json_option
def report(*, opened: Opened, run: str | None, report_id: str, as_json: bool) -> None:
    """Get one report by its ID, which list reports tells, or by its key: its Markdown."""
    row = _find(opened, run, "markdown", report_id)
    said = _load(opened, row)
    if as_json:
        _print(opened, "report", row, said)
    else:
        write(f"{said}\n")


def _find(opened: Opened, run: str | None, kind: str, wanted: str) -> "MediaRow":
    """The newest of this id, or that was logged under this key."""
    from trackio.cli.logged import media_rows

    rows = [row for row in media_rows(opened, run) if row.type == kind]
    found = [row for row in rows if wanted in (id_of(row), row.key)]
    if not found:
        noun = "trace" if kind == "trace" else "report"
        known = ", ".join(id_of(row) for row in rows[-3:]) or "none"
        raise NotFound(
            f"there is no {noun} {wanted!r} in {opened.project!r}; `trackio list {noun}s` shows "
            f"all, the last are: {known}"
        )
    return found[-1]


def _load(opened: Opened, row: "MediaRow") -> Any:
    from trackio.query.media import Media

    return Media(row, opened.source.files).load()


def _print(opened: Opened, kind: str, row: "MediaRow", said: Any) -> None:
    about = {"project": opened.project, "id": id_of(row), "key": row.key, "step": row.step}
    answer = Answer(
        kind=kind,
        items=[said],
        total=1,
        as_of_s=opened.as_of_s,
        about=about,
        warnings=warnings_of(opened),
    )
    print_json(answer, {kind: said})
