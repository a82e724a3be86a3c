"""Things in space, drawn by WebGL in a real Chromium, turned, and left as files without it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, CDPSession, Locator, expect

import trackio
from tests.edge import solids
from tests.edge.browser import Visit, chromium
from tests.edge.plain_server import plain_server
from tests.edge.served import serve
from tests.edge.visits import run_module, visitor
from trackio.cli import main
from trackio.store.base import Store
from trackio.store.directory import Directory

pytestmark = pytest.mark.browser

MODELS = {"glb": solids.glb(), "gltf": solids.gltf(), "obj": solids.obj(), "stl": solids.stl()}
CLOUDS = {
    "plain": (np.random.default_rng(0).normal(size=(500, 3)), "500 points"),
    "sorted": (np.random.default_rng(1).integers(0, 9, size=(400, 4)), "400 points"),
    "coloured": (np.random.default_rng(2).uniform(0, 1, size=(300, 6)), "300 points"),
}
SLOW = "GPU stall due to ReadPixels"
PIXELS = """(canvas) => {
  const { width, height } = canvas;
  const flat = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  flat.drawImage(canvas, 0, 0);
  return new Uint32Array(flat.getImageData(0, 0, width, height).data.buffer)
    .filter((pixel) => pixel >>> 24 === 255); }"""
"""The pixels of a canvas that are painted on, each a number."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("solids")
    run = trackio.init(project="space", name="scan", store=str(folder))
    run.log({name: trackio.Object3D(data, file_type=name) for name, data in MODELS.items()})
    run.log({name: trackio.Object3D(points) for name, (points, _) in CLOUDS.items()})
    run.log(
        {
            "elsewhere/picture": trackio.Object3D(
                solids.gltf(picture=solids.ELSEWHERE), caption="<b>skin</b>", file_type="gltf"
            ),
            "elsewhere/buffer": trackio.Object3D(solids.gltf(buffer="a.bin"), file_type="gltf"),
            "broken": trackio.Object3D(b"solid of nothing", file_type="glb"),
            "unknown": trackio.Object3D(b"PK", file_type="usdz"),
        }
    )
    run.finish()
    return Directory(folder)


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[str]:
    with serve(store) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    yield from calm(visitor(browser, site))


def calm(visits: Iterator[Visit]) -> Iterator[Visit]:
    """Visitors who do not mind that a browser without a graphics card is slow, which it says."""
    for visit in visits:
        yield visit
        visit.complaints = [said for said in visit.complaints if SLOW not in said]


def solid(visit: Visit, key: str, **more: str) -> Locator:
    """The part of the page in which one thing is."""
    visit.open("/media", project="space", find=f"^{key}$", **more)
    return visit.page.get_by_role("region", name=key)


def drawn(visit: Visit, part: Locator) -> Locator:
    """Its canvas, once there is something on it."""
    canvas = part.locator("canvas")
    canvas.wait_for()
    handle = canvas.element_handle()
    visit.page.wait_for_function(f"(canvas) => ({PIXELS})(canvas).length > 200", arg=handle)
    return canvas


def picture(canvas: Locator) -> str:
    """What is on it."""
    shown: str = canvas.evaluate("(canvas) => canvas.toDataURL()")
    return shown


def changed(visit: Visit, canvas: Locator, before: str) -> None:
    """Wait until there is another picture."""
    visit.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before",
        arg=[canvas.element_handle(), before],
    )


def press(visit: Visit, canvas: Locator, key: str) -> None:
    """Press a key, and wait until the picture is another."""
    before = picture(canvas)
    visit.page.keyboard.press(key)
    changed(visit, canvas, before)


def at(canvas: Locator, x: float, y: float) -> tuple[float, float]:
    """A place on it, as the page has it."""
    box = canvas.bounding_box()
    assert box is not None
    return box["x"] + x, box["y"] + y


@pytest.mark.parametrize("kind", MODELS)
def test_models_are_drawn(visit: Visit, kind: str) -> None:
    """Of every kind, with how much there is of it, for eyes and for screen readers."""
    part = solid(visit, kind)
    canvas = drawn(visit, part)
    expect(part.locator(".solid-bar .count")).to_have_text("4 faces")
    expect(canvas).to_have_attribute("role", "img")
    assert "4 faces in space. Arrow keys" in (canvas.get_attribute("aria-label") or "")


@pytest.mark.parametrize("name", CLOUDS)
def test_points_are_drawn(visit: Visit, name: str) -> None:
    """Plain, by category, by colour: as an Object3D stores them."""
    part = solid(visit, name)
    canvas = drawn(visit, part)
    expect(part.locator(".solid-bar .count")).to_have_text(CLOUDS[name][1])
    colours = canvas.evaluate(f"(canvas) => new Set(({PIXELS})(canvas)).size")
    assert {"plain": colours == 1, "sorted": 9 <= colours, "coloured": 50 < colours}[name]


def test_keys_turn_move_and_fit(visit: Visit) -> None:
    """Each key makes another picture; fitting makes the first again."""
    canvas = drawn(visit, solid(visit, "stl"))
    first = picture(canvas)
    canvas.focus()
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight", "+", "u", "u", "-"):
        press(visit, canvas, key)
    press(visit, canvas, "0")
    assert first == picture(canvas)


