"""What people know of a run from wandb and the released Trackio, beside logging. Part of `Run`.

Names, tags and notes can be set; definitions say how metrics are read; the rest answers what
integrations ask. Nothing here raises because of a store or waits for one.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trackio import journal, keys
from trackio.errands import Errands
from trackio.errors import InvalidInput
from trackio.model import ALERT, DEFINE, RUN, SUMMARY, TOLD, Json, RunId, RunMeta
from trackio.origin import About
from trackio.settings import Settings
from trackio.store.base import is_local
from trackio.values.arguments import AlertLevel
from trackio.values.observed import Observed
from trackio.values.plain import dump_text

if TYPE_CHECKING:
    from trackio.store.base import Store
    from trackio.values.definition import Definition
    from trackio.writer.open import WritePath

_log = logging.getLogger("trackio")
_told: set[str] = set()

State = Literal["running", "finished", "failed"]


class Familiar:
    """The part of a run that is known from elsewhere."""

    project: str
    id: RunId
    config: Observed
    _store: "Store"
    _settings: Settings
    _header: journal.Header
    _path: "WritePath | None"
    _append: Callable[..., int | None]
    flush: Callable[..., bool]

    def _begin(self, meta: RunMeta, about: About, *, is_resumed: bool) -> None:
        self._about = about
        self._name, self._tags, self._notes = meta.name, meta.tags, meta.notes
        self._created = meta.created
        self._errands = Errands()
        self._editing = threading.Lock()
        self._edits: deque[Callable[[Store], None]] = deque()
        self._stop_flag = threading.Event()
        self._state: State = "running"
        self._definitions: dict[str, Definition] = {}
        self._summary = Observed({}, self._on_summary)
        self._shown: set[str] = set()
        self._first_steps: list[int] = []
        self._held_step: int | None = None
        self.resumed = is_resumed

    # What it is called

    @property
    def name(self) -> str:
        """What people call it; may be set."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        keys.name_prefix(self.project, name)
        self._name = name

        def change(store: "Store") -> None:
            from trackio.upkeep.rename import rename_run

            rename_run(store, self.project, self.id, name)

        self._edit("renaming a run", change)

    @property
    def display_name(self) -> str:
        """The same as `name`."""
        return self.name

    @property
    def tags(self) -> tuple[str, ...]:
        """Words to find it by; may be set."""
        return self._tags

    @tags.setter
    def tags(self, tags: Iterable[str] | None) -> None:
        before, self._tags = self._tags, tuple(dict.fromkeys(map(str, tags or ())))
        self._tag(add=self._tags, remove=[tag for tag in before if tag not in self._tags])

    @property
    def notes(self) -> str | None:
        """What people want to remember of it; may be set."""
        return self._notes

    @notes.setter
    def notes(self, notes: str | None) -> None:
        self._notes = notes or None
        self._tag(notes=str(notes or ""))

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

    @property
    def dir(self) -> str:
        """A folder of this machine for the files of this run; nothing in it is sent by itself."""
        folder = self._settings.dir / ".files" / str(self.id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            from tempfile import mkdtemp

            folder = Path(mkdtemp(prefix="trackio-run-"))
        return str(folder)

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
    def summary(self) -> Observed:
        """The value that sums each metric up so far; what is set here counts instead."""
        path = self._path
        if path is not None:
            self._show_summary(path)
        return self._summary

    @property
    def _space_id(self) -> str | None:
        return self._about.space_id

    @property
    def _is_local(self) -> bool:
        return is_local(self._store)

    # What may be said of it

    def define_metric(  # noqa: PLR0917 - wandb has them in this order
        self,
        name: str,
        step_metric: Any = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        overwrite: bool | None = None,
    ) -> "Definition":
        """Say how a metric is read.

        Args:
            name: the metric, or a pattern such as `train/*`.
            step_metric: the metric that is its x axis, such as `epoch`.
            summary: what sums it up: last, min, max, mean, best or none.
            goal: minimize or maximize; tells what is best.
            hidden: leave it out of the charts.
            step_sync, overwrite: accepted for wandb's sake.
        """
        from trackio.values.definition import Definition, make_definition

        del step_sync, overwrite
        try:
            made = make_definition(step_metric, summary, goal, hidden=hidden)
        except InvalidInput as exc:
            _log.warning("trackio: define_metric(%r): %s; left out", name, exc)
            return Definition()
        self._definitions[str(name)] = made
        self._append(DEFINE, {str(name): made.to_json()})
        return made

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
        _tell_once("watch() logs nothing: log gradients with trackio.Histogram")

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
            _tell_once(f"log() has no use for {', '.join(sorted(unknown))}: left out")
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

    def _on_summary(self, changed: dict[str, Any]) -> None:
        self._shown |= changed.keys()
        self._append(SUMMARY, changed)

    def _show_summary(self, path: "WritePath") -> None:
        from trackio.values.definition import find_definition

        for key, stats in path.latest().items():
            if key in self._shown:
                continue
            found = find_definition(self._definitions, key) if self._definitions else None
            choice = "last" if found is None else found.choice
            if choice == "none":
                dict.pop(self._summary, key, None)  # what it says is no change to report
            else:
                self._summary.show({key: stats.choose(choice)})

    def _remember_end(self, path: "WritePath", state: State) -> None:
        self._state = state
        with suppress(Exception):
            self._show_summary(path)

    def _tag(self, **changes: Any) -> None:
        def change(store: "Store") -> None:
            from trackio.upkeep.tag import tag_run

            tag_run(store, self.project, self.id, **changes)

        self._edit("changing what is said of a run", change)

    def _edit(self, what: str, change: Callable[["Store"], None]) -> None:
        """Change what the store, or the spool, says of this run, once it says anything."""
        if self.disabled:
            return

        def act() -> None:
            self.flush(LAST_WORDS_S)
            with self._editing:  # `meta.json` is read, changed and written, in order
                edit = self._edits.popleft()
                edit(self._editable())

        self._edits.append(change)
        self._errands.start(what, act)

    def _editable(self) -> "Store":
        if not self.offline or self._is_local:
            return self._store
        from trackio.spool import spool_folder
        from trackio.store.directory import Directory

        return Directory(spool_folder(self._settings.spool_dir, self._store.url))

    def _end_background(self) -> None:
        self._errands.wait()

    def _forget_background(self) -> None:
        self._errands, self._editing = Errands(), threading.Lock()
        self._edits.clear()

    def _webhook_for(
        self, level: AlertLevel, given: str | None, warn: Callable[[str, str], None]
    ) -> str | None:
        """Whom this process tells of an alert itself, if anybody."""
        url = given or self._about.webhook_url
        order = list(AlertLevel)
        least = AlertLevel(self._about.webhook_min_level)
        if not url or self.disabled or self.offline:
            return None
        if given is None and order.index(level) < order.index(least):
            return None
        if not url.startswith(("http://", "https://")):
            warn("webhook_url=", "webhook_url= is no http(s) URL: nobody is told")
            return None
        return url

    def _tell_webhook(
        self, url: str, title: str, said: Mapping[str, Any], step: int | None
    ) -> None:
        """Keep the alert, tell of it, and keep that it was told, so that no job tells again."""
        from trackio.telling import digest_of, tell

        digest = digest_of(url)
        seq = self._append(ALERT, {title: Json(dump_text({**said, "webhook": digest}))}, step)
        path = self._path
        if seq is None or path is None:
            return
        writer = path.writer

        def act() -> None:
            tell(url, writer.header, seq=seq, title=title, said=said, step=step)
            told = Json(dump_text({"seq": seq, "webhook": digest}))
            with suppress(Exception):  # sealed meanwhile: then a job may tell it a second time
                writer.append(RUN, {TOLD: told})

        self._errands.start("telling the webhook of an alert", act)


LAST_WORDS_S = 30.0


def _tell_once(message: str) -> None:
    if message not in _told:
        _told.add(message)
        _log.warning("trackio: %s", message)
