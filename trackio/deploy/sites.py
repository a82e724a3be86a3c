"""Where exported sites go: a folder, a store, or a static Space that shows them.

It moves files; `dashboard.site` writes them.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from trackio.deploy.hub import full_id, hub_api, readme, translated
from trackio.errors import InvalidInput, NotFound
from trackio.store import open_store

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from trackio.store.base import Store

Put = Callable[[str, bytes], None]
_SPACE: Final = "space:"
_SPACES: Final = ("https://huggingface.co/spaces/", "https://hf.co/spaces/")
_AT_ONCE: Final = 100
_BYTES_AT_ONCE: Final = 32 << 20


def space_of(target: str) -> str | None:
    """The Space that `target` names as `space:owner/name` or by its address; None if it is none."""
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    for prefix in (_SPACE, *_SPACES, *([f"{endpoint}/spaces/"] if endpoint else [])):
        if target.startswith(prefix):
            name = target.removeprefix(prefix).strip("/")
            if not name or name.count("/") > 1:
                raise InvalidInput(f"{target} names no Space: write space:owner/name")
            return name
    return None


@contextmanager
def opened_target(
    target: str, title: str, *, replace: bool = False, private: bool | None = None
) -> Iterator[Put]:
    """What puts a file of a site where it is to go; at the end of the block all are there.

    Raises:
        InvalidInput: the folder is not empty, the Space is public and must not be, or only a
            Space can be private.
        StoreRefused, StoreUnavailable: as stores and Spaces do.
    """
    space = space_of(target)
    if private and space is None:
        raise InvalidInput("--private is for a Space: a folder or a bucket is what it is already")
    if space is not None:
        with TemporaryDirectory(prefix="trackio-site-") as folder:
            yield _folder_put(Path(folder))
            upload_site(space, Path(folder), title, private=private)
    elif "://" in target and not target.startswith("file://"):
        with _store_put(open_store(target)) as put:
            yield put
    else:
        yield _folder_put(_empty_folder(target, replace=replace))


def write_space(
    space_id: str, source: "Store", project: str, *, private: bool | None = None
) -> str:
    """Make a static Space that shows a project as it is now; returns its full id."""
    from trackio.catalog import list_projects
    from trackio.dashboard.meta import describe
    from trackio.dashboard.site import Site
    from trackio.query.project import open_project

    if project not in list_projects(source):
        raise NotFound(f"there is no project {project!r} in {source.url}")
    view = open_project(source, project).refresh()
    with TemporaryDirectory(prefix="trackio-site-") as folder:
        put = _folder_put(Path(folder))
        for _ in Site(source, describe(project, view, view.now_s), view.now_s, put).write():
            pass
        return upload_site(space_id, Path(folder), project, private=private)


def upload_site(space_id: str, folder: Path, title: str, *, private: bool | None = None) -> str:
    """Make the files of a folder all that a static Space holds; returns its full id."""
    (folder / "README.md").write_bytes(readme(title, sdk="static", shown=title))
    with translated(space_id):
        api = hub_api()
        space = full_id(api, space_id)
        api.create_repo(
            space, repo_type="space", space_sdk="static", private=private, exist_ok=True
        )
        if private:
            _check_private(api, space)
        api.upload_folder(
            repo_id=space,
            repo_type="space",
            folder_path=folder,
            commit_message=f"{title} as it is now",
            delete_patterns="*",
        )
    return space


def _check_private(api: "HfApi", space: str) -> None:
    """A Space that was there before stays as it was; nothing goes into a public one unasked."""
    if not api.repo_info(space, repo_type="space").private:
        raise InvalidInput(f"the Space {space} is public already: name another")


def _empty_folder(target: str, *, replace: bool) -> Path:
    folder = Path(target.removeprefix("file://")).expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not replace:
        raise InvalidInput(f"{folder} is not an empty folder: name another, or add --replace")
    return folder


def _folder_put(folder: Path) -> Put:
    def put(name: str, content: bytes) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return put


@contextmanager
def _store_put(store: "Store") -> Iterator[Put]:
    """Many files go into a store in one call: a bucket takes as long for one as for a hundred."""
    waiting: dict[str, bytes] = {}

    def put(name: str, content: bytes) -> None:
        waiting[name] = content
        if len(waiting) >= _AT_ONCE or sum(map(len, waiting.values())) >= _BYTES_AT_ONCE:
            store.put(dict(waiting))
            waiting.clear()

    yield put
    if waiting:
        store.put(waiting)
