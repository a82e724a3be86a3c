"""Each rich value: what it says of itself, and that its bytes are what was given."""

import io
import wave

import matplotlib as mpl
import matplotlib.animation
import matplotlib.figure
import numpy as np
import orjson
import pandas as pd
import plotly.graph_objects as go
import pytest
from holding import Holding
from PIL import Image as Pillow

import trackio
from trackio.values.object3d import MAX_POINTS
from trackio.values.plain import UnstorableError
from trackio.values.rich import refer

RGB = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
FRAMES = np.random.default_rng(0).integers(0, 255, (5, 33, 21, 3), dtype=np.uint8)


@pytest.fixture
def hold():
    return Holding()


def _pixels(hold, reference):
    return np.asarray(Pillow.open(io.BytesIO(hold.of(reference))))


# Images


def test_an_image_says_what_it_is_and_keeps_its_pixels(hold):
    """Size and caption stand in the row, the pixels in a PNG."""
    said = refer(trackio.Image(RGB, caption="a hat"), hold)
    assert ("trackio.image", "png", 6, 4, "a hat") == tuple(
        said[name] for name in ("_type", "extension", "width", "height", "caption")
    )
    assert len(hold.of(said)) == said["size"]
    np.testing.assert_array_equal(RGB, _pixels(hold, said))


def test_what_nobody_said_is_not_in_the_reference(hold):
    """A thousand references without a caption need not say so."""
    said = refer(trackio.Image(RGB), hold)
    assert {"_type", "sha256", "extension", "size", "width", "height"} == set(said)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "F", "I"])
def test_a_pillow_image_of_any_mode_becomes_a_png(hold, mode):
    """What PNG has no form for is converted."""
    picture = Pillow.new("RGB", (5, 3), (255, 128, 0)).convert("L" if mode == "I;16" else mode)
    said = refer(trackio.Image(picture.convert(mode) if mode != "I;16" else picture), hold)
    assert (5, 3, "PNG") == (*Pillow.open(io.BytesIO(hold.of(said))).size, "PNG")


@pytest.mark.parametrize("mode", ["I", "F"])
def test_a_pillow_image_of_wide_numbers_is_not_cut_off(hold, mode):
    """Depth in millimetres is stretched to what can be seen."""
    depth = Pillow.fromarray(np.array([[0, 500], [1000, -1000]], np.int32)).convert(mode)
    shown = _pixels(hold, refer(trackio.Image(depth), hold))
    assert [[128, 191], [255, 0]] == shown.tolist()


def test_a_mode_is_converted_to(hold):
    """As with wandb."""
    said = refer(trackio.Image(RGB, mode="L"), hold)
    assert (4, 6) == _pixels(hold, said).shape


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "gif"])
def test_an_image_file_is_stored_as_it_is(hold, tmp_path, kind):
    """By path, by its bytes, or open: the same bytes, the same extension."""
    path = tmp_path / f"a picture.{kind.upper()}"
    Pillow.fromarray(RGB).save(path, format={"jpg": "JPEG"}.get(kind, kind.upper()))
    with path.open("rb") as file:
        given = [path, str(path), path.read_bytes(), file]
        found = [refer(trackio.Image(one), hold) for one in given]
    assert [kind] * 4 == [said["extension"] for said in found]
    assert {path.read_bytes()} == {hold.of(said) for said in found}
    assert {(6, 4)} == {(said["width"], said["height"]) for said in found}


def test_an_svg_has_no_size(hold):
    """Pillow cannot read it; browsers can."""
    said = refer(trackio.Image(b'<svg xmlns="http://www.w3.org/2000/svg"/>'), hold)
    assert "svg" == said["extension"]
    assert "width" not in said


def test_other_file_types_are_written(hold):
    """A photograph takes a tenth as a JPEG."""
    said = refer(trackio.Image(RGB, file_type="jpg"), hold)
    assert (b"\xff\xd8", "jpg") == (hold.of(said)[:2], said["extension"])
    with pytest.raises(UnstorableError, match="docx"):
        refer(trackio.Image(RGB, file_type="docx"), hold)


def test_a_matplotlib_figure_is_a_picture(hold):
    """Drawn as it would be saved."""
    figure = mpl.figure.Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([1, 2])
    said = refer(trackio.Image(figure), hold)
    assert (100, 50) == (said["width"], said["height"])


