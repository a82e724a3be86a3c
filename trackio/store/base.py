"""What a store must offer: four verbs over bytes under keys. It knows nothing of the format.

A key is a `/`-separated path whose parts are not empty and do not begin with a dot. A `put`
is seen whole or not at all. Everything raises only errors of `trackio.errors`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeGuard

from trackio.errors import InvalidInput, NotFound
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many more requests a service takes until, `resets_s` later, it counts anew."""

    remaining: int
    resets_s: float


def budget_of(store: Store) -> Budget | None:
    """What the store last said of its limits; None if it never did."""
    said: Budget | None = getattr(store, "budget", None)
    return said


class LocalStore(Store, Protocol):
    """A store whose files other programs, DuckDB among them, can open in place."""

    def path(self, key: str) -> Path:
        """The local file of `key`, whether or not it exists."""


def is_local(store: Store) -> TypeGuard[LocalStore]:
    """Whether other programs can open the store's files in place."""
    return hasattr(store, "path")


def local_file(store: LocalStore, key: str) -> Path:
    """The file of `key` as it really lies, to be given to others.

    A folder may itself be a link, such as a project on another disk; a link inside it that leads
    out of it counts as nothing, or whoever may write there could show any file of this machine.

    Raises:
        NotFound: there is no such file.
    """
    folder = store.path(key.partition("/")[0])
    try:
        found = store.path(key).resolve(strict=True)
        if found.is_file() and found.is_relative_to(folder.resolve(strict=True)):
            return found
    except (OSError, RuntimeError) as exc:
        raise NotFound(f"there is no {key} in {store.url}") from exc
    raise NotFound(f"there is no {key} in {store.url}")


def readable(store: Store, key: str) -> Content:
    """The file under `key` where it lies, if the store is local; else its bytes.

    Raises:
        NotFound, StoreUnavailable, StoreRefused: as `get`; a local file may be missing too.
    """
    return store.path(key) if is_local(store) else store.get(key)


def is_key(name: str) -> bool:
    """Whether a store can have such a key; a listing leaves out what is none."""
    bad_part = any(not part or part[0] == "." for part in name.split("/"))
    return not bad_part and "\\" not in name and "\0" not in name


def check_key(key: str) -> str:
    """`key` itself.

    Raises:
        InvalidInput: no store has such a key.
    """
    if not is_key(key):
        raise InvalidInput(
            f"{key!r} is not a key: parts between '/' must not be empty or begin with a dot, "
            "and must hold no backslash and no NUL"
        )
    return key


def check_prefix(prefix: str) -> str:
    """`prefix` itself.

    Raises:
        InvalidInput: it is neither "" nor a folder that ends with `/`.
    """
    if prefix and (prefix[-1] != "/" or not check_key(prefix[:-1])):
        raise InvalidInput(f"{prefix!r} is not a prefix: it must be '' or end with '/'")
    return prefix


def check_content(key: str, content: Content) -> Content:
    """`content` itself.

    Raises:
        InvalidInput: the local file that holds it cannot be read.
    """
    if isinstance(content, Path):
        try:
            content.open("rb").close()
        except OSError as exc:
            raise _unreadable(key, content, exc) from exc
    return content


def read_content(key: str, content: Content) -> bytes:
    """The bytes to put under `key`.

    Raises:
        InvalidInput: the local file that holds them cannot be read.
    """
    if not isinstance(content, Path):
        return bytes(content)
    try:
        return content.read_bytes()
    except OSError as exc:
        raise _unreadable(key, content, exc) from exc


def _unreadable(key: str, path: Path, exc: OSError) -> InvalidInput:
    return InvalidInput(f"{path}, to be put under {key}, cannot be read: {exc}")
