"""Train a network on handwritten digits and log it with Trackio.

`python examples/digits/train.py --help` lists what can be changed. All there is to tracking are
the lines with `trackio` in them.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
from model import Network, load_pictures

import trackio


def main() -> None:
    """One run: a cosine schedule, a step a batch, an evaluation now and then."""
    args = parse_arguments()
    train, held_out = load_pictures()
    network = Network.make(tuple(args.hidden), args.momentum, args.seed)
    random = np.random.default_rng(args.seed)
    config = {name: value for name, value in vars(args).items() if name in CONFIG}
    with trackio.init(project=args.project, name=args.name, config=config) as run:
        for step in range(args.steps):
            batch = train.pick(random.integers(0, len(train.digits), args.batch_size))
            learning_rate = schedule(step, args)
            taken = network.train(batch, learning_rate)
            row = {
                "train/loss": taken.loss,
                "train/accuracy": taken.accuracy,
                "train/confidence": taken.confidence,
                "optim/learning_rate": learning_rate,
                "optim/gradient_norm": taken.gradient_norm,
                "optim/update_ratio": taken.update_norm / network.weight_norm,
                "weights/norm": network.weight_norm,
            }
            if step % args.evaluate_every == 0 or step == args.steps - 1:
                loss, accuracy, each_digit = network.evaluate(held_out)
                row |= {
                    "eval/loss": loss,
                    "eval/accuracy": accuracy,
                    "eval/worst_digit": float(each_digit.min()),
                }
            run.log(row)
            acknowledge(args.acknowledged)
            time.sleep(args.pause_s)


CONFIG = ("learning_rate", "momentum", "hidden", "batch_size", "steps", "warmup", "seed")


def parse_arguments() -> argparse.Namespace:
    """The hyper-parameters, and where and how fast to log."""
    parser = argparse.ArgumentParser(description="Train a network on handwritten digits.")
    parser.add_argument("--project", default="digits")
    parser.add_argument("--name", help="of the run; made up if none is given")
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--momentum", type=float, default=0.0)
    parser.add_argument("--hidden", type=int, nargs="+", default=[32])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--warmup", type=int, default=50, help="steps")
    parser.add_argument("--evaluate-every", type=int, default=20, help="steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pause-s", type=float, default=0.0, help="after each step")
    parser.add_argument("--acknowledged", type=Path, help="file that gets a byte a call")
    return parser.parse_args()


def schedule(step: int, args: argparse.Namespace) -> float:
    """Up in a line, then down along a cosine."""
    if step < args.warmup:
        return float(args.learning_rate * (step + 1) / args.warmup)
    done = (step - args.warmup) / max(1, args.steps - args.warmup)
    return float(args.learning_rate * (1 + math.cos(math.pi * done)) / 2)


def acknowledge(file: Path | None) -> None:
    """Say that one more `log` has returned: the demo counts these bytes and those rows."""
    if file:
        with file.open("ab") as returned:
            returned.write(b".")


if __name__ == "__main__":
    main()
