"""The words of the format as plain values. No IO, no pyarrow, nothing that can fail.

The terms are defined in `docs/format.md`.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, NewType, TypeAlias

RunId = NewType("RunId", str)
WriterId = NewType("WriterId", str)
PackId = NewType("PackId", str)
TombstoneId = NewType("TombstoneId", str)
VersionId = NewType("VersionId", str)
EventId = NewType("EventId", str)

METRIC: Final = "metric"
SYSTEM: Final = "system"
CONFIG: Final = "config"
SUMMARY: Final = "summary"
MEDIA: Final = "media"
ALERT: Final = "alert"
RUN: Final = "run"
REPORT: Final = "report"
FILE: Final = "file"
TRACE: Final = "trace"
ARTIFACT: Final = "artifact"
DEFINE: Final = "define"

START: Final = "start"
HEARTBEAT: Final = "heartbeat"
FINISH: Final = "finish"
ENVIRONMENT: Final = "environment"
HARDWARE: Final = "hardware"
TOLD: Final = "told"


class Json(str):
    """The JSON text of a value that is neither a number, a bool, a string nor None."""

    __slots__ = ()


Value: TypeAlias = float | int | bool | str | Json | None
"""What one row can hold. `Json` is kept as it is; see `shard` for the columns."""


class Call(NamedTuple):
    """One write call: all its rows share `seq`, `time_us`, `step`, `auto` and `kind`."""

    seq: int
    time_us: int
    kind: str
    step: int | None
    auto: bool
    data: dict[str, Value]


class SeqRange(NamedTuple):
    """The calls `first ≤ seq ≤ last`."""

    first: int
    last: int


class Entry(NamedTuple):
    """One listed key.

    `time_s` is the store's time of the last write in seconds since 1970, never a client's;
    `version` changes whenever the bytes under the key do. A folder's key ends with `/`.
    """

    key: str
    size_bytes: int
    time_s: float
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMeta:
    """What `meta.json` says of a run. Times are ISO 8601 in UTC."""

    name: str
    created: str
    group: str | None = None
    tags: tuple[str, ...] = ()
    notes: str | None = None
    edited_at: str | None = None
