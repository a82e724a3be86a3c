"""A condition on runs as people type it, `config.lr>=0.1`, as the filter that it stands for."""

import re
from typing import Any, Final

from trackio.errors import InvalidInput

_CONDITION = re.compile(r"([A-Za-z_][^=<>!~]*?)\s*(<=|>=|!=|=|<|>|~)\s*(.*)", re.DOTALL)
_OPERATORS: Final = {"<": "$lt", ">": "$gt", "<=": "$lte", ">=": "$gte", "!=": "$ne", "~": "$regex"}
_WORDS: Final = {"true": True, "false": False, "null": None}


def parse_condition(text: str) -> tuple[str, Any]:
    """The field and what is wanted of it.

    Raises:
        InvalidInput: this is no condition.
    """
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(
            f"{text!r} is no condition: write FIELD=VALUE, or with <, <=, >, >=, !=, or ~ for a "
            "regular expression, as in config.lr>=0.1"
        )
    field, operator, said = found.groups()
    value = said if operator == "~" else parse_value(said)
    return field, value if operator == "=" else {_OPERATORS[operator]: value}


def parse_value(text: str) -> Any:
    """A number, true, false or null, or else the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
