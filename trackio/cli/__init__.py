"""The `trackio` command. Each command is parse, call, render; the work is done elsewhere.

Commands load when they are called, and what is heavy only inside them, so that `--help` and
the completion of a shell answer at once.
"""

from collections.abc import Sequence

import click

from trackio._version import __version__
from trackio.cli.failures import report
from trackio.cli.groups import LazyGroup
from trackio.cli.options import STORE_HELP


@click.group(
    "trackio",
    cls=LazyGroup,
    homes={
        "show": "trackio.cli.show:show",
        "export-site": "trackio.cli.export_site:export_site",
        "list": "trackio.cli.lists:lists",
        "get": "trackio.cli.gets:gets",
        "query": "trackio.cli.query:query",
        "compare": "trackio.cli.compare:compare",
        "diagnose": "trackio.cli.compare:diagnose",
        "tail": "trackio.cli.tail:tail",
        "top": "trackio.cli.top:top",
        "export": "trackio.cli.export:export",
        "log": "trackio.cli.log:log",
        "tag": "trackio.cli.tag:tag",
        "alert": "trackio.cli.alert:alert",
        "mcp": "trackio.mcp.server:mcp",
        "schema": "trackio.cli.schema:schema",
        "completion": "trackio.cli.completion:completion",
        "verify": "trackio.cli.verify:verify",
        "recover": "trackio.cli.recover:recover",
        "compact": "trackio.cli.compact:compact",
        "delete": "trackio.cli.changes:deletes",
        "rename": "trackio.cli.changes:renames",
        "move": "trackio.cli.changes:moves",
        "jobs": "trackio.cli.jobs:jobs",
        "doctor": "trackio.cli.doctor:doctor",
        "sync": "trackio.cli.sync:sync",
        "migrate": "trackio.cli.migrate:migrate",
        "import": "trackio.cli.imports:imports",
        "artifacts": "trackio.cli.artifacts:artifacts",
        "registry": "trackio.cli.registry:registry",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--store", metavar="URL", help=STORE_HELP)
def root(store: str | None) -> None:
    """Look at experiments, ask about them, and look after what they left.

    Every command tells more with --help. Data goes to stdout, everything else to stderr.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    try:
        return root.main(argv, prog_name="trackio", standalone_mode=False) or 0
    except KeyboardInterrupt:
        return report(click.Abort())
    except Exception as exc:  # noqa: BLE001 - the top of a command
        return report(exc)
