"""The lines of the table: what is measured, and what we want it to be. Nothing is run here."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: a figure of a workload, and the most that it may be.

    `at_most` is in the line's unit, `of_peer` a part of the peer's figure. The middle of the
    rounds counts, of what was lost the worst.
    """

    what: str
    unit: str
    workload: str
    figure: str
    at_most: float | None = None
    of_peer: float | None = None
    is_worst: bool = False

    def settle(self, values: Sequence[float]) -> float | None:
        """One value for all rounds."""
        if not values:
            return None
        return max(values) if self.is_worst else median(values)

    def is_met(self, ours: float | None, peer: float | None) -> bool | None:
        """Whether the target is reached, None if that cannot be told."""
        if ours is None or (self.of_peer is not None and peer is None):
            return None
        fits = self.at_most is None or ours <= self.at_most
        return fits and (self.of_peer is None or ours <= self.of_peer * (peer or 0))

    @property
    def target(self) -> str:
        """The target in words."""
        parts = [] if self.at_most is None else [f"≤ {self.at_most:g}{_space(self.unit)}"]
        parts += [] if self.of_peer is None else [f"≤ {self.of_peer:g} ×"]
        return ", ".join(parts).replace("≤ 0 ", "0 ") or "–"


def _space(unit: str) -> str:
    return f" {unit}" if unit else ""


