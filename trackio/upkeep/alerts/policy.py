"""How patient an evaluator is. Values only."""

from dataclasses import dataclass
from typing import Final

from trackio.upkeep.alerts.claims import TAKEOVER_S
from trackio.upkeep.alerts.post import LONGEST_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient an evaluator is, in seconds.

    `wait_s` must be longer than listings lag. A project that it meets for the first time may be
    old: it passes over alerts older than `first_look_s`. It gives an alert up that a webhook has
    not taken for `give_up_s`. A training process that was given a webhook of its own has
    `client_s` to tell it. `quiet_s` is how often it writes down that nothing happened.
    """

    wait_s: float = 20.0
    first_look_s: float = 86_400.0
    give_up_s: float = 86_400.0
    client_s: float = 120.0
    quiet_s: float = 600.0
    takeover_s: float = TAKEOVER_S
    post_s: float = LONGEST_S


LOCAL: Final = Policy(wait_s=1.0)
"""A directory lists what is there."""
