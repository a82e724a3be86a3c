"""Put a version of an artifact: blobs, then the manifest, then aliases. Starts no thread.

Nobody coordinates. What is there is not put again, and a blob counts as there only if no
collector can take it meanwhile: a live version of the same artifact holds it, or its listed
copy is younger than half of grace. Whoever else has an old copy puts it again, and afterwards
looks whether all of it is there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from trackio import ids, keys
from trackio.artifacts.hashing import Hashed
from trackio.artifacts.manifest import Manifest, encode_manifest, has_digest, make_version_id
from trackio.artifacts.versions import Versions, encode_alias, list_versions, read_manifests
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import InvalidInput, NotFound, StoreUnavailable, UnreadableFile
from trackio.model import VersionId
from trackio.settings import upkeep_policy
from trackio.store.base import Content, Store, is_local
from trackio.upkeep.collect import drop_clocks, store_now

_BATCH_FILES: Final = 512
_BATCH_BYTES: Final = 64 << 20
_LOOKED_AT: Final = 3
"""So many of the newest versions are read to know which blobs are held."""
_ATTEMPTS: Final = 3

Files = Mapping[str, Hashed]
"""Local files by the SHA-256 of what they hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A version that is in the store."""

    version_id: VersionId
    manifest: Manifest
    is_new: bool
    put_files: int = 0
    put_bytes: int = 0


def commit(
    store: Store,
    manifest: Manifest,
    files: Files,
    *,
    aliases: Iterable[str] = (),
    overwrite: bool = False,
    clock: Clock = SYSTEM_CLOCK,
) -> Committed:
    """Put a version, unless there is one with these files: then that is it.

    Args:
        manifest: what it holds.
        files: where the bytes of each blob are.
        aliases: what it will be called; never moved to an older version.
        overwrite: the versions before it are deleted.

    Raises:
        InvalidInput: the artifact is of another type.
        StoreUnavailable, StoreRefused: it is not there; putting it again goes on.
    """
    project, name = manifest.project, manifest.name
    versions = list_versions(store, project, name)
    newest = _read_newest(store, versions)
    _check_type(manifest, newest)
    done = _find_same(store, versions, manifest)
    if done is None:
        done = _put(store, manifest, files, versions=versions, newest=newest, clock=clock)
    marks = set_aliases(versions, done.version_id, aliases)
    if overwrite:
        marks |= _deletions(versions, done.version_id)
    if marks:
        store.put(marks)
    return done


def set_aliases(
    versions: Versions, version_id: VersionId, aliases: Iterable[str]
) -> dict[str, Content]:
    """The alias files to put: those that now name no version, or an older one."""
    files: dict[str, Content] = {}
    for alias in aliases:
        before = versions.aliases.get(alias)
        if alias != "latest" and (
            before is None or before in versions.deleted or before < version_id
        ):
            key = keys.AliasKey(versions.project, versions.name, alias)
            files[str(key)] = encode_alias(version_id)
    return files


def batches(files: Files) -> Iterator[list[Hashed]]:
    """The blobs, cut so that a batch is a step that is soon done."""
    batch: list[Hashed] = []
    size_bytes = 0
    for file in files.values():
        if batch and (len(batch) >= _BATCH_FILES or size_bytes + file.size > _BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(file)
        size_bytes += file.size
    if batch:
        yield batch


def _put(
    store: Store,
    manifest: Manifest,
    files: Files,
    *,
    versions: Versions,
    newest: Mapping[VersionId, Manifest],
    clock: Clock,
) -> Committed:
    project = manifest.project
    wanted = {digest: files[digest] for digest in sorted(manifest.blobs)}
    missing = _missing(store, project, wanted, newest.values(), clock)
    put_bytes = put_blobs(store, project, missing)
    put_files = len(missing)
    after = versions.ids[-1] if versions.ids else None
    now_ms = clock.time_ns() // 1_000_000
    version_id = make_version_id(manifest.digest, now_ms, after)
    store.put(
        {str(keys.ManifestKey(project, manifest.name, version_id)): encode_manifest(manifest)}
    )
    for _ in range(_ATTEMPTS):
        lost = _unlisted(store, project, wanted)
        if not lost:
            break
        put_bytes += put_blobs(store, project, lost)
        put_files += len(lost)
    else:
        raise StoreUnavailable(f"blobs of {project}/{manifest.name} do not stay in {store.url}")
    return Committed(
        version_id=version_id,
        manifest=manifest,
        is_new=True,
        put_files=put_files,
        put_bytes=put_bytes,
    )


def put_blobs(store: Store, project: str, files: Files) -> int:
    """Put blobs; how many bytes those are.

    Raises:
        InvalidInput: a file was written since it was hashed; what was put of it is taken back.
    """
    size_bytes = 0
    for batch in batches(files):
        store.put({str(keys.BlobKey(project, file.digest)): file.path for file in batch})
        if changed := [file for file in batch if not file.is_unchanged()]:
            store.delete([str(keys.BlobKey(project, file.digest)) for file in changed])
            raise InvalidInput(
                f"{changed[0].path} changed while it was logged: log it when it is complete"
            )
        size_bytes += sum(file.size for file in batch)
    return size_bytes


def _missing(
    store: Store, project: str, wanted: Files, newest: Iterable[Manifest], clock: Clock
) -> Files:
    """The blobs that have to be put."""
    held = frozenset[str]().union(*(manifest.blobs for manifest in newest))
    listed = {entry.key: entry for entry in store.list(keys.blob_prefix(project))}
    found = {
        digest: listed[key]
        for digest in wanted
        if (key := str(keys.BlobKey(project, digest))) in listed
    }
    unheld = [entry for digest, entry in found.items() if digest not in held]
    young_s = float("inf")
    if unheld:
        job_id = ids.make_id(clock)
        now_s = store_now(store, project, job_id)
        drop_clocks(store, project, job_id)
        young_s = now_s - upkeep_policy(is_local=is_local(store)).grace_s / 2
    return {
        digest: file
        for digest, file in wanted.items()
        if digest not in found
        or found[digest].size_bytes != file.size
        or (digest not in held and not found[digest].time_s > young_s)
    }


def _unlisted(store: Store, project: str, wanted: Files) -> Files:
    if not wanted:
        return {}
    listed = {entry.key for entry in store.list(keys.blob_prefix(project))}
    return {d: file for d, file in wanted.items() if str(keys.BlobKey(project, d)) not in listed}


def _read_newest(store: Store, versions: Versions) -> Mapping[VersionId, Manifest]:
    try:
        newest = versions.live[-_LOOKED_AT:]
        return read_manifests(store, versions.project, versions.name, newest)
    except (NotFound, UnreadableFile):
        return {}


def _check_type(manifest: Manifest, newest: Mapping[VersionId, Manifest]) -> None:
    for before in newest.values():
        if before.type != manifest.type:
            raise InvalidInput(
                f"artifact {manifest.project}/{manifest.name} is of type {before.type!r}, which "
                f"never changes: log it as that, or {manifest.type!r} under another name"
            )


def _find_same(store: Store, versions: Versions, manifest: Manifest) -> Committed | None:
    """The newest version with the same files."""
    alike = [it for it in reversed(versions.live) if has_digest(it, manifest.digest)]
    for version_id in alike:
        try:
            found = read_manifests(store, versions.project, versions.name, [version_id])
        except (NotFound, UnreadableFile):
            continue
        if found[version_id].digest == manifest.digest:
            return Committed(version_id=version_id, manifest=found[version_id], is_new=False)
    return None


def _deletions(versions: Versions, kept: VersionId) -> dict[str, Content]:
    return {
        str(keys.DeletedVersionKey(versions.project, versions.name, version)): b""
        for version in versions.live
        if version != kept
    }
