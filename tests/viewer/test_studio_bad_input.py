"""The studio and bad input: nothing runs, nothing breaks the page, and what is wrong is said in one line."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser

from reasonedit_agent.events import VERSION
from reasonedit_agent.images import FolderStore
from reasonedit_agent.tracing import EVENTS, read_events
from reasonedit_agent.viewer.telling import tell
from tests.viewer import making
from tests.viewer.visiting import (
    LONG,
    PHOTOS,
    Opened,
    Studio,
    choose,
    drop,
    edit,
    go_to,
    scripted,
    serious,
    settled,
    take,
    visiting,
)

pytest.importorskip("gradio", reason="the extra ui is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")


# -- what is put in -------------------------------------------------------------------------------------------------------


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


def test_a_photo_of_50_megapixels_is_edited(studio: Studio, visit: Opened, tmp_path: Path) -> None:
    page = visit()
    Image.linear_gradient("L").resize((8660, 5774)).convert("RGB").save(tmp_path / "large.jpg")
    choose(page, Reasoner="tests.viewer.parts:Critic", Tool="tests.viewer.parts:grey")
    edit(page, "make it grey", tmp_path / "large.jpg")
    take(page).wait_for(timeout=LONG)
    fold = studio.trace(page)
    assert fold.ended is not None and fold.ended.image is not None and fold.ended.image.size == (8660, 5774)
    result = page.get_by_role("img", name="The result: round 1")
    page.wait_for_function("document.querySelector('#view .kept img').naturalWidth > 0")
    assert result.evaluate("image => image.naturalWidth") == 900  # a page is not sent 50 megapixels


HUGE = "word " * 100_000


def test_a_huge_paste_into_any_field_is_one_line(visit: Opened) -> None:
    page = visit()
    scripted(page)
    drop(page)
    page.get_by_label("What to change").fill("paint it green")

    def refused(says: str) -> None:
        page.locator("#go").click()
        toast = page.locator(".toast-body", has_text=says).first
        toast.wait_for()
        assert len(toast.inner_text()) < 600
        page.locator(".toast-body button").first.click()
        toast.wait_for(state="detached")

    for text in (HUGE, "1,2 " * 50_000 + "x"):
        page.get_by_label("Where (optional)").fill(text)
        refused("characters")
    page.get_by_label("Where (optional)").fill("")
    page.get_by_label("Seed", exact=True).fill("7" * 100_000)
    refused("The seed has 100,000 characters")
    page.get_by_label("Seed", exact=True).fill("")
    choose(page, Policy="rounds(" * 20_000)
    refused("The policy has 140,000 characters")
    choose(page, Policy="rounds(1)", Tool=HUGE)
    refused("The tool has 500,000 characters")
    choose(page, Tool="tests.viewer.parts:Painter")
    page.get_by_label("Show me the plan first").check()
    page.locator("#go").click()
    page.locator("#ask").wait_for()
    page.locator("#advice textarea, #advice input").fill(HUGE)
    page.locator("#advise").click()
    page.locator(".toast-body", has_text="characters").wait_for()
    go_to(page, "Runs")
    page.get_by_label("Filter").fill(HUGE)
    page.get_by_text("No run is like that.").wait_for()


def test_a_part_that_breaks_is_one_line(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    edit(page, "break it")
    assert settled(page).startswith("Failed")
    page.locator("#view .outcome", has_text="the brush <b>broke</b>").wait_for()
    assert page.locator("#view .outcome b", has_text="broke").count() == 0


# -- what lies in the folder ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A server over runs of the command line with something wrong, on a machine that has no diffusers."""
    folder = tmp_path_factory.mktemp("library")
    runs, site = folder / "runs", folder / "site"
    made = {
        "hostile": making.hostile(runs).trace,
        "missing": making.five_rounds(runs).trace,
        "newer": making.five_rounds(runs).trace,
        "open": making.open_run(runs),
    }
    store = FolderStore(runs / "images")
    gone = tell(read_events(made["missing"])).rounds[4].results[0].candidate
    assert gone is not None
    store.path(gone.image).unlink()
    first, rest = (made["newer"] / EVENTS).read_text().split("\n", 1)
    (made["newer"] / EVENTS).write_text(json.dumps(json.loads(first) | {"version": VERSION + 1}) + "\n" + rest)
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import importlib.util as u\nreal = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'diffusers' else real(name, package)\n"
    )
    server = Studio(runs, PYTHONPATH=str(site))
    server.start()
    yield {name: trace.name for name, trace in made.items()} | {"server": server, "gone": gone.image.sha256[:12]}
    server.kill(signal.SIGINT)


