"""What ending a run achieved, and what to type where something stayed behind. Values only."""

from dataclasses import dataclass

from trackio.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishReport:
    """What `finish` achieved.

    `calls` were made; `local` of them are only on this machine, and `command` brings them to
    the store. `unkept` of these are in no journal either, because this machine could not write
    one: they end with the process. `interval_s` is how far apart sendings were at the end: the
    store may have asked for more time between them; None for a directory, where nothing is sent.
    """

    calls: int
    local: int
    command: str | None
    interval_s: float | None = None
    unkept: int = 0

    @property
    def stored(self) -> int:
        """How many calls are in the store."""
        return self.calls - self.local

    @property
    def is_complete(self) -> bool:
        """Whether everything is in the store, so that this machine may vanish."""
        return self.local == 0

    @property
    def where(self) -> str:
        """Where the local calls are, and what to do about them."""
        if not self.unkept:
            return f"they are safe on this machine, and `{self.command}` sends them"
        rest = f"; `{self.command}` sends the others" if self.unkept < self.local else ""
        return (
            f"{self.unkept} of them could not be written to this machine either, and end with "
            f"this process{rest}"
        )


def sync_command(settings: Settings) -> str:
    """What to type on this machine, in any folder, to send what waits here."""
    import shlex

    words = ["trackio", "sync", "--dir", str(settings.dir)]
    if settings.journal_dir != settings.dir / ".journal":
        words += ["--journal-dir", str(settings.journal_dir.absolute())]
    return shlex.join(words)
