"""What a run is called, and how that is changed while it lives. Part of `Run`."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from trackio import keys
from trackio.errands import LAST_WORDS_S, Errands
from trackio.lifecycle import no_fork
from trackio.model import RunId, RunMeta
from trackio.settings import Settings
from trackio.store.base import is_local

if TYPE_CHECKING:
    from trackio.store.base import Store


class WithNames:
    """A run whose name, tags and notes may be set; the store learns of it in the background."""

    project: str
    id: RunId
    _errands: Errands
    _settings: Settings
    _store: "Store"
    flush: Callable[..., bool]

    def _begin_names(self, meta: RunMeta) -> None:
        self._name, self._tags, self._notes = meta.name, meta.tags, meta.notes
        self._forget_edits()

    def _forget_edits(self) -> None:
        self._editing = threading.Lock()
        self._edits: deque[Callable[[Store], None]] = deque()

    @property
    def name(self) -> str:
        """What people call it; may be set."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        keys.name_prefix(self.project, name)
        self._name = name

        def change(store: "Store") -> None:
            with no_fork():
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

    def _tag(self, **changes: Any) -> None:
        def change(store: "Store") -> None:
            with no_fork():
                from trackio.upkeep.tag import tag_run

            tag_run(store, self.project, self.id, **changes)

        self._edit("changing what is said of a run", change)

    def _edit(self, what: str, change: Callable[["Store"], None]) -> None:
        """Change what the store, or the spool, says of this run, once it says anything."""
        if self._settings.mode == "disabled":
            return

        def act() -> None:
            self.flush(LAST_WORDS_S)
            with self._editing:  # `meta.json` is read, changed and written, in order
                edit = self._edits.popleft()
                edit(self._editable())

        self._edits.append(change)
        self._errands.start(what, act)

    def _editable(self) -> "Store":
        if self._settings.mode != "offline" or is_local(self._store):
            return self._store
        from trackio.spool import spool_folder
        from trackio.store.directory import Directory

        return Directory(spool_folder(self._settings.spool_dir, self._store.url))
