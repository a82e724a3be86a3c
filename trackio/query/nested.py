"""A config as it was given: dicts in dicts, from keys that were joined with `/`. Pure."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any


class Config(dict[str, Any]):
    """A config as it was given: dicts in dicts. `config["model/depth"]` finds what is nested."""

    def __missing__(self, key: str) -> Any:
        first, slash, rest = key.partition("/")
        inner = self.get(first)
        if not slash or not isinstance(inner, Config):
            raise KeyError(key)
        return inner[rest]


def nest(flat: Mapping[str, Any]) -> Config:
    """`{"a/b": 1}` as `{"a": {"b": 1}}`; what lies below a key with a value stays flat."""
    nested = Config()
    for key, value in flat.items():
        *folders, leaf = key.split("/")
        above = accumulate(folders, lambda path, folder: f"{path}/{folder}")
        if any(path in flat for path in above):
            nested[key] = value
            continue
        place = nested
        for folder in folders:
            place = place.setdefault(folder, Config())
        place[leaf] = value
    return nested
