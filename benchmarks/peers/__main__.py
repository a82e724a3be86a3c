"""Measure every tracker in turns and write `docs/benchmarks.md`, with its pictures."""

import argparse
import json
import sys
from typing import Final

from benchmarks import machine
from benchmarks.peers import install, page
from benchmarks.peers.roster import ROOT, ROSTER, Peer
from benchmarks.peers.workloads import WORKLOADS

RESULTS: Final = ROOT / ".bench" / "peers.json"
Measured = dict[str, dict[str, list[dict[str, float]]]]
"""By workload, by tracker: the figures of each round; an empty one where it failed."""


def main() -> None:
    """Measure what the command line asks for."""
    args = _arguments()
    peers = [peer for peer in ROSTER if not args.trackers or peer.adapter in args.trackers]
    install.install(peers)
    if calm := machine.warning():
        print(calm)
    measured = measure(peers, args.workloads or list(WORKLOADS), args.rounds, args.seconds)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(measured, indent=1))
    about = f"{machine.here()}; rounds: {args.rounds}, each cut after {args.seconds:g} s of logging"
    if args.write:
        page.write(measured, about)


def measure(peers: list[Peer], workloads: list[str], rounds: int, seconds: float) -> Measured:
    """Tracker after tracker, round after round."""
    measured: Measured = {name: {peer.name: [] for peer in peers} for name in workloads}
    for number in range(rounds):
        for name in workloads:
            for peer in peers if number % 2 == 0 else reversed(peers):
                measured[name][peer.name].append(figures := _tried(name, peer, seconds))
                shown = "  ".join(f"{what}={value:,.2f}" for what, value in figures.items())
                print(f"round {number + 1}  {name:10}  {peer.name:14}  {shown}", flush=True)
    return measured


def _tried(name: str, peer: Peer, seconds: float) -> dict[str, float]:
    """A tracker that fails is part of the result, and the others go on."""
    try:
        return WORKLOADS[name](peer, seconds)
    except (RuntimeError, KeyError) as error:
        if peer.is_ours:
            raise
        print(f"{peer.name} failed in {name}:\n{error}"[-1500:], file=sys.stderr)
        return {"failed": 1}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], help="all, if none")
    parser.add_argument("--trackers", nargs="*", choices=sorted(peer.adapter for peer in ROSTER))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6, help="of logging, for slow trackers")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
