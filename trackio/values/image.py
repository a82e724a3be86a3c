"""Images: arrays, tensors, Pillow images, Matplotlib figures, files. Pillow writes the PNG."""

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Final

from trackio.values.annotations import encode_boxes, encode_classes, encode_masks
from trackio.values.files import as_path, clean_extension, extension_of, is_path, read_open
from trackio.values.pixels import to_picture
from trackio.values.plain import UnstorableError
from trackio.values.rich import Held, Hold, Rich, check_text

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_PNG_MODES: Final = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
_PNG_EFFORT: Final = 3
"""How hard zlib tries: three times as fast as its default, some 3 % larger."""
_LAYOUT: Final = {2: "LA", 3: "RGB", 4: "RGBA"}


class Image(Rich):
    """A picture.

    Args:
        value: an array or tensor (H×W, H×W×C, C×H×W, or a batch of these, which are put side
            by side) of bools, integers or floats, a Pillow image, a Matplotlib figure, the
            path or the bytes of an image file; files are stored as they are.
        caption: a text to show with it.
        mode: the mode of Pillow to convert it to, such as "L".
        grouping: accepted for wandb's sake; without effect.
        classes: `[{"id": 0, "name": "sky"}, …]`, for masks and boxes.
        boxes: `{"predictions": {"box_data": […], "class_labels": {…}}}`, as wandb has them.
        masks: `{"predictions": {"mask_data": <array of ints>, "class_labels": {…}}}`.
        file_type: "png" (the default), "jpg", "webp", "gif" or "bmp" for what is not a file.
        normalize: bring floats and wide integers to 0…255 by their range.
        layout: which axis is which, as letters: "HW", "HWC", "CHW", "NHWC", "NCHW".
    """

    TYPE: ClassVar[str] = "trackio.image"

    def __init__(
        self,
        value: Any = None,
        caption: str | None = None,
        *,
        mode: str | None = None,
        grouping: int | None = None,
        classes: Any = None,
        boxes: Mapping[str, Any] | None = None,
        masks: Mapping[str, Any] | None = None,
        file_type: str | None = None,
        normalize: bool = True,
        layout: str | None = None,
        data_or_path: Any = None,
    ) -> None:
        del grouping
        self.value = data_or_path if value is None else value
        self.caption = caption
        self._mode = mode
        self._classes = classes
        self._boxes = boxes
        self._masks = masks
        self._file_type = file_type
        self._normalize = normalize
        self._layout = layout

    def encode(self, hold: Hold) -> dict[str, Any]:
        """Its file, its size, and what is drawn over it."""
        held, size = self._hold(hold)
        return {
            **held._asdict(),
            "width": size[0],
            "height": size[1],
            "caption": check_text(self.caption, "caption"),
            "classes": encode_classes(self._classes),
            "boxes": encode_boxes(self._boxes, hold),
            "masks": encode_masks(self._masks, hold),
        }

    def _hold(self, hold: Hold) -> tuple[Held, tuple[int | None, int | None]]:
        if is_path(self.value):
            path = as_path(self.value)
            size = _size_of(path)
            return hold(path, extension_of(path, "png")), size
        data = read_open(self.value)
        if data is not None and self._mode is None:
            return hold(data, *_extension_of(data)), _size_of(BytesIO(data))
        picture = self._picture(data)
        out = BytesIO()
        _save(picture, out, self._extension)
        return hold(out.getvalue(), self._extension), picture.size

    @property
    def _extension(self) -> str:
        return clean_extension(self._file_type or "png", "png")

    def _picture(self, data: bytes | None) -> "Picture":
        if data is not None:
            picture = open_picture(BytesIO(data))
        elif _is_pillow(self.value):
            picture = _with_levels(self.value)
        elif callable(save := getattr(self.value, "savefig", None)):
            drawn = BytesIO()
            save(drawn, format="png")
            picture = open_picture(drawn)
        elif self.value is None:
            raise UnstorableError("an Image of nothing")
        else:
            picture = _from_array(self.value, self._layout, normalize=self._normalize)
        return picture.convert(self._mode) if self._mode else picture


def open_picture(file: Any) -> "Picture":
    """An image file, opened.

    Raises:
        UnstorableError: it is none that Pillow can read.
    """
    try:
        from PIL import Image as Pillow

        return Pillow.open(file)
    except (OSError, ValueError, SyntaxError) as exc:
        raise UnstorableError(f"its bytes are no image that Pillow can read ({exc})") from exc


def _from_array(value: Any, layout: str | None, *, normalize: bool) -> "Picture":
    from PIL import Image as Pillow

    array = to_picture(value, layout, normalize=normalize)
    if array.ndim == 2:
        return Pillow.fromarray(array)
    mode = _LAYOUT[array.shape[-1]]
    return Pillow.frombytes(mode, (array.shape[1], array.shape[0]), array.tobytes())


def _with_levels(picture: "Picture") -> "Picture":
    """A picture of wide integers or of floats as one of 0…255: Pillow would cut them off."""
    if picture.mode not in ("I", "F"):
        return picture
    import numpy as np

    return _from_array(np.asarray(picture), "HW", normalize=True)


def _save(picture: "Picture", out: BytesIO, extension: str) -> None:
    if extension == "png":
        if picture.mode not in _PNG_MODES:
            picture = picture.convert("RGB")
        picture.save(out, format="PNG", compress_level=_PNG_EFFORT)
        return
    if extension in ("jpg", "jpeg") and picture.mode not in ("L", "RGB"):
        picture = picture.convert("RGB")
    try:
        picture.save(out, format="JPEG" if extension == "jpg" else extension.upper())
    except (KeyError, OSError, ValueError) as exc:
        raise UnstorableError(f"Pillow cannot write it as file_type={extension!r} ({exc})") from exc


def _extension_of(data: bytes) -> tuple[str]:
    """What an image file is, as the end of a name."""
    if data[:256].lstrip()[:5].lower() in (b"<?xml", b"<svg ", b"<svg>"):
        return ("svg",)
    said = (open_picture(BytesIO(data)).format or "png").lower()
    return (clean_extension({"jpeg": "jpg"}.get(said, said), "png"),)


def _size_of(file: Any) -> tuple[int | None, int | None]:
    """Width and height of an image file; nothing for one that Pillow cannot read, such as SVG."""
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    try:
        with Pillow.open(file) as picture:
            return picture.size
    except (UnidentifiedImageError, ValueError, SyntaxError):
        return None, None


def _is_pillow(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("mode", "size", "save", "convert"))
