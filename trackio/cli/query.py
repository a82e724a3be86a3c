"""`trackio query`: one SELECT over a project."""

import click

from trackio.cli.options import Opened, Page, json_option, with_page, with_project


@click.command
@click.argument("sql")
@with_project
@with_page(limit=1000)
@json_option
def query(sql: str, opened: Opened, page: Page, as_json: bool) -> None:
    """Run one SELECT over a project; - reads it from stdin."""
