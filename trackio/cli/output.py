"""Print answers: tables for people, tab-separated lines for a pipe, JSON for programs.

Only answers go to stdout; notes and warnings go to stderr. An answer to nobody at a terminal is
short unless somebody asks for all: who reads it may pay for each word.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import click
from click.core import ParameterSource

from trackio.cli.failures import BROKEN_PIPE
from trackio.cli.text import for_people, for_programs, one_line, printable
from trackio.errors import InvalidInput
from trackio.render import iso_time, to_json

_GAP: Final = 3  # between two columns
_NARROW: Final = 12  # a column that needs more room than there is gets no less than this
SHORT_CHARS: Final = 6000
"""An answer of so many characters has no more than 2,000 tokens, hexadecimal ids included."""

_taken: ContextVar[list[str] | None] = ContextVar("trackio_cli_taken", default=None)


class Column(NamedTuple):
    """One column of a table: its header and what it shows of an item."""

    header: str
    show: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command found: some `items` out of `total`, and what they are about.

    `kind` is the plural noun for the items, and their name in JSON. `total` is None where
    nobody counted what lies beyond these; then `has_more` tells.
    """

    kind: str
    items: Sequence[Any]
    total: int | None
    as_of_s: float
    offset: int = 0
    has_more: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    @property
    def is_truncated(self) -> bool:
        """Whether more items follow these."""
        if self.total is None:
            return self.has_more
        return self.offset + len(self.items) < self.total


def print_answer(
    answer: Answer,
    columns: Sequence[Column],
    *,
    as_json: bool,
    as_object: Callable[[Any], Any] = lambda item: item,
) -> None:
    """Print the answer in the form that suits its reader."""
    if as_json:
        objects = [_chosen(as_object(item)) for item in answer.items]
        print_json(answer, {answer.kind: objects})
        return
    headers = [column.header for column in columns]
    rows = [[column.show(item) for column in columns] for item in answer.items]
    shown = len(rows) if is_terminal() else _fitting_lines(rows)
    print_table(headers, rows[:shown])
    print_notes(_shortened(answer, shown))


def print_json(answer: Answer, content: Mapping[str, Any]) -> None:
    """Print the content in an envelope that says what it is about and how much there is.

    The list of the answer's items, if it is there, has a line for each of them, and only as many
    as make a short answer unless a limit was given.
    """
    lines = [to_json(item) for item in _items(answer, content)]
    kept = _fitting(lines)
    answer = _shortened(answer, len(kept)) if len(kept) < len(lines) else answer
    envelope = {
        **answer.about,
        **content,
        "total": answer.total,
        "returned": len(answer.items),
        "truncated": answer.is_truncated,
        "left_out": _more(answer) if answer.is_truncated else None,
        "as_of": iso_time(answer.as_of_s),
        "warnings": list(answer.warnings),
    }
    parts = [
        f"{to_json(name)}: {_list(kept) if _is_list(answer, name, value) else to_json(value)}"
        for name, value in envelope.items()
    ]
    write("{\n" + ",\n".join(parts) + "\n}\n")


def print_notes(answer: Answer) -> None:
    """Tell what a table does not show: warnings, and that there is nothing or more."""
    for warning in answer.warnings:
        note(f"Warning: {warning}")
    if not answer.items and not answer.offset:
        note(f"no {answer.kind} here")
    elif answer.is_truncated:
        note(_more(answer))


def is_terminal() -> bool:
    """Whether a person looks at what is printed."""
    return _taken.get() is None and sys.stdout.isatty()


def is_taken() -> bool:
    """Whether a program in this process takes what is printed."""
    return _taken.get() is not None