@pytest.fixture
def look(library: dict[str, Any], chromium: Browser) -> Iterator[Opened]:
    """Open its page."""
    with visiting(library["server"], chromium) as open_page:
        yield open_page


def test_scripts_and_right_to_left_text_of_a_reply_are_text(library: dict[str, Any], look: Opened) -> None:
    page = look(library["hostile"])
    view = page.locator("#view")
    assert page.evaluate("window.hacked") is None
    assert view.locator("script, svg, style, [onerror], [onload], img[src=x]").count() == 0
    for place in (".asked", ".critique", ".answers", ".did", ".problem", ".decided"):
        text = view.locator(place, has_text="window.hacked").first.inner_text()
        assert "<script>window.hacked=1</script>" in text and "{{ 7 * 7 }}" in text and "אבג" in text, place
        assert "\x1b" not in text and "\x00" not in text
    # A mark that turns text around stays within what it was written in.
    for place in (".asked span", ".critique", ".answers span", ".did"):
        assert view.locator(place).first.evaluate("e => getComputedStyle(e).unicodeBidi") in ("isolate", "plaintext")
    go_to(page, "Runs")
    cell = page.locator("#table a[data-do]", has_text="window.hacked").first
    cell.wait_for()
    assert cell.locator("span").evaluate("e => getComputedStyle(e).unicodeBidi") in ("isolate", "plaintext")
    go_to(page, "What if")
    page.get_by_label("Over all runs").check()
    page.locator("#outcome tbody tr").nth(1).wait_for()
    assert page.evaluate("window.hacked") is None


def test_a_missing_picture_is_named_where_it_should_be(library: dict[str, Any], look: Opened) -> None:
    page = look(library["missing"])
    page.get_by_text(f"Picture {library['gone']} is missing").first.wait_for()
    assert page.get_by_role("img", name="The result: round 5: missing").count() == 1
    assert page.locator("#view .round img").count() == 4
    page.get_by_role("button", name="Continue from it").click()
    page.locator("#stage", has_text="is missing").wait_for()
    page.get_by_label("What to change").fill("go on")
    page.locator("#go").click()
    page.locator(".toast-body", has_text="is not in the store").wait_for()
    go_to(page, "Runs")
    page.locator(f"#table input[value='{library['missing']}']").wait_for()
    page.wait_for_function("[...document.querySelectorAll('#table img')].every(image => image.naturalWidth > 0)")


def test_a_run_that_is_not_finished_is_shown_as_far_as_it_is(library: dict[str, Any], look: Opened) -> None:
    page = look(library["open"])
    page.get_by_text("It was cut off before edit, or another program works on it.").wait_for()
    page.get_by_role("button", name="Go on with it").click()
    page.locator(".toast-body", has_text="was handed over as an object").wait_for()


def test_a_newer_trace_is_one_line(library: dict[str, Any], look: Opened) -> None:
    page = look()
    go_to(page, "Runs")
    line = page.locator("#table .problem")
    line.wait_for()
    assert "newer version" in line.inner_text() and line.count() == 1
    assert page.locator("#table tbody tr").count() == 3
    page.goto(f"{library['server'].address}?run={library['newer']}")
    page.locator("#status", has_text="newer version").wait_for()
    assert page.locator("#view article").count() == 0


def test_what_the_machine_lacks_is_grey_with_the_command_that_adds_it(look: Opened) -> None:
    page = look()
    page.get_by_role("button", name="Who does it").click()
    absent = page.locator(".absent li", has_text="tool diffusers")
    absent.wait_for()
    assert absent.get_attribute("aria-disabled") == "true" and "missing diffusers" in absent.inner_text()
    assert absent.locator("code").inner_text().endswith("-m pip install 'reasonedit-agent[diffusers]'")
    colours = page.evaluate("[...document.querySelectorAll('.absent li, #view')].map(e => getComputedStyle(e).color)")
    assert len(set(colours)) > 1
    page.get_by_label("Tool", exact=True).click()
    options = page.get_by_role("option").all_inner_texts()
    assert "classical" in " ".join(options) and "diffusers" not in " ".join(options)
    page.keyboard.press("Escape")
    assert serious(page) == []
