"""How legacy files were named after projects, and the ids that follow from names. No IO.

The rule lost information (`exp.1` and `exp1` share a file), so the raw name is taken from
wherever it survived.
"""

import unicodedata
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from trackio.errors import InvalidInput
from trackio.keys import encode_name
from trackio.model import RunId, WriterId

SIDECAR_SUFFIXES: Final = (
    "_system",
    "_configs",
    "_traces",
    "_artifacts",
    "_artifact_versions",
    "_artifact_aliases",
    "_run_artifact_links",
    "_external_run_artifact_links",
)
_MAX_MS: Final = (1 << 48) - 1
_IDENTITY_DIGITS: Final = 6


def canonical(project: str) -> str:
    """The stem of the files that a project of this name had."""
    kept = "".join(char for char in project if char.isalnum() or char in "-_").rstrip()
    return nfc(kept) or "default"


def nfc(text: str) -> str:
    """`text` with its accents composed, as some file systems do not keep them."""
    return unicodedata.normalize("NFC", text)


def raw_name(stem: str, candidates: Iterable[str]) -> str:
    """What users called the project: the one name that survived, else the stem."""
    found = {nfc(name) for name in candidates if canonical(name) == nfc(stem)} - {nfc(stem)}
    names = [name for name in sorted(found) if is_encodable(name)]
    return names[0] if len(names) == 1 else nfc(stem)


def is_encodable(name: str) -> bool:
    """Whether keys can hold this name."""
    try:
        encode_name(name)
    except InvalidInput:
        return False
    return True


def storable_name(name: str) -> str:
    """A name that keys can hold: this one, or its beginning and a hash."""
    if is_encodable(name):
        return name
    kept = "".join(char for char in name if char.isascii() and (char.isalnum() or char in "-_"))
    return f"{kept[:80] or 'unnamed'}-{_digest(name)[:8]}"


def derive_run_id(stem: str, project: str, name: str) -> RunId:
    """The id of a run that had none; the same whenever it is derived."""
    return RunId(_digest(stem, project, name)[:32])


def storable_run_id(run_id: str) -> RunId:
    """A legacy run id, or what stands for it where keys cannot hold it."""
    return RunId(run_id if is_encodable(run_id) else _digest("run", run_id)[:32])


def make_writer_id(created_us: int, identity: tuple[str, ...], state: str) -> WriterId:
    """A writer id that the source alone decides.

    `identity` says which run of which source it is, `state` how much of it there is: a source
    that has grown since gets another id, and `is_same_identity` tells.
    """
    created_ms = min(max(created_us // 1000, 0), _MAX_MS)
    identity_digits = _digest(*identity)[:_IDENTITY_DIGITS]
    state_digits = _digest(*identity, state)[: 12 - _IDENTITY_DIGITS]
    return WriterId(f"{created_ms:012x}{identity_digits}{state_digits}")


def is_same_identity(a: WriterId, b: WriterId) -> bool:
    """Whether both were made for the same run of the same source."""
    span = slice(12, 12 + _IDENTITY_DIGITS)
    return a[span] == b[span]


def _digest(*parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=16).hexdigest()
