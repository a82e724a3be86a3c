"""Make ids that sort by time and names that people can say. No coordination, no disk.

An id is 48 bits of milliseconds since 1970 and 48 random bits, 24 hex digits in all
(`docs/format.md`, Keys).
"""

import os
import re
from collections.abc import Callable

from trackio.clock import SYSTEM_CLOCK, Clock

_ID = re.compile(r"[0-9a-f]{24}")
_NAME_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u

_ADJECTIVES = (  # noqa: SIM905 - reads better than a list
    "able amber ample apt bold brave brief bright brisk calm candid careful civil clear clever "
    "cosmic cozy crisp daring deep deft eager early earnest easy fair fancy fine firm fleet fond "
    "frank free fresh gentle glad golden good grand green happy hardy honest humble ideal jolly "
    "keen kind lively loyal lucid lucky magic mellow merry mighty mild modest neat nimble noble "
    "novel open patient plain polite prime proud pure quick quiet rapid rare ready regal rosy "
    "royal safe sage serene sharp shiny silent silver simple sleek smart smooth snowy solar solid "
    "spare spry stable steady still strong subtle sunny super sure sweet swift tidy tender true "
    "trusty upbeat vast vivid warm wise witty young zesty"
).split()
_NOUNS = (  # noqa: SIM905 - as above
    "acorn aspen atlas aurora badger bay beacon bear birch bloom breeze brook canyon cedar cliff "
    "cloud comet coral cove crane creek crest dawn deer delta dune eagle echo elm ember falcon "
    "fern field finch fjord forest fox garden glade grove gull harbor hare hawk hazel heron hill "
    "island ivy jay juniper kite lagoon lake lark leaf lily lynx maple marsh meadow mesa moon "
    "moss mountain nova oak ocean olive orchid otter owl palm peak pearl pebble pine planet "
    "plateau pond poplar prairie quartz rain raven reef ridge river robin rose sage sail shore "
    "sky snow spark sparrow spring star stone stream summit sun sunset swan thistle tide trail "
    "valley violet wave willow wind wolf wren"
).split()

RandomBits = Callable[[int], int]


def _random_bits(bits: int) -> int:
    """As `secrets.randbits`, whose module takes milliseconds to load."""
    return int.from_bytes(os.urandom((bits + 7) // 8), "big") >> (-bits % 8)


def make_id(clock: Clock = SYSTEM_CLOCK, random_bits: RandomBits = _random_bits) -> str:
    """A new id that sorts after those made earlier by this clock."""
    return f"{clock.time_ns() // 1_000_000 & (1 << 48) - 1:012x}{random_bits(48):012x}"


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id."""
    return _ID.fullmatch(text) is not None


def id_time_ms(identifier: str) -> int:
    """When an id was made, in milliseconds since 1970, by its maker's clock."""
    return int(identifier[:12], 16)


def id_after(identifier: str) -> str:
    """The smallest id that sorts after `identifier`."""
    return f"{int(identifier, 16) + 1:024x}"


def make_name(random_bits: RandomBits = _random_bits) -> str:
    """A readable run name such as `calm-heron-7k3qd`.

    The last part holds 25 random bits beside some 14 of the words: among a thousand runs
    named at the same moment two are alike once in a million times, and a run is known by
    its id, so even then nothing is mixed up.
    """
    adjective = _ADJECTIVES[random_bits(32) % len(_ADJECTIVES)]
    noun = _NOUNS[random_bits(32) % len(_NOUNS)]
    digits = "".join(_NAME_DIGITS[random_bits(5)] for _ in range(5))
    return f"{adjective}-{noun}-{digits}"