@contextmanager
def taken() -> Iterator[list[str]]:
    """What is printed meanwhile, in this context, goes into the list that is given."""
    lines: list[str] = []
    token = _taken.set(lines)
    try:
        yield lines
    finally:
        _taken.reset(token)


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table as wide as the terminal; in a pipe, lines whose cells are parted by tabs."""
    if is_terminal():
        write(_drawn(headers, rows))
        return
    lines = [headers, *([for_programs(cell) for cell in row] for row in rows)]
    write("".join("\t".join(line) + "\n" for line in lines))


def write(text: str) -> None:
    """Print `text`; ends the program quietly when nobody reads any more."""
    if (lines := _taken.get()) is not None:
        lines.append(text)
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would raise again when the interpreter exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(BROKEN_PIPE) from None


def note(message: str) -> None:
    """Tell something beside the answer."""
    if _taken.get() is not None:
        return  # who takes the answer takes JSON, which says it too
    print(one_line(message), file=sys.stderr)


def _more(answer: Answer) -> str:
    if not _has_option("limit"):
        return f"{len(answer.items):,} of {answer.total:,} {answer.kind} are here"
    end = answer.offset + len(answer.items)
    if answer.total is None:
        return (
            f"these are {answer.kind} {answer.offset + 1:,} to {end:,}, and there are more: "
            f"--offset {end} shows the next, --limit 0 all"
        )
    return (
        f"these are {answer.kind} {answer.offset + 1:,} to {end:,} of {answer.total:,}: "
        f"--offset {end} shows the next, --limit 0 all"
    )


def _items(answer: Answer, content: Mapping[str, Any]) -> list[Any]:
    found = content.get(answer.kind)
    return list(found) if isinstance(found, list | tuple) else []


def _is_list(answer: Answer, name: str, value: Any) -> bool:
    return name == answer.kind and isinstance(value, list | tuple)


def _list(lines: Sequence[str]) -> str:
    return "[\n" + ",\n".join(lines) + "\n]" if lines else "[]"


def _shortened(answer: Answer, count: int) -> Answer:
    """The answer with its first items only."""
    if count == len(answer.items):
        return answer
    return replace(answer, items=answer.items[:count], has_more=True)


def _fitting_lines(rows: Sequence[Sequence[Any]]) -> int:
    """How many rows make a short answer."""
    return len(_fitting(["\t".join(map(for_programs, row)) for row in rows]))


def _fitting(lines: Sequence[str]) -> Sequence[str]:
    """As many as make a short answer, one at least; all if a limit was given, or none can be."""
    if not _has_option("limit") or _is_given("limit"):
        return lines
    room = SHORT_CHARS - 700  # for the envelope
    for count, line in enumerate(lines):
        room -= len(line) + 2
        if room < 0:
            return lines[: max(count, 1)]
    return lines


def _has_option(name: str) -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and name in context.params


def _is_given(name: str) -> bool:
    context = click.get_current_context()
    return context.get_parameter_source(name) is not ParameterSource.DEFAULT


def _chosen(item: Any) -> Any:
    """The fields of an item that were asked for with --fields."""
    context = click.get_current_context(silent=True)
    wanted = None if context is None else context.params.get("fields")
    if not wanted or not isinstance(item, Mapping):
        return item
    names = [name.strip() for name in wanted.split(",")]
    if unknown := [name for name in names if name not in item]:
        raise InvalidInput(f"there is no field {', '.join(unknown)}; there are: {', '.join(item)}")
    return {name: item[name] for name in names}


def _drawn(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    cells = [[for_people(cell) for cell in row] for row in rows]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    widths = _fitting_columns([printable(header) for header in headers], cells, console.width)
    for place, width in widths.items():
        is_number = all(isinstance(row[place], int | float | None) for row in rows)
        table.add_column(
            printable(headers[place]),
            justify="right" if rows and is_number else "left",
            width=width,
            no_wrap=True,
            overflow="ellipsis",
        )
    for line in cells:
        table.add_row(*(Text(line[place]) for place in widths))
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def _fitting_columns(
    headers: Sequence[str], rows: Sequence[Sequence[str]], columns: int
) -> dict[int, int]:
    """The columns to show, and how wide: those that say anything, as many as have room."""
    from rich.cells import cell_len

    widths: dict[int, int] = {}
    room = columns - 2
    for place, header in enumerate(headers):
        texts = [row[place] for row in rows]
        if rows and not any(texts):
            continue
        room -= _GAP * bool(widths)
        needed = min(max(map(cell_len, [header, *texts])), max(columns // 2, _NARROW))
        if needed > room and widths and room < _NARROW:
            break
        widths[place] = max(1, min(needed, room))
        room -= widths[place]
    return widths
