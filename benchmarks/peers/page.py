"""`docs/benchmarks.md`: one table a workload, bars for three of them. Measures nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.peers.roster import LEFT_OUT, ROOT, ROSTER

PAGE: Final = ROOT / "docs" / "benchmarks.md"
IMAGES: Final = ROOT / "docs" / "images"
BEGIN: Final = "<!-- make bench-peers: begin -->"
END: Final = "<!-- make bench-peers: end -->"
Rounds = Mapping[str, Sequence[Mapping[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A figure, its heading with the unit, and whether the worst round counts."""

    figure: str
    heading: str
    digits: int = 0
    is_worst: bool = False
    is_better_high: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A workload as a table."""

    workload: str
    title: str
    columns: tuple[Column, ...]


SECTIONS: Final = (
    Section(
        workload="tight",
        title="100,000 × `log()` of 5 numbers, as fast as it goes",
        columns=(
            Column(figure="p50_us", heading="a call, µs", digits=1),
            Column(figure="p999_us", heading="99.9th percentile, µs"),
            Column(figure="wall_s", heading="until durable, s", digits=2),
            Column(figure="cpu_s", heading="CPU, s", digits=2),
            Column(figure="bytes_a_call", heading="disk, bytes a call"),
            Column(figure="peak_mb", heading="largest process, MB"),
        ),
    ),
    Section(
        workload="paced",
        title="The same at 1,000 calls a second",
        columns=(
            Column(figure="p50_us", heading="a call, µs", digits=1),
            Column(figure="p999_us", heading="99.9th percentile, µs"),
        ),
    ),
    Section(
        workload="wide",
        title="2,000 × `log()` of 1,000 numbers",
        columns=(
            Column(figure="p50_us", heading="a call, µs"),
            Column(figure="wall_s", heading="until durable, s", digits=2),
        ),
    ),
    Section(
        workload="small_runs",
        title="Runs of 500 calls of 10 numbers, one after the other",
        columns=(
            Column(figure="both_ms", heading="begin and end a run, ms", digits=1),
            Column(figure="wall_ms", heading="all of a run, ms", digits=1),
        ),
    ),
    Section(
        workload="start",
        title="A fresh process",
        columns=(
            Column(figure="import_ms", heading="import, ms"),
            Column(figure="init_ms", heading="first run begins, ms", digits=1),
            Column(figure="finish_ms", heading="ends after one row, ms", digits=1),
        ),
    ),
    Section(
        workload="crowd",
        title="8 processes × 20,000 calls into one project at once",
        columns=(
            Column(figure="rows_a_s", heading="calls a second", is_better_high=True),
            Column(figure="lost", heading="calls lost", is_worst=True),
        ),
    ),
    Section(
        workload="killed",
        title="SIGKILL after 3 s of 1,000 calls a second",
        columns=(
            Column(figure="calls", heading="calls that had returned", is_better_high=True),
            Column(figure="lost", heading="of them lost, worst round", is_worst=True),
        ),
    ),
    Section(
        workload="reading",
        title="Reading 100 runs × 100 steps × 10 metrics through its own local reader",
        columns=(
            Column(figure="run_table_ms", heading="table of runs, ms", digits=1),
            Column(figure="one_series_ms", heading="one metric of one run, ms", digits=1),
            Column(figure="one_metric_ms", heading="one metric of all runs, ms", digits=1),
        ),
    ),
)
PICTURES: Final = (
    ("paced", "p50_us", "A call of log() at 1,000 a second, µs"),
    ("tight", "cpu_s", "CPU of 100,000 calls, s"),
    ("small_runs", "both_ms", "Begin and end a run, ms"),
)


def write(measured: Mapping[str, Rounds], about: str) -> None:
    """Put the tables between the marks of the page, and draw the pictures."""
    drawn = [_picture(measured, *which) for which in PICTURES if which[0] in measured]
    tables = [_section(it, measured[it.workload]) for it in SECTIONS if it.workload in measured]
    body = "\n\n".join([f"Measured on {about}.", *drawn, *tables, _left_out()])
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{body}\n{END}{rest.partition(END)[2]}")
    print(f"Written to {PAGE.relative_to(ROOT)}")


def value(rounds: Sequence[Mapping[str, float]], column: Column) -> float | None:
    """The middle of the rounds, or the worst; None where it was not measured."""
    found = [figures[column.figure] for figures in rounds if column.figure in figures]
    if not found:
        return None
    return max(found) if column.is_worst else median(found)


def _section(section: Section, rounds: Rounds) -> str:
    names = [peer.name for peer in ROSTER if any(rounds.get(peer.name, ()))]
    first = section.columns[0]
    products = {peer.name for peer in ROSTER if not peer.is_limit}
    known = {name: value(rounds[name], first) for name in names}
    order = sorted(names, key=lambda name: _rank(known[name], is_high=first.is_better_high))
    head = ["", *(column.heading for column in section.columns)]
    lines = [head, ["---", *("---:" for _ in section.columns)]]
    for name in order:
        shown = f"**{name}**" if name == ROSTER[0].name else name
        shown = shown if name in products else f"*{name}*"
        lines.append([shown, *(_cell(rounds[name], column) for column in section.columns)])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"### {section.title}\n\n{table}"


def _rank(found: float | None, *, is_high: bool) -> float:
    if found is None:
        return float("inf")
    return -found if is_high else found


def _cell(rounds: Sequence[Mapping[str, float]], column: Column) -> str:
    if any("failed" in figures for figures in rounds):
        return "failed"
    found = value(rounds, column)
    return "–" if found is None else f"{found:,.{column.digits}f}"


def _picture(measured: Mapping[str, Rounds], workload: str, figure: str, title: str) -> str:
    """Horizontal bars on a logarithmic axis, as an SVG file."""
    from matplotlib.figure import Figure

    column = Column(figure=figure, heading="")
    found = {name: value(rounds, column) for name, rounds in measured[workload].items()}
    bars = sorted(((known, name) for name, known in found.items() if known), reverse=True)
    drawing = Figure(figsize=(7, 0.28 * len(bars) + 0.7), layout="constrained")
    axes = drawing.subplots()
    colors = {ROSTER[0].name: "#e0662d", "limit": "#b8b8b8"}
    drawn = axes.barh(
        [name for _, name in bars],
        [known for known, _ in bars],
        color=[colors.get(name, "#6d87a8") for _, name in bars],
    )
    axes.bar_label(drawn, fmt=_short, fontsize=8)
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_title(title, loc="left", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    path = IMAGES / f"bench_{workload}_{figure}.svg"
    drawing.savefig(path, facecolor="white", metadata={"Date": None})
    return f"![{title}](images/{path.name})"


def _short(number: float) -> str:
    return f" {number:,.0f}" if number >= 100 else f" {number:.3g}"


def _left_out() -> str:
    lines = [f"- {name}: {why}." for name, why in LEFT_OUT.items()]
    return "\n".join(["### Not measured", "", *lines])
