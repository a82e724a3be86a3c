"""`trackio schema`: the JSON Schema of what a command prints with --json."""

from collections.abc import Sequence

import click

from trackio.cli.output import write
from trackio.cli.schemas import names, schema_of
from trackio.errors import NotFound
from trackio.render import to_json


@click.command
@click.argument("command", nargs=-1)
def schema(command: Sequence[str]) -> None:
    """Print the JSON Schema of the answer of a COMMAND, such as list runs; or which there are."""
    if not command:
        write("".join(f"{name}\n" for name in names()))
        return
    name = " ".join(command)
    found = schema_of(name)
    if found is None:
        raise NotFound(f"there is no schema of {name!r}; there are: {', '.join(names())}")
    write(to_json(found, pretty=True) + "\n")
