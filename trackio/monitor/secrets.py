"""Mask what must not be stored: tokens, passwords and keys in a command line or a URL. Pure."""

import re
from collections.abc import Iterable
from typing import Final

MASK: Final = "***"

_NAME: Final = re.compile(
    r"(?i)(?:^|[-_.])(?:token|secret|password|passwd|passphrase|pwd|api[-_]?key|apikey|"
    r"access[-_]?key|private[-_]?key|credentials?|auth|bearer)(?:$|[-_.])"
)
_VALUE: Final = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|"
    r"github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|"
    r"AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|[0-9a-f]{40}|"
    r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+)"
)
_IN_URL: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_IN_QUERY: Final = re.compile(
    r"(?i)([?&][^=&\s]*(?:token|key|secret|password|sig)[^=&\s]*=)[^&\s]+"
)


def mask_text(text: str) -> str:
    """`text` without what looks like a token, and without the user of a URL."""
    hidden = _IN_QUERY.sub(rf"\g<1>{MASK}", _IN_URL.sub(MASK, text))
    return _VALUE.sub(MASK, hidden)


def mask_arguments(arguments: Iterable[str]) -> list[str]:
    """A command line; what follows an option that is named like a secret is masked too."""
    masked = []
    is_secret = False
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if is_secret and not argument.startswith("-"):
            masked.append(MASK)
            is_secret = False
            continue
        is_secret = _is_secret(name) and not equals
        if equals and value and _is_secret(name):
            masked.append(f"{name}={MASK}")
        else:
            masked.append(mask_text(argument))
    return masked


def _is_secret(name: str) -> bool:
    bare = name.lstrip("-")
    return (name.startswith("-") or "=" not in name) and _NAME.search(bare) is not None
