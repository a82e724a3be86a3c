"""Spaces that show projects: one that reads a bucket live, or one of files as they are now.

A live Space holds our own source and sees the private bucket through a read-only mount, so that
no token has to be put into it. Everything here talks to the Hub and waits for it; `init` calls
it in the background.
"""

import os
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Literal

from trackio._version import __version__
from trackio.errors import InvalidInput, NotFound, StoreRefused, StoreUnavailable
from trackio.settings import OWN_NAMESPACE, Settings
from trackio.store import existing_url, open_for_reading, open_store
from trackio.store.making import Making

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from trackio.store.base import Store

Sdk = Literal["gradio", "static"]
_BUCKETS: Final = "hf://buckets/"
_MOUNT: Final = "/data"
_VERSION: Final = "TRACKIO_VERSION"
_SOURCES: Final = (".py", ".sql", ".js", ".css", ".svg", ".html", ".typed", ".json", ".txt")

_APP: Final = '''"""The dashboard of this Space. The bucket is mounted read-only."""

import os

from trackio.dashboard.show import show

show(host=os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0"), share=False, open_browser=False)
'''
_README: Final = """---
title: {title}
emoji: 📈
sdk: {sdk}
{app}tags:
- trackio
---

The experiments of `{bucket}`, shown by Trackio {version}.
"""


def ensure_space(space_id: str, store_url: str, *, private: bool | None = None) -> str:
    """Make sure that a bucket, and a Space that shows it, are there; returns the Space's full id.

    The bucket is made private. A Space of another version of Trackio gets this one's source.

    Raises:
        InvalidInput: the store is no bucket.
        StoreRefused: the Hub says no.
        StoreUnavailable: the Hub does not answer; try again.
    """
    with _translated(space_id):
        api = _api()
        space, bucket = _full(api, space_id), _bucket(api, store_url)
        api.create_bucket(bucket, private=True, exist_ok=True)
        api.create_repo(
            space, repo_type="space", space_sdk="gradio", private=private, exist_ok=True
        )
        known = api.get_space_variables(space)
        if _VERSION not in known or known[_VERSION].value != __version__:
            _mount(api, space, bucket)
            _upload_source(api, space, bucket)
            api.add_space_variable(space, "TRACKIO_STORE", _MOUNT)
            api.add_space_variable(space, _VERSION, __version__)
    return space


