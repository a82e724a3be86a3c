"""The commands that only read, described and called as tools. Knows no protocol."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from trackio.cli import root
from trackio.cli.failures import describe
from trackio.cli.options import Count, keep_open
from trackio.cli.output import taken

VERBS: Final = (
    *("list projects", "list runs", "list metrics", "list system-metrics", "list alerts"),
    *("list media", "list traces", "list reports", "get project", "get run", "get metric"),
    *("get system-metric", "get snapshot", "get trace", "get report", "query", "compare"),
    "diagnose",
)
"""The commands that are tools: they write nothing, and end soon."""
_HIDDEN: Final = {"as_json", "store", "given"}
_JSON_TYPES: Final[Mapping[str, str]] = {
    "integer": "integer",
    "n": "integer",
    "float": "number",
    "boolean": "boolean",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool: what it is called, what it does, and the JSON Schema of its arguments."""

    name: str
    verb: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a call gave: the JSON that the command prints, or why it failed."""

    text: str
    is_error: bool


class Tools:
    """The tools over one store. Safe to call from many threads."""

    def __init__(self, store_url: str) -> None:
        self._store_url = store_url
        self._commands = dict(_commands())
        self.tools = [_describe(verb, command) for verb, command in self._commands.items()]
        keep_open()

    def call(self, name: str, arguments: Mapping[str, Any]) -> Result:
        """Run the command behind a tool; never raises."""
        verb = name.replace("_", " ", 1) if name not in self._commands else name
        verb = next((tool.verb for tool in self.tools if tool.name == name), verb)
        if verb not in self._commands:
            known = ", ".join(tool.name for tool in self.tools)
            return Result(text=f"there is no tool {name!r}; there are: {known}", is_error=True)
        try:
            argv = _argv(self._commands[verb], arguments)
            with taken() as printed:
                root.main(
                    ["--store", self._store_url, *verb.split(), "--json", *argv],
                    prog_name="trackio",
                    standalone_mode=False,
                )
        except Exception as exc:  # noqa: BLE001 - the top of a command
            return Result(text=describe(exc)[0], is_error=True)
        return Result(text="".join(printed), is_error=False)


def _commands() -> Iterator[tuple[str, click.Command]]:
    for verb in VERBS:
        command: click.Command | None = root
        for word in verb.split():
            if not isinstance(command, click.Group):
                raise TypeError(f"{verb} is no command")
            command = command.get_command(click.Context(command), word)
        if command is not None:
            yield verb, command


def _describe(verb: str, command: click.Command) -> Tool:
    properties: dict[str, Any] = {}
    required = []
    for param in _params(command):
        name = _name(param)
        properties[name] = _schema(param)
        if param.required:
            required.append(name)
    return Tool(
        name=verb.replace(" ", "_").replace("-", "_"),
        verb=verb,
        description=" ".join((command.help or "").split()),
        schema={
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        },
    )


def _params(command: click.Command) -> list[click.Parameter]:
    return [param for param in command.params if param.name not in _HIDDEN]


def _name(param: click.Parameter) -> str:
    """What an argument is called: as the option is, without its hyphens."""
    if isinstance(param, click.Argument):
        return param.name or ""
    return max(param.opts, key=len).lstrip("-").replace("-", "_")


def _schema(param: click.Parameter) -> dict[str, Any]:
    if isinstance(param.type, click.Choice):
        schema: dict[str, Any] = {"type": "string", "enum": list(param.type.choices)}
    else:
        kind = "integer" if isinstance(param.type, Count) else param.type.name
        schema = {"type": _JSON_TYPES.get(kind, "string")}
    if getattr(param, "is_flag", False):
        schema = {"type": "boolean"}
    if getattr(param, "multiple", False) or param.nargs != 1:
        schema = {"type": "array", "items": schema}
    if said := getattr(param, "help", None):
        schema["description"] = said
    return schema


def _argv(command: click.Command, arguments: Mapping[str, Any]) -> list[str]:
    """The arguments of a call as the command's own.

    Raises:
        click.UsageError: there is no such argument.
    """
    params = {_name(param): param for param in _params(command)}
    if unknown := sorted(arguments.keys() - params.keys()):
        raise click.UsageError(
            f"there is no argument {', '.join(unknown)}; there are: {', '.join(params)}"
        )
    options: list[str] = []
    plain: list[str] = []
    for name, value in arguments.items():
        param = params[name]
        if value is None or value is False:
            continue
        values = list(map(str, value)) if isinstance(value, list | tuple) else [str(value)]
        if isinstance(param, click.Argument):
            plain += values
        elif getattr(param, "is_flag", False):
            options.append(max(param.opts, key=len))
        else:
            options += [f"{max(param.opts, key=len)}={one}" for one in values]
    return [*options, "--", *plain] if plain else options
