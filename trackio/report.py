"""What ending a run achieved, and what to type where something stayed behind. Values only."""

from dataclasses import dataclass

from trackio.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishReport:
    """What `finish` achieved.

    `calls` were made; `local` of them are only on this machine, and `command` brings them to
    the store. `interval_s` is how far apart sendings were at the end: the store may have asked
    for more time between them; None for a directory, where nothing is sent.
    """

    calls: int
    local: int
    command: str | None
    interval_s: float | None = None

    @property
    def stored(self) -> int:
        """How many calls are in the store."""
        return self.calls - self.local

    @property
    def is_complete(self) -> bool:
        """Whether everything is in the store, so that this machine may vanish."""
        return self.local == 0


def sync_command(settings: Settings) -> str:
    """What to type on this machine, in any folder, to send what waits here."""
    import shlex

    words = ["trackio", "sync", "--dir", str(settings.dir)]
    if settings.journal_dir != settings.dir / ".journal":
        words += ["--journal-dir", str(settings.journal_dir.absolute())]
    return shlex.join(words)
