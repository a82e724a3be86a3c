"""Where the keys of one kind begin, to list them by. No IO."""

from trackio.keys.names import encode_name
from trackio.model import RunId, WriterId

REGISTRIES = "@registry/"
"""Where registries are: beside the projects, under a name that none of them can have."""


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
