"""What breaks trackers, done to this one: `python -m tests.torture`, or `make torture`."""

import sys
from pathlib import Path

# The helpers of the test suite are found as pytest finds them.
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "fault")]
