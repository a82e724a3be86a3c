"""Build and parse every key of a store; nothing else knows what a key looks like. No IO.

Each key that is built here parses back to the value it was built from (`docs/format.md`,
Keys). A key that is not exactly as it would be built is foreign: `parse` returns None.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import unquote_to_bytes

from trackio.errors import InvalidInput
from trackio.ids import is_id
from trackio.model import EventId, PackId, RunId, TombstoneId, VersionId, WriterId

MAX_NAME_BYTES = 255
REGISTRIES = "@registry/"
"""Where registries are: beside the projects, under a name that none of them can have."""
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_WINDOWS = re.compile(r"(?i:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)")
_RANGE = re.compile(r"(\d{12,18})-(\d{12,18})\.([0-9a-z]+)")
_BLOB = re.compile(r"([0-9a-f]{64})\.([0-9a-z]{1,16})")


def encode_name(name: str) -> str:
    """A user's name as one path part; `decode_name` gives it back exactly.

    Letters and digits of any script (in NFC) and `-_.` stay, every other byte of its UTF-8,
    and a leading or trailing dot, becomes `%XX`.

    Raises:
        InvalidInput: the name is no text, empty, not valid Unicode, longer than 255 bytes
            once encoded, or reserved by Windows.
    """
    if not isinstance(name, str):
        raise InvalidInput(f"a name is text, not {name!r}")
    if not name:
        raise InvalidInput("a name must not be empty")
    try:
        name.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"the name {name!r} is not valid Unicode text") from exc
    encoded = "".join(map(_encode_char, name))
    if not unicodedata.is_normalized("NFC", encoded):
        encoded = "".join(c if c in _PLAIN else _percent(c) for c in name)
    if encoded[0] == ".":
        encoded = "%2E" + encoded[1:]
    if encoded[-1] == ".":
        encoded = encoded[:-1] + "%2E"
    if (size := len(encoded.encode())) > MAX_NAME_BYTES:
        raise InvalidInput(
            f"the name {name[:40]!r}… takes {size} bytes in a path; "
            f"the limit is {MAX_NAME_BYTES}: use a shorter name"
        )
    if _WINDOWS.match(encoded):
        raise InvalidInput(f"Windows reserves the name {name!r}: use another one")
    return encoded


def decode_name(part: str) -> str | None:
    """The name that `part` stands for, or None if no name is encoded so."""
    try:
        name = unquote_to_bytes(part).decode()
        return name if encode_name(name) == part else None
    except (InvalidInput, UnicodeError):
        return None


def _encode_char(char: str) -> str:
    if char in _PLAIN:
        return char
    stays = not char.isascii() and unicodedata.category(char)[0] in "LN"
    return char if stays else _percent(char)


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())


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


_PACK_KINDS: dict[str, type[PackKey] | type[OverviewKey] | type[CondemnedKey]] = {
    "parquet": PackKey,
    "overview.parquet": OverviewKey,
    "condemned": CondemnedKey,
}


def project_prefix(project: str) -> str:
    """The folder of a project."""
    return f"{encode_name(project)}/"


def runs_prefix(project: str) -> str:
    """The folder of all runs of a project."""
    return f"{encode_name(project)}/runs/"


def run_prefix(project: str, run_id: RunId) -> str:
    """The folder of one run."""
    return f"{encode_name(project)}/runs/{encode_name(run_id)}/"


def writer_prefix(project: str, run_id: RunId, writer_id: WriterId) -> str:
    """The folder of one writer."""
    return f"{run_prefix(project, run_id)}{writer_id}/"


def name_prefix(project: str, name: str) -> str:
    """The folder of all runs that had this name."""
    return f"{encode_name(project)}/names/{encode_name(name)}/"


def pack_prefix(project: str) -> str:
    """The folder of all packs of a project."""
    return f"{encode_name(project)}/packs/"


def deleted_prefix(project: str) -> str:
    """The folder of all tombstones of a project."""
    return f"{encode_name(project)}/deleted/"


def tombstone_prefix(project: str, run_id: RunId) -> str:
    """The folder of the tombstones of one run."""
    return f"{deleted_prefix(project)}{encode_name(run_id)}/"


def artifacts_prefix(project: str) -> str:
    """The folder of all artifacts of a project."""
    return f"{encode_name(project)}/artifacts/"


def artifact_prefix(project: str, name: str) -> str:
    """The folder of all versions of one artifact."""
    return f"{artifacts_prefix(project)}{encode_name(name)}/"


def blob_prefix(project: str) -> str:
    """The folder of the bytes of all artifacts of a project."""
    return f"{artifacts_prefix(project)}blobs/"


def registry_prefix(registry: str) -> str:
    """The folder of all changes of one registry."""
    return f"{REGISTRIES}{encode_name(registry)}/"


def legacy_prefix(project: str) -> str:
    """The folder of what migration brought over and has no other home."""
    return f"{encode_name(project)}/legacy/"


def state_prefix(project: str) -> str:
    """The folder of what consumers remember."""
    return f"{encode_name(project)}/state/"


def claims_prefix(project: str) -> str:
    """The folder of all claims of a project."""
    return f"{state_prefix(project)}claims/"


def claim_prefix(project: str, writer_id: WriterId, seq: int) -> str:
    """The folder of the claims to fire one alert."""
    return f"{claims_prefix(project)}{writer_id}-{seq:012d}/"


def parse(key: str) -> Key | None:
    """The value that `key` was built from, or None if it is foreign."""
    folder, _, rest = key.partition("/")
    if key.startswith(REGISTRIES):
        return _parse_event(rest.split("/"))
    project = decode_name(folder)
    if project is None or not rest:
        return None
    return _parse_rest(project, rest.split("/"))


def _parse_rest(project: str, parts: list[str]) -> Key | None:
    match parts:
        case ["runs", run, *inner]:
            run_id = decode_name(run)
            return None if run_id is None else _parse_run(project, RunId(run_id), inner)
        case ["names", name_part, run]:
            name, run_id = decode_name(name_part), decode_name(run)
            return None if name is None or run_id is None else NameKey(project, name, RunId(run_id))
        case ["packs", file]:
            return _parse_pack(project, file)
        case ["deleted", run, identifier] if is_id(identifier):
            run_id = decode_name(run)
            tombstone = TombstoneId(identifier)
            return None if run_id is None else TombstoneKey(project, RunId(run_id), tombstone)
        case ["state", *inner]:
            return _parse_state(project, inner)
        case ["artifacts", *inner]:
            return _parse_artifact(project, inner)
        case ["legacy", *inner] if inner:
            names = tuple(map(decode_name, inner))
            path = tuple(name for name in names if name is not None)
            return LegacyKey(project, path) if len(path) == len(names) else None
    return None


def _parse_run(project: str, run_id: RunId, parts: list[str]) -> Key | None:
    match parts:
        case ["meta.json"]:
            return MetaKey(project, run_id)
        case [writer, file] if is_id(writer):
            return _parse_range(project, run_id, WriterId(writer), file)
        case [writer, "media", file] if is_id(writer) and (found := _BLOB.fullmatch(file)):
            return MediaKey(project, run_id, WriterId(writer), *found.groups())
    return None


def _parse_range(project: str, run_id: RunId, writer_id: WriterId, file: str) -> RangeKey | None:
    found = _RANGE.fullmatch(file)
    if found is None:
        return None
    first, last, suffix = int(found[1]), int(found[2]), found[3]
    if first > last or file != f"{first:012d}-{last:012d}.{suffix}":
        return None
    if suffix == "parquet":
        return ShardKey(project, run_id, writer_id, first, last)
    if is_id(suffix):
        return PointerKey(project, run_id, writer_id, first, last, PackId(suffix))
    return None


def _parse_artifact(project: str, parts: list[str]) -> Key | None:
    if len(parts) == 2 and parts[0] == "blobs" and re.fullmatch("[0-9a-f]{64}", parts[1]):
        return BlobKey(project, parts[1])
    name = decode_name(parts[0])
    if name is None:
        return None
    match parts[1:]:
        case [file] if file.endswith(".json") and is_id(file.removesuffix(".json")):
            return ManifestKey(project, name, VersionId(file.removesuffix(".json")))
        case ["aliases", file] if file.endswith(".json"):
            alias = decode_name(file.removesuffix(".json"))
            return None if alias is None else AliasKey(project, name, alias)
        case ["deleted", identifier] if is_id(identifier):
            return DeletedVersionKey(project, name, VersionId(identifier))
    return None


def _parse_event(parts: list[str]) -> Key | None:
    match parts:
        case [folder, file] if file.endswith(".json") and is_id(file.removesuffix(".json")):
            registry = decode_name(folder)
            event_id = EventId(file.removesuffix(".json"))
            return None if registry is None else RegistryEventKey(registry, event_id)
    return None


def _parse_pack(project: str, file: str) -> Key | None:
    identifier, _, suffix = file.partition(".")
    if not is_id(identifier) or suffix not in _PACK_KINDS:
        return None
    return _PACK_KINDS[suffix](project, PackId(identifier))


def _parse_state(project: str, parts: list[str]) -> Key | None:
    match parts:
        case ["clock", job_id] if is_id(job_id):
            return ClockKey(project, job_id)
        case ["claims", log_id, part]:
            writer, _, seq = log_id.partition("-")
            consumer = decode_name(part)
            if consumer is None or not is_id(writer) or not re.fullmatch(r"[0-9]{12,18}", seq):
                return None
            claim = ClaimKey(project, WriterId(writer), int(seq), consumer)
            return claim if log_id == f"{writer}-{int(seq):012d}" else None
        case [file] if file.endswith(".json"):
            consumer = decode_name(file.removesuffix(".json"))
            return None if consumer is None else ConsumerKey(project, consumer)
    return None
