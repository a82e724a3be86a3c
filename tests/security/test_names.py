"""No name leads anywhere else: projects, runs, media, artifacts, registries, links in a store."""

import os
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import trackio
from tests.edge.written import WrittenRun
from trackio import keys
from trackio.artifacts.fetch import download
from trackio.artifacts.manifest import Manifest, ManifestEntry
from trackio.dashboard.desk import Desk
from trackio.dashboard.routes import PREFIX, routes
from trackio.errors import InvalidInput, NotFound, TrackioError
from trackio.keys import MediaKey
from trackio.store.base import local_file
from trackio.store.directory import Directory

LEADING_OUT = (
    "..",
    "../../evil",
    "/etc/passwd",
    "a/../../b",
    "..\\..\\evil",
    "C:\\evil",
    "C:evil",
    "\\\\host\\share",
    "x\0y",
    "con",
    "NUL.txt",
    ".hidden",
    "a" * 5000,
    "%2e%2e",
    "....//",
    "~root",
    "-rf",
    "a\nb",
)


def outside(folder: Path, store: Path) -> list[str]:
    """Every file below `folder` that is not in the store."""
    found = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(str(path) for path in found if not path.is_relative_to(store))


@pytest.mark.parametrize("name", LEADING_OUT)
def test_no_name_that_is_logged_leaves_the_store(tmp_path: Path, name: str) -> None:
    """As project, run, group, metric, file, artifact: a clear error, or a file inside."""
    root = tmp_path / "inner" / "store"
    image = tmp_path / "inner" / "store" / "ready"
    image.mkdir(parents=True)
    (image / "file.txt").write_text("kept")
    for project, run_name in ((name, "run"), ("demo", name)):
        try:
            run = trackio.init(
                project=project, name=run_name, group=name, tags=[name], store=str(root)
            )
        except (TrackioError, ValueError):
            continue
        run.log({name: 1.0, f"x/{name}": trackio.Markdown(name)})
        run.finish()
    assert [] == outside(tmp_path, root)
    for entry in Directory(root).list(""):
        assert keys.parse(entry.key) is not None or entry.key.startswith("ready/")


@pytest.mark.parametrize("path", [*LEADING_OUT[:9], "a/C:b", "", ".", "/", "a/\0/b"])
def test_no_artifact_writes_outside_the_folder_it_is_fetched_to(tmp_path: Path, path: str) -> None:
    """The manifest comes from a store that somebody else may have written."""
    store = Directory(tmp_path / "store")
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    store.put({str(keys.BlobKey("p", digest)): b"hello"})
    entries = (ManifestEntry(path=path, digest=digest, size=5),)
    manifest = Manifest(name="m", type="t", entries=entries, created="2026", project="p")
    target = tmp_path / "deep" / "target"
    target.mkdir(parents=True)
    with pytest.raises(TrackioError):
        download(store, manifest, target)
    assert [] == [path for path in outside(tmp_path, tmp_path / "store") if "target" not in path]


def test_files_of_an_artifact_that_want_the_same_place_are_an_error_of_ours(tmp_path: Path) -> None:
    """A file and a folder of one name; a name that is too long for the disk."""
    store = Directory(tmp_path / "store")
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    store.put({str(keys.BlobKey("p", digest)): b"hello"})
    for paths in (["a", "a/b"], ["x" * 400], ["/".join(["d" * 200] * 40)]):
        entries = tuple(ManifestEntry(path=path, digest=digest, size=5) for path in paths)
        manifest = Manifest(name="m", type="t", entries=entries, created="2026", project="p")
        (tmp_path / "target").mkdir(exist_ok=True)
        with pytest.raises(TrackioError):
            download(store, manifest, tmp_path / "target")


def test_a_blob_name_that_leads_out_is_never_a_key(tmp_path: Path) -> None:
    """The digest of a hostile manifest is a name, too."""
    store = Directory(tmp_path / "store")
    (tmp_path / "secret").write_text("secret")
    for digest in ("../../../secret", str(tmp_path / "secret"), "..%2fsecret", "a\0b"):
        entries = (ManifestEntry(path="a", digest=digest, size=6),)
        manifest = Manifest(name="m", type="t", entries=entries, created="2026", project="p")
        (tmp_path / "target").mkdir(exist_ok=True)
        with pytest.raises(TrackioError):
            download(store, manifest, tmp_path / "target")
        assert not (tmp_path / "target" / "a").exists()


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../b", "a//b", "a\\b", "a\0b", ".x", ""])
def test_a_store_has_no_such_key(tmp_path: Path, key: str) -> None:
    """Not for reading, nor for writing or deleting."""
    store = Directory(tmp_path / "store")
    for act in (
        store.get,
        store.path,
        lambda key: store.put({key: b""}),
        lambda key: store.delete([key]),
    ):
        with pytest.raises(InvalidInput):
            act(key)


