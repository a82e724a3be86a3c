"""Where the files of a store lie on this machine. Fetches what is remote; opens nothing.

A file of a local store is read where it is. Of any other store an immutable file is fetched
once, by its key, into a cache folder that may be deleted at any time.
"""

import os
import secrets
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trackio.errors import NotFound
from trackio.store.base import Store, is_local

_FETCHES_AT_ONCE = 16


class VanishedError(Exception):
    """These keys were listed, and are gone: list again."""

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__("files vanished between listing and reading")
        self.keys = frozenset(keys)


class Files:
    """The local files of immutable keys. Safe to use from many threads."""

    def __init__(self, store: Store, cache_dir: Path | None = None) -> None:
        self._store = store
        self._folder = cache_dir
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}

    def paths(self, keys: Iterable[str]) -> dict[str, str]:
        """The path of each key; what is not here yet is fetched, many at once.

        Raises:
            VanishedError: the store has some of them no longer.
            StoreUnavailable, StoreRefused: the store does not give them now.
        """
        found = {key: self._known.get(key) for key in keys}
        new = [key for key, path in found.items() if path is None]
        if is_local(self._store):
            fresh = {key: str(self._store.path(key)) for key in new}
        else:
            fresh = self._fetch_all(new)
        self._known.update(fresh)
        return {key: path or fresh[key] for key, path in found.items()}

    def contents(self, keys: Iterable[str]) -> dict[str, bytes | None]:
        """The bytes of small files that may change; None for one that is gone."""
        wanted = list(dict.fromkeys(keys))
        if is_local(self._store) or len(wanted) < 2:
            return {key: self._get(key) for key in wanted}
        with ThreadPoolExecutor(min(_FETCHES_AT_ONCE, len(wanted)), "trackio-fetch") as pool:
            return dict(zip(wanted, pool.map(self._get, wanted), strict=True))

    def forget_others(self, keys: Iterable[str]) -> None:
        """Drop what is cached of all other keys; a reader that has a file open keeps it."""
        gone = self._known.keys() - set(keys)
        for key in gone:
            path = self._known.pop(key, None)
            if path is not None and not is_local(self._store):
                Path(path).unlink(missing_ok=True)

    def forget(self, key: str) -> None:
        """Fetch `key` anew when it is asked for again."""
        self.forget_others(self._known.keys() - {key})

    def _fetch_all(self, keys: list[str]) -> dict[str, str]:
        if not keys:
            return {}
        folder = self._cache_folder()
        paths = {}
        vanished = []
        with ThreadPoolExecutor(min(_FETCHES_AT_ONCE, len(keys)), "trackio-fetch") as pool:
            fetched = pool.map(lambda key: self._fetch(folder, key), keys)
            for key, path in zip(keys, fetched, strict=True):
                if path is None:
                    vanished.append(key)
                else:
                    paths[key] = path
        if vanished:
            raise VanishedError(vanished)
        return paths

    def _fetch(self, folder: Path, key: str) -> str | None:
        path = folder / key
        if not path.exists():
            data = self._get(key)
            if data is None:
                return None
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{secrets.token_hex(8)}")
            temporary.write_bytes(data)
            os.replace(temporary, path)  # noqa: PTH105 - atomic, whoever else fetches it
        return str(path)

    def _get(self, key: str) -> bytes | None:
        try:
            return self._store.get(key)
        except NotFound:
            return None

    def _cache_folder(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="trackio-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            return self._folder
