"""The pages of artifacts and registries in a real Chromium, over what real runs logged."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

import trackio
from tests.edge.browser import Visit, chromium
from tests.edge.plain_server import plain_server
from tests.edge.served import serve
from tests.edge.shelved import CORPUS, SCRIPT, Shelf, fill
from tests.edge.test_dashboard_pages import CONTRAST
from tests.edge.visits import query, run_module, visitor
from tests.edge.written import WrittenRun
from trackio.cli import main
from trackio.dashboard.routes import PREFIX
from trackio.dashboard.static_files import version
from trackio.store.base import Store
from trackio.store.directory import Directory

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    home, files = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKIO_DIR", str(home))
        fill(files)
    return Directory(home)


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[str]:
    with serve(store) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    yield from visitor(browser, site)


def test_artifacts_stand_by_type_with_versions_size_and_aliases(visit: Visit) -> None:
    """Each type in a part of its own; a search leaves what matches, and is in the address."""
    page = visit.open("/artifacts", project="digits").page
    types = page.locator(".group-row")
    expect(types).to_have_text(
        ["checkpoint 1", "dataset 5", "evaluation 1", "model 2", "preprocessor 1"]
    )
    row = page.get_by_role("row", name="classifier")
    expect(row).to_contain_text("v2")
    expect(row.locator(".alias")).to_have_text(["baseline", "best"])
    expect(page.locator(".panel-bar .count")).to_contain_text("10 artifacts · 17 versions")
    page.get_by_label("Search artifacts").fill("split")
    expect(page.locator("tbody th[scope=row]")).to_have_text(["test-split", "train-split"])
    page.wait_for_url("**find=split**")
    page.get_by_role("link", name="train-split").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("train-split:v0")
    assert ["train-split"] == query(visit)["at"]
    page.go_back()
    expect(page.locator("tbody th[scope=row]")).to_have_count(2)


@pytest.mark.parametrize("path", ["/artifacts", "/registry"])
def test_a_search_that_finds_nothing_says_so_and_leads_back(visit: Visit, path: str) -> None:
    """Such as one that came along from another page."""
    page = visit.open(path, project="digits", find="loss").page
    expect(page.locator(".empty code")).to_have_text("loss")
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_role("row").nth(2)).to_be_visible()


def test_an_alias_in_the_list_leads_to_its_version(visit: Visit) -> None:
    """It names one version, which may not be the newest."""
    page = visit.open("/artifacts", project="digits").page
    page.get_by_role("link", name="baseline v0").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("classifier:v0")


def test_tabs_are_there_once_there_is_something(browser: Browser, tmp_path: Path) -> None:
    """A project without artifacts has no tab of them, and its page says how to make one."""
    empty = Directory(tmp_path)
    WrittenRun(empty, "p", "run", at_s=1_700_000_000.0).log([{"loss": 1.0}])
    with serve(empty) as url:
        for visit in visitor(browser, url):
            page = visit.open("/", project="p").page
            with page.expect_response("**/contents.json*"):
                visit.drawn("loss")
            expect(page.get_by_role("link", name="System")).to_be_visible()
            expect(page.get_by_role("link", name="Artifacts")).to_be_hidden()
            expect(page.get_by_role("link", name="Registry")).to_be_hidden()
            page.keyboard.press("v")
            expect(page.locator(".empty")).to_contain_text("log_artifact")
            page.keyboard.press("g")
            expect(page.locator(".empty")).to_contain_text("create_registry")


def test_tabs_of_what_is_there_appear_by_themselves(visit: Visit) -> None:
    """Both, beside the others."""
    page = visit.open("/runs", project="digits").page
    page.get_by_role("link", name="Artifacts", exact=True).click()
    expect(page.locator(".group-row").first).to_be_visible()
    page.get_by_role("link", name="Registry", exact=True).click()
    expect(page.get_by_role("link", name="classifiers")).to_be_visible()


def test_a_version_says_what_it_is_who_made_and_who_used_it(visit: Visit) -> None:
    """The newest by default; another by a click, by its number or by its alias."""
    page = visit.open("/artifacts", project="digits", at="classifier").page
    expect(page.get_by_role("heading", level=1)).to_have_text("classifier:v2")
    expect(page.get_by_role("region", name="Metadata")).to_contain_text("net/depth")
    about = page.get_by_role("region", name="About")
    expect(about.get_by_role("link")).to_have_text("train-0.03")
    used = page.get_by_role("region", name="Used by")
    expect(used.get_by_role("link")).to_have_text(["evaluate", "distil"])
    expect(page.get_by_role("region", name="Use it")).to_contain_text(
        'trackio.use_artifact("digits/classifier:v2")'
    )
    expect(page.get_by_role("region", name="In registries")).to_contain_text("prod/classifiers:v1")
    used.get_by_role("button", name="Look in all projects").click()
    expect(used.get_by_role("link")).to_have_text(["evaluate", "distil", "serving/canary"])
    versions = page.get_by_role("navigation", name="Versions")
    expect(versions.get_by_role("link")).to_have_count(3)
    versions.get_by_role("link", name="baseline").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("classifier:v0")
    visit.open("/artifacts", project="digits", at="classifier:best")
    expect(page.get_by_role("heading", level=1)).to_have_text("classifier:v2")
    about.get_by_role("link").click()
    expect(page.get_by_role("heading", name="train-0.03")).to_be_visible()


def test_lines_to_use_a_version_are_copied(browser: Browser, site: str) -> None:
    """The lines stand as they are to be run."""
    for visit in visitor(browser, site):
        visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = visit.open("/artifacts", project="digits", at="small:v0").page
        page.get_by_role("button", name="Copy the lines of Python").click()
        expect(page.get_by_role("button", name="Copy the lines of Python")).to_have_text("Copied")
        assert (
            'artifact = trackio.use_artifact("digits/small:v0")\nfolder = artifact.download()'
            == page.evaluate("navigator.clipboard.readText()")
        )


def test_files_are_searched_and_taken_away(visit: Visit) -> None:
    """Each with its size and hash; what comes is what was logged."""
    page = visit.open("/artifacts", project="digits", at="raw:v0", part="files").page
    files = page.get_by_role("region", name="Files")
    expect(files.locator("tbody tr")).to_have_count(8)
    page.get_by_label("Search files").fill("shard-3")
    expect(files.locator("tbody tr")).to_have_count(1)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download train/shard-3.parquet").click()
    assert "shard-3.parquet" == waiting.value.suggested_filename
    content = Path(waiting.value.path()).read_bytes()
    assert Random("train/shard-3.parquet 903").randbytes(903) == content
    expect(files.locator(".digest")).to_have_text([sha256(content).hexdigest()[:12]])


def test_many_files_come_a_page_at_a_time_and_references_are_links(visit: Visit) -> None:
    """What lies elsewhere leads there and is asked of nobody; markup in names is text."""
    page = visit.open("/artifacts", project="digits", at="corpus", part="files").page
    rows = page.get_by_role("region", name="Files").locator("tbody tr")
    expect(rows).to_have_count(300)
    page.get_by_role("button", name="Show 101 more").click()
    expect(rows).to_have_count(401)
    expect(page.get_by_role("link", name=CORPUS)).to_have_attribute("rel", "noopener noreferrer")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("region", name="Description")).to_contain_text(SCRIPT)


def test_two_versions_are_compared_by_files_and_metadata(visit: Visit) -> None:
    """What came, went and changed; either side may be chosen, and the address has both."""
    page = visit.open("/artifacts", project="digits", at="classifier", part="compare").page
    expect(page.locator(".compare-sum")).to_have_text(
        "+ 1 added− 1 removed± 2 changed0 the same+5.7 KB to 21.1 KB"
    )
    rows = page.get_by_role("region", name="Changed files").locator("tbody tr")
    expect(rows.locator(".path")).to_have_text(
        ["config.json", "model.safetensors", "optimizer.pt", "tokenizer/vocab"]
    )
    metadata = page.get_by_role("region", name="Changed metadata").locator("tbody th")
    expect(metadata).to_have_text(["accuracy", "lr"])
    page.get_by_label("From").select_option("v0")
    page.wait_for_url("**at=classifier:v0..v2**")
    page.get_by_role("button", name="Swap the two versions").click()
    page.wait_for_url("**at=classifier:v2..v0**")
    page.reload()
    expect(page.locator(".compare-sum")).to_contain_text("− 1 removed")
    page.get_by_label("From").select_option("v0")
    expect(page.get_by_role("region", name="Changed files")).to_contain_text("the same files")


def test_a_comparison_finds_every_kind_of_change(visit: Visit) -> None:
    """By path: other bytes, other places; metadata by nested name."""
    visit.open("/artifacts", project="digits")
    files = """({ changedFiles, changedMetadata }) => {
      const file = (path, digest, ref) => ({ path, size: 1, digest, ...(ref ? { ref } : {}) });
      const before = [file("a", "1"), file("b", "1"), file("c", "1"), file("d", "1", "s3://x")];
      const after = [file("a", "1"), file("b", "2"), file("d", "1", "s3://y"), file("e", "1")];
      const [old, now] = [{ b: { c: 2, d: [1] }, e: null }, { b: { c: 3, d: [1] }, f: 0 }];
      return [changedFiles(before, after).map(({ path, kind }) => `${kind} ${path}`),
        changedMetadata({ a: 1, ...old }, { a: 1, ...now })];
    }"""
    changed, metadata = run_module(visit, "artifact_compare.js", files)
    assert ["changed b", "removed c", "changed d", "added e"] == changed
    assert [["b/c", "2", "3"], ["e", "none", None], ["f", None, "0"]] == metadata


def test_lineage_is_a_picture_that_keys_go_through(visit: Visit) -> None:
    """Arrow keys follow the arrows, Enter opens; what a box came from stays bright."""
    page = visit.open("/artifacts", project="digits", at="classifier:v2", part="lineage").page
    picture = page.get_by_role("group", name="Lineage")
    box = picture.get_by_role("link", name="Version classifier:v2, model")
    expect(box).to_have_attribute("tabindex", "0")
    assert 1 == picture.locator("[tabindex='0']").count()
    box.focus()
    expect(picture.get_by_role("link", name="Run train-0.03")).not_to_have_class("is-faded")
    page.keyboard.press("ArrowLeft")
    expect(picture.get_by_role("link", name="Run train-0.03")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    focused = picture.locator(":focus")
    expect(focused).to_have_class("lineage-box is-version")
    expect(picture.get_by_role("link", name="Version report:v0")).to_be_visible()
    expect(picture.locator(".is-run")).to_have_count(8)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="train-0.03")).to_be_visible()


def test_lineage_is_also_a_table(visit: Visit) -> None:
    """All links of the project, or those of a search; many alike are one box but all rows."""
    page = visit.open("/artifacts", project="digits", part="lineage").page
    expect(page.get_by_role("link", name="6 versions of checkpoint")).to_be_visible()
    page.get_by_role("button", name="View as table").click()
    rows = page.get_by_role("region", name="Lineage").locator("tbody tr")
    expect(rows).to_have_count(32)
    expect(rows.first).to_contain_text("collectmaderaw:v0")
    page.get_by_label("Search artifacts").fill("quantize")
    page.wait_for_url("**find=quantize**")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="View as table").click()
    expect(page.get_by_role("group", name="Lineage").locator(".is-run")).to_have_count(1)
    page.get_by_role("link", name="Version small:v0").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("small:v0")


GRAPHS: dict[str, list[tuple[str, bool, str]]] = {
    "a line": [("r", True, "a"), ("s", False, "a"), ("s", True, "b")],
    "a circle": [("r", False, "a"), ("r", True, "b"), ("s", False, "b"), ("s", True, "a")],
    "itself": [("r", False, "a"), ("r", True, "a")],
    "a fan": [(f"r{i}", j == 0, f"v{(i * 3 + j) % 11}") for i in range(12) for j in range(3)],
    "far": [("r", True, "a"), ("s", False, "a"), ("s", True, "b"), ("t", False, "b"),
            ("t", False, "a")],
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_a_layout_puts_no_box_on_another_and_goes_on_to_the_right(visit: Visit, name: str) -> None:
    """Also where things lead back to themselves; and always alike."""
    visit.open("/artifacts", project="digits")
    links = [
        {
            "run": {"id": run, "name": run},
            "made": made,
            "project": "p",
            "name": version,
            "id": version,
            "version": "v0",
        }
        for run, made, version in GRAPHS[name]
    ]
    lay = """async ({ layout }, { links, from }) => {
      const { graphOf } = await import(from);
      const graph = graphOf(links);
      const laid = () => layout(graph, { width: 100, height: 40, gapX: 50, gapY: 10 });
      const { places, ways, width, height } = laid();
      return { again: JSON.stringify(laid()) === JSON.stringify(laid()), width, height,
        boxes: [...graph.nodes.keys()].map((id) => places.get(id)),
        ways: ways.map(({ way, isBack }) => [isBack, way.map((id) => places.get(id))]) }; }"""
    graph = f"{visit.url}{PREFIX}/static/{version()}/lineage_graph.js"
    found = run_module(visit, "lineage_layout.js", lay, {"links": links, "from": graph})
    assert found["again"]
    boxes = found["boxes"]
    assert not [
        (a, b)
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if abs(a["x"] - b["x"]) < 100 and abs(a["y"] - b["y"]) < 40 - 1e-6
    ]
    assert all(50 <= box["x"] <= found["width"] - 50 for box in boxes)
    assert all(20 - 1e-6 <= box["y"] <= found["height"] - 20 + 1e-6 for box in boxes)
    for is_back, way in found["ways"]:
        steps = [b["x"] - a["x"] for a, b in pairwise(way)]
        assert is_back or all(step == 150 for step in steps)


def test_registries_show_collections_aliases_and_what_happened(visit: Visit) -> None:
    """From the list to a collection to its artifact; text stays text."""
    page = visit.open("/registry", project="digits").page
    row = page.get_by_role("row", name="classifiers")
    expect(row.locator(".alias")).to_have_text(["candidate", "live"])
    expect(row).to_contain_text("classifier:v2 as v1")
    page.get_by_role("link", name="prod", exact=True).click()
    history = page.get_by_role("region", name="History").locator("li")
    expect(history).to_have_count(10)
    expect(history.first).to_contain_text("Took classifiers:v0 out")
    page.get_by_role("link", name="classifiers").click()
    page.wait_for_url("**at=prod/classifiers**")
    versions = page.get_by_role("region", name="Versions").locator("tbody tr")
    expect(versions).to_have_count(2)
    expect(versions.nth(1)).to_contain_text("taken out")
    expect(page.get_by_role("region", name="Use it")).to_contain_text(
        "registry-prod/classifiers:candidate"
    )
    expect(page.get_by_role("region", name="History").locator("li")).to_have_count(5)
    versions.first.get_by_role("link", name="classifier:v2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("classifier:v2")


def test_a_registry_leads_to_artifacts_of_other_projects(visit: Visit) -> None:
    """It belongs to the store: from any project it leads to the one that the version is of."""
    page = visit.open("/registry", project="serving", at="prod/edge").page
    page.get_by_role("link", name="digits/small:v0").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("small:v0")
    expect(page.get_by_label("Project")).to_have_value("digits")


def test_what_no_run_tells_of_appears_by_itself(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alias that is moved is no row of any run: the page looks for it now and then."""
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "home"))
    shelf = Shelf(tmp_path)
    with shelf.run("makes") as run:
        run.log_artifact(shelf.artifact("m", "model", {"w": 3})).link("prod/models")
    with serve(Directory(tmp_path / "home")) as url:
        for visit in visitor(browser, url):
            visit.page.clock.install()
            page = visit.open("/registry", project="digits").page
            expect(page.get_by_role("row", name="models")).to_contain_text("m:v0 as v0")
            trackio.Api().registry("prod").collection("models").promote("v0", ["live"])
            page.clock.fast_forward(31_000)
            visit.tick()
            expect(page.locator(".alias")).to_have_text(["live"])