def test_a_pointer_turns_and_the_wheel_is_the_pages_until_it_is_taken_hold_of(
    visit: Visit,
) -> None:
    """Scrolling past a thing does not change it; after a click the wheel does."""
    canvas = drawn(visit, solid(visit, "stl"))
    visit.page.mouse.move(*at(canvas, 100, 100))
    before = picture(canvas)
    visit.page.mouse.wheel(0, -100)
    visit.page.mouse.down()
    assert before == picture(canvas)
    visit.page.mouse.move(*at(canvas, 160, 120))
    changed(visit, canvas, before)
    visit.page.mouse.up()
    turned = picture(canvas)
    visit.page.mouse.wheel(0, -100)
    changed(visit, canvas, turned)
    expect(canvas).to_be_focused()


def test_fingers_turn_and_pinch(browser: Browser, site: str) -> None:
    """One finger to the side turns, two make it larger; a phone has nothing else."""
    for visit in calm(visitor(browser, site, 390, 844)):
        canvas = drawn(visit, solid(visit, "stl"))
        canvas.scroll_into_view_if_needed()
        touch = visit.page.context.new_cdp_session(visit.page)

        def drag(
            *fingers: list[tuple[float, float]],
            canvas: Locator = canvas,
            touch: CDPSession = touch,
        ) -> None:
            for i, places in enumerate(zip(*fingers, strict=True)):
                points = [dict(zip("xy", at(canvas, *place), strict=True)) for place in places]
                kind = "touchMove" if i else "touchStart"
                touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        first = picture(canvas)
        drag([(100 + 20 * i, 120) for i in range(5)])
        changed(visit, canvas, first)
        painted = canvas.evaluate(f"(canvas) => ({PIXELS})(canvas).length")
        drag([(140 - 15 * i, 120) for i in range(5)], [(160 + 15 * i, 120) for i in range(5)])
        visit.page.wait_for_function(
            f"([canvas, before]) => ({PIXELS})(canvas).length > 1.5 * before",
            arg=[canvas.element_handle(), painted],
        )


def test_the_eye_stays_within_its_limits(visit: Visit) -> None:
    """Never upside down, never inside, never out of sight."""
    visit.open("/media", project="space")
    walk = """({ START, keyed, moved, shifted, turned }) => {
      let eye = START;
      for (let i = 0; i < 100; i++) eye = keyed(eye, "ArrowUp", false);
      const up = eye.tilt;
      for (let i = 0; i < 100; i++) eye = keyed(moved(eye, 0.5), "ArrowLeft", true);
      return [up, eye.distance, eye.x, keyed(eye, "x", false), keyed(eye, "0", false)]; }"""
    up, distance, x, other, first = run_module(visit, "orbit.js", walk)
    assert (True, 0.15, None) == (1.4 < up < 1.5708, distance, other)
    assert 0 < x <= 2
    assert {"turn": 0.6, "tilt": 0.42, "distance": 1, "x": 0, "y": 0, "up": "y"} == first


def test_it_is_shown_large(visit: Visit) -> None:
    """On its own, as pictures are."""
    part = solid(visit, "gltf")
    drawn(visit, part)
    part.get_by_role("button", name="Show it large").click()
    box = visit.page.get_by_role("dialog", name="Picture")
    large = drawn(visit, box).bounding_box()
    assert large is not None
    assert large["height"] > 500


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("elsewhere/buffer", "it needs another file, a.bin"),
        ("unknown", "usdz files are not drawn here"),
        ("broken", "No picture"),
    ],
)
def test_what_cannot_be_drawn_is_there_to_take_away(visit: Visit, key: str, why: str) -> None:
    """It says why, and gives the file."""
    part = solid(visit, key)
    expect(part.locator(".solid")).to_contain_text(why)
    with visit.page.expect_download() as waiting:
        part.get_by_role("link", name="Download").click()
    assert Path(waiting.value.path()).stat().st_size > 0


def test_what_a_model_refers_to_is_asked_of_nobody(visit: Visit) -> None:
    """It is drawn without: the visitor would complain of a request to elsewhere."""
    part = solid(visit, "elsewhere/picture")
    drawn(visit, part)
    expect(part.locator("figcaption")).to_have_text("<b>skin</b>")


def test_a_browser_without_webgl_gets_the_file(browser: Browser, site: str) -> None:
    """And is told why."""
    for visit in visitor(browser, site):
        visit.page.add_init_script(
            """const real = HTMLCanvasElement.prototype.getContext;
            HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
              return kind.startsWith("webgl") ? null : real.call(this, kind, ...more); };"""
        )
        part = solid(visit, "stl")
        expect(part.locator(".solid")).to_contain_text("this browser has no WebGL")
        expect(part.get_by_role("link", name="Download stl")).to_be_visible()


def test_the_code_that_draws_is_fetched_with_the_first_thing_to_draw(visit: Visit) -> None:
    """Pages without any, and those further down, never wait for it."""
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.open("/runs", project="space")
    expect(visit.page.locator(".run-link")).to_have_text(["scan"])
    assert not [url for url in asked if "three" in url]
    drawn(visit, solid(visit, "obj"))
    assert 1 == len([url for url in asked if "vendor/three" in url])


def test_an_exported_site_draws_them_too(browser: Browser, store: Store, tmp_path: Path) -> None:
    """Under a policy that lets it ask nobody, textures included."""
    target = ["--project", "space", "--to", str(tmp_path / "space")]
    assert 0 == main(["--store", store.url, "export-site", *target])
    with plain_server(tmp_path) as served:
        for files in calm(visitor(browser, served.url)):
            for kind in ("gltf", "glb", "plain"):
                files.open("/space/", page="media", find=f"^{kind}$")
                drawn(files, files.page.get_by_role("region", name=kind))
