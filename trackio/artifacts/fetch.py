"""Bring the files of a version to a local folder, and check each by its hash. Puts nothing.

What is there and whole stays, so that a download that broke off goes on: small files one by one,
large ones by their parts (`partial`).
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from trackio import keys
from trackio.artifacts.hashing import hash_file
from trackio.artifacts.manifest import Manifest, ManifestEntry
from trackio.artifacts.partial import Partial
from trackio.artifacts.paths import is_below, local_path
from trackio.artifacts.presence import list_blobs
from trackio.artifacts.references import fetch_reference
from trackio.errors import NotFound, StoreRefused, TrackioError, UnreadableFile
from trackio.model import Entry
from trackio.store.base import LocalStore, Store, is_local
from trackio.store.parallel import attempt_each, raise_first
from trackio.store.remote import RemoteStore, fetch, is_remote

_WORKERS: Final = 8
_BATCHES: Final = 2
"""One is fetched while another is checked."""
_BATCH_BYTES: Final = 512 << 20
_BATCH_FILES: Final = 1024
_LARGE: Final = 64 << 20
_CHUNK_BYTES: Final = 1 << 20

Wanted = Mapping[Path, ManifestEntry]
"""Which file of the version goes where."""


def download(store: Store, manifest: Manifest, folder: Path, *, path: str | None = None) -> None:
    """Write the files of a version below `folder`; those that are there and whole stay.

    Args:
        path: only this file, or what lies in this folder of the version.

    Raises:
        NotFound: a file of it is gone, or it has no such path.
        UnreadableFile: what came is not what was logged.
        StoreUnavailable, StoreRefused: the store did not give it, or the disk did not take it.
    """
    try:
        _download(store, manifest, folder, path)
    except OSError as exc:
        raise StoreRefused(f"{manifest.name} cannot be written to {folder}: {exc}") from exc


def _download(store: Store, manifest: Manifest, folder: Path, path: str | None) -> None:
    wanted = {
        local_path(folder, entry.path): entry
        for entry in manifest.entries
        if is_below(entry.path, path)
    }
    if path is not None and not wanted:
        raise NotFound(f"artifact {manifest.name} holds no {path!r}")
    left = _not_there(wanted)
    for parent in {target.parent for target in left}:
        parent.mkdir(parents=True, exist_ok=True)
    first, copies = _once(left)
    if is_local(store):
        _copy_blobs(store, manifest.project, first)
    else:
        _fetch_blobs(store, manifest.project, first)
    _each(copies, lambda target, entry: _copy_checked(copies[target][1], target, entry))
    others = {target: entry for target, entry in left.items() if entry.ref is not None}
    _each({target: (entry, target) for target, entry in others.items()}, _fetch_ref)


def wrong_files(manifest: Manifest, folder: Path) -> list[str]:
    """The paths below `folder` that are not what was logged, or not there."""
    wanted = {local_path(folder, it.path): it for it in manifest.entries if it.ref is None}
    left = _not_there(wanted)
    return [entry.path for target, entry in wanted.items() if target in left]


def _not_there(wanted: Wanted) -> dict[Path, ManifestEntry]:
    """Those whose file is not there, or not whole; references are always asked for."""
    left: set[Path] = set()

    def look(name: str) -> None:
        entry = wanted[Path(name)]
        if entry.ref is not None or not _holds(Path(name), entry):
            left.add(Path(name))

    raise_first(attempt_each(map(str, wanted), look, workers=_WORKERS))
    return {target: entry for target, entry in wanted.items() if target in left}


def _once(
    left: Wanted,
) -> tuple[dict[Path, ManifestEntry], dict[Path, tuple[ManifestEntry, Path]]]:
    """Each content once, and which files are copies of which."""
    first: dict[str, Path] = {}
    for target, entry in left.items():
        if entry.ref is None:
            first.setdefault(entry.digest, target)
    kept = {target: left[target] for target in first.values()}
    copies = {
        target: (entry, first[entry.digest])
        for target, entry in left.items()
        if entry.ref is None and target not in kept
    }
    return kept, copies


def _copy_blobs(store: LocalStore, project: str, wanted: Wanted) -> None:
    def copy(target: Path, entry: ManifestEntry) -> None:
        try:
            _copy_checked(store.path(str(keys.BlobKey(project, entry.digest))), target, entry)
        except FileNotFoundError as exc:
            raise NotFound(f"the file {entry.path!r} is gone from {store.url}") from exc

    _each({target: (entry, target) for target, entry in wanted.items()}, copy)


def _fetch_blobs(store: Store, project: str, wanted: Wanted) -> None:
    listed = list_blobs(store, project, {entry.digest for entry in wanted.values()})
    for entry in wanted.values():
        if entry.digest not in listed:
            raise NotFound(f"the file {entry.path!r} is gone from {store.url}")
    parts = is_remote(store)
    small = {t: it for t, it in wanted.items() if it.size <= _LARGE or not parts}
    batches = {str(number): batch for number, batch in enumerate(_batches(small))}

    def run(number: str) -> None:
        _fetch_batch(store, batches[number], listed)

    raise_first(attempt_each(batches, run, workers=_BATCHES))
    if is_remote(store):
        for target, entry in wanted.items():
            if target not in small:
                _fetch_parts(store, listed[entry.digest], target, entry)


def _fetch_batch(store: Store, batch: Wanted, listed: Mapping[str, Entry]) -> None:
    """Fetch many at once; those that came are kept even where others did not."""
    drafts = {target: _draft(target) for target in batch}
    keys_of = {listed[entry.digest].key: target for target, entry in batch.items()}
    try:
        failures = fetch(store, {listed[it.digest]: drafts[t] for t, it in batch.items()})
        came = {t: (batch[t], drafts[t]) for key, t in keys_of.items() if key not in failures}

        def keep(target: Path, entry: ManifestEntry) -> None:
            _check(drafts[target], entry)
            drafts[target].replace(target)

        _each(came, keep)
        raise_first(failures)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _fetch_parts(store: RemoteStore, listed: Entry, target: Path, entry: ManifestEntry) -> None:
    """Fetch a large file part by part, from where an earlier attempt ended."""
    partial = Partial(target, entry.digest, entry.size)
    try:
        parts = {str(begin): (begin, end) for begin, end in partial.missing()}

        def get(name: str) -> None:
            begin, end = parts[name]
            partial.write(begin, store.get_range(listed, begin, end))

        raise_first(attempt_each(parts, get, workers=_WORKERS))
    except BaseException:
        partial.leave()
        raise
    if _digest_of(partial.path, entry.size) != entry.digest:
        partial.forget()
        raise _differs(entry)
    partial.finish()


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


def _each(
    wanted: Mapping[Path, tuple[ManifestEntry, Path]], act: Callable[[Path, ManifestEntry], None]
) -> None:
    """Do the same for each target, several at a time."""
    raise_first(
        attempt_each(
            map(str, wanted),
            lambda name: act(Path(name), wanted[Path(name)][0]),
            workers=_WORKERS,
        )
    )


def _copy_checked(source: Path, target: Path, entry: ManifestEntry) -> None:
    """Copy and hash in one pass."""
    draft = _draft(target)
    digest = sha256()
    try:
        with source.open("rb") as read, draft.open("wb") as write:
            while chunk := read.read(_CHUNK_BYTES):
                write.write(chunk)
                digest.update(chunk)
        if digest.hexdigest() != entry.digest:
            raise _differs(entry)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _check(path: Path, entry: ManifestEntry) -> None:
    if not _holds(path, entry):
        raise _differs(entry)


def _differs(entry: ManifestEntry) -> TrackioError:
    return UnreadableFile(f"the file {entry.path!r} is not what was logged: its hash differs")


def _holds(path: Path, entry: ManifestEntry) -> bool:
    if not path.is_file() or path.stat().st_size != entry.size:
        return False
    return hash_file(path).digest == entry.digest


def _digest_of(path: Path, size: int) -> str:
    """The hash of the first bytes of a file."""
    digest = sha256()
    with path.open("rb") as file:
        left = size
        while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def _draft(target: Path) -> Path:
    return target.with_name(f".{secrets.token_hex(8)}.tmp")


def _batches(wanted: Wanted) -> Iterator[dict[Path, ManifestEntry]]:
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
