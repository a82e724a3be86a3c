"""The same tools at Gradio's own MCP endpoint, for clients that speak HTTP. Needs the extra `mcp`.

Gradio asks nobody for a password there, also where its pages do, so it listens to this machine
only, and is not part of the dashboard.
"""

import inspect
import os
from collections.abc import Callable
from typing import Any, Final

# Before Gradio is imported: it calls home when it is, unless told not to.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr
from starlette.middleware import Middleware

from trackio.dashboard.gate import HERE, Gate, Rules
from trackio.errors import InvalidInput
from trackio.mcp.tools import Tool, Tools

_TYPES: Final[dict[str, Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list[str],
}


class ToolError(gr.Error):
    """What a command says when it cannot answer."""


PATH: Final = "gradio_api/mcp/"
RULES: Final = Rules(hosts=HERE, more=("/gradio_api/mcp",), max_body=1 << 20)
"""Agents of this machine only: no page of a site may ask, under whatever name."""


def serve(url: str, port: int | None) -> gr.Blocks:
    """Serve the tools over the store at `url` to this machine, in the background.

    Raises:
        InvalidInput: the package `mcp` is missing.
        OSError: no port is free.
    """
    app: gr.Blocks
    with gr.Blocks(title="Trackio for agents", analytics_enabled=False) as app:
        gr.Markdown("Tools over Trackio's store, at Gradio's MCP endpoint.")
        add_tools(url)
    app.launch(
        server_name="127.0.0.1",
        server_port=port,
        share=False,
        mcp_server=True,
        prevent_thread_lock=True,
        quiet=True,
        ssr_mode=False,
        max_file_size=1,
        app_kwargs={"middleware": [Middleware(Gate, rules=RULES)]},
        footer_links=[],
    )
    return app


def add_tools(url: str) -> None:
    """Add the tools over the store at `url` to the Gradio app that is being built.

    Raises:
        InvalidInput: the package `mcp` is missing.
    """
    try:
        import mcp  # noqa: F401 - Gradio needs it, and says so less clearly
    except ImportError as exc:
        raise InvalidInput("this needs the package mcp: pip install 'trackio[mcp]'") from exc
    tools = Tools(url)
    for tool in tools.tools:
        gr.api(  # type: ignore[attr-defined] # public, though it does not say so to mypy
            _function(tools, tool), api_name=tool.name, queue=False
        )


def _function(tools: Tools, tool: Tool) -> Callable[..., str]:
    """The tool as Gradio wants it: a function whose signature tells its arguments."""

    def call(*given: Any, **named: Any) -> str:
        bound = signature.bind_partial(*given, **named).arguments
        arguments = {name: value for name, value in bound.items() if value not in (None, "", [])}
        result = tools.call(tool.name, arguments)
        if result.is_error:
            raise ToolError(result.text, print_exception=False)
        return result.text

    parameters = [
        _parameter(name, said, is_required=name in tool.schema["required"])
        for name, said in tool.schema["properties"].items()
    ]
    parameters.sort(key=lambda one: one.default is not inspect.Parameter.empty)
    signature = inspect.Signature(parameters, return_annotation=str)
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": str}
    call.__name__ = tool.name
    call.__doc__ = _document(tool)
    return call


def _parameter(name: str, said: Any, *, is_required: bool) -> inspect.Parameter:
    kind = _TYPES[said["type"]]
    return inspect.Parameter(
        name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=inspect.Parameter.empty if is_required else None,
        annotation=kind if is_required else kind | None,
    )


def _document(tool: Tool) -> str:
    """The docstring, from which Gradio takes what it says of tool and arguments."""
    lines = [
        f"    {name}: {said.get('description', '').rstrip('.')}."
        for name, said in tool.schema["properties"].items()
    ]
    return "\n".join([tool.description, "", "Args:", *lines])
