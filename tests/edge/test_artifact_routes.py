"""What the pages of artifacts and registries are told, and the files of versions: no browser."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from standin.hub import READ_TOKEN, WRITE_TOKEN, StandinHub
from starlette.applications import Starlette
from starlette.testclient import TestClient

import trackio
from tests.edge.written import FixedTime
from trackio import keys
from trackio.dashboard.desk import Desk
from trackio.dashboard.recalling import LAG_S, LONG_S, Recalling
from trackio.dashboard.routes import PREFIX, routes
from trackio.errors import NotFound
from trackio.model import Entry, VersionId
from trackio.store.base import Store, is_local
from trackio.store.bucket import Bucket
from trackio.store.directory import Directory
from trackio.store.memory import MemoryStore
from trackio.store.remote import is_remote
from trackio.store.watch import Heard, Position
from trackio.store.wrapper import Wrapper

BUCKET = "ada/runs"
NAME = 'modèle "one" 100%'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def log(home: Path) -> Callable[..., Any]:
    """Logs the files `path=bytes` as an artifact of a run that used others."""

    def log_files(name: str, files: dict[str, bytes], **more: Any) -> Any:
        uses, aliases = more.pop("uses", ()), more.pop("aliases", ())
        artifact = trackio.Artifact(name, type=more.pop("type", "model"), **more)
        for path, content in files.items():
            local = home / "files" / name / path
            local.parent.mkdir(parents=True, exist_ok=True)
            local.write_bytes(content)
            artifact.add_file(local, path)
        with trackio.init("p", name=f"makes {name}") as run:
            for spec in uses:
                run.use_artifact(spec)
            return run.log_artifact(artifact, aliases=list(aliases)).wait()

    return log_files


def served(store: Store) -> TestClient:
    return TestClient(Starlette(routes=routes(Desk(store))))


@pytest.fixture
def http(home: Path) -> TestClient:
    return served(Directory(home / "home"))


def ask(http: TestClient, path: str, **params: Any) -> Any:
    answer = http.get(f"{PREFIX}/{path}", params={"project": "p", **params})
    assert 200 == answer.status_code, answer.text
    return answer.json()


def test_artifacts_are_listed_with_what_they_are_called(log, http) -> None:
    """The newest version counts for files and size; an alias names the version that it is of."""
    log("m", {"w": b"one"}, aliases=["best"])
    log("m", {"w": b"three", "x": b""})
    log("d", {"rows": b"1234"}, type="dataset")
    d, m = ask(http, "artifacts.json")["artifacts"]
    assert ("d", "dataset", 1, "v0", 4, 1) == tuple(
        d[it] for it in ("name", "type", "versions", "latest", "size", "files")
    )
    assert (2, "v1", 5, 2, [["best", "v0"]]) == tuple(
        m[it] for it in ("versions", "latest", "size", "files", "aliases")
    )
    assert {"artifacts": 2, "registries": 0}.items() <= ask(http, "contents.json").items()


def test_a_version_tells_all_that_is_known_of_it(log, http) -> None:
    """Files, metadata, aliases, who made it and who used it; by number, alias or without."""
    log("d", {"rows": b"1234"}, type="dataset")
    log(
        "m",
        {"a/w": b"weights", "config": b"{}"},
        uses=["d:v0"],
        aliases=["best"],
        description="**good**",
        metadata={"acc": 0.5, "big": 1 << 60, "bad": float("nan")},
    )
    for spec in ({}, {"version": "v0"}, {"version": "best"}, {"version": "latest"}):
        said = ask(http, "version.json", name="m", **spec)
        assert ("v0", ["latest", "best"], "**good**") == (
            said["version"], said["aliases"], said["description"])  # fmt: skip
    assert {"acc": 0.5, "big": str(1 << 60)}.items() <= said["metadata"].items()
    assert [("a/w", 7), ("config", 2)] == [(it["path"], it["size"]) for it in said["files"]]
    assert ["makes m"] == [link["run"]["name"] for link in said["made"]]
    used = ask(http, "version.json", name="d")["used"]
    assert [("makes m", "d", "v0")] == [
        (it["run"]["name"], it["name"], it["version"]) for it in used
    ]
    run = used[0]["run"]["code"]
    links = ask(http, "run_artifacts.json", run=run)["links"]
    assert [("d", False), ("m", True)] == [(it["name"], it["made"]) for it in links]


def test_lineage_goes_both_ways_from_a_version_and_leaves_out_the_rest(log, http) -> None:
    """What it came from and what became of it; a project has all of it."""
    log("raw", {"f": b"0"})
    log("clean", {"f": b"1"}, uses=["raw:v0"])
    log("model", {"f": b"2"}, uses=["clean:v0", "raw:v0"])
    log("report", {"f": b"3"}, uses=["model:v0"])
    log("other", {"f": b"4"}, uses=["raw:v0"])
    whole = ask(http, "lineage.json")
    assert 10 == whole["total"] == len(whole["links"])
    near = ask(http, "lineage.json", name="model", version="v0")["links"]
    assert {"raw", "clean", "model", "report"} == {it["name"] for it in near}
    assert {"makes raw", "makes clean", "makes model", "makes report"} == {
        it["run"]["name"] for it in near
    }
    leaf = ask(http, "lineage.json", name="other")["links"]
    assert {"raw", "other"} == {it["name"] for it in leaf}


def test_a_run_that_logs_the_same_again_is_one_link(home, log, http) -> None:
    """It says so twice; the picture has one arrow."""
    log("m", {"w": b"one"})
    with trackio.init("p", name="twice") as run:
        for _ in range(2):
            run.use_artifact("m:v0")
    assert ["twice"] == [it["run"]["name"] for it in ask(http, "version.json", name="m")["used"]]


def test_a_deleted_version_is_shown_as_gone(log, http) -> None:
    """Its number is still known where it was used; it has no page any more."""
    log("d", {"f": b"1"}).delete()
    log("d", {"f": b"2"})
    with trackio.init("p") as run:
        run.log({"x": 1})
    assert ["v1"] == [it["version"] for it in ask(http, "artifact.json", name="d")["versions"]]
    links = ask(http, "lineage.json")["links"]
    assert [("v0", True), ("v1", False)] == [(it["version"], it["is_gone"]) for it in links]
    answer = http.get(f"{PREFIX}/version.json?project=p&name=d&version=v0")
    assert (404, True) == (answer.status_code, "v1" in answer.json()["error"])


def test_runs_of_other_projects_are_looked_for_on_request(log, http) -> None:
    """A version may be used from anywhere in the store."""
    log("m", {"w": b"one"})
    with trackio.init("q", name="serves") as run:
        run.use_artifact("p/m:v0")
    assert [] == ask(http, "version.json", name="m")["used"]
    (used,) = ask(http, "uses.json", name="m", version="v0")["used"]
    assert ("q", "serves") == (used["in"], used["run"]["name"])


def test_a_file_of_a_version_is_a_download_under_its_own_name(log, http) -> None:
    """By version and path; it cannot be drawn as a page, whatever it is."""
    log(NAME, {"a/pagé.html": b"<script>alert(1)</script>"})
    params = {"project": "p", "name": NAME, "version": "v0", "path": "a/pagé.html"}
    answer = http.get(f"{PREFIX}/artifact_file", params=params)
    assert b"<script>alert(1)</script>" == answer.content
    said = answer.headers
    assert "attachment; filename*=UTF-8''pag%C3%A9.html" == said["content-disposition"]
    assert ("application/octet-stream", "nosniff") == (
        said["content-type"], said["x-content-type-options"])  # fmt: skip
    assert said["content-security-policy"].startswith("sandbox")
    part = http.get(f"{PREFIX}/artifact_file", params=params, headers={"range": "bytes=1-6"})
    assert (206, b"script") == (part.status_code, part.content)


@pytest.mark.parametrize(
    ("path", "status"),
    [("missing", 404), ("../../../etc/passwd", 404), ("", 404), ("elsewhere.txt", 400)],
)
def test_nothing_is_given_that_no_manifest_holds(home, http, path: str, status: int) -> None:
    """Not another path, and not what lies elsewhere, which nobody here has."""
    (home / "elsewhere.txt").write_text("x")
    artifact = trackio.Artifact("refs", type="data")
    artifact.add_reference((home / "elsewhere.txt").as_uri())
    with trackio.init("p") as run:
        run.log_artifact(artifact)
    params = {"project": "p", "name": "refs", "path": path}
    answer = http.get(f"{PREFIX}/artifact_file", params=params)
    assert status == answer.status_code, answer.text


@pytest.mark.parametrize(
    "path", ["artifact.json", "version.json", "artifact_file", "uses.json", "lineage.json"]
)
def test_an_artifact_that_is_not_there_says_what_is(log, http, path: str) -> None:
    """The answer names what may have been meant."""
    log("model", {"w": b"1"})
    answer = http.get(f"{PREFIX}/{path}", params={"project": "p", "name": "modle", "path": "w"})
    assert 404 == answer.status_code
    assert "model" in answer.json()["error"] or "no version" in answer.json()["error"]


class Far(Wrapper):
    """A store over a network, of which ranges are counted."""

    poll_s = 5.0

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.__dict__.pop("path", None)
        self.asked: Counter[str] = Counter()

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        self.asked[f"list {prefix}"] += 1
        return super().list(prefix, recursive=recursive)

    def get(self, key: str) -> bytes:
        self.asked[key] += 1
        return super().get(key)

    def get_range(self, entry: Entry, begin: int, end: int) -> bytes:
        self.asked["range"] += 1
        return self._inner.get(entry.key)[begin:end]

    def fetch(self, wanted: dict[Entry, Path]) -> dict[str, Any]:
        for entry, path in wanted.items():
            path.write_bytes(self._inner.get(entry.key))
        return {}

    def watch(self) -> None:
        return None


@pytest.fixture
def far(home: Path, log: Callable[..., Any]) -> Far:
    log("m", {"big": bytes(range(256)) * (1 << 16), "small": b"s"})
    store = Far(Directory(home / "home"))
    assert is_remote(store)
    assert not is_local(store)
    return store


def test_a_large_file_of_a_store_far_away_passes_through_in_pieces(far: Far) -> None:
    """None of it is held whole; the browser knows from the start how much comes."""
    http = served(far)
    params = {"project": "p", "name": "m", "path": "big"}
    answer = http.get(f"{PREFIX}/artifact_file", params=params)
    assert (str(1 << 24), bytes(range(256)) * (1 << 16)) == (
        answer.headers["content-length"], answer.content)  # fmt: skip
    assert 2 == far.asked["range"]
    assert not any(isinstance(keys.parse(key), keys.BlobKey) for key in far.asked)
    assert b"s" == http.get(f"{PREFIX}/artifact_file", params={**params, "path": "small"}).content


def test_a_store_far_away_is_asked_once_for_all_who_look(far: Far) -> None:
    """What never changes is read once, what may change not again while it is polite to wait."""
    time = FixedTime(1_700_000_000.0)
    http = TestClient(Starlette(routes=routes(Desk(far, time))))

    def look() -> set[str]:
        far.asked.clear()
        for _ in range(3):
            ask(http, "artifacts.json")
            ask(http, "version.json", name="m")
        artifacts = {key for key in far.asked if "/artifacts/" in key or "@registry" in key}
        assert {1} >= {far.asked[key] for key in artifacts}
        return artifacts

    first = look()
    assert 1 == len([key for key in first if isinstance(keys.parse(key), keys.ManifestKey)])
    assert set() == look()
    time.time_s += far.poll_s
    assert {key for key in first if key.startswith("list ")} == look()


def test_what_is_remembered_has_a_limit() -> None:
    """What was used longest ago goes first; what may change in a directory is never remembered."""
    inner = MemoryStore()
    names = [str(keys.ManifestKey("p", "m", VersionId(f"{i:024x}"))) for i in range(3)]
    alias = str(keys.AliasKey("p", "m", "best"))
    inner.put({**dict.fromkeys(names, b"0123456789"), alias: b"old"})
    store = Recalling(inner, limit_bytes=25)
    for name in (*names, names[0], alias):
        store.get(name)
    inner.put({alias: b"new"})
    inner.delete(names)
    assert b"new" == store.get(alias)
    assert [alias] == [entry.key for entry in store.list("p/artifacts/")]
    assert b"0123456789" == store.get(names[2]) == store.get(names[0])
    with pytest.raises(NotFound):
        store.get(names[1])


def test_a_registry_tells_collections_aliases_and_history(log, http) -> None:
    """Numbers here and at home, who called what how, and what was taken out."""
    api = trackio.Api()
    api.create_registry("prod", "what we ship")
    first, second = (log("m", {"w": bytes([i])}) for i in range(2))
    first.link("prod/models", aliases=["live"])
    second.link("prod/models")
    api.registry("prod").collection("models").promote("v1", ["live", "candidate"])
    api.registry("prod").collection("models").unlink("v0")
    (registry,) = ask(http, "registries.json")["registries"]
    assert ("prod", "what we ship") == (registry["name"], registry["description"])
    (models,) = registry["collections"]
    assert ("models", "model", [["candidate", "v1"], ["live", "v1"]]) == (
        models["name"], models["type"], models["aliases"])  # fmt: skip
    assert [("v1", "v1", False), ("v0", "v0", True)] == [
        (it["version"], it["source"], it["is_unlinked"]) for it in models["versions"]
    ]
    kinds = ["unlink", "promote", "link", "link", "create_collection", "create"]
    assert kinds == [event["kind"] for event in registry["events"]]
    assert ("v1", "v1") == (registry["events"][2]["version"], registry["events"][2]["source"])
    (placing,) = ask(http, "version.json", name="m", version="v1")["placings"]
    assert ("prod", "models", ["latest", "candidate", "live"]) == (
        placing["registry"], placing["collection"], placing["aliases"])  # fmt: skip


def test_a_bucket_gives_the_same_pages_and_files(hub: StandinHub, home, log, http) -> None:
    """Read by a token that may only read, large files in pieces."""
    log("d", {"rows": b"1234"}, type="dataset")
    log("m", {"big": bytes(9 << 20), "small": b"s"}, uses=["d:v0"], aliases=["best"])
    trackio.Api().artifact("p/m:best").link("prod/models", aliases=["live"])
    hub.make_bucket(BUCKET)
    local = Directory(home / "home")
    found = {entry.key: local.get(entry.key) for entry in local.list()}
    Bucket(BUCKET, endpoint=hub.url, token=WRITE_TOKEN).put(found)
    far = served(Bucket(BUCKET, endpoint=hub.url, token=READ_TOKEN))
    for path, params in (
        ("artifacts.json", {}),
        ("artifact.json", {"name": "m"}),
        ("version.json", {"name": "m", "version": "best"}),
        ("lineage.json", {}),
        ("registries.json", {}),
    ):
        said = [ask(one, path, **params) for one in (http, far)]
        for one in said:
            one.pop("rev", None)
        assert said[0] == said[1], path
    for path in ("big", "small"):
        params = {"project": "p", "name": "m", "path": path}
        files = [one.get(f"{PREFIX}/artifact_file", params=params) for one in (http, far)]
        assert (200, files[0].content) == (files[1].status_code, files[1].content)
        assert files[0].headers["content-length"] == files[1].headers["content-length"]


class Telling(Far):
    """A store that tells what changed, as long as nobody says it lost count."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.told: list[str] = []
        self.epoch = 0

    def watch(self) -> Any:
        return self

    def since(self, position: Position | None) -> Heard:
        now = Position(self.epoch, len(self.told))
        is_known = position is not None and position.epoch == self.epoch
        changes = dict.fromkeys(self.told[position.number :]) if is_known else None
        return Heard(position=now, changes=changes, as_of_s=0.0)