@pytest.fixture
def planted(tmp_path: Path) -> tuple[Directory, Path, Any]:
    """A store in which somebody put links to files and folders of the machine of its reader."""
    secret = tmp_path / "home" / "secret.json"
    secret.parent.mkdir()
    secret.write_text('{"_value": "hush-hush"}')
    (tmp_path / "home" / "runs").mkdir()
    store = Directory(tmp_path / "store")
    run = WrittenRun(store, "demo", "a", at_s=1_700_000_000)
    run.log([{"loss": 1.0}])
    media = MediaKey("demo", run.run_id, run.writer_id, "ab" * 32, "json")
    links = [
        str(media),
        "demo/legacy/file.json",
        f"demo/artifacts/blobs/{'ab' * 32}",
        "demo/runs/linked/meta.json",
        f"demo/artifacts/m/{'0' * 24}.json",
    ]
    for key in links:
        path = store.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(secret)
    store.path("demo/legacy/folder").symlink_to(secret.parent)
    return store, secret, (run, links)


def test_a_link_in_a_store_shows_no_file_of_this_machine(planted: Any) -> None:
    """Not to who reads the store here, and not through the dashboard to others."""
    store, _, (run, links) = planted
    listed = {entry.key for entry in store.list("")}
    assert not listed & {*links, "demo/legacy/folder/secret.json"}
    for key in (*links, "demo/legacy/folder/secret.json"):
        with pytest.raises(NotFound):
            store.get(key)
        with pytest.raises(NotFound):
            local_file(store, key)
    http = TestClient(Starlette(routes=routes(Desk(store))))
    code = http.get(f"{PREFIX}/meta.json?project=demo").json()["runs"][0]["code"]
    asked = {"project": "demo", "run": code, "writer": run.writer_id, "file": f"{'ab' * 32}.json"}
    assert 404 == http.get(f"{PREFIX}/media", params=asked).status_code
    for key in (*links, "demo/legacy/folder/secret.json"):
        answer = http.get(f"{PREFIX}/file", params={"project": "demo", "key": key})
        assert 404 == answer.status_code
        assert "hush" not in answer.text


def test_a_project_may_lie_on_another_disk(tmp_path: Path) -> None:
    """A link to a whole project is its owner's choice; links inside it may point inside it."""
    elsewhere = Directory(tmp_path / "elsewhere")
    run = WrittenRun(elsewhere, "demo", "a", at_s=1_700_000_000)
    run.log([{"loss": 1.0}])
    store = Directory(tmp_path / "store")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "demo").symlink_to(tmp_path / "elsewhere" / "demo")
    (tmp_path / "elsewhere" / "demo" / "legacy").mkdir()
    (tmp_path / "elsewhere" / "demo" / "legacy" / "twin").symlink_to(
        elsewhere.path(f"demo/runs/{run.run_id}/meta.json")
    )
    listed = {entry.key for entry in store.list("")}
    assert f"demo/runs/{run.run_id}/meta.json" in listed
    assert "demo/legacy/twin" in listed
    assert store.get("demo/legacy/twin") == store.get(f"demo/runs/{run.run_id}/meta.json")


def test_a_pipe_in_a_store_makes_nobody_wait(tmp_path: Path) -> None:
    """Somebody who opens a pipe waits for who writes into it."""
    store = Directory(tmp_path / "store")
    path = store.path("demo/runs/a/meta.json")
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert [] == list(store.list(""))
    assert b"" == store.get("demo/runs/a/meta.json")


@pytest.mark.parametrize(
    "text", ["../../../etc/passwd", "/etc/passwd", "..%2f..%2fetc%2fpasswd", "%00", "C:\\x"]
)
def test_no_parameter_of_the_dashboard_is_a_path(tmp_path: Path, text: str) -> None:
    """Each parameter of each route gets it: a 4xx, or an answer that knows nothing of the file."""
    store = Directory(tmp_path)
    run = WrittenRun(store, "demo", "a", at_s=1_700_000_000)
    run.log([{"loss": 1.0}])
    desk = Desk(store)
    http = TestClient(Starlette(routes=routes(desk)))
    code = http.get(f"{PREFIX}/meta.json?project=demo").json()["runs"][0]["code"]
    usual = {"project": "demo", "run": code, "r": code, "name": "m", "version": "v0", "path": "a"}
    usual |= {"writer": run.writer_id, "file": f"{'ab' * 32}.png", "key": "loss", "seq": "0"}
    for route in routes(desk):
        path = getattr(route, "path", "").replace("{version}/{path:path}", text)
        for name in usual:
            answer = http.get(path, params={**usual, name: text})
            assert answer.status_code < 500, (path, name)
            assert "root:" not in answer.text


def test_a_file_of_any_name_can_be_taken(tmp_path: Path) -> None:
    """A header holds no letters of other scripts, and no name that breaks out of its quotes."""
    store = Directory(tmp_path)
    WrittenRun(store, "demo", "a", at_s=1_700_000_000).log([{"loss": 1.0}])
    key = str(keys.LegacyKey("demo", ("файл", 'a"; filename="evil.exe')))
    store.put({key: b"kept"})
    http = TestClient(Starlette(routes=routes(Desk(store))))
    answer = http.get(f"{PREFIX}/file", params={"project": "demo", "key": key})
    assert (200, b"kept") == (answer.status_code, answer.content)
    assert '"' not in answer.headers["content-disposition"]
    assert "sandbox" in answer.headers["content-security-policy"]
