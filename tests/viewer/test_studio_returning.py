"""The studio: where a reader is led by a press, and what of a run is there again when one comes back to it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.viewer.visiting import (
    LONG,
    PHOTOS,
    Opened,
    Studio,
    another_run,
    drop,
    edit,
    run_of,
    scripted,
    settled,
    take,
)

pytest.importorskip("gradio", reason="the extra ui is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}


def focused(page: Any, selector: str) -> None:
    """Wait until an element has the focus, and is in sight."""
    page.wait_for_function("s => document.activeElement?.matches(s)", arg=selector)
    box = page.locator(selector).bounding_box()
    assert 0 <= box["y"] and box["y"] + box["height"] <= page.viewport_size["height"]


def field(page: Any, name: str) -> Any:
    return page.locator(f"#{name} textarea, #{name} input").first


def drawn(page: Any) -> list[list[float]]:
    """Return the corners that the photo shows."""
    points = page.locator("#stage polygon").get_attribute("points")
    return [[float(number) for number in pair.split(",")] for pair in points.split()]


def draw(page: Any) -> str:
    """Draw a box from a quarter to a half, and return what the field says."""
    box = page.locator("#stage .canvas img").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#region textarea, #region input').value.split(',').length === 4")
    return str(field(page, "region").input_value())


def test_a_run_that_was_left_does_not_come_back_by_itself(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    edit(page, "paint it green")
    take(page).wait_for(timeout=LONG)
    first = run_of(page)
    page.get_by_label("What to change").fill("wait, then paint it red")
    page.locator("#go:not([disabled])").press("Enter")
    second = another_run(page, first)
    page.locator("#view [role=progressbar]").wait_for()

    def open_run(text: str, other: str) -> str:
        page.get_by_role("tab", name="Runs").click()
        page.locator("#table tbody a", has_text=text).click()
        return another_run(page, other)

    for _ in range(2):  # what ends when it is left must not come back for a last time either
        assert open_run("paint it green", second) == first
        page.locator("#go:not([disabled])").wait_for()
        assert settled(page).startswith("Accepted")
        assert open_run("paint it red", first) == second
        page.locator("#view [role=progressbar]").wait_for()
    assert open_run("paint it green", second) == first
    page.locator("#go:not([disabled])").wait_for()
    page.evaluate(
        "window.seen = []; new MutationObserver(() => seen.push(document.querySelector('#view').innerText))"
        ".observe(document.querySelector('#view'), {childList: true, subtree: true, characterData: true})"
    )
    studio.open_gate()
    other = page.context.new_page()
    other.goto(f"{studio.address}?run={second}")
    take(other).wait_for(timeout=LONG)
    # Another edit can be started at once, and its page is not taken over by the one that was left either.
    page.get_by_label("What to change").fill("paint it blue")
    page.locator("#go:not([disabled])").press("Enter")
    third = another_run(page, first)
    page.locator("#view .asked", has_text="paint it blue").first.wait_for()
    assert settled(page).startswith("Accepted") and run_of(page) == third != second
    assert not [text for text in page.evaluate("seen") if "paint it red" in text]


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_a_press_leads_to_what_it_did(studio: Studio, visit: Opened, options: dict[str, Any]) -> None:
    page = visit(**options)
    scripted(page)
    edit(page, "wait, then paint it green")
    focused(page, "#status .studio")
    assert page.locator("#status [role=status]").inner_text().endswith("…")
    studio.open_gate()
    take(page).wait_for(timeout=LONG)
    page.get_by_role("button", name="No, reject").press("Enter")
    focused(page, "#view [data-do=label-reject][aria-pressed=true]")
    page.get_by_role("button", name="Continue from Round 1").press("Enter")
    focused(page, "#instruction textarea")
    assert page.locator("#status").inner_text().startswith("Round 1 is the photo to edit now")
    page.keyboard.type("paint it red")  # without a click
    page.locator("#go:not([disabled])").press("Enter")
    page.locator("#view .asked", has_text="paint it red").first.wait_for()
    settled(page)
    page.get_by_role("button", name="Undo").press("Enter")
    focused(page, "#instruction textarea")
    assert page.locator("#status").inner_text().startswith("Undone")


def test_the_status_line_stays_the_same_element(studio: Studio, visit: Opened) -> None:
    """A screen reader follows an element: one that is put in anew is not read out."""
    page = visit()
    page.evaluate("window.line = document.querySelector('#status [role=status]')")
    scripted(page)
    edit(page, "paint it green")
    settled(page)
    assert page.evaluate("line.isConnected && line.innerText.startsWith('Accepted')")


def test_a_reload_and_an_undo_bring_back_what_was_asked(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    page.get_by_label("Ask me after each round").check()
    drop(page)
    region = draw(page)
    page.get_by_role("spinbutton", name="Results per round").fill("2")
    page.get_by_role("spinbutton", name="Results per round").press("Tab")
    page.get_by_label("What to change").fill("paint it green")
    page.locator("#go:not([disabled])").press("Enter")
    page.locator("#ask").wait_for()

    def is_back() -> None:
        page.wait_for_function("text => document.querySelector('#region textarea').value === text", arg=region)
        assert page.get_by_label("What to change").input_value() == "paint it green"
        assert page.get_by_label("Ask me after each round").is_checked()
        assert not page.get_by_label("Show me the plan first").is_checked()
        assert page.get_by_role("spinbutton", name="Results per round").input_value() == "2"
        left, top, right, bottom = (float(number) for number in region.split(","))
        assert drawn(page) == [[left, top], [right, top], [right, bottom], [left, bottom]]

    page.reload()
    page.locator("#view article").wait_for()
    page.get_by_role("button", name="Who does it").click()
    is_back()
    assert page.locator("#view .asked", has_text="Where").inner_text().startswith("Where box 18")
    shown = page.locator("#view .place polygon").bounding_box()
    photo = page.locator("#view .place img").bounding_box()
    assert abs(shown["x"] - photo["x"] - photo["width"] / 4) < 8  # with its shadow
    assert abs(shown["y"] - photo["y"] - photo["height"] / 4) < 8

    page.locator("#yes").click()
    settled(page)
    page.get_by_label("Ask me after each round").uncheck()
    field(page, "region").fill("")
    page.get_by_role("button", name="Undo").click()
    is_back()


def test_the_field_and_what_is_drawn_say_the_same(visit: Opened) -> None:
    page = visit()
    drop(page)
    draw(page)
    assert len(drawn(page)) == 4
    field(page, "region").fill("the cup")
    page.wait_for_function("!document.querySelector('#stage polygon').getAttribute('points')")
    field(page, "region").fill("10,20,110,220")
    page.wait_for_function("document.querySelector('#stage polygon').getAttribute('points')")
    assert drawn(page) == [[10, 20], [110, 20], [110, 220], [10, 220]]
    field(page, "region").fill("10,20,110")
    page.wait_for_function("!document.querySelector('#stage polygon').getAttribute('points')")
    region = draw(page)
    assert region != "10,20,110" and len(drawn(page)) == 4


def test_a_place_that_is_none_or_reaches_out_is_said(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    drop(page)
    page.get_by_label("What to change").fill("paint it green")
    field(page, "region").fill("10,20,110")
    page.locator("#go").click()
    line = page.locator(".toast-body", has_text="cannot be read")
    line.wait_for()
    assert "Draw on the photo" in line.inner_text() and "mask" not in line.inner_text()
    field(page, "region").fill("0,0,99999,99999")
    page.locator("#go:not([disabled])").press("Enter")
    page.locator("#view .note", has_text="reaches beyond the picture").first.wait_for(timeout=LONG)


def test_a_download_is_called_after_the_photo(studio: Studio, visit: Opened, tmp_path: Any) -> None:
    photo = tmp_path / "Müllers Café.jpg"
    photo.write_bytes((PHOTOS / "coffee.jpg").read_bytes())
    page = visit()
    scripted(page)
    edit(page, "paint it green", photo)

    def name() -> str:
        take(page).wait_for(timeout=LONG)
        with page.expect_download() as got:
            take(page).click()
        return str(got.value.suggested_filename)

    assert name() == "Müllers_Café-edited.jpg"
    run = run_of(page)
    page.get_by_role("button", name="Continue from it").click()
    page.get_by_text("The next edit starts from this picture").wait_for()
    page.get_by_label("What to change").fill("paint it red")
    page.locator("#go:not([disabled])").press("Enter")
    another_run(page, run)
    page.locator("#view .asked", has_text="paint it red").first.wait_for()
    assert name() == "Müllers_Café-edited.jpg"
    assert studio.trace(page).run.title == "Müllers Café"
