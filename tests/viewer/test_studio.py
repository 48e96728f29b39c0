"""The studio in a real browser: what a person does with it, and what must not happen."""

from __future__ import annotations

import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from reasonedit_agent import tracing
from reasonedit_agent.folding import Fold
from reasonedit_agent.images import open_store

pytest.importorskip("gradio", reason="the extra ui is not installed")
sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here"),
    pytest.mark.filterwarnings("ignore"),
]

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
RUN = [sys.executable, "-c", "from reasonedit_agent.cli import main; main()", "ui", "--port"]
LONG = 90_000
"""Milliseconds that an edit may take on a slow machine."""


class Studio:
    """A server of its own process, which can be killed and started again at the same address."""

    def __init__(self, runs: Path) -> None:
        self.runs, self.port, self.address = runs, 0, ""
        self.first_page = 0.0

    def start(self) -> None:
        env = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONUNBUFFERED": "1"}
        command = [*RUN, str(self.port), "--runs", str(self.runs)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                self.address, self.port = found[0], int(found[1])
                return
        pytest.fail("".join(lines))

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def trace(self, page: Any) -> Fold:
        return Fold(tracing.read_events(self.runs / run_of(page)))


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    made = Studio(tmp_path_factory.mktemp("runs"))
    made.start()
    yield made
    made.kill(signal.SIGINT)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


Opened = Callable[..., Any]


@pytest.fixture
def visit(studio: Studio, browser: Any) -> Iterator[Opened]:
    """Open the page as a browser of its own; no request may leave this machine."""
    contexts: list[Any] = []
    asked: list[str] = []

    def open_page(context: Any = None, **options: Any) -> Any:
        if context is None:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
            contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        page.goto(studio.address)
        page.get_by_label("What to change").wait_for()
        page.get_by_text("Ready.").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    outside = [url for url in asked if not url.startswith((studio.address, "data:", "blob:"))]
    assert asked and outside == []


def run_of(page: Any) -> str:
    page.wait_for_url("**/?run=*")
    return str(page.url.partition("run=")[2])


def drop(page: Any, photo: Path = PHOTOS / "coffee.jpg") -> None:
    page.locator("#photo input[type=file]").set_input_files(str(photo))
    page.locator("#stage img").wait_for()


def edit(page: Any, instruction: str, photo: Path = PHOTOS / "coffee.jpg") -> None:
    drop(page, photo)
    page.get_by_label("What to change").fill(instruction)
    page.locator("#go").press("Enter")  # a mouse may miss what moves as the photo appears
    page.locator("#view .asked", has_text=" ".join(instruction.split())[:40]).first.wait_for(timeout=LONG)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo that takes a while."""
    path = tmp_path_factory.mktemp("photos") / "large.jpg"
    with Image.open(PHOTOS / "coffee.jpg") as small:
        small.resize((4320, 2880)).save(path, quality=90)
    return path


def take(page: Any) -> Any:
    return page.get_by_role("link", name="Take this picture")


def settled(page: Any) -> str:
    page.locator("#view .outcome").wait_for(timeout=LONG)
    return str(page.locator("#status").inner_text())


def serious(page: Any) -> list[str]:
    """Return what axe finds that a person would stumble over."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:150]}" for v in found if v["impact"] in ("serious", "critical")]


# -- what a person does -------------------------------------------------------------------------------------------------


