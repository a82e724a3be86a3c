"""The pages that show the files which runs saved: what they are told, and what a browser gets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.testclient import TestClient

import trackio
from tests.edge.browser import Visit, chromium
from tests.edge.served import serve
from tests.edge.visits import visitor
from trackio.cli import main
from trackio.dashboard.desk import Desk
from trackio.dashboard.routes import PREFIX, routes
from trackio.keys import LegacyKey
from trackio.store.directory import Directory


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """Two runs, one of which saved files, and a file of the project from before a migration."""
    folder = tmp_path_factory.mktemp("saved")
    work = folder / "work"
    (work / "ck").mkdir(parents=True)
    (work / "ck" / "model.pt").write_text("weights")
    (work / "notes.html").write_text("<script>document.title = 'ran'</script>")
    home = folder / "home"
    with trackio.init("p", name="keeps", store=str(home), dir=str(home)) as run:
        run.log({"loss": 1.0})
        run.save(work / "ck" / "*", base_path=work)
        run.save(work / "notes.html", base_path=work)
    with trackio.init("p", name="logs", store=str(home), dir=str(home)) as run:
        run.log({"loss": 2.0})
    store = Directory(home)
    store.put({str(LegacyKey("p", ("media", "p", "files", "old", "notes.md"))): b"notes"})
    store.put({str(LegacyKey("p", ("media", "p", "run", "3", "a.png"))): b"no saved file"})
    return store


@pytest.fixture
def http(store: Directory) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=routes(Desk(store)))) as client:
        yield client


def _files(http: TestClient, name: str) -> dict[str, Any]:
    runs = http.get(f"{PREFIX}/meta.json", params={"project": "p"}).json()["runs"]
    [code] = [run["code"] for run in runs if run["name"] == name]
    found: dict[str, Any] = http.get(
        f"{PREFIX}/files.json", params={"project": "p", "r": code}
    ).json()
    return found


def test_what_a_run_saved_is_told_with_what_its_bytes_are_asked_by(http: TestClient) -> None:
    """And nothing of it for another run."""
    found = _files(http, "keeps")
    assert ["ck/model.pt", "notes.html"] == [file["name"] for file in found["saved"]]
    assert {"shard", "media", "meta"} == {file["kind"] for file in found["files"]}
    one = found["saved"][0]
    place = {"project": "p", **{name: one[name] for name in ("run", "writer", "file")}}
    assert b"weights" == http.get(f"{PREFIX}/media", params=place).content
    assert [] == _files(http, "logs")["saved"]


def test_saved_files_of_the_project_from_before_are_told(http: TestClient) -> None:
    """Migration keeps them by their old path; media that nobody refers to are not among them."""
    [one] = _files(http, "logs")["former"]
    assert ("old/notes.md", 5) == (one["name"], one["size"])
    answer = http.get(f"{PREFIX}/file", params={"project": "p", "key": one["key"]})
    assert b"notes" == answer.content
    assert "notes.md" in answer.headers["content-disposition"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def site(store: Directory) -> Iterator[str]:
    with serve(store) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    yield from visitor(browser, site)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("page", "asked"), [("/files", {}), ("/run", {"run": "keeps", "part": "files"})]
)
def test_saved_files_are_listed_by_name_and_taken(
    visit: Visit, page: str, asked: dict[str, str]
) -> None:
    """On the page of files and on that of the run; a page that was saved does not run."""
    visit.open(page, project="p", **asked)
    saved = visit.page.get_by_label("Saved by the runs")
    expect(saved.locator("tbody tr")).to_have_count(2)
    with visit.page.expect_download() as taken:
        saved.get_by_role("link", name="ck/model.pt").click()
    assert "model.pt" == taken.value.suggested_filename
    assert "weights" == Path(taken.value.path()).read_text()
    with visit.page.expect_download() as taken:
        saved.get_by_role("link", name="notes.html").click()
    assert "notes.html" == taken.value.suggested_filename
    former = visit.page.get_by_label("Saved for the project before its migration")
    with visit.page.expect_download() as taken:
        former.get_by_role("link", name="old/notes.md").click()
    assert "notes" == Path(taken.value.path()).read_text()
    visit.page.get_by_label("Search files").fill("model")
    expect(saved.locator("tbody tr")).to_have_count(1)
    expect(former).to_have_count(0)


def test_a_site_of_files_holds_what_was_saved(store: Directory, tmp_path: Path) -> None:
    """The bytes lie where the page looks for them."""
    words = ["export-site", "--store", store.url, "-p", "p", "--to", str(tmp_path / "site")]
    assert 0 == main(words)
    data = tmp_path / "site" / "data"
    found = json.loads((data / "files.json").read_text())
    [one] = [file for file in found["saved"] if file["name"] == "ck/model.pt"]
    assert "weights" == (data / "bytes" / one["run"] / one["writer"] / one["file"]).read_text()
