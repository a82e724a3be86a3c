"""Lines of numbers as Arrow columns, without holding the interpreter. Only a shortcut.

Arrow's JSON reader parses in C++ with the interpreter free, so that the training loop is not
held up. It serves lines of `log` calls whose values are all numbers; for anything else
`read_numbers` says None and the caller decodes call by call. Both ways give equal rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
import pyarrow as pa
import pyarrow.json as pj

_MIN_BLOCK_BYTES: Final = 1 << 20
_SAMPLED: Final = 64
_SPREAD: Final = 8  # times as many keys in all as in a call: still dense
_FEW_CELLS: Final = 1 << 22  # 32 MB of doubles
_NUMBERS: Final = (pa.float64(), pa.int64())


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Calls as columns; a value that a call did not have is null."""

    seq: pa.Array
    time_us: pa.Array
    step: pa.Array
    auto: pa.Array
    values: dict[str, pa.Array]


def is_dense(lines: Sequence[bytes], longest: bytes) -> bool:
    """Whether a table of these lines, as far as some and the `longest` tell, has few holes.

    A table has room for every key in every call; where each call has keys of its own that
    would be far more than the lines themselves.
    """
    sample = [_keys(line) for line in lines[:: len(lines) // _SAMPLED + 1]]
    mean = sum(map(len, sample)) / len(sample)
    keys = float(len(frozenset().union(*sample)))
    if keys > _SPREAD * mean:
        keys *= len(lines) / len(sample)
    keys += len(_keys(longest))
    return keys * len(lines) <= max(_SPREAD * mean * len(lines), _FEW_CELLS)


def read_numbers(text: bytes, longest: int) -> Numbers | None:
    """The calls of `log` lines of at most `longest` bytes, if all values are numbers; else None."""
    block = max(_MIN_BLOCK_BYTES, 2 * longest)
    options = pj.ReadOptions(use_threads=False, block_size=block)
    # A thread of Arrow takes part, and may still free something when this has returned: a fork
    # at that moment must not copy a lock that it holds, and those of the system are let go.
    pool = pa.system_memory_pool()
    try:
        table = pj.read_json(pa.BufferReader(text), options, memory_pool=pool).combine_chunks()
    except pa.ArrowInvalid:
        return None  # one key with numbers and something else
    if not pa.types.is_struct(table.schema.field("data").type):
        return None
    data = table.column("data").combine_chunks()
    columns = dict(zip((field.name for field in data.type), data.flatten(), strict=True))
    if any(column.type not in _NUMBERS for column in columns.values()):
        return None
    seq, time_us, step, auto = (_array(table, name) for name in ("seq", "time", "step", "auto"))
    return Numbers(seq=seq, time_us=time_us, step=step, auto=auto, values=columns)


def _keys(line: bytes) -> frozenset[str]:
    return frozenset(orjson.loads(line)["data"])


def _array(table: pa.Table, name: str) -> pa.Array:
    return table.column(name).combine_chunks()