def test_drop_type_watch_take_label_and_ask_what_if(studio: Studio, visit: Opened, tmp_path: Path) -> None:
    page = visit()
    edit(page, "make the cup green")
    page.locator("#view [aria-current=step]").wait_for()
    take(page).wait_for(timeout=LONG)
    assert settled(page).startswith("Accepted")

    with page.expect_download() as got:
        take(page).click()
    got.value.save_as(tmp_path / "taken.jpg")
    fold = studio.trace(page)
    assert fold.ended is not None and fold.ended.image is not None
    assert (tmp_path / "taken.jpg").read_bytes() == open_store(studio.runs / tracing.IMAGES).get(fold.ended.image)

    page.get_by_role("button", name="Yes, accept").click()
    page.get_by_text("Noted for calibration").wait_for()
    assert '"accept"' in (studio.runs / "labels.jsonl").read_text()

    page.get_by_role("tab", name="What if").click()
    page.locator("#w-text input, #w-text textarea").fill("rounds(1)")
    page.locator("#judge").click()
    page.locator("#outcome td", has_text="round 1").first.wait_for()
    page.locator("#w-text input, #w-text textarea").fill("roundz(1)")
    page.locator("#judge").click()
    page.get_by_text("roundz").last.wait_for()


def test_approve_a_changed_plan_then_continue_and_undo(studio: Studio, visit: Opened) -> None:
    page = visit()
    page.get_by_label("Show me the plan first").check()
    edit(page, "make the cup green and blur the background")
    page.locator("#ask").wait_for(timeout=LONG)
    boxes = page.locator("#steps input[type=checkbox]")
    boxes.first.wait_for()
    assert boxes.count() == 2
    boxes.nth(1).uncheck()
    page.locator("#yes").click()
    take(page).wait_for(timeout=LONG)
    fold = studio.trace(page)
    assert fold.history.thought is not None and len(fold.history.thought.steps) == 1
    assert fold.ended is not None and fold.ended.status == "accepted"
    first, made = run_of(page), fold.ended.image

    page.get_by_role("button", name="Continue from it").click()
    page.get_by_text("The next edit starts from this picture").wait_for()
    page.get_by_label("Show me the plan first").uncheck()
    page.get_by_label("What to change").fill("make it black and white")
    page.locator("#go").click()
    page.wait_for_function("run => !location.search.endsWith(run)", arg=first)
    take(page).wait_for(timeout=LONG)
    store, start = open_store(studio.runs / tracing.IMAGES), studio.trace(page).run.request.image
    assert made is not None  # what is stored of a JPEG is encoded again
    assert ImageStat.Stat(ImageChops.difference(store.open(start), store.open(made))).mean < [1.5] * 3

    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("run => location.search.endsWith(run)", arg=first)
    assert page.locator("#view .asked").first.inner_text().endswith("make the cup green and blur the background")


def test_a_lasso_is_a_polygon_and_a_file_is_no_region(studio: Studio, visit: Opened) -> None:
    page = visit()
    drop(page)
    page.get_by_role("button", name="Lasso").click()
    box = page.locator("#stage .canvas img").bounding_box()
    for index in range(90):  # with more corners than a file's name can have letters
        angle = 2 * math.pi * index / 90
        x, y = 0.4 + 0.25 * math.cos(angle), 0.4 + 0.25 * math.sin(angle)
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        if not index:
            page.mouse.down()
    page.mouse.up()
    page.wait_for_function("document.querySelector('#region textarea, #region input').value.length > 100")
    page.get_by_label("What to change").fill("blur this")
    page.locator("#go").click()
    page.locator("#view article").wait_for(timeout=LONG)
    region = studio.trace(page).run.request.region
    assert region is not None and region.kind == "polygon" and 30 <= len(region.points) <= 60
    xs = [x for x, _ in region.points]
    assert abs(min(xs) - 0.15 * 720) <= 4 and abs(max(xs) - 0.65 * 720) <= 4

    page.get_by_label("Where (optional)").fill(str(PHOTOS / "castle.jpg"))
    page.locator("#view .outcome").wait_for(timeout=LONG)
    run = run_of(page)
    page.locator("#go").click()
    page.wait_for_function("run => !location.search.endsWith(run)", arg=run)
    region = studio.trace(page).run.request.region
    assert region is not None and region.kind == "phrase"


