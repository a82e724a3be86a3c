"""Bring the files of a version to a local folder, and check each by its hash. Puts nothing."""

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from trackio import keys
from trackio.artifacts.hashing import hash_file
from trackio.artifacts.manifest import Manifest, ManifestEntry
from trackio.artifacts.references import fetch_reference
from trackio.errors import InvalidInput, NotFound, TrackioError, UnreadableFile
from trackio.model import Entry
from trackio.store.base import LocalStore, Store, is_local
from trackio.store.parallel import attempt_each, raise_first
from trackio.store.remote import fetch

_WORKERS: Final = 8
_BATCH_BYTES: Final = 256 << 20
_BATCH_FILES: Final = 512


def download(store: Store, manifest: Manifest, folder: Path, *, path: str | None = None) -> None:
    """Write the files of a version below `folder`; those that are there and whole stay.

    Args:
        path: only this file, or what lies in this folder of the version.

    Raises:
        NotFound: a file of it is gone, or it has no such path.
        UnreadableFile: what came is not what was logged.
        StoreUnavailable, StoreRefused: the store did not give it.
    """
    wanted = {
        local_path(folder, entry.path): entry
        for entry in manifest.entries
        if path is None or entry.path == path or entry.path.startswith(f"{path.rstrip('/')}/")
    }
    if path is not None and not wanted:
        raise NotFound(f"artifact {manifest.name} holds no {path!r}")
    left = {target: entry for target, entry in wanted.items() if not _is_there(target, entry)}
    for target in left:
        target.parent.mkdir(parents=True, exist_ok=True)
    own = {target: entry for target, entry in left.items() if entry.ref is None}
    for batch in _batches(own):
        _fetch_batch(store, manifest.project, batch)
    others = {str(target): entry for target, entry in left.items() if entry.ref is not None}
    raise_first(attempt_each(others, lambda it: _fetch_ref(Path(it), others[it]), workers=_WORKERS))


def local_path(folder: Path, path: str) -> Path:
    """Where a file of a version goes.

    Raises:
        InvalidInput: it would lie outside the folder.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in parts[0]:
        raise InvalidInput(f"the artifact names a file {path!r}, which no folder can hold")
    return folder.joinpath(*parts)


def wrong_files(manifest: Manifest, folder: Path) -> list[str]:
    """The paths below `folder` that are not what was logged, or not there."""
    return [
        entry.path
        for entry in manifest.entries
        if entry.ref is None and not _holds(local_path(folder, entry.path), entry)
    ]


def _fetch_batch(store: Store, project: str, batch: Mapping[Path, ManifestEntry]) -> None:
    drafts = {target: _draft(target) for target in batch}
    try:
        failures = (
            _copy_local(store, project, batch, drafts)
            if is_local(store)
            else _fetch_remote(store, project, batch, drafts)
        )
        raise_first(failures)
        checks = {str(target): entry for target, entry in batch.items()}

        def finish(name: str) -> None:
            target = Path(name)
            _check(drafts[target], checks[name])
            drafts[target].replace(target)

        raise_first(attempt_each(checks, finish, workers=_WORKERS))
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _copy_local(
    store: LocalStore,
    project: str,
    batch: Mapping[Path, ManifestEntry],
    drafts: Mapping[Path, Path],
) -> Mapping[str, TrackioError]:
    def copy(name: str) -> None:
        target = Path(name)
        source = store.path(str(keys.BlobKey(project, batch[target].digest)))
        try:
            shutil.copyfile(source, drafts[target])
        except FileNotFoundError as exc:
            raise NotFound(f"the file {batch[target].path!r} is gone from {store.url}") from exc

    return attempt_each(map(str, batch), copy, workers=_WORKERS)


def _fetch_remote(
    store: Store,
    project: str,
    batch: Mapping[Path, ManifestEntry],
    drafts: Mapping[Path, Path],
) -> Mapping[str, TrackioError]:
    """Each blob comes once; whoever else holds the same has a copy of it."""
    first: dict[str, Path] = {}
    for target, entry in batch.items():
        first.setdefault(entry.digest, drafts[target])
    listed = {
        entry.key: entry
        for entry in store.list(keys.blob_prefix(project))
        if entry.key.rpartition("/")[2] in first
    }
    wanted: dict[Entry, Path] = {}
    for digest, draft in first.items():
        key = str(keys.BlobKey(project, digest))
        if key not in listed:
            raise NotFound(f"{key} is gone from {store.url}")
        wanted[listed[key]] = draft
    failures = fetch(store, wanted)
    if not failures:
        for target, entry in batch.items():
            if drafts[target] != first[entry.digest]:
                shutil.copyfile(first[entry.digest], drafts[target])
    return failures


def _fetch_ref(target: Path, entry: ManifestEntry) -> None:
    draft = _draft(target)
    try:
        fetch_reference(entry.ref or "", draft)
        if len(entry.digest) == 64:
            _check(draft, entry)
        draft.replace(target)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _check(path: Path, entry: ManifestEntry) -> None:
    if not _holds(path, entry):
        raise UnreadableFile(f"the file {entry.path!r} is not what was logged: its hash differs")


def _holds(path: Path, entry: ManifestEntry) -> bool:
    if not path.is_file() or path.stat().st_size != entry.size:
        return False
    return hash_file(path).digest == entry.digest


def _is_there(target: Path, entry: ManifestEntry) -> bool:
    return entry.ref is None and _holds(target, entry)


def _draft(target: Path) -> Path:
    return target.with_name(f".{secrets.token_hex(8)}.tmp")


def _batches(wanted: Mapping[Path, ManifestEntry]) -> Iterator[dict[Path, ManifestEntry]]:
    batch: dict[Path, ManifestEntry] = {}
    size_bytes = 0
    for target, entry in wanted.items():
        if batch and (len(batch) >= _BATCH_FILES or size_bytes + entry.size > _BATCH_BYTES):
            yield batch
            batch, size_bytes = {}, 0
        batch[target] = entry
        size_bytes += entry.size
    if batch:
        yield batch
