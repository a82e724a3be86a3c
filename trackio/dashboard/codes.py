"""Short names for runs and metrics in addresses: the same in every process, on every machine.

No registry: a code follows from the name alone, but for names whose short codes collide.
"""

from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

SHORT: Final = 6
"""Characters of a code, 6 bits each; two of 10,000 names collide once in a thousand projects."""
_LONG: Final = 20


def make_codes(names: Iterable[str], *, short: int = SHORT) -> dict[str, str]:
    """A code for each name: a short one, or a long one where short ones collide."""
    long = {name: _digest(name) for name in names}
    taken = Counter(code[:short] for code in long.values())
    return {name: code[:short] if taken[code[:short]] == 1 else code for name, code in long.items()}


def _digest(name: str) -> str:
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=15).digest()
    # No "-" or "_" so that a double click in the address selects a whole code.
    return urlsafe_b64encode(digest).decode().replace("-", "A").replace("_", "B")[:_LONG]
