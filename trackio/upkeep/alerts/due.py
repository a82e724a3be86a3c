"""One alert that somebody should be told of. A value; knows no store and no webhook."""

from dataclasses import dataclass
from typing import Final

from trackio.errors import InvalidInput
from trackio.model import RunId, WriterId

LEVELS: Final = ("info", "warn", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An alert row, or what a rule found at a row; `(writer_id, seq)` is the log id of that row.

    `mark` tells what a rule found from what it found before: it fires once for each mark.
    `client` is the digest of the webhook that the training process itself was given;
    `is_told` says that it has told it.
    """

    project: str
    run_id: RunId
    run: str
    writer_id: WriterId
    seq: int
    time_s: float
    step: int | None
    level: str
    title: str
    text: str = ""
    rule: str | None = None
    mark: str = ""
    client: str | None = None
    is_told: bool = False

    @property
    def log_id(self) -> str:
        """Names the row for ever."""
        return f"{self.writer_id}-{self.seq:012d}"

    @property
    def name(self) -> str:
        """Names the alert: two rules may have found something in one row."""
        return self.log_id if self.rule is None else f"{self.log_id} {self.rule}"


def check_level(level: str) -> str:
    """`level` itself.

    Raises:
        InvalidInput: there is no such level.
    """
    if level not in LEVELS:
        raise InvalidInput(f"a level is one of {', '.join(LEVELS)}, not {level!r}")
    return level


def is_at_least(level: str, least: str) -> bool:
    """Whether an alert of this level is bad enough; of an unknown one nobody knows, so it is."""
    return level not in LEVELS or LEVELS.index(level) >= LEVELS.index(least)
