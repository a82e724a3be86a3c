"""Print answers: tables for people, tab-separated lines for a pipe, JSON for programs.

Only answers go to stdout; notes and warnings go to stderr.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from trackio.cli.failures import BROKEN_PIPE
from trackio.cli.text import for_people, for_programs, one_line, printable
from trackio.render import iso_time, to_json

_GAP: Final = 3  # between two columns
_NARROW: Final = 12  # a column that needs more room than there is gets no less than this


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
        print_json(answer, {answer.kind: [as_object(item) for item in answer.items]})
        return
    headers = [column.header for column in columns]
    print_table(headers, [[column.show(item) for column in columns] for item in answer.items])
    print_notes(answer)


def print_json(answer: Answer, content: Mapping[str, Any]) -> None:
    """Print the content in an envelope that says what it is about and how much there is."""
    envelope = {
        **answer.about,
        **content,
        "total": answer.total,
        "returned": len(answer.items),
        "truncated": answer.is_truncated,
        "as_of": iso_time(answer.as_of_s),
        "warnings": list(answer.warnings),
    }
    write(to_json(envelope, pretty=True) + "\n")


def print_notes(answer: Answer) -> None:
    """Tell what a table does not show: warnings, and that there is nothing or more."""
    for warning in answer.warnings:
        note(f"Warning: {warning}")
    if not answer.items and not answer.offset:
        note(f"no {answer.kind} here")
    elif answer.is_truncated:
        note(_more(answer))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table as wide as the terminal; in a pipe, lines whose cells are parted by tabs."""
    if sys.stdout.isatty():
        write(_drawn(headers, rows))
        return
    lines = [headers, *([for_programs(cell) for cell in row] for row in rows)]
    write("".join("\t".join(line) + "\n" for line in lines))


def write(text: str) -> None:
    """Print `text`; ends the program quietly when nobody reads any more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would raise again when the interpreter exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(BROKEN_PIPE) from None


def note(message: str) -> None:
    """Tell something beside the answer."""
    print(one_line(message), file=sys.stderr)


def _more(answer: Answer) -> str:
    if answer.total is None:
        return f"only the first {len(answer.items):,} {answer.kind} are shown: --limit 0 shows all"
    end = answer.offset + len(answer.items)
    return (
        f"these are {answer.kind} {answer.offset + 1:,} to {end:,} of {answer.total:,}: "
        f"--offset {end} shows the next, --limit 0 all"
    )


def _drawn(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    cells = [[for_people(cell) for cell in row] for row in rows]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    widths = _fitting([printable(header) for header in headers], cells, console.width)
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


def _fitting(headers: Sequence[str], rows: Sequence[Sequence[str]], columns: int) -> dict[int, int]:
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