def deploy(space_id: str, bucket_id: str | None = None, *, private: bool | None = None) -> str:
    """Make a Space that shows a bucket live, by default `<space_id>-bucket`; raises as above."""
    return ensure_space(
        space_id, f"{_BUCKETS}{_with_owner(bucket_id or f'{space_id}-bucket')}", private=private
    )


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
        private: whether the Space is private; a static one cannot be.
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
    if sdk == "static" and private:
        raise InvalidInput("a static Space cannot be private here: anybody could read its files")
    source = _source(store)
    space = space_id or f"trackio-{_slug(project)}"

    def bring() -> str:
        if sdk == "static":
            return _write_static(space, source, project)
        bucket = f"{_BUCKETS}{_with_owner(bucket_id or f'{space}-bucket')}"
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
        private: must not be true: anybody could read the files.
        bucket_id: the bucket; by default `<space_id>-bucket`.
        frontend_dir: as for `sync`.

    Raises:
        InvalidInput, NotFound, StoreRefused, StoreUnavailable: as `sync`.
    """
    del frontend_dir
    if private:
        raise InvalidInput("a static Space cannot be private here: anybody could read its files")
    url = f"{_BUCKETS}{_with_owner(bucket_id or f'{space_id}-bucket')}"
    return _write_static(new_space_id or f"{space_id}_static", open_for_reading(url), project)


def _write_static(space_id: str, source: "Store", project: str) -> str:
    from trackio.catalog import list_projects
    from trackio.dashboard.meta import describe
    from trackio.dashboard.site import Site
    from trackio.query.project import open_project

    if project not in list_projects(source):
        raise NotFound(f"there is no project {project!r} in {source.url}")
    opened = open_project(source, project)
    view = opened.refresh()
    with TemporaryDirectory(prefix="trackio-site-") as folder:
        put = _writer(Path(folder))
        for _ in Site(source, describe(project, view, view.now_s), view.now_s, put).write():
            pass
        readme = _README.format(
            title=project, sdk="static", app="", bucket=source.url, version=__version__
        )
        put("README.md", readme.encode())
        with _translated(space_id):
            api = _api()
            space = _full(api, space_id)
            api.create_repo(space, repo_type="space", space_sdk="static", exist_ok=True)
            api.upload_folder(
                repo_id=space,
                repo_type="space",
                folder_path=folder,
                commit_message=f"{project} as it is now",
                delete_patterns="*",
            )
    return space


def _writer(folder: Path) -> Any:
    def put(name: str, content: bytes) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return put


def _upload_source(api: "HfApi", space: str, bucket: str) -> None:
    from huggingface_hub import CommitOperationAdd

    files = {**dict(_source_files()), **_space_files(space, bucket)}
    operations = [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=content)
        for name, content in sorted(files.items())
    ]
    api.create_commit(space, operations, repo_type="space", commit_message=f"Trackio {__version__}")


def _space_files(space: str, bucket: str) -> Mapping[str, bytes]:
    """What makes a repository a Space."""
    import gradio

    app = f"sdk_version: {gradio.__version__}\napp_file: app.py\n"
    title = space.partition("/")[2]
    readme = _README.format(title=title, sdk="gradio", app=app, bucket=bucket, version=__version__)
    needed = "".join(f"{line}\n" for line in _requirements())
    return {
        "app.py": _APP.encode(),
        "requirements.txt": needed.encode(),
        "README.md": readme.encode(),
    }


def _source_files() -> Iterator[tuple[str, bytes]]:
    """Our own package, as it is installed here."""
    root = Path(__file__).parent
    for path in sorted(root.rglob("*")):
        if path.suffix in _SOURCES and "__pycache__" not in path.parts:
            yield f"trackio/{path.relative_to(root).as_posix()}", path.read_bytes()


def _requirements() -> list[str]:
    try:
        declared = requires("trackio") or []
    except PackageNotFoundError:
        return []
    return [line.partition(";")[0].strip() for line in declared if "extra ==" not in line]


def _mount(api: "HfApi", space: str, bucket: str) -> None:
    from huggingface_hub import Volume

    mounted = Volume(type="bucket", source=bucket, mount_path=_MOUNT, read_only=True)
    api.set_space_volumes(space, [mounted])


def _api() -> "HfApi":
    from huggingface_hub import HfApi

    endpoint = os.environ.get("HF_ENDPOINT")  # the client reads it when it is imported
    return HfApi(endpoint=endpoint, library_name="trackio", library_version=__version__)


def _full(api: "HfApi", repo_id: str) -> str:
    return repo_id if "/" in repo_id else f"{api.whoami()['name']}/{repo_id}"


def _bucket(api: "HfApi", store_url: str) -> str:
    """The id of the bucket that a store is in.

    Raises:
        InvalidInput: it is in none.
    """
    namespace, _, rest = store_url.removeprefix(_BUCKETS).partition("?")[0].partition("/")
    name = rest.partition("/")[0]
    if not store_url.startswith(_BUCKETS) or not name:
        raise InvalidInput(
            f"a Space shows a bucket, and {store_url} is none: name one with bucket_id="
        )
    return _full(api, name) if namespace == OWN_NAMESPACE else f"{namespace}/{name}"


def _with_owner(bucket_id: str) -> str:
    return bucket_id if "/" in bucket_id else f"{OWN_NAMESPACE}/{bucket_id}"


def _source(store: "str | Path | Store | None") -> "Store":
    if store is not None and not isinstance(store, str | Path):
        return store
    given = Settings.from_env().store_url if store is None else str(store)
    return open_for_reading(existing_url(given))


def _slug(text: str) -> str:
    """A text as a part of the name of a repository."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.") or "project"


class _translated:  # noqa: N801 - a context, used as a function
    """Errors of the Hub's client as ours."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: object) -> None:
        del traceback
        if kind is None or not isinstance(error, Exception):
            return
        from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

        if isinstance(error, LocalTokenNotFoundError):
            raise StoreRefused(f"{self._what}: run `hf auth login`, or set HF_TOKEN") from error
        if isinstance(error, HfHubHTTPError):
            status = error.response.status_code if error.response is not None else 0
            refused = 400 <= status < 500 and status != 429
            raise (StoreRefused if refused else StoreUnavailable)(
                f"{self._what}: {error}"
            ) from error
        if isinstance(error, OSError) or "httpx" in type(error).__module__:
            raise StoreUnavailable(f"{self._what}: the Hub does not answer: {error}") from error