@pytest.mark.parametrize("at", ["missing", "missing/classifiers", "prod/missing"])
def test_a_registry_that_is_not_there_says_so(visit: Visit, at: str) -> None:
    """The way back to all of them stays."""
    page = visit.open("/registry", project="digits", at=at).page
    expect(page.locator(".empty")).to_contain_text("missing")
    page.get_by_role("link", name="Registries").click()
    expect(page.get_by_role("link", name="prod", exact=True)).to_be_visible()


def test_an_artifact_that_is_not_there_says_what_is(visit: Visit) -> None:
    """A link to nothing names what may have been meant."""
    page = visit.open("/artifacts", project="digits", at="clasifier").page
    expect(page.get_by_role("alert")).to_contain_text("did you mean 'classifier'")
    page.get_by_role("link", name="Artifacts").last.click()
    expect(page.locator(".group-row").first).to_be_visible()
    assert all("404" in said for said in visit.complaints)
    visit.complaints.clear()


def test_the_run_page_lists_what_the_run_made_and_used(visit: Visit) -> None:
    """One click from the run to the version."""
    page = visit.open("/run", project="digits", run="evaluate", part="artifacts").page
    expect(page.get_by_role("region", name="Made").get_by_role("link")).to_have_text("report:v0")
    used = page.get_by_role("region", name="Used").get_by_role("link")
    expect(used).to_have_text(["classifier:v0", "classifier:v2", "test-split:v0"])
    used.first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("classifier:v0")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"selected_artifact": "classifier"}, "classifier:v2"),
        ({"selected_artifact": "classifier", "selected_version": "v1"}, "classifier:v1"),
        ({"selected_artifact": "classifier", "selected_version": "0"}, "classifier:v0"),
    ],
)
def test_links_of_the_released_trackio_show_the_version(
    visit: Visit, given: dict[str, Any], shown: str
) -> None:
    """Made elsewhere, they lead to the same version and to its lineage."""
    page = visit.open("/artifacts", project="digits", detail_tab="lineage", **given).page
    expect(page.get_by_role("heading", level=1)).to_have_text(shown)
    expect(page.get_by_role("group", name="Lineage")).to_be_visible()


