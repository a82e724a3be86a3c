"""A store for writers: a bucket that is missing is empty, and the first put makes it, private.

Who only reads does without: whoever mistypes a name is told so, and makes nothing.
"""

from collections.abc import Callable, Iterator, Mapping

from trackio.errors import NotFound, StoreMissing
from trackio.model import Entry
from trackio.store.base import Budget, Content, budget_of
from trackio.store.wrapper import Wrapper


class Making(Wrapper):
    """Makes the bucket if it can be made by the store; others are handed through."""

    @property
    def budget(self) -> Budget | None:
        """What the store last said of its limits."""
        return budget_of(self._inner)

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """See `Store.list`; nothing where there is no bucket."""
        try:
            yield from self._inner.list(prefix, recursive=recursive)
        except StoreMissing:
            return

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        try:
            return self._inner.get(key)
        except StoreMissing as exc:
            raise NotFound(f"there is no {key} in {self.url}, which does not exist yet") from exc

    def put(self, files: Mapping[str, Content]) -> None:
        """See `Store.put`.

        Raises:
            StoreRefused: also where there is no bucket and none may be made.
        """
        try:
            self._inner.put(files)
        except StoreMissing:
            create: Callable[[], bool] | None = getattr(self._inner, "create", None)
            if create is None or not create():
                raise
            self._inner.put(files)