def test_masks_and_boxes_are_kept_as_wandb_has_them(hold):
    """Masks are pictures of class ids, also beyond 255; boxes and names stand in the row."""
    ids = np.array([[0, 1], [2, 300]])
    boxes = {"box_data": [{"position": {"minX": 0.1}, "class_id": 1}], "class_labels": {1: "hat"}}
    said = refer(
        trackio.Image(
            RGB,
            masks={
                "truth": {"mask_data": ids, "class_labels": {0: "sky"}},
                "small": {"mask_data": ids[:1]},
            },
            boxes={"guess": boxes},
            classes=[{"id": 0, "name": "sky"}],
        ),
        hold,
    )
    np.testing.assert_array_equal(ids, _pixels(hold, said["masks"]["truth"]))
    np.testing.assert_array_equal(ids[:1], _pixels(hold, said["masks"]["small"]))
    assert {"0": "sky"} == said["masks"]["truth"]["class_labels"] == said["classes"]
    assert {**boxes, "class_labels": {"1": "hat"}} == said["boxes"]["guess"]


def test_very_many_boxes_are_a_file(hold):
    """A row stays short."""
    boxes = {"box_data": [{"position": {"minX": n / 5000}} for n in range(5000)]}
    said = refer(trackio.Image(RGB, boxes={"guess": boxes}), hold)
    assert boxes == orjson.loads(hold.of(said["boxes"]))["guess"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda: trackio.Image(None), "nothing"),
        (lambda: trackio.Image("/no/such/file.png"), "no file"),
        (lambda: trackio.Image(b"not a picture"), "no image"),
        (lambda: trackio.Image(np.zeros((2, 5, 7))), "1, 3 or 4"),
        (lambda: trackio.Image(np.zeros((0, 3))), "empty"),
        (lambda: trackio.Image(np.zeros((2, 2), complex)), "complex"),
        (lambda: trackio.Image(np.zeros((2, 2)), layout="CHW"), "CHW"),
        (lambda: trackio.Image(RGB, masks={"a": {}}), "mask_data"),
        (lambda: trackio.Image(RGB, masks={"a": {"mask_data": np.zeros((2, 2, 2))}}), "H×W"),
        (lambda: trackio.Image(RGB, boxes={"a": {}}), "box_data"),
        (lambda: trackio.Image(RGB, boxes=[1]), "boxes"),
        (lambda: trackio.Image(RGB, classes=3), "classes"),
        (lambda: trackio.Video(None), "nothing"),
        (lambda: trackio.Video(np.zeros((3, 4))), "film"),
        (lambda: trackio.Video(np.zeros((2, 5, 6, 7))), "channels"),
        (lambda: trackio.Video(FRAMES, format="avi"), "avi"),
        (lambda: trackio.Audio(np.zeros(5)), "sample_rate"),
        (lambda: trackio.Audio(np.zeros((20, 20)), sample_rate=5), "channels"),
        (lambda: trackio.Audio(np.zeros(5), sample_rate=5, format="xyz"), "xyz"),
        (lambda: trackio.Object3D(np.zeros((5, 5))), "N×3"),
        (lambda: trackio.Object3D(np.full((5, 3), np.nan)), "finite"),
        (lambda: trackio.Object3D(None), "nothing"),
        (lambda: trackio.Object3D(b"x", file_type="exe"), "exe"),
        (lambda: trackio.Html(5), "no HTML"),
        (lambda: trackio.Html("missing.html"), "no file"),
        (trackio.Histogram, "either"),
        (lambda: trackio.Histogram(np_histogram=([1, 2], [1, 2])), "one bound more"),
        (lambda: trackio.Table(columns=["a", "a"], data=[[1, 2]]), "one name"),
        (lambda: trackio.Trace("hello"), "messages"),
        (lambda: trackio.Trace([{}], metadata=[1]), "metadata"),
        (lambda: trackio.Trace([{}], spans=[1]), "spans"),
        (lambda: trackio.Markdown(5), "text"),
    ],
)
def test_what_cannot_be_stored_is_refused_when_it_is_encoded_and_says_why(hold, wrong, why):
    """Making one never fails, so that a training loop does not stop there."""
    value = wrong()
    with pytest.raises(UnstorableError, match=why):
        refer(value, hold)


