"""`trackio verify`: look for what is damaged or missing."""

import click

from trackio.cli.options import json_option, with_store


@click.command
@with_store
@json_option
def verify(store: object, as_json: bool) -> None:
    """Read every file to its end and look for rows that are missing."""
