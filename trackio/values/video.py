"""Videos: arrays of frames, files. PyAV encodes in this process; Pillow makes the GIFs."""

from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Final

from trackio.values.files import clean_extension, hold_file, is_path, read_open
from trackio.values.pixels import to_frames
from trackio.values.plain import UnstorableError
from trackio.values.rich import Hold, Rich, check_text

if TYPE_CHECKING:
    from trackio.values.pixels import Bytes

_CODECS: Final = {"mp4": "libx264", "webm": "libvpx-vp9"}
_MAGIC: Final = {b"ftyp": "mp4", b"\x1aE\xdf\xa3": "webm", b"GIF8": "gif", b"OggS": "ogv"}
_FPS: Final = 24


class Video(Rich):
    """Moving pictures.

    Args:
        value: an array or tensor (T×C×H×W, T×H×W×C, or a batch of these, shown side by side),
            the path or the bytes of a video file; files are stored as they are.
        caption: a text to show with it.
        fps: frames a second of an array; 24 unless said.
        format: "mp4" (the default for arrays), "webm" or "gif". Without PyAV
            (`pip install 'trackio[media]'`) an array becomes a GIF. For bytes: what they are.
    """

    TYPE: ClassVar[str] = "trackio.video"

    def __init__(
        self,
        value: Any = None,
        caption: str | None = None,
        fps: int | None = None,
        format: str | None = None,  # noqa: A002 - what wandb and the released Trackio call it
        *,
        data_or_path: Any = None,
    ) -> None:
        self.value = data_or_path if value is None else value
        self.caption = caption
        self.fps = fps
        self._format = format

    def encode(self, hold: Hold) -> dict[str, Any]:
        """Its file, and for arrays what was encoded."""
        return {**self._hold(hold), "caption": check_text(self.caption, "caption")}

    def _hold(self, hold: Hold) -> dict[str, Any]:
        if is_path(self.value):
            return hold_file(self.value, hold, "mp4")._asdict()
        data = read_open(self.value)
        if data is not None:
            return hold(data, self._extension(_sniff(data)))._asdict()
        if self.value is None:
            raise UnstorableError("a Video of nothing")
        frames = to_frames(self.value)
        extension = self._extension("mp4" if _has_av() else "gif")
        fps = float(self.fps or _FPS)
        data = _encode(frames, fps, extension)
        count, height, width, _ = frames.shape
        said = {"width": width, "height": height, "frames": count, "fps": fps}
        return {**hold(data, extension)._asdict(), **said}

    def _extension(self, default: str) -> str:
        return clean_extension(self._format or default, default)


def _encode(frames: "Bytes", fps: float, extension: str) -> bytes:
    if extension == "gif":
        return _encode_gif(frames, fps)
    if extension not in _CODECS:
        known = ", ".join([*_CODECS, "gif"])
        raise UnstorableError(f"format={extension!r} is none of {known}")
    if not _has_av():
        raise UnstorableError(f"{extension} needs PyAV: pip install 'trackio[media]', or log a gif")
    return _encode_film(frames, fps, extension)


def _encode_film(frames: "Bytes", fps: float, extension: str) -> bytes:
    """The frames as every browser plays them: even sizes, colours at half the resolution."""
    import av
    import numpy as np

    _, height, width, _ = frames.shape
    even = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    out = BytesIO()
    with av.open(out, "w", format=extension) as film:
        rate = Fraction(fps).limit_denominator(1001)
        stream: Any = film.add_stream(_CODECS[extension], rate=rate)  # typed as any kind of stream
        stream.height, stream.width = even.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in even:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            film.mux(stream.encode(picture))
        film.mux(stream.encode())
    return out.getvalue()


def _encode_gif(frames: "Bytes", fps: float) -> bytes:
    from PIL import Image as Pillow

    pictures = [Pillow.fromarray(frame).quantize(256) for frame in frames]
    out = BytesIO()
    pictures[0].save(
        out,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=max(20, round(1000 / fps)),  # browsers slow down what is faster
        loop=0,
        disposal=2,
    )
    return out.getvalue()


def _has_av() -> bool:
    from importlib.util import find_spec

    return find_spec("av") is not None


def _sniff(data: bytes) -> str:
    """What kind of film the bytes are."""
    found = (kind for magic, kind in _MAGIC.items() if magic in data[:12])
    return next(found, "mp4")
