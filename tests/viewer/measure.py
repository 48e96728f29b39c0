"""The figures of docs/performance.md, Report: ``python -m tests.viewer.measure [RUNS]``."""

import random
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from reasonedit_agent.schemas import Accepted, Failure, Refine, Rejected, Verdict
from reasonedit_agent.viewer.report import write_report
from tests.viewer import making
from tests.viewer.conftest import launch

SOURCES = (
    "astronaut barista bridge_sky castle chelsea_cat china coffee congress_page crab croissant "
    "drum_kit flower great_wall kite macaw moose mug_cat polar_bear rocket shepherd_dog"
).split()


def many(folder: Path, runs: int) -> Path:
    """Make runs of one to five rounds, each on another cut of a photo."""
    rng = random.Random(1)
    for number in range(runs):
        rounds = rng.choices((1, 2, 3, 4, 5), (40, 30, 15, 10, 5))[0]
        verdicts: list[Verdict | Failure] = []
        for _ in range(rounds - 1):
            low = making.judged(Refine, rng.uniform(2, 7), rng.uniform(3, 9), rng.random() * 0.6)
            bad = making.judged(Rejected, rng.uniform(0, 5), rng.uniform(0, 9), rng.random() * 0.3)
            verdicts.append(rng.choice([low, low, bad, Failure(reason="lost", message="The connection was closed.")]))
        verdicts.append(making.judged(Accepted, rng.uniform(7.5, 10), rng.uniform(7.5, 10), rng.uniform(0.6, 1)))
        source = folder / "source.jpg"
        with Image.open(making.PHOTOS / f"{SOURCES[number % len(SOURCES)]}.jpg") as photo:
            left, top = rng.randrange(photo.width // 8), rng.randrange(photo.height // 8)
            photo.crop((left, top, photo.width, photo.height)).save(source, quality=92)
        making.run(folder / "runs", verdicts, str(source), f"make the cup green, number {number}", seed=number)
    return folder / "runs"


def opened(page: Page, file: Path) -> float:
    """Return the seconds from asking for a file to its load event."""
    start = time.perf_counter()
    page.goto(file.as_uri(), wait_until="load")
    return time.perf_counter() - start


def main() -> None:
    """Print a table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        five = making.five_rounds(folder / "five", "great_wall.jpg").trace
        cases = (("one run of five rounds", five, False), (f"{runs} runs, --light", many(folder, runs), True))
        browser = launch(playwright)
        print("| | MB | written in s | opened in s |\n| --- | --- | --- | --- |")
        for what, where, light in cases:
            start = time.perf_counter()
            size = write_report([where], folder / "out.html", light=light).size
            seconds = time.perf_counter() - start
            times = sorted(opened(browser.new_page(), folder / "out.html") for _ in range(3))
            print(f"| {what} | {size / 1e6:.1f} | {seconds:.1f} | {times[1]:.2f} |")
        browser.close()


if __name__ == "__main__":
    main()
