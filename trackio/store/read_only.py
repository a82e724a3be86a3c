"""A store that only reads: a promise to its user, not a permission of the store behind it."""

from collections.abc import Iterable, Mapping

from trackio.errors import StoreRefused
from trackio.store.base import Content, Store
from trackio.store.remote import pass_on
from trackio.store.wrapper import Wrapper


class ReadOnly(Wrapper):
    """Lists and gets; refuses to put and to delete, even nothing."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        pass_on(self, inner)

    def put(self, files: Mapping[str, Content]) -> None:
        """Refuse.

        Raises:
            StoreRefused: always.
        """
        raise self._refusal(f"put {', '.join(files) or 'nothing'}")

    def delete(self, keys: Iterable[str]) -> None:
        """Refuse.

        Raises:
            StoreRefused: always.
        """
        raise self._refusal(f"delete {', '.join(keys) or 'nothing'}")

    def _refusal(self, what: str) -> StoreRefused:
        return StoreRefused(f"cannot {what}: {self.url} was opened for reading only")
