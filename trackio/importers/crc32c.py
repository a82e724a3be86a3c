"""CRC-32C (Castagnoli) of many records at once, with NumPy. No IO.

Records of one length are the rows of a matrix, and each column is one step for all of them.
A long record is cut into rows whose checksums are put together: the checksum of a row that
zeros follow is a linear map of its own, a table for each of its four bytes.
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]

_POLYNOMIAL: Final = 0x82F63B78
_ROW: Final = 512
_ALL: Final = 0xFFFFFFFF
_MASK_DELTA: Final = 0xA282EAD8


def crc32c(records: Bytes) -> Words:
    """The checksum of each row of a matrix of bytes."""
    return _advance(np.full(len(records), _ALL, dtype=np.uint32), records) ^ np.uint32(_ALL)


def crc32c_of(data: bytes | memoryview) -> int:
    """The checksum of one record of any length."""
    whole = np.frombuffer(data, dtype=np.uint8)
    rows = len(whole) // _ROW
    state = _ALL
    if rows > 1:
        parts = _advance(np.zeros(rows, dtype=np.uint32), whole[: rows * _ROW].reshape(rows, _ROW))
        first, second, third, fourth = _row_tables()
        for part in parts.tolist():
            moved = first[state & 255] ^ second[state >> 8 & 255] ^ third[state >> 16 & 255]
            state = moved ^ fourth[state >> 24] ^ part
        whole = whole[rows * _ROW :]
    left = _advance(np.array([state], dtype=np.uint32), whole.reshape(1, -1))
    return int(left[0]) ^ _ALL


def masked(sums: Words) -> Words:
    """Checksums as TensorFlow writes them beside what they are of."""
    turned = (sums >> np.uint32(15)) | (sums << np.uint32(17))
    return turned + np.uint32(_MASK_DELTA)


def masked_one(checksum: int) -> int:
    """As `masked`, for one."""
    return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & _ALL


def _advance(state: Words, records: Bytes) -> Words:
    table = _table()
    for column in records.T:
        state = table[(state ^ column) & np.uint32(255)] ^ (state >> np.uint32(8))
    return state


@cache
def _table() -> Words:
    sums = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        sums = np.where(sums & 1, sums >> np.uint32(1) ^ np.uint32(_POLYNOMIAL), sums >> 1)
    return sums.astype(np.uint32)


@cache
def _row_tables() -> tuple[list[int], ...]:
    """What a state becomes when a row of zeros follows, by each of its four bytes."""
    tables = []
    for place in range(4):
        states = np.arange(256, dtype=np.uint32) << np.uint32(8 * place)
        zeros = np.zeros((256, _ROW), dtype=np.uint8)
        tables.append(_advance(states.astype(np.uint32), zeros).tolist())
    return tuple(tables)
