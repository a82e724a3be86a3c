"""`trackio completion`: what a shell has to read to complete commands, projects and runs."""

import click

from trackio.cli.output import write


@click.command
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print the completion script for a SHELL; docs/cli.md tells where to put it."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    root = click.get_current_context().find_root().command
    write(kind(root, {}, "trackio", "_TRACKIO_COMPLETE").source() + "\n")