def test_a_store_that_tells_of_changes_is_listed_only_after_one(home: Path) -> None:
    """Until then listings and aliases count; what lags is made once more a while later."""
    inner = Directory(home / "store")
    alias = str(keys.AliasKey("p", "m", "best"))
    inner.put({alias: b"old", "p/artifacts/d/x": b"", "q/artifacts/d/x": b""})
    far, time = Telling(inner), FixedTime(1_700_000_000.0)
    store = Recalling(far, clock=time)

    def look() -> dict[str, int]:
        far.asked.clear()
        for _ in range(2):
            for project in ("p", "q"):
                list(store.list(f"{project}/artifacts/"))
            store.get(alias)
        return dict(far.asked)

    once = {"list p/artifacts/": 1, "list q/artifacts/": 1, alias: 1}
    assert once == look()
    assert {} == look()
    inner.put({alias: b"new"})
    far.told.append(alias)
    assert {"list p/artifacts/": 1, alias: 1} == look()
    assert b"new" == store.get(alias)
    time.time_s += LAG_S
    assert once == look()
    time.time_s += LONG_S - 1
    assert {} == look()
    far.epoch += 1
    assert once == look()
    time.time_s += LAG_S
    assert once == look()
    time.time_s += LONG_S
    assert once == look()


def test_a_listing_that_a_change_overtook_is_not_kept(home: Path) -> None:
    """It was made before the change and ends after somebody heard of it."""
    inner = Directory(home / "store")
    inner.put({"p/artifacts/d/x": b""})

    class Overtaken(Telling):
        def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
            before = [*super().list(prefix, recursive=recursive)]
            inner.put({"p/artifacts/d/y": b""})
            self.told.append("p/artifacts/d/y")
            if len(self.told) == 1:
                list(other.list("q/artifacts/"))
            return iter(before)

    overtaken = Overtaken(inner)
    other = Recalling(overtaken)
    assert ["p/artifacts/d/x"] == [it.key for it in other.list("p/artifacts/")]
    assert 2 == len(list(other.list("p/artifacts/")))
