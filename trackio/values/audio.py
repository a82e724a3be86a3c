"""Sounds: arrays of samples, files. The standard library writes WAV, soundfile the rest."""

import wave
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar, Final

from trackio.values.files import clean_extension, hold_file, is_path, read_open
from trackio.values.pixels import to_array
from trackio.values.plain import UnstorableError
from trackio.values.rich import Hold, Rich, check_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.int16]

_MOST_CHANNELS: Final = 16
_MAGIC: Final = {b"RIFF": "wav", b"fLaC": "flac", b"OggS": "ogg", b"ID3": "mp3", b"\xff\xfb": "mp3"}


class Audio(Rich):
    """A sound.

    Args:
        value: samples (N, or N×channels, or channels×N) as an array or tensor, the path or the
            bytes of a sound file; files are stored as they are.
        caption: a text to show with it.
        sample_rate: samples a second; an array needs one.
        format: "wav" (the default for arrays); "mp3", "flac" and "ogg" need soundfile
            (`pip install 'trackio[media]'`). For bytes: what they are.
    """

    TYPE: ClassVar[str] = "trackio.audio"

    def __init__(
        self,
        value: Any = None,
        caption: str | int | None = None,
        sample_rate: int | str | None = None,
        format: str | None = None,  # noqa: A002 - what the released Trackio calls it
        *,
        data_or_path: Any = None,
    ) -> None:
        # wandb has the sample rate second.
        if isinstance(caption, int) or isinstance(sample_rate, str):
            caption, sample_rate = sample_rate, caption
        self.value = data_or_path if value is None else value
        self.caption = caption
        self.sample_rate = None if sample_rate is None else int(sample_rate)
        self._format = format

    def encode(self, hold: Hold) -> dict[str, Any]:
        """Its file, and for arrays what was encoded."""
        return {**self._hold(hold), "caption": check_text(self.caption, "caption")}

    def _hold(self, hold: Hold) -> dict[str, Any]:
        if is_path(self.value):
            return hold_file(self.value, hold, "wav")._asdict()
        data = read_open(self.value)
        if data is not None:
            return hold(data, self._extension(_sniff(data)))._asdict()
        if self.value is None:
            raise UnstorableError("an Audio of nothing")
        if not self.sample_rate or self.sample_rate <= 0:
            raise UnstorableError("samples need a sample_rate: how many there are a second")
        samples, rate = to_samples(self.value), self.sample_rate
        extension = self._extension("wav")
        encode = _encode_wav if extension == "wav" else _encode
        data = encode(samples, rate, extension)
        count, channels = samples.shape
        said = {"sample_rate": rate, "channels": channels, "duration_s": count / rate}
        return {**hold(data, extension)._asdict(), **said}

    def _extension(self, default: str) -> str:
        return clean_extension(self._format or default, default)


def to_samples(value: Any) -> "Samples":
    """Samples of 16 bits, N×channels. Floats are taken to lie in -1…1; louder ones are scaled.

    Raises:
        UnstorableError: it is no sound.
    """
    import numpy as np

    array = to_array(value)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise UnstorableError(f"an array of shape {array.shape} is no sound of N or N×channels")
    if array.shape[1] > _MOST_CHANNELS >= array.shape[0]:
        array = array.T
    if array.shape[1] > _MOST_CHANNELS:
        raise UnstorableError(f"an array of shape {array.shape} has too many channels")
    if array.dtype == np.int16:
        return array
    if array.dtype.kind == "f":
        loud = np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
        peak = max(1.0, float(np.abs(loud).max()))
        return np.rint(loud * (32767 / peak)).astype(np.int16)
    bits = 8 * array.dtype.itemsize
    middle = 1 << (bits - 1) if array.dtype.kind == "u" else 0
    centred = array.astype(np.float64) - middle
    return np.clip(centred * 2.0 ** (16 - bits), -32768, 32767).astype(np.int16)


def _encode_wav(samples: "Samples", rate: int, _extension: str) -> bytes:
    out = BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(samples.shape[1])
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def _encode(samples: "Samples", rate: int, extension: str) -> bytes:
    try:
        import soundfile
    except ImportError as exc:
        raise UnstorableError(
            f"{extension} needs soundfile: pip install 'trackio[media]', or log a wav"
        ) from exc
    out = BytesIO()
    try:
        soundfile.write(out, samples, rate, format=extension.upper())
    except (soundfile.LibsndfileError, TypeError, ValueError) as exc:
        raise UnstorableError(f"soundfile cannot write format={extension!r} ({exc})") from exc
    return out.getvalue()


def _sniff(data: bytes) -> str:
    """What kind of sound the bytes are."""
    found = (kind for magic, kind in _MAGIC.items() if data.startswith(magic))
    return next(found, "wav")
