"""How long `log` of an image keeps the caller, beyond encoding it and one local write.

    python -m benchmarks.media [--images 500]

The target: 5 ms a call at most for 256×256 pictures. Measured are, for each picture one after the
other: a call that encodes it, encoding alone, a call (of another run) that gets what was encoded,
and a bare write of as many bytes.
"""

import argparse
import os
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import numpy as np

SIDE = 256


def pictures(count: int) -> "list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]":
    """Smooth pictures with some noise: they compress as photographs do."""
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    found = []
    for number in range(count):
        waves = [
            128 + 80 * np.sin((x + number) / 17) + 20 * np.cos(y / 9),
            128 + 60 * np.sin((x * y + number) / 4000),
            (x + y + number) % 256,
        ]
        noise = rng.integers(0, 8, (SIDE, SIDE, 3))
        found.append((np.stack(waves, -1) + noise).clip(0, 255).astype(np.uint8))
    return found


def measure(folder: Path, count: int) -> dict[str, list[float]]:
    """Milliseconds that each took."""
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio
    from trackio.values.rich import Held

    encoded: list[bytes] = []

    def hold(content: bytes | Path, extension: str) -> Held:
        assert isinstance(content, bytes)
        encoded.append(content)
        return Held(sha256(content).hexdigest(), extension, len(content))

    took: dict[str, list[float]] = {"log": [], "encode": [], "file": [], "write": []}
    run = trackio.init("bench", "images")
    filing = trackio.init("bench", "encoded images", reinit="create_new")
    run.log({"warm": trackio.Image(np.zeros((SIDE, SIDE), np.uint8))})
    for number, picture in enumerate(pictures(count)):
        marks = [time.perf_counter()]
        run.log({"loss": 1.0, "image": trackio.Image(picture)})
        marks.append(time.perf_counter())
        trackio.Image(picture).encode(hold)
        marks.append(time.perf_counter())
        filing.log({"loss": 1.0, "image": trackio.Image(encoded[-1])})
        marks.append(time.perf_counter())
        Path(folder, f"bare-{number}").write_bytes(encoded[-1])
        marks.append(time.perf_counter())
        for name, begin, end in zip(took, marks, marks[1:], strict=False):
            took[name].append((end - begin) * 1e3)
    assert run.finish().is_complete
    assert filing.finish().is_complete
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        took = measure(Path(folder), asked.images)
    took["beyond"] = [file - write for file, write in zip(took["file"], took["write"], strict=True)]
    for name, times in took.items():
        half, most, worst = np.quantile(times, [0.5, 0.99, 1.0])
        print(f"{name:7} p50 {half:6.2f}  p99 {most:6.2f}  max {worst:6.2f} ms")


if __name__ == "__main__":
    main()
