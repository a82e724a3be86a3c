"""Put files where they are not yet, and read back what was put. The only place that writes.

What is listed and can be read is never put again, so that a second migration adds nothing and
an interrupted one goes on. In a dry run nothing is put and nothing read back.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import pyarrow as pa

from trackio import keys, shard
from trackio.artifacts.commit import How, commit
from trackio.artifacts.manifest import Manifest
from trackio.artifacts.sending import Files
from trackio.errors import FormatTooNew, NotFound, UnreadableFile
from trackio.keys import BlobKey, LegacyKey, MediaKey, ShardKey
from trackio.model import SeqRange, VersionId
from trackio.store.base import Content, Store, is_local, readable
from trackio.upkeep.migrate.media import hash_file

_BATCH_FILES: Final = 256


class Outlet:
    """The store as a migration uses it."""

    def __init__(self, store: Store, *, dry_run: bool) -> None:
        self.store = store
        self.dry_run = dry_run
        self.put_files = 0
        self.put_bytes = 0
        self.differences: list[str] = []

    def listed(self, prefix: str) -> set[str]:
        """The keys below a folder."""
        return {entry.key for entry in self.store.list(prefix)}

    def put(self, files: Mapping[str, Content]) -> None:
        """Put files that nobody reads back here."""
        if not files or self.dry_run:
            return
        self.store.put(files)
        self.put_files += len(files)
        self.put_bytes += sum(map(_size, files.values()))

    def put_shard(
        self, key: ShardKey, listed: set[str], build: Callable[[], pa.Table]
    ) -> pa.Table | None:
        """The rows under `key` as they are read from there; put first if they are not there.

        None in a dry run. Rows that cannot be read back are a difference.
        """
        if self.dry_run:
            return None
        name = str(key)
        if name in listed and (found := self._read(name)) is not None:
            return found
        self.put({name: shard.encode_table(build(), SeqRange(key.first, key.last))})
        found = self._read(name)
        if found is None:
            self.differences.append(f"{name} cannot be read back")
        return found

    def put_blobs(
        self,
        blobs: Mapping[MediaKey, tuple[Path, str]]
        | Mapping[LegacyKey, tuple[Path, str]]
        | Mapping[BlobKey, tuple[Path, str]],
    ) -> None:
        """Put files by content and check what is there then.

        Args:
            blobs: where each file goes, the file, and its SHA-256.
        """
        if self.dry_run:
            return
        waiting = list(blobs.items())
        for start in range(0, len(waiting), _BATCH_FILES):
            some = dict(waiting[start : start + _BATCH_FILES])
            self.put({str(key): file for key, (file, _) in some.items()})
            for key, (_, digest) in some.items():
                if self.digest(str(key)) != digest:
                    self.differences.append(f"{key} is not what was put there")

    def put_version(
        self, manifest: Manifest, files: Files, *, aliases: Iterable[str], wanted_id: VersionId
    ) -> None:
        """Put a version of an artifact, unless there is one with these files."""
        if self.dry_run:
            return
        how = How(wanted_id=wanted_id, keeps_type=True)
        done = commit(self.store, manifest, files, aliases=aliases, how=how)
        self.put_files += done.put_files + done.is_new
        self.put_bytes += done.put_bytes

    def put_missing(self, files: Mapping[LegacyKey, tuple[Path, str]]) -> None:
        """Put files that migration keeps, unless they are listed; as `put_blobs`."""
        listed: set[str] = set()
        for project in {key.project for key in files}:
            listed |= self.listed(keys.legacy_prefix(project))
        self.put_blobs({key: file for key, file in files.items() if str(key) not in listed})

    def digest(self, key: str) -> str | None:
        """The SHA-256 of what is under `key`; None if there is nothing."""
        try:
            if is_local(self.store):
                return hash_file(self.store.path(key))
            return sha256(self.store.get(key)).hexdigest()
        except (NotFound, OSError):
            return None

    def _read(self, key: str) -> pa.Table | None:
        try:
            meta, rows = shard.decode(readable(self.store, key))
        except (UnreadableFile, FormatTooNew, NotFound, OSError):
            return None
        parsed = keys.parse(key)
        is_own = isinstance(parsed, ShardKey) and (parsed.first, parsed.last) == (
            meta.first,
            meta.last,
        )
        return rows if is_own else None


def _size(content: Content) -> int:
    return content.stat().st_size if isinstance(content, Path) else len(content)
