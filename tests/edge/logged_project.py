"""A project as training scripts leave it, logged by Trackio itself: `python logged_project.py`.

Twelve runs of a small sweep, and what goes wrong in life: one diverges to NaN, one has a spike, one
fails, one is killed. What they logged is computed here, so that tests know it without reading.
"""

import math
import os
import sys

STEPS = 300
RATES = (0.3, 0.1, 0.03, 0.01)
DEPTHS = (2, 4, 8)


def loss(rate: float, depth: int, step: int) -> float:
    """The training loss; the largest rate at the largest depth diverges, one has a spike."""
    if (rate, depth) == (0.3, 8) and step >= 200:
        return math.nan
    if (rate, depth) == (0.1, 4) and step == 150:
        return 25.0
    return round(math.exp(-rate * step / 10) + 0.1 / depth + 0.001 * math.cos(step), 6)


def accuracy(rate: float, depth: int, step: int) -> float:
    """The validation accuracy, every tenth step."""
    return round(1 - 0.5 * math.exp(-rate * step / 20) - 0.02 / depth, 6)


def main() -> None:
    """Log it into the store of the environment."""
    import trackio

    for depth in DEPTHS:
        for rate in RATES:
            name = f"d{depth}-lr{rate:g}"
            config = {"lr": rate, "net": {"depth": depth}, "seed": 7}
            run = trackio.init(
                project="sweep", name=name, group=f"depth-{depth}", config=config, tags=["grid"]
            )
            for step in range(STEPS):
                run.log({"train/loss": loss(rate, depth, step)}, step=step)
                if step % 10 == 0:
                    run.log({"val/acc": accuracy(rate, depth, step)}, step=step)
            if (rate, depth) == (0.3, 8):
                run.alert("diverged", "the loss is NaN", level="error", step=200)
            run.log({"notes": trackio.Markdown(f"# {name}\nall done")}, step=STEPS - 1)
            run.finish(exit_code=1 if (rate, depth) == (0.01, 2) else None)
    with trackio.init(project="second", name="baseline", config={"lr": 0.5}) as run:
        run.log({"train/loss": 0.9}, step=0)
    run = trackio.init(project="sweep", name="killed", config={"lr": 1.0})
    run.log({"train/loss": 3.5}, step=0)
    run.flush()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
