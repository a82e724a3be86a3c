"""What people know of a run from wandb and the released Trackio, beside logging. Part of `Run`.

It answers what integrations ask: where the run is, what becomes of it, at which step it is.
Nothing here raises because of a store or waits for one.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trackio import journal
from trackio.errands import LAST_WORDS_S, Errands
from trackio.model import RUN, RunId
from trackio.once import tell_once
from trackio.origin import About
from trackio.settings import Settings
from trackio.store.base import is_local

if TYPE_CHECKING:
    from trackio.store.base import Store
    from trackio.writer.open import WritePath

_log = logging.getLogger("trackio")

State = Literal["running", "finished", "failed"]


class Familiar:
    """The part of a run that is known from elsewhere."""

    project: str
    id: RunId
    name: str
    _errands: Errands
    _store: "Store"
    _settings: Settings
    _header: journal.Header
    _path: "WritePath | None"
    _append: Callable[..., int | None]
    flush: Callable[..., bool]

    def _begin(self, created: str, about: About, *, is_resumed: bool) -> None:
        self._about = about
        self._created = created
        self._stop_flag = threading.Event()
        self._state: State = "running"
        self._first_steps: list[int] = []
        self._held_step: int | None = None
        self.resumed = is_resumed

    # Where it is

    @property
    def entity(self) -> str | None:
        """Whose it is: what `init` was told, or the namespace of its bucket."""
        if self._about.entity:
            return self._about.entity
        bucket = self._store.url.partition("hf://buckets/")[2]
        return bucket.partition("/")[0] or None

    @property
    def path(self) -> str:
        """What `Api.run` finds it by."""
        return f"{self.project}/{self.id}"

    @property
    def url(self) -> str | None:
        """Its page in its Space, if it has one."""
        if self._space_id is None:
            return None
        from urllib.parse import urlencode

        asked = urlencode({"project": self.project, "runs": self.name})
        return f"https://{self._space_id.replace('/', '-').lower()}.hf.space/?{asked}"

    def get_url(self) -> str | None:
        """The same as `url`."""
        return self.url

    # What becomes of it

    @property
    def step(self) -> int:
        """The step that the next `log` call without one gets."""
        return self._path.writer.next_step if self._path is not None else 0

    @property
    def start_time(self) -> float:
        """When it was first made, in seconds since 1970."""
        from datetime import datetime

        return datetime.fromisoformat(self._created).timestamp()

    @property
    def state(self) -> State:
        """running, or as it ended."""
        return "running" if self._path is not None else self._state

    @property
    def job_type(self) -> str | None:
        """What `init` was told that it does."""
        return self._about.job_type

    @property
    def label(self) -> str | None:
        """What tells this process apart from others that share the run."""
        return self._about.label

    @property
    def offline(self) -> bool:
        """Whether nothing is sent."""
        return self._settings.mode == "offline"

    @property
    def disabled(self) -> bool:
        """Whether nothing is kept."""
        return self._settings.mode == "disabled"

    @property
    def settings(self) -> Settings:
        """What it works with."""
        return self._settings

    @property
    def _space_id(self) -> str | None:
        return self._about.space_id

    @property
    def _is_local(self) -> bool:
        return is_local(self._store)

    # What may be said of it

    def mark_preempting(self) -> None:
        """Note that this process is about to be stopped, and send what there is."""
        self._append(RUN, {"preempting": None})
        if self._path is not None:
            self._errands.start("sending what was logged", lambda: self.flush(LAST_WORDS_S))

    def log_code(
        self,
        root: str | os.PathLike[str] = ".",
        name: str | None = None,
        include_fn: Callable[..., bool] | None = None,
        exclude_fn: Callable[..., bool] | None = None,
    ) -> Any:
        """Log the Python files below `root` as an artifact of type `code`."""
        from trackio.code_files import make_code_artifact

        made = make_code_artifact(
            Path(root), name or f"code-{self.project}", include_fn, exclude_fn
        )
        if made is None:
            _log.warning("trackio: log_code() found no file in %s", root)
            return None
        log_artifact: Callable[..., Any] = self.log_artifact  # type: ignore[attr-defined]
        return log_artifact(made)

    def watch(self, *args: Any, **kwargs: Any) -> None:
        """Accepted for wandb's sake: gradients and parameters are not logged by themselves."""
        del args, kwargs
        tell_once("watch() logs nothing: log gradients with trackio.Histogram")

    def unwatch(self, *args: Any, **kwargs: Any) -> None:
        """Accepted for wandb's sake, as `watch`."""

    def join(self, exit_code: int | None = None) -> None:
        """The same as `finish`, as old scripts have it."""
        finish: Callable[..., Any] = self.finish  # type: ignore[attr-defined]
        finish(exit_code)

    # How

    def _choose_step(
        self,
        path: "WritePath",
        step: int | None,
        commit: bool | None,
        unknown: Mapping[str, Any],
    ) -> int | None:
        """The step of a call: the first that `init` was told, or that of a call to be completed."""
        if unknown:
            tell_once(f"log() has no use for {', '.join(sorted(unknown))}: left out")
        if step is None and self._first_steps:
            with suppress(IndexError):  # another thread took it
                step = self._first_steps.pop()
        if step is None:
            step = self._held_step
        if commit is False:
            step = path.writer.next_step if step is None else step
        self._held_step = step if commit is False else None
        return step

    def _count_from_first(self, path: "WritePath") -> None:
        """Let this writer count its steps from where `init` said."""
        first = self._about.first_step
        if first is not None and path.writer.next_seq > 0:
            path.writer.next_step = first
            self._first_steps = [first]
