"""What looking costs, report and studio: ``python -m benchmarks.viewing [RUNS]`` (1,000 runs by default).

Needs the extras embedded, report, ui and dev, the weights, and a Chromium. Times of a browser are from asking for a
page to its load event, those of the studio to the line that says that it is ready.
"""

from __future__ import annotations

import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from benchmarks.tables import table
from reasonedit_agent import tracing
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.schemas import Accepted, Failure, Refine, Rejected, Verdict
from reasonedit_agent.viewer.report import write_report
from tests.viewer import making
from tests.viewer.conftest import launch
from tests.viewer.visiting import LONG, Studio, drop, run_of, take

SOURCES = (
    "astronaut barista bridge_sky castle chelsea_cat china coffee congress_page crab croissant "
    "drum_kit flower great_wall kite macaw moose mug_cat polar_bear rocket shepherd_dog"
).split()
ASKED = "make the cup green"
EDITS = 5
"""With the page and without, each of another photo, after one that loads what is needed."""


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


def opened(browser: Browser, file: Path) -> float:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    start = time.perf_counter()
    page.goto(file.as_uri(), wait_until="load")
    seconds = time.perf_counter() - start
    context.close()
    return seconds


def reports(folder: Path, browser: Browser, runs: int) -> None:
    five = making.five_rounds(folder / "five", "great_wall.jpg").trace
    cases = (
        ("one run of five rounds", five, False, "3 MB, 2 s"),
        (f"{runs:,} runs, --light", many(folder, runs), True, "25 MB, 30 s, 2 s"),
    )
    rows = []
    for what, where, light, aim in cases:
        start = time.perf_counter()
        size = write_report([where], folder / "out.html", light=light).size
        written = time.perf_counter() - start
        times = sorted(opened(browser, folder / "out.html") for _ in range(5))
        rows.append([what, f"{size / 1e6:.1f}", f"{written:.1f}", f"{times[2]:.2f}", f"{times[0]:.2f}", aim])
    table("Report", ["", "MB", "written in s", "opened in s, median of 5", "best", "at most"], rows)


def visited(browser: Browser, studio: Studio) -> Any:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(studio.address)
    page.get_by_text("Ready.").wait_for()
    return page


def first_pages(folder: Path, browser: Browser, starts: int = 5) -> list[float]:
    """Return the seconds from the printed address to the ready page, each of a server that was just started."""
    found = []
    for number in range(starts):
        studio = Studio(folder / f"first{number}")
        studio.start()
        start = time.perf_counter()
        page = visited(browser, studio)
        found.append(time.perf_counter() - start)
        page.context.close()
        studio.kill(signal.SIGINT)
    return sorted(found)


def took(run: Path) -> float:
    """Return a run's seconds by the clock, from its first event to its last."""
    events = tracing.read_events(run)
    return events[-1].at - events[0].at


def with_and_without(folder: Path, browser: Browser, photo: Path) -> tuple[float, float]:
    """Return the median seconds of an edit without the page and with it, taken by turns."""
    studio, agent = Studio(folder / "with"), EditAgent(runs=folder / "without")
    studio.start()
    page = visited(browser, studio)
    found: list[tuple[float, float]] = []
    for number in range(EDITS + 1):
        cut = photo.with_name(f"cut{number}.jpg")
        with Image.open(photo) as whole:
            whole.crop((8 * number, 0, whole.width, whole.height)).save(cut, quality=92)
        drop(page, cut)
        page.get_by_label("What to change").fill(ASKED)
        before = page.url
        page.locator("#go").click()
        page.wait_for_function("url => location.href !== url", arg=before)
        take(page).wait_for(timeout=LONG)
        page.locator("#go:not([disabled])").wait_for()
        found.append((took(agent.edit(cut, ASKED).trace), took(studio.runs / run_of(page))))
    page.context.close()
    studio.kill(signal.SIGINT)
    without, watched = zip(*found[1:], strict=True)
    return statistics.median(without), statistics.median(watched)


def at_once(folder: Path, browser: Browser, photo: Path, sessions: int) -> float:
    """Return the seconds from the first click to the last result of so many browsers."""
    studio = Studio(folder / f"at_once{sessions}")
    studio.start()
    pages = [visited(browser, studio) for _ in range(sessions)]
    for page in pages:
        drop(page, photo)
        page.get_by_label("What to change").fill(ASKED)
    start = time.perf_counter()
    for page in pages:
        page.locator("#go").press("Enter")
    for page in pages:
        take(page).wait_for(timeout=LONG)
    seconds = time.perf_counter() - start
    for page in pages:
        page.context.close()
    studio.kill(signal.SIGINT)
    return seconds


def studios(folder: Path, browser: Browser) -> None:
    photo = folder / "photo.jpg"
    with Image.open(making.PHOTOS / "coffee.jpg") as small:
        small.resize((2160, 1440)).save(photo, quality=92)
    first = first_pages(folder, browser)
    without, watched = with_and_without(folder, browser, photo)
    rows = [
        ["first page after the address, s, median of 5", f"{first[2]:.2f} ({first[0]:.2f} to {first[-1]:.2f})", "3"],
        [f"an edit of 3 megapixels without the page, s, median of {EDITS}", f"{without:.2f}", ""],
        ["the same, watched in the page, s", f"{watched:.2f} ({100 * (watched / without - 1):+.1f} %)", "+5 %"],
        ["one session, from click to result, cold, s", f"{at_once(folder, browser, photo, 1):.2f}", ""],
        ["five sessions at once, s until the last has its result", f"{at_once(folder, browser, photo, 5):.2f}", ""],
    ]
    table("Studio", ["", "measured", "at most"], rows)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = launch(playwright)
        studios(Path(name), browser)
        reports(Path(name), browser, runs)
        browser.close()


if __name__ == "__main__":
    main()
