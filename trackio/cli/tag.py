"""`trackio tag`: what people say of a run besides its name."""

from collections.abc import Sequence
from typing import Any

import click

from trackio.cli.options import Opened, json_option, run_option, with_project
from trackio.cli.output import Answer, note, print_json
from trackio.errors import InvalidInput


@click.command
@with_project
@run_option
@click.argument("tags", nargs=-1)
@click.option("--remove", multiple=True, metavar="TAG", help="Take this tag away.")
@click.option("--group", metavar="NAME", help='Put the run into this group; "" for none.')
@click.option("--notes", metavar="TEXT", help='What to remember of it; "" for nothing.')
@json_option
def tag(
    *,
    opened: Opened,
    run: str,
    tags: Sequence[str],
    remove: Sequence[str],
    group: str | None,
    notes: str | None,
    as_json: bool,
) -> None:
    """Give a run TAGS, take some away, or change its group or notes."""
    from trackio.query.runs import find_run
    from trackio.store import open_store
    from trackio.upkeep.tag import tag_run

    if not (tags or remove or group is not None or notes is not None):
        raise InvalidInput("say what to change: TAGS, --remove, --group or --notes")
    run_id = find_run(opened.view, run).run_id
    meta = tag_run(
        open_store(opened.store_url),
        opened.project,
        run_id,
        add=tags,
        remove=remove,
        group=group,
        notes=notes,
    )
    said: dict[str, Any] = {
        "run_id": run_id,
        "name": meta.name,
        "tags": list(meta.tags),
        "group": meta.group,
        "notes": meta.notes,
    }
    if as_json:
        about = {"project": opened.project}
        print_json(
            Answer(kind="run", items=[said], total=1, as_of_s=opened.as_of_s, about=about), said
        )
    else:
        note(f"{meta.name}: {', '.join(meta.tags) or 'no tags'}")