PLACES = {
    "list": ({"path": "/artifacts"}, ".group-row"),
    "version": ({"path": "/artifacts", "at": "classifier:v2"}, ".version-head"),
    "files": ({"path": "/artifacts", "at": "raw", "part": "files"}, ".file-sheet"),
    "compare": ({"path": "/artifacts", "at": "classifier", "part": "compare"}, ".compare-sum"),
    "lineage": ({"path": "/artifacts", "part": "lineage"}, ".lineage-picture"),
    "registry": ({"path": "/registry", "at": "prod"}, ".history"),
    "collection": ({"path": "/registry", "at": "prod/classifiers"}, ".history"),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_phone_shows_it_within_its_width(browser: Browser, site: str, name: str) -> None:
    """Only tables and pictures scroll sideways, in boxes of their own."""
    given, ready = PLACES[name]
    for visit in visitor(browser, site, 390, 844):
        visit.open(project="digits", **given).page.locator(ready).first.wait_for()
        assert 390 == visit.page.evaluate("document.documentElement.scrollWidth")
        app = visit.page.locator(".trackio-host > .app")
        assert 390 >= app.evaluate("(app) => app.scrollWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PLACES)
def test_its_text_has_the_contrast_that_people_need(visit: Visit, name: str, theme: str) -> None:
    """WCAG AA: 4.5 to 1."""
    given, ready = PLACES[name]
    visit.open(project="digits", __theme=theme, **given).page.locator(ready).first.wait_for()
    assert [] == visit.page.evaluate(CONTRAST)


@pytest.fixture(scope="module")
def exported(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The project as files, behind a web server that knows nothing of it."""
    folder = tmp_path_factory.mktemp("site")
    target = ["--project", "digits", "--to", str(folder / "digits")]
    assert 0 == main(["--store", store.url, "export-site", *target])
    with plain_server(folder) as served:
        yield served.url


def test_an_exported_site_shows_artifacts_and_registries(browser: Browser, exported: str) -> None:
    """All there is to see, by number and by alias; the files themselves stay where they are."""
    for visit in visitor(browser, exported):
        page = visit.open("/digits/", page="artifacts").page
        page.get_by_role("link", name="classifier", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("classifier:v2")
        page.get_by_role("link", name="Files").last.click()
        expect(page.get_by_role("region", name="Files")).to_contain_text("not exported")
        page.get_by_role("link", name="Lineage").click()
        expect(page.get_by_role("group", name="Lineage").locator(".is-run")).to_have_count(8)
        visit.open("/digits/", page="artifacts", at="classifier:baseline", part="compare")
        page.get_by_label("From").select_option("v2")
        expect(page.locator(".compare-sum")).to_contain_text("1 removed")
        visit.open("/digits/", page="registry", at="prod/classifiers")
        expect(page.get_by_role("region", name="History").locator("li")).to_have_count(5)
        visit.open("/digits/", page="run", run="evaluate", part="artifacts")
        expect(page.get_by_role("region", name="Used").get_by_role("link")).to_have_count(3)
