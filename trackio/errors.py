"""The few errors Trackio raises, sorted by what the caller can do. No error is handled here."""

from collections.abc import Iterable


class TrackioError(Exception):
    """Base of every error Trackio raises on purpose."""


class InvalidInput(TrackioError, ValueError):
    """What was passed in cannot be used; the message says what would be."""


class NoRun(InvalidInput, RuntimeError):
    """Something was logged before `init`; the released Trackio raises a RuntimeError."""


class NotFound(TrackioError, LookupError):
    """The named project, run, metric or key does not exist."""


class StoreUnavailable(TrackioError):
    """Trying again may work; a write may or may not have landed, and repeating it is safe.

    `keys` are the ones to send again; empty means all that were asked for. `retry_after_s` is
    how long the store asked to be left alone; None where it did not say.
    """

    def __init__(
        self, message: str, *, keys: Iterable[str] = (), retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.keys = frozenset(keys)
        self.retry_after_s = retry_after_s


class StoreRefused(TrackioError):
    """The store said no (permission, quota, a full disk): somebody has to act first."""


class StoreMissing(StoreRefused):
    """There is no such bucket, or the token may not know of it; writers make it."""


class UnreadableFile(TrackioError):
    """A file cannot be read whole: torn, foreign, or other rows than its metadata says."""


class FormatTooNew(TrackioError):
    """Written by a newer Trackio; the message names the version to install."""


class LimitExceeded(TrackioError):
    """A query needed more time or memory than it was given."""
