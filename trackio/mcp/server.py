"""A server of the Model Context Protocol over stdin and stdout. Needs the extra `mcp`."""

from typing import TYPE_CHECKING, Any

import click

from trackio._version import __version__
from trackio.cli.options import Count, store_url
from trackio.cli.output import note
from trackio.errors import InvalidInput

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

_INSTRUCTIONS = (
    "Experiments that were tracked with Trackio: projects hold runs, runs log metrics by step. "
    "Begin with list_projects and list_runs, then list_metrics, get_metric with samples, compare, "
    "diagnose, or query in SQL. Answers are cut to be short and say what was left out; ask on with "
    "offset, or choose with match, fields and limit. Nothing can be changed."
)


@click.command
@click.option("--store", metavar="URL", help="As before the command.")
@click.option("--http", is_flag=True, help="Over HTTP, to this machine, through Gradio.")
@click.option("--port", type=Count(1, 65535), help="The port of --http.  [default: a free one]")
def mcp(store: str | None, http: bool, port: int | None) -> None:
    """Serve the commands that only read to agents, over stdin and stdout (MCP)."""
    url = store_url(store)
    if http:
        _serve_http(url, port)
        return
    import anyio

    server = make_server(url)
    anyio.run(_serve, server)


def _serve_http(url: str, port: int | None) -> None:
    """Serve until Ctrl-C."""
    from trackio.mcp.endpoint import PATH, serve

    try:
        app = serve(url, port)
    except OSError as exc:
        raise InvalidInput(f"cannot listen: {exc}") from exc
    note(f"tools for agents at {app.local_url}{PATH}")
    app.block_thread()


def make_server(url: str) -> "Server[Any, Any]":
    """A server over the store at `url`.

    Raises:
        InvalidInput: the package `mcp` is missing.
    """
    try:
        from mcp import types
        from mcp.server.lowlevel import Server
    except ImportError as exc:
        raise InvalidInput("this needs the package mcp: pip install 'trackio[mcp]'") from exc
    from trackio.mcp.tools import Tools

    tools = Tools(url)
    server: Server[Any, Any] = Server("trackio", __version__, instructions=_INSTRUCTIONS)
    read_only = types.ToolAnnotations(readOnlyHint=True, openWorldHint=False)

    async def list_tools() -> list[types.Tool]:
        return [
            types.Tool(
                name=tool.name,
                description=tool.description,
                inputSchema=dict(tool.schema),
                annotations=read_only,
            )
            for tool in tools.tools
        ]

    async def call_tool(name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        import anyio.to_thread

        result = await anyio.to_thread.run_sync(tools.call, name, arguments)
        content = types.TextContent(type="text", text=result.text)
        return types.CallToolResult(content=[content], isError=result.is_error)

    server.list_tools()(list_tools)  # type: ignore[no-untyped-call]
    server.call_tool()(call_tool)
    return server


async def _serve(server: "Server[Any, Any]") -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())
