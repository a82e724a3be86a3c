"""Which versions of an artifact there are, from a listing. Puts nothing.

The number of a version is its rank among all that are listed, deleted ones included, so that
nobody hands numbers out and a deletion moves none.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from trackio import keys
from trackio.artifacts.manifest import Manifest, decode_manifest
from trackio.errors import InvalidInput, NotFound, UnreadableFile
from trackio.model import VersionId
from trackio.query.near import advise
from trackio.store.base import Store
from trackio.store.parallel import attempt_each, raise_first

LATEST: Final = "latest"
_NUMBER: Final = re.compile(r"v(\d+)")
_GETS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions of one artifact, oldest first, as they were listed."""

    project: str
    name: str
    ids: tuple[VersionId, ...] = ()
    deleted: frozenset[VersionId] = frozenset()
    aliases: Mapping[str, VersionId] = field(default_factory=dict)

    @property
    def live(self) -> tuple[VersionId, ...]:
        """Those that are not deleted."""
        return tuple(version for version in self.ids if version not in self.deleted)

    def number(self, version_id: VersionId) -> int:
        """The rank of a version."""
        return self.ids.index(version_id)

    def aliases_of(self, version_id: VersionId) -> list[str]:
        """What a version is called besides its number."""
        found = sorted(alias for alias, of in self.aliases.items() if of == version_id)
        is_latest = self.live[-1:] == (version_id,)
        return [LATEST, *found] if is_latest else found

    def find(self, spec: str | None) -> VersionId:
        """The version that `v3`, `latest`, an alias or nothing names.

        Raises:
            NotFound: there is none.
        """
        live = self.live
        if spec in (None, "", LATEST):
            if live:
                return live[-1]
        elif found := _NUMBER.fullmatch(spec or ""):
            number = int(found[1])
            if number < len(self.ids) and self.ids[number] in live:
                return self.ids[number]
        elif (version_id := self.aliases.get(spec or "")) in live and version_id is not None:
            return version_id
        known = [f"v{self.number(version)}" for version in live] + sorted(self.aliases)
        advice = advise(spec or LATEST, known) if known else "there is no version of it"
        raise NotFound(f"artifact {self.project}/{self.name} has no {spec or LATEST!r}; {advice}")


def list_versions(store: Store, project: str, name: str) -> Versions:
    """The versions of one artifact; none if nobody logged it.

    Raises:
        StoreUnavailable, StoreRefused: the listing is not whole.
    """
    prefix = keys.artifact_prefix(project, name)
    return _sorted_out(store, project, [entry.key for entry in store.list(prefix)]).get(
        name, Versions(project=project, name=name)
    )


def list_artifacts(store: Store, project: str) -> dict[str, Versions]:
    """Every artifact of a project by name; blobs are not listed."""
    prefix, blobs = keys.artifacts_prefix(project), keys.blob_prefix(project)
    folders = [
        entry.key for entry in store.list(prefix, recursive=False) if entry.key.endswith("/")
    ]
    listed = [
        entry.key for folder in folders for entry in store.list(folder, recursive=folder != blobs)
    ]
    return dict(sorted(_sorted_out(store, project, listed).items()))


def read_manifests(
    store: Store, project: str, name: str, ids: Iterable[VersionId]
) -> dict[VersionId, Manifest]:
    """Manifests by version, many at once.

    Raises:
        NotFound, UnreadableFile, StoreUnavailable, StoreRefused: one cannot be read.
    """
    wanted = {str(keys.ManifestKey(project, name, version)): version for version in ids}
    found: dict[VersionId, Manifest] = {}

    def get(key: str) -> None:
        try:
            found[wanted[key]] = decode_manifest(store.get(key))
        except UnreadableFile as exc:
            raise UnreadableFile(f"{key}: {exc}") from exc

    raise_first(attempt_each(wanted, get, workers=_GETS))
    return found


def parse_spec(spec: str) -> tuple[str | None, str, str | None]:
    """Project, name and version of `project/name:version`; what is not said is None.

    Raises:
        InvalidInput: it names nothing.
    """
    path, _, version = spec.partition(":")
    project, _, name = path.rpartition("/")
    if not name or (":" in spec and not version) or ":" in version:
        raise InvalidInput(
            f"{spec!r} names no artifact: write it like name:v3, name:latest or project/name:v3"
        )
    return project or None, name, version or None


def check_alias(alias: str) -> str:
    """`alias` itself.

    Raises:
        InvalidInput: it cannot be an alias.
    """
    keys.encode_name(alias)
    if ":" in alias or "/" in alias or _NUMBER.fullmatch(alias):
        raise InvalidInput(
            f"{alias!r} cannot be an alias: it must hold no ':' and no '/', and v0, v1, … are "
            "the versions' own"
        )
    return alias


def encode_alias(version_id: VersionId) -> bytes:
    """The bytes of an alias file."""
    return orjson.dumps({"version_id": version_id})


def _sorted_out(store: Store, project: str, listed: Iterable[str]) -> dict[str, Versions]:
    ids: dict[str, list[VersionId]] = {}
    deleted: dict[str, set[VersionId]] = {}
    aliases: dict[str, keys.AliasKey] = {}
    for key in listed:
        match keys.parse(key):
            case keys.ManifestKey(_, name, version_id):
                ids.setdefault(name, []).append(version_id)
            case keys.DeletedVersionKey(_, name, version_id):
                deleted.setdefault(name, set()).add(version_id)
            case keys.AliasKey() as alias:
                aliases[key] = alias
    called: dict[str, dict[str, VersionId]] = {}
    for key, version_id in _read_aliases(store, aliases).items():
        called.setdefault(aliases[key].name, {})[aliases[key].alias] = version_id
    return {
        name: Versions(
            project=project,
            name=name,
            ids=tuple(sorted(found)),
            deleted=frozenset(deleted.get(name, ())),
            aliases=called.get(name, {}),
        )
        for name, found in ids.items()
    }


def _read_aliases(store: Store, wanted: Iterable[str]) -> dict[str, VersionId]:
    found: dict[str, VersionId] = {}

    def get(key: str) -> None:
        try:
            found[key] = VersionId(orjson.loads(store.get(key))["version_id"])
        except (NotFound, ValueError, KeyError, TypeError):  # taken away, or torn
            return

    raise_first(attempt_each(wanted, get, workers=_GETS))
    return found
