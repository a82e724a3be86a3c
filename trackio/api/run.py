"""One run in the hands of somebody who reads, and the few things that can be done to it."""

from pathlib import Path

from trackio.api.logged import Logged
from trackio.query.runs import find_run
from trackio.store import open_store
from trackio.store.base import Store


class Run(Logged):
    """One run as it was when it was asked for."""

    def refresh(self) -> "Run":
        """Read it anew; returns itself."""
        self._view = self._project.refresh()
        self._row = find_run(self._view, self.id)
        return self

    def delete(self) -> None:
        """Delete it for everybody and for ever, also if it is live; see `docs/operations.md`.

        Raises:
            StoreUnavailable, StoreRefused: it may be deleted in part; delete it again.
        """
        from trackio.upkeep.delete import delete_run

        delete_run(self._writable(), self.project, self._row.run_id)

    def rename(self, new_name: str) -> "Run":
        """Give it another name; its id stays. Returns itself, read anew.

        Raises:
            InvalidInput: no run can be called so.
            StoreUnavailable, StoreRefused: try again.
        """
        from trackio.upkeep.rename import rename_run

        rename_run(self._writable(), self.project, self._row.run_id, new_name)
        return self.refresh()

    def move(self, new_project: str, *, store: str | Path | None = None) -> str:
        """Move it to another project, or another store; returns its path there.

        Raises:
            InvalidInput: it is live, or it is there already.
            UnreadableFile: a file of it is damaged; nothing was deleted.
            StoreUnavailable, StoreRefused: nothing was deleted; moving it again goes on.
        """
        from trackio.upkeep.move import Place, move_run

        here = self._writable()
        source = Place(store=here, project=self.project)
        there = here if store is None else open_store(store)
        target = Place(store=there, project=new_project)
        return f"{new_project}/{move_run(source, self._row.run_id, target)}"

    def _writable(self) -> Store:
        return open_store(self._project.store.url)
