"""Find a version by what users write: a name, a version, a registry's collection. Puts nothing."""

from trackio.artifacts.artifact import Artifact, open_artifact
from trackio.artifacts.changes import PREFIX
from trackio.artifacts.collections import Registry
from trackio.artifacts.versions import parse_spec
from trackio.errors import InvalidInput
from trackio.store.base import Store


def find_artifact(
    store: Store, spec: str, project: str | None = None, kind: str | None = None
) -> Artifact:
    """The version that `name:v3`, `project/name:alias` or `registry-<name>/collection:v0` names.

    Raises:
        InvalidInput: it names nothing, or is of another type than `kind`.
        NotFound: there is none.
        StoreUnavailable, StoreRefused, UnreadableFile: it cannot be read.
    """
    said, name, version = parse_spec(spec)
    home = said or project
    if home is None:
        raise InvalidInput(f"{spec!r} names no project: write it like project/{name}:v0")
    if home.startswith(PREFIX):
        found = Registry(store, home).collection(name).artifact(version)
    else:
        found = open_artifact(store, home, name, version)
    if kind is not None and found.type != kind:
        raise InvalidInput(f"{found.qualified_name} is of type {found.type!r}, not {kind!r}")
    return found
