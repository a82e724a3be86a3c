"""The shape in which every legacy reader gives its rows, whatever their age. No IO."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

METRICS: Final = "metrics"
CONFIGS: Final = "configs"
SYSTEM_METRICS: Final = "system_metrics"
ALERTS: Final = "alerts"
TRACES: Final = "traces"

BODIES: Final[Mapping[str, tuple[str, ...]]] = {
    METRICS: ("metrics",),
    CONFIGS: ("config",),
    SYSTEM_METRICS: ("metrics",),
    ALERTS: ("title", "text", "level"),
    TRACES: ("key", "trace_index", "messages", "metadata", "spans", "id"),
}
"""The tables whose rows become rows, and the columns that are not common to all of them."""

LINKED: Final[Mapping[str, tuple[str, str]]] = {
    "run_artifact_links": ("run_id", "run_name"),
    "external_run_artifact_links": ("run_id", "run_name"),
    "artifact_versions": ("producer_run_id", "producer_run_name"),
    "pending_uploads": ("run_id", "run_name"),
}
"""Tables that are kept as they are but say that a run exists, and where they say it."""

Row: TypeAlias = tuple[Any, ...]
"""`place, project, run_id, run_name, timestamp, step, log_id, space_id`, the columns of
`BODIES`, then those nobody knows. `place` is the rowid or the line."""

FIXED: Final = 8
"""How many columns all tables have in common."""


class Owner(NamedTuple):
    """Whose a row says it is; any of it may be missing."""

    project: str | None
    run_id: str | None
    run_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is known of a table: its own columns, those nobody knows, how its times are meant."""

    columns: tuple[str, ...]
    extras: tuple[str, ...] = ()
    is_utc: bool = False
    count: int | None = None
    """How many rows the source itself says there are, where it can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Rows that cannot be read: all that may stand between two places."""

    table: str
    first: int
    last: int
    reason: str

    @property
    def rows(self) -> int:
        """How many rows there may have been."""
        return self.last - self.first + 1


class Source(Protocol):
    """One place with legacy rows: a database, Parquet files, CSV files."""

    @property
    def path(self) -> str:
        """Where it is below the source folder, for the report."""

    @property
    def stem(self) -> str:
        """The project's file name without its suffix."""

    @property
    def tables(self) -> Mapping[str, Shape]:
        """The tables it has, those of `BODIES` and others."""

    @property
    def damage(self) -> list[Damage]:
        """What could not be read so far."""

    def rows(self, table: str) -> Iterator[list[Row]]:
        """The rows of a table of `BODIES`, in the order in which they were written."""

    def owners(self, table: str) -> Iterator[list[Row]]:
        """As `rows`, or cheaper: only `place, project, run_id, run_name, timestamp`."""

    def objects(self, table: str) -> Iterator[dict[str, Any]]:
        """The rows of any table as they are."""

    def close(self) -> None:
        """Let go of files."""


def valid_text(value: object) -> str:
    """`value` as text that UTF-8 can hold; what it cannot hold is written as escapes."""
    match value:
        case None:
            return ""
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case _:
            text = str(value)
    if text.isascii():
        return text
    return _escaped(text)


def _escaped(text: str) -> str:
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return raw.decode("utf-8", "backslashreplace")
