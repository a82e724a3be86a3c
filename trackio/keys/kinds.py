"""One class for each kind of key; `str` of one is the key (`docs/format.md`, Keys). No IO."""

from dataclasses import dataclass
from typing import ClassVar

from trackio.keys.names import encode_name
from trackio.keys.prefixes import (
    artifact_prefix,
    blob_prefix,
    claim_prefix,
    legacy_prefix,
    name_prefix,
    pack_prefix,
    project_prefix,
    registry_prefix,
    run_prefix,
    tombstone_prefix,
    writer_prefix,
)
from trackio.model import EventId, PackId, RunId, TombstoneId, VersionId, WriterId


@dataclass(frozen=True, slots=True)
class MetaKey:
    """What is said of a run."""

    project: str
    run_id: RunId

    def __str__(self) -> str:
        return f"{run_prefix(self.project, self.run_id)}meta.json"


@dataclass(frozen=True, slots=True)
class ShardKey:
    """All rows `first ≤ seq ≤ last` of one writer."""

    project: str
    run_id: RunId
    writer_id: WriterId
    first: int
    last: int
    is_pointer: ClassVar[bool] = False
    pack_id: ClassVar[PackId] = PackId("")

    def __str__(self) -> str:
        prefix = writer_prefix(self.project, self.run_id, self.writer_id)
        return f"{prefix}{self.first:012d}-{self.last:012d}.parquet"


@dataclass(frozen=True, slots=True)
class PointerKey:
    """Says that these rows of one writer live in a pack."""

    project: str
    run_id: RunId
    writer_id: WriterId
    first: int
    last: int
    pack_id: PackId
    is_pointer: ClassVar[bool] = True

    def __str__(self) -> str:
        prefix = writer_prefix(self.project, self.run_id, self.writer_id)
        return f"{prefix}{self.first:012d}-{self.last:012d}.{self.pack_id}"


RangeKey = ShardKey | PointerKey


@dataclass(frozen=True, slots=True)
class MediaKey:
    """Bytes by content that belong to a writer."""

    project: str
    run_id: RunId
    writer_id: WriterId
    sha256: str
    extension: str

    def __str__(self) -> str:
        prefix = writer_prefix(self.project, self.run_id, self.writer_id)
        return f"{prefix}media/{self.sha256}.{self.extension}"


@dataclass(frozen=True, slots=True)
class NameKey:
    """Finds a run by its name in one short listing."""

    project: str
    name: str
    run_id: RunId

    def __str__(self) -> str:
        return f"{name_prefix(self.project, self.name)}{encode_name(self.run_id)}"


@dataclass(frozen=True, slots=True)
class PackKey:
    """Rows of many writers in one file."""

    project: str
    pack_id: PackId

    def __str__(self) -> str:
        return f"{pack_prefix(self.project)}{self.pack_id}.parquet"


@dataclass(frozen=True, slots=True)
class OverviewKey:
    """What first paint needs of a pack."""

    project: str
    pack_id: PackId

    def __str__(self) -> str:
        return f"{pack_prefix(self.project)}{self.pack_id}.overview.parquet"


@dataclass(frozen=True, slots=True)
class CondemnedKey:
    """This pack is going to be deleted."""

    project: str
    pack_id: PackId

    def __str__(self) -> str:
        return f"{pack_prefix(self.project)}{self.pack_id}.condemned"


@dataclass(frozen=True, slots=True)
class ClockKey:
    """What a job puts before it lists, to learn the store's time."""

    project: str
    job_id: str

    def __str__(self) -> str:
        return f"{project_prefix(self.project)}state/clock/{self.job_id}"


@dataclass(frozen=True, slots=True)
class TombstoneKey:
    """Hides every writer of the run whose id sorts below it."""

    project: str
    run_id: RunId
    tombstone_id: TombstoneId

    def __str__(self) -> str:
        return f"{tombstone_prefix(self.project, self.run_id)}{self.tombstone_id}"


@dataclass(frozen=True, slots=True)
class ConsumerKey:
    """The watermarks of one consumer."""

    project: str
    consumer: str

    def __str__(self) -> str:
        return f"{project_prefix(self.project)}state/{encode_name(self.consumer)}.json"


@dataclass(frozen=True, slots=True)
class ClaimKey:
    """A consumer's claim to fire the alert of one log id (`<writer>-<seq>`)."""

    project: str
    writer_id: WriterId
    seq: int
    consumer: str

    def __str__(self) -> str:
        prefix = claim_prefix(self.project, self.writer_id, self.seq)
        return f"{prefix}{encode_name(self.consumer)}"


@dataclass(frozen=True, slots=True)
class LegacyKey:
    """A file that migration brought over, by its path below the old folder."""

    project: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return f"{legacy_prefix(self.project)}{'/'.join(map(encode_name, self.path))}"


@dataclass(frozen=True, slots=True)
class BlobKey:
    """The bytes of files of artifacts, by content."""

    project: str
    sha256: str

    def __str__(self) -> str:
        return f"{blob_prefix(self.project)}{self.sha256}"


@dataclass(frozen=True, slots=True)
class ManifestKey:
    """What one version of an artifact holds."""

    project: str
    name: str
    version_id: VersionId

    def __str__(self) -> str:
        return f"{artifact_prefix(self.project, self.name)}{self.version_id}.json"


@dataclass(frozen=True, slots=True)
class AliasKey:
    """Which version of an artifact is called so."""

    project: str
    name: str
    alias: str

    def __str__(self) -> str:
        prefix = artifact_prefix(self.project, self.name)
        return f"{prefix}aliases/{encode_name(self.alias)}.json"


@dataclass(frozen=True, slots=True)
class DeletedVersionKey:
    """Says that a version is deleted; its manifest stays, so that no number moves."""

    project: str
    name: str
    version_id: VersionId

    def __str__(self) -> str:
        return f"{artifact_prefix(self.project, self.name)}deleted/{self.version_id}"


@dataclass(frozen=True, slots=True)
class RegistryEventKey:
    """One change of a registry, which belongs to no project."""

    registry: str
    event_id: EventId
    project: ClassVar[str] = ""

    def __str__(self) -> str:
        return f"{registry_prefix(self.registry)}{self.event_id}.json"


Key = (
    RangeKey
    | MetaKey
    | MediaKey
    | NameKey
    | PackKey
    | OverviewKey
    | CondemnedKey
    | ClockKey
    | TombstoneKey
    | ConsumerKey
    | ClaimKey
    | LegacyKey
    | BlobKey
    | ManifestKey
    | AliasKey
    | DeletedVersionKey
    | RegistryEventKey
)
