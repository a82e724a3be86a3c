"""`trackio list files` and `get file`: what runs saved under names of their own."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trackio.cli.logged import one_run_option
from trackio.cli.options import Opened, Page, json_option, run_option, with_page, with_project
from trackio.cli.output import Answer, Column, note, print_answer, print_json
from trackio.cli.runs import warnings_of
from trackio.cli.text import Moment
from trackio.render import iso_time

if TYPE_CHECKING:
    from trackio.query.media_rows import MediaRow


@click.command
@with_project
@one_run_option
@with_page(limit=100)
@json_option
def files(*, opened: Opened, run: str | None, page: Page, as_json: bool) -> None:
    """List the files that runs saved."""
    from trackio.query.runs import find_run
    from trackio.query.saved import list_saved

    if run is None:
        metas = opened.view.metas(opened.view.runs())
        names = {run_id: meta.name if meta else str(run_id) for run_id, meta in metas.items()}
    else:
        found = find_run(opened.view, run)
        names = {found.run_id: found.name}
    rows = [row for run_id in names for row in list_saved(opened.view, run_id)]
    answer = Answer(
        kind="files",
        items=page.of(rows),
        total=len(rows),
        offset=page.offset,
        as_of_s=opened.as_of_s,
        about={"project": opened.project},
        warnings=warnings_of(opened),
    )
    columns = [
        Column("file", lambda row: row.key),
        Column("size", lambda row: row.reference.get("size")),
        Column("run", lambda row: names[row.run_id]),
        Column("time", lambda row: Moment(row.time_s)),
    ]
    print_answer(
        answer, columns, as_json=as_json, as_object=lambda row: _object(row, names[row.run_id])
    )


@click.command
@with_project
@run_option
@click.argument("name")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The folder to put it in.",
)
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@json_option
def file(
    *, opened: Opened, run: str, name: str, folder: Path, replace: bool, as_json: bool
) -> None:
    """Bring a file here that a run saved, under the NAME that list files tells."""
    from trackio.api import Run
    from trackio.query.runs import find_run

    found = find_run(opened.view, run)
    saved = Run(opened.source, opened.view, found).file(name)
    path = saved.download(folder, replace=replace)
    if not as_json:
        note(f"{path} ({saved.size:,} bytes)")
        return
    said = {"project": opened.project, "run_id": found.run_id, "path": str(path)}
    about = {**said, "name": saved.name, "size": saved.size, "sha256": saved.digest}
    answer = Answer(
        kind="file",
        items=[about],
        total=1,
        as_of_s=opened.as_of_s,
        warnings=warnings_of(opened),
    )
    print_json(answer, about)


def _object(row: "MediaRow", run: str) -> dict[str, Any]:
    return {
        "name": row.key,
        "size": row.reference.get("size"),
        "sha256": row.reference["sha256"],
        "run": run,
        "run_id": row.run_id,
        "time": iso_time(row.time_s),
    }