def test_region_review_and_advice(studio: Studio, visit: Opened) -> None:
    page = visit()
    page.get_by_label("Ask me after each round").check()
    drop(page)
    box = page.locator("#stage .canvas img").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#region textarea, #region input').value.split(',').length === 4")
    page.get_by_label("What to change").fill("blur this")
    page.locator("#go").click()
    page.locator("#ask").wait_for(timeout=LONG)
    region = studio.trace(page).run.request.region
    assert region is not None and region.kind == "box"
    assert abs(region.left - 180) <= 2 and abs(region.bottom - 240) <= 2
    page.locator("#advice textarea, #advice input").fill("blur it more")
    page.locator("#advise").click()
    page.get_by_text("You said: advice").first.wait_for(timeout=LONG)
    page.locator("#ask").wait_for(timeout=LONG)
    page.locator("#yes").click()
    page.locator("#view .outcome").wait_for(timeout=LONG)
    assert [answer.kind for answer in studio.trace(page).history.human] == ["advice", "accept"]


def test_refresh_in_the_middle_and_a_second_tab(studio: Studio, visit: Opened, large: Path) -> None:
    page = visit()
    edit(page, "make the cup green", large)
    run = run_of(page)
    page.reload()
    page.locator("#view [aria-current=step]").wait_for()
    other = page.context.new_page()
    other.goto(f"{studio.address}?run={run}")
    for tab in (page, other):
        take(tab).wait_for(timeout=LONG)
        assert run_of(tab) == run
    assert len(list(studio.runs.glob(f"{run}/events.jsonl"))) == 1


def test_stop_then_go_on(studio: Studio, visit: Opened, large: Path) -> None:
    page = visit()
    edit(page, "make the cup green", large)
    page.locator("#stop").click()
    page.get_by_role("button", name="Go on with this run").wait_for(timeout=LONG)
    ended = studio.trace(page).ended
    assert ended is not None and ended.stopped_by == "interrupted"
    page.get_by_role("button", name="Go on with this run").click()
    page.locator("#view .outcome.accepted").wait_for(timeout=LONG)


def test_the_server_is_killed_and_started_again(studio: Studio, visit: Opened, large: Path) -> None:
    page = visit()
    edit(page, "make the cup green", large)
    run = run_of(page)
    studio.kill()
    studio.start()
    page.goto(f"{studio.address}?run={run}")
    page.get_by_role("button", name="Go on with it").click(timeout=LONG)
    take(page).wait_for(timeout=LONG)
    assert run_of(page) == run and settled(page).startswith("Accepted")


def test_browse_filter_and_compare(studio: Studio, visit: Opened) -> None:
    page = visit()
    for words in ("make it sepia", "make it black and white"):
        edit(page, words)
        page.locator("#view .asked", has_text=words).first.wait_for()
        take(page).wait_for(timeout=LONG)
    page.get_by_role("tab", name="Runs").click()
    page.get_by_label("Filter").fill("sepia")
    page.wait_for_function("document.querySelectorAll('#table tbody tr').length === 1")
    page.get_by_label("Filter").fill("")
    page.wait_for_function("document.querySelectorAll('#table tbody tr').length === 2")
    for index in range(2):
        page.locator("#table tbody input").nth(index).check()
    page.get_by_role("button", name="Compare the ticked runs").click()
    page.locator("#compared img").first.wait_for()
    assert page.locator("#compared img").count() == 4
    page.get_by_role("tab", name="What if").click()
    page.get_by_label("Over all runs").check()
    page.wait_for_function("document.querySelectorAll('#outcome tbody tr').length === 2")
    page.get_by_role("tab", name="Runs").click()
    page.locator("#table tbody a", has_text="sepia").press("Enter")
    page.locator("#view .asked", has_text="make it sepia").first.wait_for()


# -- what must not happen ------------------------------------------------------------------------------------------------


