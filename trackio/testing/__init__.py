"""Fakes and invariants for tests of Trackio and of what is built on it. Nothing here is a mock.

`ManualClock` is time under the test's control; `World` runs real writers, recoverers,
collectors and readers over one store, interleaved and crashed at any IO step; `invariants`
names what must hold at every moment.
"""

from trackio.testing.actors import Actor, Crash, pause
from trackio.testing.clock import ManualClock
from trackio.testing.world import World

__all__ = ["Actor", "Crash", "ManualClock", "World", "pause"]
