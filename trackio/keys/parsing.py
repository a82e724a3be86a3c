"""From the text of a key to the value it was built from. No IO.

A key that is not exactly as it would be built is foreign: `parse` returns None.
"""

import re

from trackio.ids import is_id
from trackio.keys.kinds import (
    AliasKey,
    BlobKey,
    ClaimKey,
    ClockKey,
    CondemnedKey,
    ConsumerKey,
    DeletedVersionKey,
    Key,
    LegacyKey,
    ManifestKey,
    MediaKey,
    MetaKey,
    NameKey,
    OverviewKey,
    PackKey,
    PointerKey,
    RangeKey,
    RegistryEventKey,
    ShardKey,
    TombstoneKey,
)
from trackio.keys.names import decode_name
from trackio.keys.prefixes import REGISTRIES
from trackio.model import EventId, PackId, RunId, TombstoneId, VersionId, WriterId

_RANGE = re.compile(r"(\d{12,18})-(\d{12,18})\.([0-9a-z]+)")
_BLOB = re.compile(r"([0-9a-f]{64})\.([0-9a-z]{1,16})")
_PACK_KINDS: dict[str, type[PackKey] | type[OverviewKey] | type[CondemnedKey]] = {
    "parquet": PackKey,
    "overview.parquet": OverviewKey,
    "condemned": CondemnedKey,
}


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