# Videos


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif"])
@pytest.mark.parametrize("layout", ["TCHW", "THWC", "NTCHW"])
def test_frames_become_a_film_that_plays(hold, kind, layout):
    """Every frame is there, at the right size, rounded up to even."""
    import av

    frames = FRAMES if layout == "THWC" else np.moveaxis(FRAMES, -1, 1)
    if layout == "NTCHW":
        frames = np.stack([frames, frames])
    said = refer(trackio.Video(frames, fps=5, format=kind, caption="runs"), hold)
    wide = 42 if layout == "NTCHW" else 21
    assert (kind, 5, wide, 33, 5.0, "runs") == tuple(
        said[name] for name in ("extension", "frames", "width", "height", "fps", "caption")
    )
    with av.open(io.BytesIO(hold.of(said))) as film:
        assert 5 == sum(1 for _ in film.decode(video=0))


def test_frames_of_one_channel_and_of_floats_are_shown_too(hold):
    """Grey, and 0…1."""
    said = refer(trackio.Video(np.random.default_rng(0).random((3, 1, 16, 16))), hold)
    assert ("mp4", 3, 24.0) == (said["extension"], said["frames"], said["fps"])


def test_a_video_file_is_stored_as_it_is(hold, tmp_path):
    """By path or by its bytes; what it is follows from them."""
    path = tmp_path / "film.WebM"
    path.write_bytes(b"\x1aE\xdf\xa3 and so on")
    for given in (path, path.read_bytes()):
        said = refer(trackio.Video(given), hold)
        assert ("webm", path.read_bytes()) == (said["extension"], hold.of(said))


def test_without_an_encoder_frames_become_a_gif(hold, monkeypatch):
    """Nothing is lost where PyAV is not installed; a format that needs it is refused."""
    monkeypatch.setattr("trackio.values.video._has_av", lambda: False)
    assert "gif" == refer(trackio.Video(FRAMES), hold)["extension"]
    with pytest.raises(UnstorableError, match=r"trackio\[media\]"):
        refer(trackio.Video(FRAMES, format="mp4"), hold)


# Sounds


@pytest.mark.parametrize("layout", ["N", "NxC", "CxN"])
def test_samples_become_a_wav(hold, layout):
    """Sixteen bits, the rate that was given, as many channels as there are."""
    tone = np.sin(np.arange(800) / 9)
    two = np.stack([tone, -tone], axis=1)
    given = {"N": tone, "NxC": two, "CxN": two.T}[layout]
    said = refer(trackio.Audio(given, sample_rate=8000, caption="hum"), hold)
    assert ("wav", 8000, 0.1, "hum") == tuple(
        said[name] for name in ("extension", "sample_rate", "duration_s", "caption")
    )
    with wave.open(io.BytesIO(hold.of(said))) as sound:
        channels = sound.getnchannels()
        assert (8000, 2, 800) == (sound.getframerate(), sound.getsampwidth(), sound.getnframes())
        read = np.frombuffer(sound.readframes(800), "<i2").reshape(800, channels)
    assert (1 if layout == "N" else 2) == channels == said["channels"]
    np.testing.assert_allclose(tone, read[:, 0] / 32767, atol=1e-4)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([0, 1000, -1000], np.int16), [0, 1000, -1000]),
        (np.array([0, 2**30, -(2**31)], np.int32), [0, 2**14, -(2**15)]),
        (np.array([0, 128, 255], np.uint8), [-32768, 0, 32512]),
        (np.array([0.0, 2.0, -2.0]), [0, 32767, -32767]),
        (np.array([0.0, np.nan, 0.5]), [0, 0, 16384]),
    ],
)
def test_samples_of_any_type_become_sixteen_bits(hold, given, expected):
    """Floats louder than 1 are scaled down, not cut off."""
    said = refer(trackio.Audio(given, sample_rate=8000), hold)
    with wave.open(io.BytesIO(hold.of(said))) as sound:
        assert expected == np.frombuffer(sound.readframes(9), "<i2").tolist()


@pytest.mark.parametrize("kind", ["mp3", "flac", "ogg"])
def test_other_sounds_are_written_by_soundfile(hold, kind):
    """It reads back what was given."""
    import soundfile

    tone = np.sin(np.arange(8000) / 20)
    said = refer(trackio.Audio(tone, sample_rate=8000, format=kind), hold)
    read, rate = soundfile.read(io.BytesIO(hold.of(said)))
    assert (kind, 8000) == (said["extension"], rate)
    assert 0.9 < np.corrcoef(tone[1000:7000], read[1000:7000])[0, 1]


