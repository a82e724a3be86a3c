"""Every setting, where it comes from and its default. Reads the environment once, when asked."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, cast, get_args

from trackio.errors import InvalidInput

Mode = Literal["online", "offline", "disabled"]
"""Whether a process sends what it logs, only keeps it on this machine, or does nothing at all."""


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


SYSTEM_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorPolicy:
    """How often the machine and its GPUs are read, None for never; whether runs tell whence."""

    machine_s: float | None = SYSTEM_S
    gpu_s: float | None = SYSTEM_S
    environment: bool = True

    def choose(
        self,
        *,
        machine: bool | None,
        machine_s: float | None,
        gpu: bool | None,
        gpu_s: float | None,
    ) -> "MonitorPolicy":
        """This policy with what one call says; what is None stays."""
        return replace(
            self,
            machine_s=_chosen_s(self.machine_s, machine, machine_s),
            gpu_s=_chosen_s(self.gpu_s, gpu, gpu_s),
        )


LOCAL_FLUSH_S = 2.0
REMOTE_FLUSH_S = 10.0
LOCAL_GRACE_S = 120.0
REMOTE_GRACE_S = 3600.0
FINISH_S = 30.0
FINISH_CAP_S = 600.0
RESUME_S = 5.0
CACHE_BYTES: Final = 10 * 10**9
_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
OWN_NAMESPACE: Final = "me"
"""Stands in the URL of a bucket for the user whose token it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long `finish` waits: `silence_s` after the last progress, `cap_s` in all.

    A store that says for how long it wants to be left alone is no silence until then.
    """

    silence_s: float = FINISH_S
    cap_s: float = FINISH_CAP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one process, or one call of `init`, works with.

    `dir` is the local store and the home of journals and spool; `store_url` the store that is
    read and written unless a call names another.
    """

    dir: Path
    journal_dir: Path
    store_url: str
    mode: Mode = "online"
    flush_s: float | None = None
    finish_s: float = FINISH_S
    finish_cap_s: float = FINISH_CAP_S
    resume_s: float = RESUME_S
    monitor: MonitorPolicy = MonitorPolicy()
    cache_dir: Path | None = None
    cache_bytes: int = CACHE_BYTES
    alerts: Path | None = None
    webhook_url: str | None = None
    webhook_min_level: str = "info"

    @property
    def alerts_file(self) -> Path:
        """The file that says whom to tell of alerts, and by which rules."""
        return self.alerts or self.dir / "alerts.toml"

    @property
    def spool_dir(self) -> Path:
        """Where shards wait for a store that is not a directory."""
        return self.dir / ".spool"

    @property
    def cache_home(self) -> Path:
        """Where files of remote stores that were read are kept."""
        return self.cache_dir or self.dir / ".cache"

    @property
    def patience(self) -> Patience:
        """How long `finish` waits."""
        return Patience(silence_s=self.finish_s, cap_s=max(self.finish_s, self.finish_cap_s))

    def flush_policy(self, *, is_local: bool) -> FlushPolicy:
        """When a writer on this kind of store makes a shard."""
        default = LOCAL_FLUSH_S if is_local else REMOTE_FLUSH_S
        return FlushPolicy(max_age_s=default if self.flush_s is None else self.flush_s)

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] = os.environ,
        *,
        dir: str | os.PathLike[str] | None = None,  # noqa: A002 - as `init` calls it
        store: str | os.PathLike[str] | None = None,
        bucket_id: str | None = None,
        mode: str | None = None,
    ) -> "Settings":
        """Read the variables of `docs/reference.md`; what is given here goes before them.

        Raises:
            InvalidInput: a value that cannot be read as what it should be, or two stores.
        """
        home = _home(environ, dir)
        journal = environ.get("TRACKIO_JOURNAL_DIR")
        return cls(
            dir=home,
            journal_dir=Path(journal).expanduser() if journal else home / ".journal",
            store_url=_store_url(environ, store, bucket_id) or str(home),
            mode=_mode(environ, mode),
            flush_s=_seconds(environ, "TRACKIO_FLUSH_S"),
            finish_s=_seconds(environ, "TRACKIO_FINISH_S") or FINISH_S,
            finish_cap_s=_seconds(environ, "TRACKIO_FINISH_CAP_S") or FINISH_CAP_S,
            resume_s=_seconds(environ, "TRACKIO_RESUME_S") or RESUME_S,
            monitor=_monitor(environ),
            cache_dir=_folder(environ, "TRACKIO_CACHE_DIR"),
            cache_bytes=_size(environ, "TRACKIO_CACHE_SIZE", CACHE_BYTES),
            alerts=_folder(environ, "TRACKIO_ALERTS"),
            webhook_url=environ.get("TRACKIO_WEBHOOK_URL") or None,
            webhook_min_level=environ.get("TRACKIO_WEBHOOK_MIN_LEVEL", "").lower() or "info",
        )


