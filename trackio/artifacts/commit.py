"""Put a version of an artifact: blobs, then the manifest, then aliases. Starts no thread.

Nobody coordinates. What is there is not put again (`presence`). Once the manifest is there no
collector takes what it holds, save those that looked before: for these it waits (`announcing`),
and then looks whether all of it is there.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from trackio import keys
from trackio.artifacts.announcing import await_collectors
from trackio.artifacts.manifest import Manifest, encode_manifest, has_digest, make_version_id
from trackio.artifacts.presence import find_missing, list_blobs
from trackio.artifacts.sending import Files, GoOn, go_on, put_blobs
from trackio.artifacts.versions import Versions, encode_alias, list_versions, read_manifests
from trackio.clock import SYSTEM_CLOCK, Clock
from trackio.errors import InvalidInput, NotFound, StoreUnavailable, UnreadableFile
from trackio.model import VersionId
from trackio.settings import upkeep_policy
from trackio.store.base import Content, Store, is_local

_log = logging.getLogger("trackio")
_LOOKED_AT: Final = 3
"""So many of the newest versions are read to know which blobs are held."""
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A version that is in the store."""

    version_id: VersionId
    manifest: Manifest
    is_new: bool
    put_files: int = 0
    put_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What a commit needs besides what is put.

    `wanted_id` is the id to take, if it sorts above every listed one; `keeps_type` says that an
    artifact of another type takes the one that its name has; `go_on` may end the work.
    """

    wanted_id: VersionId | None = None
    keeps_type: bool = False
    go_on: GoOn = go_on
    clock: Clock = SYSTEM_CLOCK
    sleep: Callable[[float], None] = time.sleep


def commit(
    store: Store,
    manifest: Manifest,
    files: Files,
    *,
    aliases: Iterable[str] = (),
    overwrite: bool = False,
    how: How = How(),
) -> Committed:
    """Put a version, unless there is one with these files: then that is it.

    Args:
        manifest: what it holds.
        files: where the bytes of each blob are.
        aliases: what it will be called; never moved to an older version.
        overwrite: the versions before it are deleted.

    Raises:
        InvalidInput: the artifact is of another type, or a file was written meanwhile.
        StoreUnavailable, StoreRefused: it is not there; putting it again goes on.
    """
    project, name = manifest.project, manifest.name
    versions = list_versions(store, project, name)
    newest = _read_newest(store, versions)
    manifest = _typed(manifest, newest, keeps_type=how.keeps_type)
    done = _find_same(store, versions, manifest) or _put(
        store, manifest, files, versions=versions, newest=newest, how=how
    )
    done = _make_sure(store, done, files, how)
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


def _put(
    store: Store,
    manifest: Manifest,
    files: Files,
    *,
    versions: Versions,
    newest: Mapping[VersionId, Manifest],
    how: How,
) -> Committed:
    """Put the blobs that are not there, and then the manifest."""
    project = manifest.project
    wanted = {digest: files[digest] for digest in sorted(manifest.blobs)}
    held = frozenset[str]().union(*(before.blobs for before in newest.values()))
    listed = list_blobs(store, project, wanted)
    missing = find_missing(store, project, wanted, listed, held=held, clock=how.clock)
    put_bytes = put_blobs(store, project, missing, listed=listed.keys(), go_on=how.go_on)
    version_id = _choose_id(manifest, versions, how)
    key = keys.ManifestKey(project, manifest.name, version_id)
    store.put({str(key): encode_manifest(manifest)})
    return Committed(
        version_id=version_id,
        manifest=manifest,
        is_new=True,
        put_files=len(missing),
        put_bytes=put_bytes,
    )


def _make_sure(store: Store, done: Committed, files: Files, how: How) -> Committed:
    """The manifest is there: now see to it that all blobs are, and stay.

    Whoever put it may have been killed before doing this, so it is done for a version that was
    found, too.
    """
    manifest = done.manifest
    if not manifest.blobs:
        return done
    key = keys.ManifestKey(manifest.project, manifest.name, done.version_id)
    _await_collectors(store, manifest, str(key), how)
    for _ in range(_ATTEMPTS):
        here = list_blobs(store, manifest.project, manifest.blobs)
        whole = {d for d, entry in here.items() if entry.size_bytes == files[d].size}
        lost = {digest: files[digest] for digest in sorted(manifest.blobs - whole)}
        if not lost:
            return done
        put_bytes = put_blobs(store, manifest.project, lost, go_on=how.go_on)
        done = replace(
            done, put_files=done.put_files + len(lost), put_bytes=done.put_bytes + put_bytes
        )
    raise StoreUnavailable(
        f"blobs of {manifest.project}/{manifest.name} do not stay in {store.url}"
    )


def _choose_id(manifest: Manifest, versions: Versions, how: How) -> VersionId:
    after = versions.ids[-1] if versions.ids else None
    if how.wanted_id is not None and (after is None or how.wanted_id > after):
        return how.wanted_id
    return make_version_id(manifest.digest, how.clock.time_ns() // 1_000_000, after)


def _await_collectors(store: Store, manifest: Manifest, key: str, how: How) -> None:
    folder = keys.artifact_prefix(manifest.project, manifest.name)
    listed = store.list(folder, recursive=False)
    put_s = next((entry.time_s for entry in listed if entry.key == key), float("-inf"))
    await_collectors(
        store,
        manifest.project,
        since_s=put_s,
        grace_s=upkeep_policy(is_local=is_local(store)).grace_s,
        clock=how.clock,
        sleep=how.sleep,
    )


def _read_newest(store: Store, versions: Versions) -> Mapping[VersionId, Manifest]:
    try:
        newest = versions.live[-_LOOKED_AT:]
        return read_manifests(store, versions.project, versions.name, newest)
    except (NotFound, UnreadableFile):
        return {}


def _typed(
    manifest: Manifest, newest: Mapping[VersionId, Manifest], *, keeps_type: bool
) -> Manifest:
    """The manifest with the type that its name has."""
    for before in newest.values():
        if before.type == manifest.type:
            continue
        said = (
            f"artifact {manifest.project}/{manifest.name} is of type {before.type!r}, which never "
            "changes"
        )
        if not keeps_type:
            raise InvalidInput(f"{said}: log it as that, or {manifest.type!r} under another name")
        _log.warning("trackio: %s: it was logged as that, not as %r", said, manifest.type)
        return replace(manifest, type=before.type)
    return manifest


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
