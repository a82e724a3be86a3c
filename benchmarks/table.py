"""Turn what was measured into a table, for the terminal or as Markdown. Measures nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.targets import Line

Measured = Mapping[tuple[str, str], Sequence[Mapping[str, float]]]
"""By workload and tracker: the figures of each round."""

HEADER = ("what", "Trackio", "released", "ratio", "target", "met")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table with its values."""

    line: Line
    ours: float | None
    peer: float | None

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of the row, as in `HEADER`."""
        ratio = self.ours / self.peer if self.ours is not None and self.peer else None
        met = {True: "yes", False: "no", None: "–"}[self.line.is_met(self.ours, self.peer)]
        numbers = (_with_unit(self.ours, self.line.unit), _with_unit(self.peer, self.line.unit))
        return (self.line.what, *numbers, _number(ratio, " ×"), self.line.target, met)


def make_rows(lines: Sequence[Line], measured: Measured) -> list[Row]:
    """The rows of those lines whose workload was run."""
    return [
        Row(line=line, ours=_value(line, measured, "ours"), peer=_value(line, measured, "peer"))
        for line in lines
        if any((line.workload, tracker) in measured for tracker in ("ours", "peer"))
    ]


def as_text(rows: Sequence[Row]) -> str:
    """For the terminal: aligned columns."""
    cells = [[text.replace("`", "") for text in row] for row in (HEADER, *(r.cells for r in rows))]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def as_markdown(rows: Sequence[Row]) -> str:
    """For README.md."""
    rule = ("---", "---:", "---:", "---:", "---", "---")
    return "\n".join(f"| {' | '.join(row)} |" for row in (HEADER, rule, *(r.cells for r in rows)))


def _value(line: Line, measured: Measured, tracker: str) -> float | None:
    rounds = measured.get((line.workload, tracker), ())
    return line.settle([figures[line.figure] for figures in rounds if line.figure in figures])


def _with_unit(value: float | None, unit: str) -> str:
    return _number(value, f" {unit}" if unit else "")


def _number(value: float | None, suffix: str) -> str:
    if value is None:
        return "–"
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}{suffix}"
