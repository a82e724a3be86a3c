"""Bring a project to a Space that shows it: live from a bucket, or as files, as it is now.

Both wait for the Hub. The arguments are those of the released Trackio.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from trackio.deploy.live import bucket_of, ensure_space
from trackio.deploy.sites import write_space
from trackio.errors import InvalidInput
from trackio.settings import Settings
from trackio.store import existing_url, open_for_reading, open_store
from trackio.store.making import Making

if TYPE_CHECKING:
    from trackio.store.base import Store

Sdk = Literal["gradio", "static"]


def sync(  # noqa: PLR0917 - the released Trackio has them in this order
    project: str,
    space_id: str | None = None,
    private: bool | None = None,
    force: bool = False,
    run_in_background: bool = False,
    sdk: Sdk = "gradio",
    dataset_id: str | None = None,
    bucket_id: str | None = None,
    frontend_dir: str | Path | None = None,
    *,
    store: "str | Path | Store | None" = None,
) -> str:
    """Bring a project of this machine to a Space that shows it.

    Args:
        project: its name.
        space_id: `namespace/name`, or `name`; by default `trackio-<project>` of your own.
        private: whether the Space is private; who may see it may see all files of a static one.
        run_in_background: return at once; what fails is a warning.
        sdk: "gradio" copies the project into a private bucket and shows it live, "static" makes
            a Space of files that shows it as it is now.
        bucket_id: the bucket to copy to; by default `<space_id>-bucket`.
        store: where the project is; by default where runs are logged.
        force, dataset_id, frontend_dir: accepted for the released Trackio's sake: doing it again
            sends what is new, and the pages are those of this version.

    Returns:
        The id of the Space.

    Raises:
        InvalidInput: an argument that cannot be meant.
        NotFound: there is no such project.
        StoreRefused: the Hub says no.
        StoreUnavailable: the Hub does not answer; doing it again goes on.
    """
    del force, dataset_id, frontend_dir
    if sdk not in ("gradio", "static"):
        raise InvalidInput(f"sdk={sdk!r} is neither gradio nor static")
    source = _source(store)
    space = space_id or f"trackio-{_slug(project)}"

    def bring() -> str:
        if sdk == "static":
            return write_space(space, source, project, private=private)
        bucket = bucket_of(space, bucket_id)
        made = ensure_space(space, bucket, private=private)
        from trackio.upkeep.sync import copy

        copy(source, Making(open_store(bucket)), project=project)
        return made

    if not run_in_background:
        return bring()
    from trackio.errands import Errands

    Errands().start(f"bringing {project!r} to the Space {space}", bring)
    return space


def freeze(  # noqa: PLR0917 - as above
    space_id: str,
    project: str,
    new_space_id: str | None = None,
    private: bool | None = None,
    bucket_id: str | None = None,
    frontend_dir: str | Path | None = None,
) -> str:
    """Make a static Space that shows a project as it is now in the bucket of a live one.

    Args:
        space_id: the Space that shows it live.
        project: its name.
        new_space_id: what the new one is called; by default `<space_id>_static`.
        private: whether the new Space is private.
        bucket_id: the bucket; by default `<space_id>-bucket`.
        frontend_dir: as for `sync`.

    Raises:
        InvalidInput, NotFound, StoreRefused, StoreUnavailable: as `sync`.
    """
    del frontend_dir
    source = open_for_reading(bucket_of(space_id, bucket_id))
    return write_space(new_space_id or f"{space_id}_static", source, project, private=private)


def _source(store: "str | Path | Store | None") -> "Store":
    if store is not None and not isinstance(store, str | Path):
        return store
    given = Settings.from_env().store_url if store is None else str(store)
    return open_for_reading(existing_url(given))


def _slug(text: str) -> str:
    """A text as a part of the name of a repository."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.") or "project"