LINES: Final = (
    Line(
        what="`log()` of 5 numbers, tight loop",
        unit="µs",
        workload="tight",
        figure="p50_us",
        at_most=3,
        of_peer=0.35,
    ),
    Line(what="… 99.9th percentile", unit="µs", workload="tight", figure="p999_us", at_most=200),
    Line(
        what="`log()` of 5 numbers, 1,000 calls a second",
        unit="µs",
        workload="paced",
        figure="p50_us",
        at_most=7,
        of_peer=0.35,
    ),
    Line(
        what="`log()` of 1,000 numbers",
        unit="µs",
        workload="wide",
        figure="p50_us",
        of_peer=0.1,
    ),
    Line(
        what="100,000 calls until durable, wall",
        unit="s",
        workload="tight",
        figure="wall_s",
        of_peer=0.25,
    ),
    Line(what="… CPU", unit="s", workload="tight", figure="cpu_s", of_peer=0.25),
    Line(
        what="disk, a number",
        unit="bytes",
        workload="tight",
        figure="bytes_a_point",
        at_most=8,
    ),
    Line(
        what="memory of 1 M calls, peak",
        unit="MB",
        workload="million",
        figure="peak_mb",
        at_most=200,
    ),
    Line(what="`import trackio`", unit="ms", workload="start", figure="import_ms", at_most=55),
    Line(what="first `init()`", unit="ms", workload="start", figure="init_ms", at_most=10),
    Line(
        what="`init()` + `finish()` of a run of 500 calls",
        unit="ms",
        workload="small_runs",
        figure="both_ms",
        of_peer=0.25,
    ),
    Line(
        what="calls lost to SIGKILL at 1,000 a second",
        unit="",
        workload="killed",
        figure="lost",
        at_most=0,
        is_worst=True,
    ),
    Line(
        what="calls lost, 64 processes × 500",
        unit="",
        workload="crowd",
        figure="lost",
        at_most=0,
        is_worst=True,
    ),
    Line(
        what="… processes with an error",
        unit="",
        workload="crowd",
        figure="errors",
        at_most=0,
        is_worst=True,
    ),
    Line(
        what="table of 100 runs × 10,000 steps × 10 metrics",
        unit="ms",
        workload="reading",
        figure="run_table_ms",
        at_most=50,
    ),
    Line(
        what="one metric of one run, 10,000 points",
        unit="ms",
        workload="reading",
        figure="one_series_ms",
        at_most=10,
    ),
    Line(
        what="one metric of 100 runs, a million points",
        unit="ms",
        workload="reading",
        figure="one_metric_ms",
        at_most=150,
    ),
    Line(
        what="… down-sampled to 1,500 points a run",
        unit="ms",
        workload="reading",
        figure="sampled_ms",
        at_most=100,
    ),
    Line(
        what="dashboard, 40 metrics × 10 runs × 1,500 points: first chart",
        unit="s",
        workload="dashboard",
        figure="first chart, s",
        at_most=1.2,
    ),
    Line(
        what="… a live tick with nothing new",
        unit="bytes",
        workload="dashboard",
        figure="idle tick, answer, bytes",
        at_most=300,
    ),
    Line(
        what="100 runs in a bucket, 50 ms a request: table and first chart, empty cache",
        unit="ms",
        workload="reading_remote",
        figure="cold_chart_ms",
        at_most=3000,
    ),
    Line(
        what="… the next time",
        unit="ms",
        workload="reading_remote",
        figure="warm_chart_ms",
        at_most=1000,
    ),
    Line(
        what="… a tick with nothing new",
        unit="ms",
        workload="reading_remote",
        figure="idle_tick_ms",
        at_most=5,
    ),
    Line(
        what="a bucket 100 ms away, 16 writers: row visible, 99th percentile",
        unit="s",
        workload="remote",
        figure="visible_p99_s",
        at_most=15,
    ),
    Line(
        what="… a burst of 2,000 calls until `finish()` says OK",
        unit="s",
        workload="remote",
        figure="burst_s",
        at_most=5,
    ),
    Line(
        what="… 32 processes × 1,000 calls",
        unit="s",
        workload="remote",
        figure="many_s",
        at_most=14,
    ),
    Line(
        what="… 1,000 small shards against one raw batch of the official client",
        unit="×",
        workload="remote",
        figure="shards_ratio",
        at_most=2,
    ),
    Line(
        what="store unreachable: the training loop takes longer by",
        unit="%",
        workload="remote",
        figure="nowhere_percent",
        at_most=1,
    ),
    Line(
        what="10,000 shards × 100 rows, compacted: files",
        unit="",
        workload="packing",
        figure="tiny_files",
        at_most=20,
    ),
    Line(
        what="… one metric of all runs, cold, before",
        unit="ms",
        workload="packing",
        figure="tiny_cold_before_ms",
    ),
    Line(what="… and after", unit="ms", workload="packing", figure="tiny_cold_ms"),
    Line(
        what="1,000 runs × 10 metrics × 2,000 steps: compacted, all",
        unit="s",
        workload="packing",
        figure="all_s",
        at_most=20,
    ),
    Line(what="… memory, peak", unit="MB", workload="packing", figure="peak_mb", at_most=1000),
    Line(what="… a number", unit="bytes", workload="packing", figure="bytes_a_point", at_most=8),
    Line(what="… run table", unit="ms", workload="packing", figure="runs_ms", at_most=100),
    Line(
        what="… one metric of all runs, from overviews",
        unit="ms",
        workload="packing",
        figure="one_metric_ms",
        at_most=200,
    ),
    Line(
        what="… and in full",
        unit="ms",
        workload="packing",
        figure="one_metric_full_ms",
        at_most=500,
    ),
    Line(
        what="… first paint of 10 runs × 10 metrics",
        unit="ms",
        workload="packing",
        figure="ten_by_ten_ms",
        at_most=50,
    ),
    Line(
        what="`trackio --help`, cold process",
        unit="s",
        workload="commands",
        figure="help_s",
        at_most=0.2,
    ),
    Line(
        what="`trackio list runs --json` of 1,000 compacted runs, cold process",
        unit="s",
        workload="commands",
        figure="list_compacted_s",
        at_most=0.8,
    ),
    Line(
        what="… of runs that were not compacted yet",
        unit="s",
        workload="commands",
        figure="list_runs_s",
        at_most=0.8,
    ),
    Line(
        what="the slowest answer of 11 over MCP, warm",
        unit="s",
        workload="commands",
        figure="mcp_slowest_s",
        at_most=0.5,
    ),
    Line(
        what="an artifact of 10,000 files into a directory, against its raw client",
        unit="×",
        workload="artifacts",
        figure="directory_up_ratio",
        at_most=1.3,
    ),
    Line(
        what="… and back, each file checked",
        unit="×",
        workload="artifacts",
        figure="directory_down_ratio",
        at_most=1.3,
    ),
    Line(
        what="… memory at its peak",
        unit="MB",
        workload="artifacts",
        figure="directory_log_MB",
        at_most=300,
    ),
    Line(
        what="an artifact of 10,000 files into S3, against its raw client",
        unit="×",
        workload="artifacts",
        figure="s3_up_ratio",
        at_most=1.3,
    ),
    Line(
        what="… and back, each file checked",
        unit="×",
        workload="artifacts",
        figure="s3_down_ratio",
        at_most=1.3,
    ),
    Line(
        what="… memory at its peak",
        unit="MB",
        workload="artifacts",
        figure="s3_log_MB",
        at_most=300,
    ),
    Line(
        what="an artifact of 10,000 files into a bucket, against its raw client",
        unit="×",
        workload="artifacts",
        figure="bucket_up_ratio",
        at_most=1.3,
    ),
    Line(
        what="… and back, each file checked",
        unit="×",
        workload="artifacts",
        figure="bucket_down_ratio",
        at_most=1.3,
    ),
    Line(
        what="… memory at its peak",
        unit="MB",
        workload="artifacts",
        figure="bucket_log_MB",
        at_most=300,
    ),
)
