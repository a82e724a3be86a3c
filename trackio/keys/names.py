"""A user's name as one part of a key, and back. No IO.

What lies under a name is in `kinds`; who may not be called so is said here.
"""

import re
import unicodedata
from urllib.parse import unquote_to_bytes

from trackio.errors import InvalidInput

MAX_NAME_BYTES = 255
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_WINDOWS = re.compile(r"(?i:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)")


def encode_name(name: str) -> str:
    """A user's name as one path part; `decode_name` gives it back exactly.

    Letters and digits of any script (in NFC) and `-_.` stay, every other byte of its UTF-8,
    and a leading or trailing dot, becomes `%XX`.

    Raises:
        InvalidInput: the name is no text, empty, not valid Unicode, longer than 255 bytes
            once encoded, or reserved by Windows.
    """
    if not isinstance(name, str):
        raise InvalidInput(f"a name is text, not {name!r}")
    if not name:
        raise InvalidInput("a name must not be empty")
    try:
        name.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"the name {name!r} is not valid Unicode text") from exc
    encoded = "".join(map(_encode_char, name))
    if not unicodedata.is_normalized("NFC", encoded):
        encoded = "".join(c if c in _PLAIN else _percent(c) for c in name)
    if encoded[0] == ".":
        encoded = "%2E" + encoded[1:]
    if encoded[-1] == ".":
        encoded = encoded[:-1] + "%2E"
    if (size := len(encoded.encode())) > MAX_NAME_BYTES:
        raise InvalidInput(
            f"the name {name[:40]!r}… takes {size} bytes in a path; "
            f"the limit is {MAX_NAME_BYTES}: use a shorter name"
        )
    if _WINDOWS.match(encoded):
        raise InvalidInput(f"Windows reserves the name {name!r}: use another one")
    return encoded


def decode_name(part: str) -> str | None:
    """The name that `part` stands for, or None if no name is encoded so."""
    try:
        name = unquote_to_bytes(part).decode()
        return name if encode_name(name) == part else None
    except (InvalidInput, UnicodeError):
        return None


def _encode_char(char: str) -> str:
    if char in _PLAIN:
        return char
    stays = not char.isascii() and unicodedata.category(char)[0] in "LN"
    return char if stays else _percent(char)


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())
