"""Arrays of any common layout and type as 8-bit pictures. Knows no file format.

A layout names the axes: N pictures, T frames, H rows, W columns, C channels. Where nobody
says which it is, the place of the channels tells: an axis of 1, 3 or 4.
"""

from math import ceil, sqrt
from typing import TYPE_CHECKING, Any, Final

from trackio.values.plain import UnstorableError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Bytes = npt.NDArray[np.uint8]

_COLOURS: Final = (1, 3, 4)
_SLACK: Final = 0.1
"""What is scaled to 0…1 or -1…1 overshoots a little after a resize or a network."""


def is_tensor(value: object) -> bool:
    """Whether this is a tensor of PyTorch, which puts channels first."""
    return type(value).__module__.partition(".")[0] == "torch"


def to_array(value: Any) -> "Array":
    """Anything that NumPy can read, tensors of any device included, as an array.

    Raises:
        UnstorableError: it is no array of numbers.
    """
    import numpy as np

    for step in ("detach", "cpu"):
        value = getattr(value, step, lambda value=value: value)()
    if str(getattr(value, "dtype", "")).endswith("bfloat16"):  # NumPy has no such type
        value = value.float() if hasattr(value, "float") else value.astype("float32")
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise UnstorableError(f"an array of {array.dtype} is not one of numbers")
    if array.size == 0:
        raise UnstorableError(f"an array of shape {array.shape} is empty")
    return array


def to_picture(value: Any, layout: str | None = None, *, normalize: bool = True) -> "Bytes":
    """One picture, H×W or H×W×C with 2 to 4 channels; several are put side by side.

    Args:
        value: H×W, H×W×C, C×H×W, or N of the latter two.
        layout: which of them, as letters: "HW", "HWC", "CHW", "NHWC", "NCHW".
        normalize: bring the values to 0…255 by their range; else they are cut off there.

    Raises:
        UnstorableError: it is no picture.
    """
    array = to_array(value)
    pictures = _channels_last(array, layout, is_tensor=is_tensor(value))
    levels = to_levels(pictures, normalize=normalize)
    picture = levels[0] if len(levels) == 1 else _grid(levels)
    return picture[..., 0] if picture.shape[-1] == 1 else picture


def to_frames(value: Any) -> "Bytes":
    """A film T×H×W×3 of T×C×H×W or T×H×W×C, or of N of these, which are put side by side.

    Raises:
        UnstorableError: it is no film.
    """
    import numpy as np

    array = to_array(value)
    if array.ndim not in (4, 5):
        raise UnstorableError(f"an array of shape {array.shape} is no film of T×C×H×W or T×H×W×C")
    films = array if array.ndim == 5 else array[None]
    if films.shape[2] in _COLOURS and (films.shape[-1] not in _COLOURS or is_tensor(value)):
        films = np.moveaxis(films, 2, -1)
    if films.shape[-1] not in _COLOURS:
        raise UnstorableError(f"an array of shape {array.shape} has no axis of 1, 3 or 4 channels")
    levels = to_levels(films, normalize=True)
    frames = levels[0] if len(levels) == 1 else _grid(levels)
    return np.repeat(frames, 3, axis=-1) if frames.shape[-1] == 1 else frames[..., :3]


def to_levels(array: "Array", *, normalize: bool) -> "Bytes":
    """Any numbers as 0…255; what they mean follows from their type and range.

    bool is black and white, uint8 is as it is, other integers within 0…255 too, wider ones
    within 16 bits keep their upper byte. Floats are taken to lie in 0…1, in -1…1 or in 0…255,
    whichever holds them; anything else is stretched. NaN is black, an infinity an extreme.
    """
    import numpy as np

    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f":
        low, high = float(array.min()), float(array.max())
        if not normalize or (low >= 0 and high <= 255):
            return np.clip(array, 0, 255).astype(np.uint8)
        return _stretch(array, *((0.0, 65535.0) if low >= 0 and high <= 65535 else (low, high)))
    finite = array[np.isfinite(array)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    levels = _stretch(array, *(_range_of(low, high) if normalize else (0.0, 255.0)))
    return np.where(np.isnan(array), np.uint8(0), levels)


def _range_of(low: float, high: float) -> tuple[float, float]:
    """What floats of such extremes were meant to lie in."""
    if low >= -_SLACK and high <= 1 + _SLACK:
        return 0.0, 1.0
    if low >= -1 - _SLACK and high <= 1 + _SLACK:
        return -1.0, 1.0
    return (0.0, 255.0) if low >= 0 and high <= 255 else (low, high)


def _stretch(array: "Array", low: float, high: float) -> "Bytes":
    """`low` as 0 and `high` as 255, what lies beyond as these; one value alone is black."""
    import numpy as np

    middle = low / 2 + high / 2  # from here no difference overflows
    half = high / 2 - low / 2
    if not half:
        return np.zeros(array.shape, np.uint8)
    inside = np.clip(array.astype(np.float64), low, high)
    with np.errstate(invalid="ignore"):  # NaN
        return np.rint(((inside - middle) / half + 1) * 127.5).astype(np.uint8)


def _channels_last(array: "Array", layout: str | None, *, is_tensor: bool) -> "Array":
    """The pictures as N×H×W×C."""
    import numpy as np

    axes = layout.upper() if layout else _guess_layout(array.shape, is_tensor=is_tensor)
    if sorted(axes) not in (sorted(known) for known in ("HW", "HWC", "NHWC")) or (
        len(axes) != array.ndim
    ):
        raise UnstorableError(f"layout {axes!r} does not fit an array of shape {array.shape}")
    for missing in set("NC") - set(axes):
        array, axes = array[..., None], axes + missing
    pictures = np.transpose(array, [axes.index(axis) for axis in "NHWC"])
    if pictures.shape[-1] not in (1, 2, 3, 4):
        raise UnstorableError(
            f"an array of shape {array.shape[: len(axes)]} is no picture: {pictures.shape[-1]} "
            "channels where 1 to 4 can be shown"
        )
    return pictures


def _guess_layout(shape: tuple[int, ...], *, is_tensor: bool) -> str:
    if len(shape) == 2:
        return "HW"
    if len(shape) not in (3, 4):
        raise UnstorableError(f"an array of shape {shape} is no picture of H×W, H×W×C or C×H×W")
    many = "N" if len(shape) == 4 else ""
    first, last = shape[-3], shape[-1]
    if first in _COLOURS and (is_tensor or last not in (1, 2, 3, 4)):
        return f"{many}CHW"
    if last in (1, 2, 3, 4):
        return f"{many}HWC"
    raise UnstorableError(f"an array of shape {shape} has no axis of 1, 3 or 4 channels")


def _grid(pictures: "Bytes") -> "Bytes":
    """N×…×H×W×C as one picture or film, in rows of about as many as there are rows."""
    import numpy as np

    count, columns = len(pictures), ceil(sqrt(len(pictures)))
    rows = ceil(count / columns)
    black = np.zeros((rows * columns - count, *pictures.shape[1:]), np.uint8)
    filled = np.concatenate([pictures, black])
    lines = [
        np.concatenate(list(filled[row * columns : (row + 1) * columns]), axis=-2)
        for row in range(rows)
    ]
    return np.concatenate(lines, axis=-3)
