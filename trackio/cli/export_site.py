"""`trackio export-site`: one project as files that any web server shows."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackio.cli.options import json_option, open_now, with_store
from trackio.errors import InvalidInput

if TYPE_CHECKING:
    from trackio.dashboard.site import Put
    from trackio.store.base import Store


@click.command("export-site")
@with_store
@click.option(
    "-p", "--project", metavar="NAME", help="The project.  [default: the only one there is]"
)
@click.option("--to", "target", required=True, metavar="DIR|URL", help="A new folder, or a store.")
@click.option("--replace", is_flag=True, help="Write into a folder that is not empty.")
@json_option
def export_site(
    *, store: "Store", project: str | None, target: str, replace: bool, as_json: bool
) -> None:
    """Write the dashboard of a project as files.

    The pages are the same as live, and read nothing but these files: put them on any web server,
    into a static Space or a bucket, or look at them with `python -m http.server`.
    """
    import orjson

    from trackio.dashboard.meta import describe
    from trackio.dashboard.site import Site

    opened = open_now(store, project)
    put = _writer_to(target, replace=replace)
    site = Site(store, describe(opened.project, opened.view, opened.as_of_s), opened.as_of_s, put)
    for part in site.write():
        click.echo(f"\r\033[K{part}", nl=False, err=True)
    click.echo("\r\033[K", nl=False, err=True)
    if as_json:
        said = {"files": site.files, "bytes": site.size_bytes, "problems": site.problems}
        click.echo(orjson.dumps(said).decode())
        return
    click.echo(f"{site.files} files, {site.size_bytes / 1e6:.1f} MB in {target}")
    for problem in site.problems:
        click.echo(f"left out: {problem}", err=True)


def _writer_to(target: str, *, replace: bool) -> "Put":
    """What puts a file below a folder, or into a store."""
    if "://" in target and not target.startswith("file://"):
        from trackio.store import open_store

        store = open_store(target)
        return lambda name, content: store.put({name: content})
    folder = Path(target.removeprefix("file://")).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not replace:
        raise InvalidInput(f"{folder} is not an empty folder: name another, or add --replace")

    def write(name: str, content: bytes) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return write
