"""Laws of pictures: whatever the layout and the type, the same pixels are shown."""

import io

import numpy as np
from holding import Holding
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image as Pillow

from trackio.values.image import Image
from trackio.values.pixels import to_levels, to_picture
from trackio.values.rich import refer

SIDE = st.integers(5, 12)
PICTURES = st.builds(
    lambda height, width, channels, seed: np.random.default_rng(seed).integers(
        0, 256, (height, width, channels), dtype=np.uint8
    ),
    SIDE,
    SIDE,
    st.sampled_from([1, 3, 4]),
    st.integers(0, 2**32),
)


def _shown(array, **how):
    hold = Holding()
    said = refer(Image(array, **how), hold)
    shown = np.asarray(Pillow.open(io.BytesIO(hold.of(said))))
    assert (said["height"], said["width"]) == shown.shape[:2]
    return shown[..., None] if shown.ndim == 2 else shown


@settings(max_examples=60)
@given(PICTURES)
def test_every_layout_shows_the_same_picture(picture):
    """H×W×C, C×H×W, a batch of one of either, or any of them named."""
    first = np.moveaxis(picture, -1, 0)
    for array, layout in (
        (picture, None),
        (first, None),
        (picture[None], None),
        (first[None], None),
        (picture, "HWC"),
        (first, "CHW"),
        (first[None], "NCHW"),
    ):
        np.testing.assert_array_equal(picture, _shown(array, layout=layout))
    if picture.shape[-1] == 1:
        np.testing.assert_array_equal(picture, _shown(picture[..., 0]))


@settings(max_examples=60)
@given(PICTURES)
def test_every_type_shows_the_same_picture(picture):
    """Integers and floats of 0…255, floats of 0…1 and of -1…1 where that is what they hold."""
    picture[0, 0], picture[0, 1] = 0, 255
    for kind in (np.int16, np.int32, np.int64, np.uint16, np.float32, np.float64):
        np.testing.assert_array_equal(picture, to_levels(picture.astype(kind), normalize=True))
    for kind in (np.float32, np.float64):
        unit = picture.astype(kind) / 255
        np.testing.assert_array_equal(picture, to_levels(unit, normalize=True))
        np.testing.assert_array_equal(picture, to_levels(unit * 2 - 1, normalize=True))
    wide = picture.astype(np.uint16) * 257
    np.testing.assert_array_equal(picture, to_levels(wide, normalize=True))
    black = picture > 100
    np.testing.assert_array_equal(black * 255, to_levels(black, normalize=True))


@settings(max_examples=200)
@given(
    arrays.arrays(
        st.sampled_from([np.bool_, np.uint8, np.int8, np.uint16, np.int64, np.float16, np.float64]),
        arrays.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=6),
    )
)
def test_any_numbers_are_shown_or_refused_with_a_reason(array):
    """No other error, no warning, whatever they are."""
    from trackio.values.plain import UnstorableError

    try:
        picture = to_picture(array)
    except UnstorableError as exc:
        assert "shape" in str(exc) or "channels" in str(exc)  # noqa: PT017 - both may happen
    else:
        assert np.uint8 == picture.dtype
        assert picture.ndim == 2 or picture.shape[-1] in (2, 3, 4)


@settings(max_examples=30)
@given(st.lists(PICTURES, min_size=1, max_size=1), st.integers(2, 10))
def test_a_batch_is_a_grid_in_which_each_picture_stands_once(pictures, count):
    """Left to right, top to bottom; what is left over is black."""
    picture = pictures[0]
    batch = np.stack([np.full_like(picture, 20 * n + 20) for n in range(count)])
    shown = to_picture(batch, "NHWC")
    height, width = picture.shape[:2]
    tiles = [
        int(shown[row, column].flat[0])
        for row in range(0, shown.shape[0], height)
        for column in range(0, shown.shape[1], width)
    ]
    assert [20 * n + 20 for n in range(count)] == tiles[:count]
    assert {0} >= set(tiles[count:])


def test_a_tensor_has_its_channels_first():
    """Three by three by three is only told by whose array it is."""
    tensor = type("Tensor", (), {"__module__": "torch", "dtype": "torch.bfloat16"})
    value = tensor()
    data = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    value.detach = value.cpu = lambda: value
    value.float = lambda: data
    np.testing.assert_array_equal(np.moveaxis(data, 0, -1), to_picture(value))
    np.testing.assert_array_equal(data, to_picture(data))