def test_a_session_sees_no_other_ones_images(studio: Studio, visit: Opened) -> None:
    mine, other = visit(), visit()
    edit(mine, "make it sepia")
    take(mine).wait_for(timeout=LONG)
    picture = mine.locator("#view img").first.evaluate("image => image.src")
    assert mine.context.request.get(picture).status == 200
    assert other.context.request.get(picture).status == 404
    other.goto(f"{studio.address}?run={run_of(mine)}")
    other.get_by_text("There is no run").wait_for()
    assert other.locator("#view img").count() == 0
    other.get_by_role("tab", name="Runs").click()
    other.get_by_text("No runs yet").wait_for()


def test_what_is_written_is_shown_as_text(visit: Opened) -> None:
    page = visit()
    nasty = "make it sepia <img src=x onerror=alert(1)> <script>alert(2)</script> ${alert(3)} {{alert(4)}} \u202egnirts"
    edit(page, nasty)
    page.locator("#view .outcome").wait_for(timeout=LONG)
    assert "<img src=x onerror=alert(1)>" in page.locator("#view .asked").first.inner_text()
    assert "${alert(3)}" in page.locator("#view .asked").first.inner_text()
    assert page.locator("#view img[src=x], #view script").count() == 0


@pytest.mark.parametrize(
    ("instruction", "photo", "says"),
    [
        ("", "coffee.jpg", "The instruction is empty"),
        ("word " * 100_000, "coffee.jpg", "characters"),
        ("x", "", "no photo"),
    ],
)
def test_bad_input_is_one_line(visit: Opened, instruction: str, photo: str, says: str) -> None:
    page = visit()
    if photo:
        drop(page, PHOTOS / photo)
    page.get_by_label("What to change").fill(instruction)
    page.locator("#go").click()
    page.get_by_text(says).first.wait_for()


def test_a_file_that_is_no_picture_and_one_of_50_megapixels(visit: Opened, tmp_path: Path) -> None:
    page = visit()
    (tmp_path / "text.png").write_text("no picture")
    page.locator("#photo input[type=file]").set_input_files(str(tmp_path / "text.png"))
    page.get_by_text("is not an image that can be read").first.wait_for()
    Image.new("RGB", (8660, 5774), (90, 120, 160)).save(tmp_path / "large.jpg")
    page.locator("#photo input[type=file]").set_input_files(str(tmp_path / "large.jpg"))
    page.get_by_text("8660 × 5774 pixels").wait_for(timeout=LONG)


def test_only_this_machine_by_its_own_name(studio: Studio, visit: Opened) -> None:
    page = visit()
    assert page.context.request.get(studio.address, headers={"Host": "evil.example"}).status == 403
    taken = [*RUN, str(studio.port), "--runs", str(studio.runs)]
    said = subprocess.run(taken, capture_output=True, text=True, check=False)
    assert said.returncode == 2 and "--port" in said.stderr and len(said.stderr.strip().splitlines()) == 1


def test_the_first_page_is_there_in_time(visit: Opened) -> None:
    """The best of three: the others tell how busy the machine is, not how heavy the page."""
    took = []
    for _ in range(3):
        start = time.perf_counter()
        visit()
        took.append(time.perf_counter() - start)
    assert min(took) < 3.0, took


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_can_be_read_and_used_by_all(studio: Studio, visit: Opened, width: int, scheme: str) -> None:
    page = visit(viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert serious(page) == []
    edit(page, "make it sepia")
    take(page).wait_for(timeout=LONG)
    page.get_by_role("button", name="Who does it").click()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for tab in ("Runs", "What if"):
        page.get_by_role("tab", name=tab).click()
        page.locator("#table tbody tr, #outcome tbody tr").last.wait_for()
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_works_by_keyboard_alone(studio: Studio, visit: Opened) -> None:
    page = visit()
    drop(page)
    page.get_by_label("What to change").focus()
    page.keyboard.type("make it sepia")
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id || document.activeElement.closest('[id]').id") == "go":
            break
    page.keyboard.press("Enter")
    take(page).wait_for(timeout=LONG)
    take(page).focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
