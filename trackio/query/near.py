"""What somebody may have meant who asked for a name that is not there. Pure."""

from collections.abc import Iterable
from difflib import get_close_matches


def advise(name: str, known: Iterable[str]) -> str:
    """The end of a message: names like `name`, or else those that there are."""
    listed = list(known)
    by_folded = {one.casefold(): one for one in reversed(listed)}
    near = [by_folded[match] for match in get_close_matches(name.casefold(), by_folded, n=3)]
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    if not listed:
        return "there are none"
    return f"there are: {', '.join(listed[:20])}{', …' if len(listed) > 20 else ''}"
