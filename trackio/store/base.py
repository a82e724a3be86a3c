"""What a store must offer: four verbs over bytes under keys. It knows nothing of the format.

A key is a `/`-separated path without empty, `.` or `..` parts. A `put` is seen whole or not
at all. Everything raises only errors of `trackio.errors`.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from trackio.model import Entry

Content = bytes | Path
"""What to put: the bytes themselves, or the local file that holds them."""


class Store(Protocol):
    """Bytes under keys."""

    @property
    def url(self) -> str:
        """Where it is; opens the same store again. Holds no secret."""

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """Every key that starts with `prefix`, a folder that ends with `/` or the root "".

        With `recursive=False` only what lies directly in that folder, and each folder in it
        as an entry whose key ends with `/` (size 0, time 0, no version). A prefix nobody
        wrote to lists nothing. In no particular order; what is put or deleted meanwhile may
        or may not be seen.

        Raises:
            StoreUnavailable: the listing broke off; what came before it is not the whole.
            StoreRefused: no permission to list.
        """

    def get(self, key: str) -> bytes:
        """The bytes under `key`.

        Raises:
            NotFound: there is nothing under `key`.
            StoreUnavailable: try again.
            StoreRefused: no permission to read.
        """

    def put(self, files: Mapping[str, Content]) -> None:
        """Put every file; each appears whole under its key, in any order.

        Raises:
            StoreUnavailable: some may not have landed; `keys` names those to send again.
            StoreRefused: no permission, or no room.
        """

    def delete(self, keys: Iterable[str]) -> None:
        """Delete these keys; those that are gone already are no error.

        Raises:
            StoreUnavailable: some may still be there; `keys` names those to send again.
            StoreRefused: no permission to delete.
        """


class LocalStore(Store, Protocol):
    """A store whose files other programs, DuckDB among them, can open in place."""

    def path(self, key: str) -> Path:
        """The local file of `key`, whether or not it exists."""
