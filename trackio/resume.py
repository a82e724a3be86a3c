"""Find the run that `init(resume=…)` goes on with: the one look into the store it takes."""

from dataclasses import dataclass
from typing import Literal, get_args

from trackio import keys
from trackio.catalog import find_runs_named
from trackio.errors import InvalidInput, NotFound, UnreadableFile
from trackio.ids import is_id
from trackio.meta import decode_meta
from trackio.model import RunId, RunMeta, WriterId
from trackio.settings import Settings
from trackio.store.base import Store
from trackio.upkeep.background import recover_project
from trackio.writer.meta import find_tombstone

ResumePolicy = Literal["never", "allow", "must"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A run to go on with, and the writers it had."""

    run_id: RunId
    meta: RunMeta
    writers: tuple[WriterId, ...]


def check_policy(policy: str, name: str | None) -> None:
    """Whether `resume=policy` can be meant.

    Raises:
        InvalidInput: there is no such policy, or it needs a name.
    """
    if policy not in get_args(ResumePolicy):
        raise InvalidInput(f"resume={policy!r} is none of {', '.join(get_args(ResumePolicy))}")
    if policy == "must" and name is None:
        raise InvalidInput('resume="must" needs the name of the run')


def find_resumable(
    settings: Settings, store: Store, project: str, name: str | None, policy: ResumePolicy
) -> Resumed | None:
    """The newest run of this name that is not deleted; None to begin a new one.

    What a crashed process of this machine left in its journal is published first, so that
    it can be found.

    Raises:
        NotFound: `policy` is "must" and there is none.
        StoreUnavailable, StoreRefused: the store cannot be asked.
    """
    if policy == "never" or name is None:
        return None
    recover_project(settings, project)
    for run_id in reversed(find_runs_named(store, project, name)):
        found = _find_run(store, project, run_id)
        if found is not None and found.meta.name == name:
            return found
    if policy == "must":
        raise NotFound(f"project {project!r} in {store.url} has no run {name!r} to resume")
    return None


def _find_run(store: Store, project: str, run_id: RunId) -> Resumed | None:
    prefix = keys.run_prefix(project, run_id)
    folders = (
        entry.key[len(prefix) : -1]
        for entry in store.list(prefix, recursive=False)
        if entry.key.endswith("/")
    )
    tombstone = find_tombstone(store, project, run_id)
    writers = tuple(
        WriterId(folder)
        for folder in sorted(folders)
        if is_id(folder) and (tombstone is None or folder > tombstone)
    )
    if tombstone is not None and not writers:
        return None
    try:
        meta = decode_meta(store.get(str(keys.MetaKey(project, run_id))))
    except (NotFound, UnreadableFile):
        return None
    return Resumed(run_id=run_id, meta=meta, writers=writers)
