"""Reads frames as `static/frames.js` does, from the description in `frames.py`. Asserts nothing."""

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COLUMNS = ("index", "offset", "mean", "count", "low", "high")


@dataclass
class Line:
    """One series of one metric, as the browser has it."""

    head: dict[str, Any]
    columns: dict[str, NDArray[Any]]

    def rows(self) -> list[tuple[Any, ...]]:
        """One tuple a bucket, with NaN as text and values in 32 bits, so that rows compare.

        A piece of a line may come in more bits than the line would.
        """
        return list(zip(*(_comparable(self.columns[name]) for name in _COLUMNS), strict=True))


def read_frame(data: bytes) -> tuple[dict[str, Any], dict[tuple[str, str, str], Line]]:
    """The header, and the line of each metric, run and label."""
    (length,) = struct.unpack_from("<I", data)
    head = json.loads(data[4 : 4 + length])
    start = (4 + length + 7) // 8 * 8
    lines = {
        (metric["metric"], series["run"], series["label"]): _line(series, data, start)
        for metric in head["metrics"]
        for series in metric["series"]
    }
    return head, lines


def splice(old: Line | None, fresh: Line) -> Line:
    """`old` with everything from the cut on replaced."""
    cut = fresh.head["cut"]
    if cut is None or old is None:
        return fresh
    keep = int(np.searchsorted(old.columns["index"], cut))
    joined = {
        name: np.concatenate([old.columns[name][:keep], fresh.columns[name]]) for name in _COLUMNS
    }
    is_single = old.head["is_single"] and fresh.head["is_single"]
    if not is_single:
        joined["offset"] = np.zeros_like(joined["offset"])
    return Line({**fresh.head, "is_single": is_single}, joined)


def _line(series: dict[str, Any], data: bytes, start: int) -> Line:
    n, at = series["n"], start + series["at"]
    floats = "<f8" if series["is_wide"] else "<f4"

    def take(kind: str) -> NDArray[Any]:
        nonlocal at
        array = np.frombuffer(data, kind, n, at)
        at += (array.nbytes + 7) // 8 * 8
        return array

    index = np.arange(n) if series["is_dense"] else take("<u4").astype(np.int64)
    offset = take("<u4") if series["is_exact"] else np.zeros(n, np.uint32)
    mean = take(floats)
    is_single = series["is_single"]
    count = np.ones(n, np.uint32) if is_single else take("u1" if series["is_few"] else "<u4")
    low = mean if is_single else take(floats)
    high = mean if is_single else take(floats)
    values = (index + series["base"], offset, mean, count, low, high)
    return Line(series, dict(zip(_COLUMNS, values, strict=True)))


def _comparable(values: NDArray[Any]) -> list[Any]:
    if values.dtype.kind == "f":
        values = values.astype(np.float32)
    return ["NaN" if value != value else value for value in values.tolist()]  # noqa: PLR0124
