"""What one version of an artifact holds, as bytes and back. No store, no files.

The digest is the SHA-256 of the files' paths, hashes and sizes, so that equal content has an
equal digest whoever logs it. It ends the version's id: a listing tells what is there already.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Final

import orjson

from trackio.errors import FormatTooNew, UnreadableFile
from trackio.ids import id_after
from trackio.model import VersionId
from trackio.values.shallow import cut

FORMAT: Final = 1
_DIGEST_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """One file: its bytes are the blob `digest`, or lie at `ref`, which nobody here keeps."""

    path: str
    digest: str
    size: int
    ref: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a manifest."""
        said: dict[str, Any] = {"path": self.path, "digest": self.digest, "size": self.size}
        return said if self.ref is None else {**said, "ref": self.ref}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is known of a version but its number, which is its rank among all."""

    name: str
    type: str
    entries: tuple[ManifestEntry, ...]
    created: str
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    project: str = ""
    run_id: str | None = None
    run_name: str | None = None

    @property
    def digest(self) -> str:
        """What the files are, as 64 hex digits."""
        return digest_of(self.entries)

    @property
    def size(self) -> int:
        """How many bytes its files have."""
        return sum(entry.size for entry in self.entries)

    @property
    def blobs(self) -> frozenset[str]:
        """The hashes of the files that the store keeps."""
        return frozenset(entry.digest for entry in self.entries if entry.ref is None)


def digest_of(entries: Iterable[ManifestEntry]) -> str:
    """The digest of these files, in whatever order."""
    listed = sorted((entry.to_dict() for entry in entries), key=lambda said: said["path"])
    return sha256(orjson.dumps(listed, option=orjson.OPT_SORT_KEYS)).hexdigest()


def make_version_id(digest: str, now_ms: int, after: str | None = None) -> VersionId:
    """The id of a new version, which sorts after every one that is listed."""
    wanted = f"{max(0, now_ms) & (1 << 48) - 1:012x}{digest[:_DIGEST_DIGITS]}"
    if after is not None and wanted <= after:
        later = int(id_after(after)[:12], 16) + 1
        wanted = f"{later:012x}{digest[:_DIGEST_DIGITS]}"
    return VersionId(wanted)


def has_digest(version_id: VersionId, digest: str) -> bool:
    """Whether a version may be of this digest; only its manifest knows for sure."""
    return version_id.endswith(digest[:_DIGEST_DIGITS])


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes of a manifest."""
    said = {
        "format": FORMAT,
        "digest": manifest.digest,
        "size": manifest.size,
        **asdict(manifest),
        "entries": [entry.to_dict() for entry in manifest.entries],
    }
    return orjson.dumps(said, option=orjson.OPT_NON_STR_KEYS)


def decode_manifest(data: bytes) -> Manifest:
    """What a manifest says; fields of later versions are left out.

    Raises:
        UnreadableFile: it is none, or its files are not those of its digest.
        FormatTooNew: a newer Trackio wrote it.
    """
    try:
        said = orjson.loads(data)
        if said["format"] > FORMAT:
            raise FormatTooNew(
                f"artifact format {said['format']} is newer than this Trackio: upgrade it"
            )
        manifest = Manifest(
            name=_text(said["name"]),
            type=_text(said["type"]),
            entries=tuple(_entry(entry) for entry in said["entries"]),
            created=_text(said["created"]),
            description=_text_or_none(said.get("description")),
            metadata=dict(cut(said.get("metadata") or {})),
            project=_text_or_none(said.get("project")) or "",
            run_id=_text_or_none(said.get("run_id")),
            run_name=_text_or_none(said.get("run_name")),
        )
        digest = said["digest"]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise UnreadableFile(f"not a manifest of an artifact: {exc!r}") from exc
    if manifest.digest != digest:
        raise UnreadableFile("a manifest whose files are not those of its digest")
    return manifest


def _entry(said: Mapping[str, Any]) -> ManifestEntry:
    size = said["size"]
    if type(size) is not int or size < 0:
        raise TypeError(f"a file of {size!r} bytes")
    return ManifestEntry(
        path=_text(said["path"]),
        digest=_text(said["digest"]),
        size=size,
        ref=_text_or_none(said.get("ref")),
    )


def _text(said: Any) -> str:
    if not isinstance(said, str):
        raise TypeError(f"{said!r} is no text")
    return said


def _text_or_none(said: Any) -> str | None:
    return None if said is None else _text(said)
