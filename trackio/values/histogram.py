"""Distributions: how many of many numbers lie between which bounds."""

from typing import Any, ClassVar, Final

from trackio.values.pixels import to_array
from trackio.values.plain import UnstorableError
from trackio.values.rich import Hold, Rich

MAX_BINS: Final = 512


class Histogram(Rich):
    """How numbers are spread.

    Args:
        sequence: the numbers: a list, an array or a tensor of any shape; what is not finite
            is left out.
        np_histogram: what `numpy.histogram` returned, instead: counts and bounds.
        num_bins: into how many bins of equal width numbers are sorted, at most 512.
    """

    TYPE: ClassVar[str] = "trackio.histogram"

    def __init__(self, sequence: Any = None, np_histogram: Any = None, num_bins: int = 64) -> None:
        self._sequence = sequence
        self._given = np_histogram
        self._bins = num_bins

    def encode(self, hold: Hold) -> dict[str, Any]:
        """The bounds of the bins, one more than there are counts, and the counts."""
        del hold
        counts, bounds = self._counts()
        return {"bins": bounds, "values": counts}

    def _counts(self) -> tuple[list[float], list[float]]:
        import numpy as np

        if (self._sequence is None) == (self._given is None):
            raise UnstorableError("a Histogram takes either numbers or what numpy.histogram gave")
        if self._given is not None:
            counts, bounds = (np.asarray(part) for part in self._given)
            if counts.ndim != 1 or bounds.shape != (len(counts) + 1,) or len(counts) > MAX_BINS:
                raise UnstorableError(
                    f"np_histogram takes up to {MAX_BINS} counts and one bound more, not arrays "
                    f"of shape {counts.shape} and {bounds.shape}"
                )
            return counts.tolist(), bounds.tolist()
        if not np.size(sequence := _plain(self._sequence)):
            return [], []
        numbers = to_array(sequence).ravel()
        finite = numbers[np.isfinite(numbers)]
        if not len(finite):
            return [], []
        bins = min(MAX_BINS, max(1, int(self._bins)))
        found, bounds = np.histogram(finite.astype(np.float64), bins=bins)
        return found.tolist(), bounds.tolist()


def _plain(sequence: Any) -> Any:
    """A list of tensors or of scalars as NumPy can read it."""
    if isinstance(sequence, list | tuple) and sequence and hasattr(sequence[0], "detach"):
        return [float(item) for item in sequence]
    return sequence