def test_wandbs_order_of_arguments_is_understood(hold):
    """There the rate comes second and the caption third."""
    said = refer(trackio.Audio(np.zeros(80), 8000, "quiet"), hold)
    assert (8000, "quiet") == (said["sample_rate"], said["caption"])


# Pages


def test_html_is_stored_with_a_style_sheet(hold, tmp_path):
    """Text, a path, an open file; without `inject` to the letter."""
    page = "<html><head></head><body>ü</body></html>"
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    for given in (page, path, str(path), io.StringIO(page), io.BytesIO(page.encode())):
        assert page.encode() == hold.of(refer(trackio.Html(given, inject=False), hold))
        if isinstance(given, io.IOBase):
            given.seek(0)
        injected = hold.of(refer(trackio.Html(given), hold))
        assert injected.startswith(b"<html><head><base")
    assert str(path).encode() == hold.of(
        refer(trackio.Html(str(path), inject=False, data_is_not_path=True), hold)
    )


def test_figures_become_pages(hold):
    """Plotly's are interactive, Matplotlib's drawings, its animations play."""
    plot = hold.of(refer(trackio.Html(go.Figure(go.Scatter(y=[1, 2]))), hold))
    assert b"plotly" in plot
    figure = mpl.figure.Figure()
    axes = figure.subplots()
    assert b"<svg" in hold.of(refer(trackio.Html(figure), hold))
    mpl.use("Agg")
    moving = mpl.animation.FuncAnimation(figure, lambda n: axes.plot([n]), frames=2)
    assert b"<script" in hold.of(refer(trackio.Html(moving), hold))


# Things in space


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (3, ["x", "y", "z"]),
        (4, ["x", "y", "z", "category"]),
        (6, ["x", "y", "z", "red", "green", "blue"]),
    ],
)
def test_points_become_a_ply_file(hold, columns, names):
    """Binary, with the properties that every viewer knows; colours of 0…1 as 0…255."""
    points = np.random.default_rng(0).random((7, columns))
    if columns == 4:
        points[:, 3] = 5
    said = refer(trackio.Object3D.from_numpy(points), hold)
    head, _, body = hold.of(said).partition(b"end_header\n")
    assert ("ply", 7) == (said["extension"], said["points"])
    assert names == [line.split()[-1].decode() for line in head.splitlines() if b"property" in line]
    kinds = {"category": "<i4", **dict.fromkeys(("red", "green", "blue"), "u1")}
    rows = np.frombuffer(body, [(name, kinds.get(name, "<f4")) for name in names])
    np.testing.assert_allclose(points[:, 1], rows["y"], rtol=1e-6)
    if columns == 6:
        np.testing.assert_array_equal(np.rint(points[:, 4] * 255), rows["green"])


def test_a_huge_cloud_is_thinned_out(hold):
    """First and last point stay; the row tells how many there were."""
    points = np.zeros((MAX_POINTS + 5, 3))
    points[-1] = 9
    said = refer(trackio.Object3D({"type": "lidar/beta", "points": points}), hold)
    assert MAX_POINTS + 5 == said["points"]
    body = hold.of(said).partition(b"end_header\n")[2]
    assert (12 * MAX_POINTS, 9.0) == (len(body), np.frombuffer(body, "<f4")[-1])


def test_a_model_is_stored_as_it_is(hold, tmp_path):
    """By path or open."""
    path = tmp_path / "cube.GLB"
    path.write_bytes(b"glTF")
    with path.open("rb") as file:
        for given in (trackio.Object3D.from_file(path), trackio.Object3D(file)):
            said = refer(given, hold)
            assert ("glb", b"glTF") == (said["extension"], hold.of(said))


# Histograms


def test_a_histogram_is_as_numpy_has_it(hold):
    """What is not finite is left out; there are at most 512 bins."""
    numbers = [*range(100), float("nan"), float("inf")]
    said = refer(trackio.Histogram(numbers, num_bins=10), hold)
    assert [10] * 10 == said["values"]
    assert (0.0, 99.0, 11) == (said["bins"][0], said["bins"][-1], len(said["bins"]))
    assert 512 == len(refer(trackio.Histogram(numbers, num_bins=10_000), hold)["values"])
    assert {"_type": "trackio.histogram", "bins": [], "values": []} == refer(
        trackio.Histogram([]), hold
    )


