"""What the samples of the integration tests log. Plain values, no tool imported."""

from io import BytesIO

STEPS = 40
START_S = 1_700_000_000
PICTURE = [[[255, 0, 0]] * 4] * 3
WEIGHTS = [0.5, 1.5, 1.5, 3.5]
BOUNDS = [0.0, 1.0, 2.0, 3.0, 4.0]
COUNTS = [1, 2, 0, 1]
PRECISE = 0.1234567890123456
MASK = [[0, 1, 1, 0]] * 3
CLASSES = {0: "sky", 1: "cat"}
BOX = {
    "position": {"minX": 0.1, "maxX": 0.5, "minY": 0.1, "maxY": 0.6},
    "class_id": 1,
    "scores": {"sure": 0.5},
}
PRINTED = "what the run printed"
SAVED = "a file that was saved"
TWO_AXES = {"train/loss": 0.75, "eval/loss": 0.5, "eval_iter": 5000}


def loss(step: int) -> float:
    """A number that 32 bits hold exactly."""
    return 1.0 / 2 ** (step % 20)


def metrics(step: int) -> dict[str, float]:
    """What each step logs: names with a slash and with a space."""
    return {"loss": loss(step), "train/acc 1": step * 0.25, "grad_norm": float(-step)}


def time_s(step: int) -> float:
    """When a step was logged, where the tool lets somebody say."""
    return START_S + step * 0.5


def time_ms(step: int) -> int:
    """As `time_s`, in milliseconds."""
    return round(time_s(step) * 1000)


def png() -> bytes:
    """`PICTURE` as a file."""
    from PIL import Image

    picture = Image.new("RGB", (4, 3), (255, 0, 0))
    out = BytesIO()
    picture.save(out, format="PNG")
    return out.getvalue()
