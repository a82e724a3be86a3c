"""Every setting, where it comes from and its default. Reads the environment once, when asked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trackio.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushPolicy:
    """When lines become a shard, and how large one may be."""

    max_age_s: float = 2.0
    max_calls: int = 32_768
    max_bytes: int = 8 << 20
    heartbeat_s: float = 60.0
    sync_s: float = 1.0
    rotate_bytes: int = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepPolicy:
    """How long superseded files stay and how large merged ones may grow."""

    grace_s: float = 120.0
    settle_s: float = 600.0
    fan_in: int = 16
    max_merged_bytes: int = 128 << 20
    small_bytes: int = 512 << 10


LOCAL_FLUSH_S = 2.0
REMOTE_FLUSH_S = 10.0
LOCAL_GRACE_S = 120.0
REMOTE_GRACE_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one process works with.

    `dir` is the local store and the home of journals and spool; `store_url` the store that is
    read and written unless a call names another.
    """

    dir: Path
    journal_dir: Path
    store_url: str
    flush_s: float | None = None
    finish_s: float = 30.0

    @property
    def spool_dir(self) -> Path:
        """Where shards wait for a store that is not a directory."""
        return self.dir / ".spool"

    def flush_policy(self, *, is_local: bool) -> FlushPolicy:
        """When a writer on this kind of store makes a shard."""
        default = LOCAL_FLUSH_S if is_local else REMOTE_FLUSH_S
        return FlushPolicy(max_age_s=default if self.flush_s is None else self.flush_s)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read `TRACKIO_DIR`, `TRACKIO_JOURNAL_DIR`, `TRACKIO_STORE` and `TRACKIO_FLUSH_S`.

        Raises:
            InvalidInput: a value that cannot be read as what it should be.
        """
        home = _dir(environ)
        journal = environ.get("TRACKIO_JOURNAL_DIR")
        return cls(
            dir=home,
            journal_dir=Path(journal).expanduser() if journal else home / ".journal",
            store_url=environ.get("TRACKIO_STORE") or str(home),
            flush_s=_seconds(environ, "TRACKIO_FLUSH_S"),
        )


def upkeep_policy(*, is_local: bool) -> UpkeepPolicy:
    """The grace and sizes of this kind of store."""
    return UpkeepPolicy(grace_s=LOCAL_GRACE_S if is_local else REMOTE_GRACE_S)


def _dir(environ: Mapping[str, str]) -> Path:
    if own := environ.get("TRACKIO_DIR"):
        return Path(own).expanduser().absolute()
    cache = environ.get("XDG_CACHE_HOME") or "~/.cache"
    hub = environ.get("HF_HOME") or f"{cache}/huggingface"
    return Path(hub).expanduser().absolute() / "trackio"


def _seconds(environ: Mapping[str, str], name: str) -> float | None:
    text = environ.get(name)
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError as exc:
        raise InvalidInput(f"{name}={text!r} is not a number of seconds") from exc
    if not 0 < seconds < 3600:
        raise InvalidInput(f"{name}={text!r} must lie between 0 and 3600 seconds")
    return seconds
