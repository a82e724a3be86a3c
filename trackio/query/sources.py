"""What DuckDB is told of the pieces it reads: parameters of the queries that give rows. Pure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trackio.query.database import Parameters
from trackio.query.excerpts import PARTS
from trackio.query.pieces import Piece

Paths = Mapping[str, tuple[str, ...]]
"""The local files of each key: the file itself, or its parts."""


def is_file(found: Sequence[str]) -> bool:
    """Whether this is a file as it is in the store, and not parts of one."""
    return len(found) == 1 and not Path(found[0]).parent.name.endswith(PARTS)


def part_parameters(pieces: Sequence[Piece], base: int, paths: Paths) -> dict[str, list[Any]]:
    """The parameters of `rows_part`: each file once, and what counts of it."""
    keys = {key: number for number, key in enumerate(dict.fromkeys(p.key for p in pieces))}
    files = [(path, number) for key, number in keys.items() for path in paths[key]]
    return {
        "part_files": [path for path, _ in files],
        "part_of": [number for _, number in files],
        "part_piece": list(range(base, base + len(pieces))),
        "part_file": [keys[piece.key] for piece in pieces],
        "part_run": [piece.run_id for piece in pieces],
        "part_writer": [piece.writer_id for piece in pieces],
        "part_first": [piece.first for piece in pieces],
        "part_last": [piece.last for piece in pieces],
    }


def numbered(parameters: Parameters, ordered: Sequence[Piece]) -> dict[str, Any]:
    """The parameters with the numbers of pieces in their place."""
    numbers = {piece: number for number, piece in enumerate(ordered)}
    return {
        name: [numbers[value] if isinstance(value, Piece) else value for value in values]
        for name, values in parameters.items()
    }
