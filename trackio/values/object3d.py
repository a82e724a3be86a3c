"""Things in space: point clouds, which become PLY, and files of models. Renders nothing."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from trackio.values.files import as_path, clean_extension, extension_of, is_path, read_open
from trackio.values.pixels import to_array
from trackio.values.plain import UnstorableError
from trackio.values.rich import Hold, Rich, check_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Points = npt.NDArray[np.generic]

MAX_POINTS: Final = 300_000
"""A larger cloud is thinned out evenly: no screen shows more."""
_FORMATS: Final = ("glb", "gltf", "obj", "stl", "ply", "splat", "usdz", "babylon")


class Object3D(Rich):
    """A point cloud or a model.

    Args:
        path_or_array: points as an array (N×3: x, y, z; N×4: and a category; N×6: and red,
            green, blue), a dict with such `points` as wandb has it, or the path or an open
            file of a glb, gltf, obj, stl, ply, splat, usdz or babylon model that needs no
            other file.
        caption: a text to show with it.
        file_type: what an open file or bytes are.
    """

    TYPE: ClassVar[str] = "trackio.object3d"

    def __init__(
        self,
        path_or_array: Any = None,
        caption: str | None = None,
        *,
        file_type: str | None = None,
        data_or_path: Any = None,
    ) -> None:
        self.value = data_or_path if path_or_array is None else path_or_array
        self.caption = caption
        self._file_type = file_type

    @classmethod
    def from_file(cls, path: str | Path, caption: str | None = None) -> Self:
        """The model in a file."""
        return cls(path, caption=caption)

    @classmethod
    def from_numpy(cls, array: Any, caption: str | None = None) -> Self:
        """The points of an array."""
        return cls(array, caption=caption)

    def encode(self, hold: Hold) -> dict[str, Any]:
        """Its file, and how many points an array had."""
        return {**self._hold(hold), "caption": check_text(self.caption, "caption")}

    def _hold(self, hold: Hold) -> dict[str, Any]:
        if is_path(self.value):
            path = as_path(self.value)
            return hold(path, _check_format(extension_of(path, "")))._asdict()
        data = read_open(self.value)
        if data is not None:
            said = self._file_type or Path(str(getattr(self.value, "name", ""))).suffix
            return hold(data, _check_format(clean_extension(said, "")))._asdict()
        given = self.value.get("points") if isinstance(self.value, dict) else self.value
        if given is None:
            raise UnstorableError("an Object3D of nothing")
        points = to_array(given)
        return {**hold(_encode_ply(points), "ply")._asdict(), "points": len(points)}


def _check_format(extension: str) -> str:
    if extension not in _FORMATS:
        raise UnstorableError(f"{extension!r} is none of {', '.join(_FORMATS)}")
    return extension


def _encode_ply(points: "Points") -> bytes:
    """A binary PLY file: positions as floats, colours as bytes, a category as an integer."""
    import numpy as np

    if points.ndim != 2 or points.shape[1] not in (3, 4, 6):
        raise UnstorableError(
            f"points are an array N×3, N×4 (and a category) or N×6 (and a colour), "
            f"not of shape {points.shape}"
        )
    if not np.isfinite(points).all():
        raise UnstorableError("points must be finite numbers")
    if len(points) > MAX_POINTS:
        points = points[np.linspace(0, len(points) - 1, MAX_POINTS).astype(np.int64)]
    names = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
    if points.shape[1] == 4:
        names += [("category", "<i4")]
    elif points.shape[1] == 6:
        names += [("red", "u1"), ("green", "u1"), ("blue", "u1")]
    rows = np.zeros(len(points), dtype=names)
    for place, (name, _) in enumerate(names):
        column = points[:, place]
        rows[name] = _bytes(points[:, 3:])[:, place - 3] if name in _COLOURS else column
    return _header(len(points), names) + rows.tobytes()


_COLOURS: Final = ("red", "green", "blue")
_PLY_TYPES: Final = {"<f4": "float", "<i4": "int", "u1": "uchar"}


def _bytes(colours: "Points") -> "Points":
    """Colours as 0…255; floats within 0…1 are scaled."""
    import numpy as np

    scale = 255 if colours.dtype.kind == "f" and colours.max() <= 1 else 1
    return np.clip(np.rint(colours.astype(np.float64) * scale), 0, 255).astype(np.uint8)


def _header(count: int, names: list[tuple[str, str]]) -> bytes:
    out = BytesIO()
    out.write(b"ply\nformat binary_little_endian 1.0\n")
    out.write(b"element vertex %d\n" % count)
    for name, kind in names:
        out.write(f"property {_PLY_TYPES[kind]} {name}\n".encode())
    out.write(b"end_header\n")
    return out.getvalue()
