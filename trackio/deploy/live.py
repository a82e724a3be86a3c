"""Spaces that read a bucket live, and make sure that both are there.

Such a Space holds our own source and sees the private bucket through a read-only mount, so that
no token has to be put into it.
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trackio._version import __version__
from trackio.deploy.hub import BUCKETS, bucket_id, full_id, hub_api, readme, translated, with_owner

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_MOUNT: Final = "/data"
_VERSION: Final = "TRACKIO_VERSION"
_SOURCES: Final = (".py", ".sql", ".js", ".css", ".svg", ".html", ".typed", ".json", ".txt")

_APP: Final = '''"""The dashboard of this Space. The bucket is mounted read-only."""

import os

from trackio.dashboard.show import show

show(host=os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0"), share=False, open_browser=False)
'''


def ensure_space(space_id: str, store_url: str, *, private: bool | None = None) -> str:
    """Make sure that a bucket, and a Space that shows it, are there; returns the Space's full id.

    The bucket is made private. A Space of another version of Trackio gets this one's source.

    Raises:
        InvalidInput: the store is no bucket.
        StoreRefused: the Hub says no.
        StoreUnavailable: the Hub does not answer; try again.
    """
    with translated(space_id):
        api = hub_api()
        space, bucket = full_id(api, space_id), bucket_id(api, store_url)
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
    return ensure_space(space_id, bucket_of(space_id, bucket_id), private=private)


def bucket_of(space_id: str, bucket: str | None = None) -> str:
    """The address of the bucket that a Space shows: the one named, or that called after it."""
    return f"{BUCKETS}{with_owner(bucket or f'{space_id}-bucket')}"


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
    needed = "".join(f"{line}\n" for line in _requirements())
    return {
        "app.py": _APP.encode(),
        "requirements.txt": needed.encode(),
        "README.md": readme(title, sdk="gradio", shown=bucket, app=app),
    }


def _source_files() -> Iterator[tuple[str, bytes]]:
    """Our own package, as it is installed here."""
    root = Path(__file__).parents[1]
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