def upkeep_policy(*, is_local: bool) -> UpkeepPolicy:
    """The grace and sizes of this kind of store."""
    return UpkeepPolicy(grace_s=LOCAL_GRACE_S if is_local else REMOTE_GRACE_S)


def _home(environ: Mapping[str, str], given: str | os.PathLike[str] | None) -> Path:
    if own := given or environ.get("TRACKIO_DIR"):
        return Path(own).expanduser().absolute()
    cache = environ.get("XDG_CACHE_HOME") or "~/.cache"
    hub = environ.get("HF_HOME") or f"{cache}/huggingface"
    return Path(hub).expanduser().absolute() / "trackio"


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    given = environ.get(name)
    return Path(given).expanduser().absolute() if given else None


def _size(environ: Mapping[str, str], name: str, default: int) -> int:
    """A number of bytes, such as 500MB or 10 GB."""
    text = environ.get(name)
    if not text:
        return default
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)B?\s*", text.upper())
    if found is None:
        raise InvalidInput(f"{name}={text!r} is not a size, such as 500MB or 10GB")
    return int(float(found[1]) * _UNITS[found[2]])


def _store_url(
    environ: Mapping[str, str], store: str | os.PathLike[str] | None, bucket_id: str | None
) -> str | None:
    """The store that a call names, or else the environment."""
    given = _one_store(store, bucket_id, names=("store=", "bucket_id="))
    names = ("TRACKIO_STORE", "TRACKIO_BUCKET_ID")
    return given or _one_store(environ.get(names[0]), environ.get(names[1]), names=names)


def _one_store(
    store: str | os.PathLike[str] | None, bucket_id: str | None, *, names: tuple[str, str]
) -> str | None:
    if store and bucket_id and os.fspath(store) != _bucket_url(bucket_id, names[1]):
        raise InvalidInput(f"{names[0]} and {names[1]} name two stores: set only one of them")
    if store:
        return os.fspath(store)
    return _bucket_url(bucket_id, names[1]) if bucket_id else None


def _bucket_url(bucket_id: str, name: str) -> str:
    """The store in the bucket `namespace/name`, or `name` in the namespace of the token's user."""
    parts = bucket_id.split("/") if isinstance(bucket_id, str) else ()
    if not 1 <= len(parts) <= 2 or not all(parts) or ":" in bucket_id:
        raise InvalidInput(
            f"{name} takes 'namespace/name', or 'name' for a bucket of your own, not {bucket_id!r}"
        )
    return f"hf://buckets/{bucket_id if len(parts) == 2 else f'{OWN_NAMESPACE}/{bucket_id}'}"


def _mode(environ: Mapping[str, str], given: str | None) -> Mode:
    said = given or environ.get("TRACKIO_MODE") or "online"
    if said not in get_args(Mode):
        where = "mode=" if given else "TRACKIO_MODE="
        raise InvalidInput(f"{where}{said!r} is none of {', '.join(get_args(Mode))}")
    return cast("Mode", said)


def _chosen_s(usual_s: float | None, is_wanted: bool | None, every_s: float | None) -> float | None:
    """How often to look: never, as often as was asked for, or as usual."""
    if is_wanted is False or (usual_s is None and not is_wanted):
        return None
    if every_s is None:
        return usual_s or SYSTEM_S
    if not isinstance(every_s, int | float) or not 0 < every_s < 86_400:
        raise InvalidInput(f"an interval must lie between 0 and 86400 seconds, not {every_s!r}")
    return float(every_s)


def _monitor(environ: Mapping[str, str]) -> MonitorPolicy:
    """`TRACKIO_SYSTEM_S=0` turns the looking at the machine off."""
    is_off = environ.get("TRACKIO_SYSTEM_S", "").strip() in ("0", "0.0", "off")
    every_s = None if is_off else _seconds(environ, "TRACKIO_SYSTEM_S") or SYSTEM_S
    said = environ.get("TRACKIO_ENVIRONMENT", "").strip().lower()
    return MonitorPolicy(
        machine_s=every_s, gpu_s=every_s, environment=said not in ("0", "off", "false", "no")
    )


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
