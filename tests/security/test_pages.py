"""Code in every string that a user can log, on every page of a dashboard in a real Chromium."""

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser

import trackio
from tests.edge.browser import Visit, chromium
from tests.edge.served import serve
from tests.security.served import ask
from trackio.dashboard.app import PAGES
from trackio.dashboard.routes import PREFIX
from trackio.store.directory import Directory

pytestmark = pytest.mark.browser

CODE = (
    "</script><script>window.boomed=1</script><img src=x onerror=window.boomed=2>${window.boomed=3}"
)
PROJECT = "p<img src=x onerror=window.boomed=9>"
MARKDOWN = f"""# {CODE}

[link](javascript:window.boomed=4) <a href="javascript:window.boomed=5">x</a> ![x](http://127.0.0.1:9/x.png)

<svg onload=window.boomed=6></svg> <iframe srcdoc="<script>parent.boomed=7</script>"></iframe>
"""
HTML = f"<p>drawn</p><script>try {{ parent.boomed = 8 }} catch {{}}; fetch('http://127.0.0.1:9/')</script>{CODE}"
LOOK = """() => {
  const found = [window.boomed ?? null];
  const roots = [document];
  while (roots.length) {
    const root = roots.pop();
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) roots.push(element.shadowRoot);
      for (const { name, value } of element.attributes)
        if (/^on/i.test(name) && root !== document) found.push(`${element.tagName} ${name}`);
        else if (/href|src|action/i.test(name) && /^\\s*javascript:/i.test(value))
          found.push(`${element.tagName} ${name}=${value}`);
    }
    if (root !== document) for (const one of root.querySelectorAll("script")) found.push("script");
  }
  return found.filter((one) => one !== null);
}"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    """One run all of whose texts are code."""
    folder = tmp_path_factory.mktemp("hostile")
    run = trackio.init(
        project=PROJECT,
        name=CODE,
        group=CODE,
        tags=[CODE],
        notes=CODE,
        config={CODE: CODE, "nested": {CODE: [CODE]}},
        store=str(folder),
    )
    image = trackio.Image(np.zeros((4, 4, 3), np.uint8), caption=CODE)
    for step in range(3):
        run.log({CODE: float(step), f"{CODE}/b": 1.0, f"word{CODE}": CODE})
    run.log(
        {
            f"i{CODE}": image,
            f"t{CODE}": trackio.Table(columns=[CODE, "x"], data=[[CODE, 1.0]]),
            f"h{CODE}": trackio.Html(HTML, caption=CODE),
            f"m{CODE}": trackio.Markdown(MARKDOWN),
            f"c{CODE}": trackio.Trace(
                messages=[{"role": CODE, "content": CODE}, {"role": "user", "content": MARKDOWN}],
                spans=[{"id": "a", "name": CODE, "kind": CODE, "output": CODE, "error": CODE}],
                metadata={CODE: CODE},
            ),
        }
    )
    run.alert(CODE, CODE, level="error")
    artifact = trackio.Artifact("model", type=CODE, description=CODE, metadata={CODE: CODE})
    (folder / "<b>weights.bin").write_bytes(b"x")
    artifact.add_file(str(folder / "<b>weights.bin"))
    run.log_artifact(artifact, aliases=["best"])
    run.finish()
    return Directory(folder)


@pytest.fixture(scope="module")
def site(store: Directory) -> Iterator[str]:
    with serve(store) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.mark.parametrize("path", ["/", *(path for _, path in PAGES)])
def test_nothing_that_was_logged_runs_on_any_page(browser: Browser, site: str, path: str) -> None:
    """Names, tags, notes, config, metrics, alerts, captions, cells, traces, files stay text."""
    context = browser.new_context()
    visit = Visit(context.new_page(), site).watch()
    visit.page.set_default_timeout(15_000)
    visit.open(path, project=PROJECT, name="model")
    visit.page.locator(".trackio-host").wait_for()
    visit.page.wait_for_load_state("networkidle")
    assert [] == visit.page.evaluate(LOOK)
    assert "boomed" not in visit.page.title() or "<" in visit.page.title()
    for opened in visit.page.locator("button.trace-line, .trace button").all()[:2]:
        opened.click()
    assert [] == visit.page.evaluate(LOOK)
    assert [] == [said for said in visit.complaints if "dialog" in said or "elsewhere" in said]
    context.close()


@pytest.mark.parametrize(
    "name", ["project", "runs", "find", "x", "m", "__theme", "where", "name", "open"]
)
def test_nothing_in_the_address_runs(browser: Browser, site: str, name: str) -> None:
    """A link that somebody sends is no program."""
    context = browser.new_context()
    visit = Visit(context.new_page(), site).watch()
    visit.open("/", **{"project": PROJECT, name: CODE})
    visit.page.locator(".trackio-host").wait_for()
    visit.page.wait_for_load_state("networkidle")
    assert [] == visit.page.evaluate(LOOK)
    context.close()


def test_the_page_that_gradio_makes_holds_no_string_of_a_user(site: str) -> None:
    """Its title, its head, its config as JSON inside a script: none of them knows a project."""
    for path in ("/", "/runs", "/config"):
        for query in ("", "?project=%3C%2Fscript%3E%3Cscript%3Ewindow.boomed%3D1%3C%2Fscript%3E"):
            answer = ask(site, path + query)
            assert "window.boomed" not in answer.text
            assert "onerror=window" not in answer.text


def test_what_was_logged_as_a_page_has_no_origin_and_no_way_out(
    site: str, store: Directory
) -> None:
    """Opened by itself, too: a policy goes with its bytes."""
    found = [entry.key for entry in store.list("") if entry.key.endswith(".html")]
    assert found
    _, _, _, writer, _, file = found[0].split("/")
    import json
    from urllib.parse import quote

    meta = json.loads(ask(site, f"{PREFIX}/meta.json?project={quote(PROJECT)}").body)
    asked = f"project={quote(PROJECT)}&run={meta['runs'][0]['code']}&writer={writer}&file={file}"
    answer = ask(site, f"{PREFIX}/media?{asked}")
    assert 200 == answer.status
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert "nosniff" == answer.headers["x-content-type-options"]
