"""The stand-in Hub of the tests as a process of its own, a round trip away.

Prints its address and serves until standard input ends.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


def main() -> None:
    """Serve one private bucket for each name that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rtt-ms", type=float, default=0.0)
    parser.add_argument("buckets", nargs="+")
    args = parser.parse_args()
    running_hub = import_module("standin.hub").running_hub  # not a part of any package
    delay = import_module("standin.web").Kind.DELAY

    with running_hub() as hub:
        for bucket in args.buckets:
            hub.make_bucket(bucket)
        if args.rtt_ms:
            hub.faults.add("", delay, delay_s=args.rtt_ms / 1000, times=10**9)
        print(hub.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
