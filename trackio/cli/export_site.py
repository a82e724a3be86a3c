"""`trackio export-site`: one project as files that any web server shows."""

from typing import TYPE_CHECKING

import click

from trackio.cli.options import json_option, open_now, with_store

if TYPE_CHECKING:
    from trackio.store.base import Store


@click.command("export-site")
@with_store
@click.option(
    "-p", "--project", metavar="NAME", help="The project.  [default: the only one there is]"
)
@click.option(
    "--to",
    "target",
    required=True,
    metavar="DIR|URL|space:NAME",
    help="A new folder, a store, or a static Space.",
)
@click.option("--replace", is_flag=True, help="Write into a folder that is not empty.")
@click.option("--private", is_flag=True, help="Make the Space private.")
@json_option
def export_site(
    *,
    store: "Store",
    project: str | None,
    target: str,
    replace: bool,
    private: bool,
    as_json: bool,
) -> None:
    """Write the dashboard of a project as files.

    The pages are the same as live, and read nothing but these files: put them on any web server,
    look at them with `python -m http.server`, or let `--to space:OWNER/NAME` make a static Space
    of them. A bucket keeps them, but shows no pages. Points are Parquet, which DuckDB reads too.
    """
    import orjson

    from trackio.dashboard.meta import describe
    from trackio.dashboard.site import Site
    from trackio.deploy.sites import opened_target, space_of

    opened = open_now(store, project)
    meta = describe(opened.project, opened.view, opened.as_of_s)
    with opened_target(target, opened.project, replace=replace, private=private or None) as put:
        site = Site(store, meta, opened.as_of_s, put)
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
    if target.startswith("hf://") and space_of(target) is None:
        click.echo("A bucket shows no pages: copy them from there, or export to space:OWNER/NAME.")