def test_a_counted_histogram_is_taken_as_it_is(hold):
    """What `numpy.histogram` returned, or lists."""
    counted = np.histogram(np.arange(50), bins=5)
    said = refer(trackio.Histogram(np_histogram=counted), hold)
    assert (counted[0].tolist(), counted[1].tolist()) == (said["values"], said["bins"])


# Tables


def test_a_table_keeps_its_cells(hold):
    """Plain values and media, by column."""
    table = trackio.Table(columns=["n", "what"])
    table.add_data(1, "a")
    table.add_data(np.float32(2), trackio.Image(RGB, caption="c"))
    table.add_data(None, [trackio.Image(RGB), trackio.Image(RGB)])
    said = refer(table, hold)
    assert (["n", "what"], 3) == (said["columns"], said["rows"])
    assert {"n": 1, "what": "a"} == said["_value"][0]
    assert ("trackio.image", "c") == tuple(
        said["_value"][1]["what"][name] for name in ("_type", "caption")
    )
    assert 2 == len(said["_value"][2]["what"])
    assert 1 == len(hold.files)


@pytest.mark.parametrize(
    "table",
    [
        lambda: trackio.Table(["a", "b"], [[1, 2], [3, 4]]),
        lambda: trackio.Table(columns=["a", "b"], rows=[(1, 2), (3, 4)]),
        lambda: trackio.Table(data=[{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
        lambda: trackio.Table(dataframe=pd.DataFrame({"a": [1, 3], "b": [2, 4]})),
        lambda: trackio.Table(data=pd.DataFrame({"a": [1, 3], "b": [2, 4]})),
        lambda: trackio.Table(columns=["a", "b"], data=np.array([[1, 2], [3, 4]])),
    ],
)
def test_rows_come_in_many_forms(hold, table):
    """All of them are the same table."""
    assert [{"a": 1, "b": 2}, {"a": 3, "b": 4}] == refer(table(), hold)["_value"]


def test_rows_of_other_lengths_are_kept_whole(hold):
    """What is missing is empty, and what has no column gets one."""
    table = trackio.Table(columns=["a"], data=[[1, 2], [], {"c": 5}])
    assert ["a", "1", "c"] == table.columns
    assert [[1, 2, None], [None, None, None], [None, None, 5]] == table.data


def test_a_table_is_built_column_by_column_and_read(hold):
    """As with wandb."""
    table = trackio.Table()
    table.add_column("a", [1, 2])
    table.add_column("b", np.array([3, 4]))
    assert [3, 4] == table.get_column("b")
    assert np.array([1, 2]).tolist() == table.get_column("a", convert_to="numpy").tolist()
    assert [(0, [1, 3]), (1, [2, 4])] == list(table.iterrows())
    assert 2 == len(table) == len(table.get_dataframe())
    with pytest.raises(ValueError, match="already"):
        table.add_column("a", [1, 2])
    with pytest.raises(ValueError, match="3 cells for 2 rows"):
        table.add_column("c", [1, 2, 3])
    with pytest.raises(KeyError, match="no column 'z'"):
        table.get_column("z")


def test_missing_values_and_arrays_in_a_frame_can_be_stored(hold):
    """NaT and NA are nothing, an array is a list."""
    frame = pd.DataFrame({"t": [pd.NaT], "x": [pd.NA], "v": [np.array([1.0, 2.0])]})
    (row,) = refer(trackio.Table(dataframe=frame), hold)["_value"]
    assert {"t": None, "x": None, "v": [1.0, 2.0]} == row


# Traces and reports


def test_a_trace_keeps_messages_metadata_spans_and_the_media_in_them(hold):
    """Whatever OpenAI's messages hold."""
    messages = [{"role": "user", "content": [{"type": "image", "image": trackio.Image(RGB)}]}]
    spans = [{"id": "1", "name": "call", "kind": "tool", "output": {"ok": True}}]
    said = refer(trackio.Trace(messages, metadata={"score": 0.5}, spans=spans), hold)
    (part,) = said["messages"][0]["content"]
    np.testing.assert_array_equal(RGB, _pixels(hold, part["image"]))
    assert ({"score": 0.5}, spans) == (said["metadata"], said["spans"])
    assert [] == refer(trackio.Trace([]), hold)["spans"]


def test_a_report_is_its_text(hold):
    """In the shape that the released Trackio has."""
    assert {"_type": "trackio.markdown", "_value": "# ü"} == refer(trackio.Markdown("# ü"), hold)
