"""The studio in a real browser: what a person does with it, and what it lets nobody do."""

from __future__ import annotations

import json
import math
import subprocess
import time
from pathlib import Path

import pytest
from PIL import ImageChops, ImageStat
from playwright.sync_api import Browser

from reasonedit_agent import tracing
from reasonedit_agent.images import open_store
from tests.viewer.visiting import (
    LONG,
    PHOTOS,
    RUN,
    Opened,
    Studio,
    another_run,
    choose,
    drop,
    edit,
    go_to,
    run_of,
    scripted,
    serious,
    settled,
    take,
)

pytest.importorskip("gradio", reason="the extra ui is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")


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

    go_to(page, "What if")
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


def test_progress_and_preview_survive_a_refresh_and_a_second_tab_sees_them(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    edit(page, "wait, then paint it green")
    run = run_of(page)
    page.locator("#view [role=progressbar][aria-valuenow='50']").wait_for()
    page.reload()
    other = page.context.new_page()
    other.goto(f"{studio.address}?run={run}")
    for tab in (page, other):
        tab.locator("#view [aria-current=step]", has_text="Edit").wait_for()
        tab.locator("#view [role=progressbar][aria-valuenow='50']").wait_for()
        preview = tab.get_by_role("img", name="Unfinished picture")
        preview.wait_for()
        tab.wait_for_function("document.querySelector('#view .live img').naturalWidth === 60")
        assert tab.locator("#status").inner_text().startswith("Painting, round 1")
    studio.open_gate()
    for tab in (page, other):
        take(tab).wait_for(timeout=LONG)
        assert run_of(tab) == run and tab.get_by_label("What to change").input_value() == "wait, then paint it green"
    assert len(list(studio.runs.glob(f"{run}/events.jsonl"))) == 1


def test_two_tabs_answer_and_the_first_counts(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    page.get_by_label("Show me the plan first").check()
    edit(page, "wait, then paint it green")
    page.locator("#ask").wait_for()
    other = page.context.new_page()
    other.goto(f"{studio.address}?run={run_of(page)}")
    other.locator("#ask").wait_for()
    page.locator("#yes").click()
    page.locator("#view [role=progressbar]").wait_for()
    other.locator("#no").click()
    other.get_by_text("The run is at work").wait_for()
    other.locator("#view [role=progressbar]").wait_for()
    studio.open_gate()
    for tab in (page, other):
        take(tab).wait_for(timeout=LONG)
    assert [answer.kind for answer in studio.trace(page).history.human] == ["accept"]


def test_stop_then_go_on(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    edit(page, "wait, then paint it green")
    page.locator("#view [role=progressbar]").wait_for()
    page.locator("#stop").click()
    page.get_by_role("button", name="Go on with this run").wait_for(timeout=LONG)
    ended = studio.trace(page).ended
    assert ended is not None and ended.stopped_by == "interrupted"
    studio.open_gate()
    page.get_by_role("button", name="Go on with this run").click()
    page.locator("#view .outcome.accepted").wait_for(timeout=LONG)


def test_the_server_is_killed_and_started_again(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    edit(page, "wait, then paint it green")
    page.locator("#view [role=progressbar]").wait_for()
    run = run_of(page)
    studio.kill()
    studio.start()
    page.goto(f"{studio.address}?run={run}")
    page.get_by_text("This run is not finished.").wait_for()
    studio.open_gate()
    page.get_by_role("button", name="Go on with it").click()
    take(page).wait_for(timeout=LONG)
    assert run_of(page) == run and settled(page).startswith("Accepted")


def test_candidates_stand_side_by_side_and_any_is_taken_or_continued_from(
    studio: Studio, visit: Opened, tmp_path: Path
) -> None:
    page = visit()
    scripted(page)
    page.get_by_label("Seed", exact=True).fill("7")
    page.get_by_role("spinbutton", name="Results per round").fill("3")
    page.get_by_role("spinbutton", name="Results per round").press("Tab")
    edit(page, "paint it green")
    take(page).wait_for(timeout=LONG)
    run, round_ = run_of(page), studio.trace(page).history.rounds[0]
    shown = [page.get_by_role("img", name=f"Round 1, candidate {n}") for n in (1, 2, 3)]
    boxes = [image.bounding_box() for image in shown]
    assert len({round(box["y"]) for box in boxes}) < 3 and boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    page.set_viewport_size({"width": 390, "height": 844})
    boxes = [image.bounding_box() for image in shown]
    assert len({round(box["x"]) for box in boxes}) == 1 and boxes[0]["y"] < boxes[1]["y"] < boxes[2]["y"]
    page.set_viewport_size({"width": 1280, "height": 900})

    with page.expect_download() as got:
        page.get_by_role("link", name="Take Round 1, candidate 3").click()
    got.value.save_as(tmp_path / "third.jpg")
    store = open_store(studio.runs / tracing.IMAGES)
    assert (tmp_path / "third.jpg").read_bytes() == store.get(round_.candidates[2].image)  # type: ignore[union-attr]

    page.get_by_role("button", name="Continue from Round 1, candidate 2").click()
    page.get_by_text("The next edit starts from this picture").wait_for()
    page.get_by_label("What to change").fill("paint it greener")
    page.locator("#go").click()
    another_run(page, run)
    start, made = studio.trace(page).run.request.image, round_.candidates[1].image  # type: ignore[union-attr]
    assert ImageStat.Stat(ImageChops.difference(store.open(start), store.open(made))).mean < [1.5] * 3


def test_a_round_is_done_again_by_another_part(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    edit(page, "paint it green, twice")
    take(page).wait_for(timeout=LONG)
    run, before = run_of(page), studio.trace(page)
    assert len(before.history.rounds) == 2
    choose(page, Tool="tests.viewer.parts:grey")
    page.get_by_role("button", name="Do round 2 again with the parts chosen").click()
    another_run(page, run)
    page.locator("#view .outcome.accepted").wait_for(timeout=LONG)
    after = studio.trace(page)
    assert after.run.parent == run and after.run.parent_round == 1 and after.run.tool.name == "make_grey"
    first, second = after.history.rounds
    assert first.candidates == before.history.rounds[0].candidates
    store = open_store(studio.runs / tracing.IMAGES)
    red, green, _ = store.open(second.candidates[0].image).convert("RGB").split()  # type: ignore[union-attr]
    assert ImageStat.Stat(ImageChops.difference(red, green)).mean[0] < 1
    # A page of another browser does not see the fork either.
    stranger = visit()
    stranger.goto(f"{studio.address}?run={run_of(page)}")
    stranger.get_by_text("There is no run").wait_for()


def test_the_whole_plan_is_changed_or_rejected(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    page.get_by_label("Show me the plan first").check()
    edit(page, "paint it green")
    page.locator("#ask").wait_for()
    page.get_by_role("button", name="The whole plan, to edit").click()
    plan = page.get_by_label("Plan", exact=True)
    plan.wait_for()
    whole = json.loads(plan.input_value())
    plan.fill("{" + "x" * 300_000)
    page.locator("#yes").click()
    page.get_by_text("The plan has an error at its start").wait_for()
    plan.fill(json.dumps(whole | {"instruction": "paint it blue", "keep": ["<b>the spoon</b>"]}))
    page.locator("#yes").click()
    take(page).wait_for(timeout=LONG)
    thought = studio.trace(page).history.thought
    assert thought is not None and thought.instruction == "paint it blue" and thought.keep == ("<b>the spoon</b>",)

    run = run_of(page)
    page.locator("#go").click()
    another_run(page, run)
    page.locator("#ask").wait_for()
    page.locator("#no").click()
    page.locator("#view .outcome").wait_for()
    fold = studio.trace(page)
    assert fold.history.rounds == () and fold.history.human[0].kind == "reject"


def test_sliders_ask_what_if(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    edit(page, "paint it green, twice")
    take(page).wait_for(timeout=LONG)
    go_to(page, "What if")
    outcome, text = page.locator("#outcome tbody tr td"), page.locator("#w-text input, #w-text textarea")
    outcome.nth(3).wait_for()
    assert text.input_value() == "accepted | rounds(3)" and outcome.nth(3).inner_text() == "2"
    slider = page.locator("#w-rounds input[type=range]")
    slider.press("Home")
    page.wait_for_function("document.querySelectorAll('#outcome tbody td')[3]?.textContent === '1'")
    assert text.input_value() == "accepted | rounds(1)" and "round 1" in outcome.nth(2).inner_text()
    assert outcome.nth(4).inner_text() == "5.4"  # VIEScore: sqrt(min(4, 8) * min(8.1, 7.4))
    slider.press("End")
    page.get_by_label("Stop when accepted").uncheck()
    page.get_by_text("This run cannot tell: it wants round 3, and 2 were recorded.").wait_for()
    assert text.input_value() == "rounds(10)"


def test_a_label_is_changed_and_found_again(studio: Studio, visit: Opened) -> None:
    page = visit()
    scripted(page)
    edit(page, "paint it green")
    take(page).wait_for(timeout=LONG)
    for name in ("No, reject", "Yes, accept"):
        page.get_by_role("button", name=name).click()
        page.locator("#view [aria-pressed=true]", has_text=name).wait_for()
    page.reload()
    page.locator("#view [aria-pressed=true]", has_text="Yes, accept").wait_for()
    command = [*RUN[:3], "labels", "list", "--runs", str(studio.runs), "--run", run_of(page), "--json"]
    command[2] = "from reasonedit_agent.cli import main; main()"
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert [(label["label"], label["annotator"], label["round"]) for label in told] == [
        ("reject", "studio", 1),
        ("accept", "studio", 1),
    ]


def test_five_sessions_at_once(studio: Studio, visit: Opened) -> None:
    pages = [visit() for _ in range(5)]
    for number, page in enumerate(pages):
        scripted(page)
        edit(page, f"wait, then paint it green, number {number}")
    for page in pages:  # all of them are at work now
        page.locator("#view [role=progressbar]").wait_for()
    studio.open_gate()
    for number, page in enumerate(pages):
        take(page).wait_for(timeout=LONG)
        assert studio.trace(page).run.request.instruction.endswith(str(number))
    assert len({run_of(page) for page in pages}) == 5


def test_browse_filter_and_compare(studio: Studio, visit: Opened) -> None:
    page = visit()
    for words in ("make it sepia", "make it black and white"):
        edit(page, words)
        page.locator("#view .asked", has_text=words).first.wait_for()
        take(page).wait_for(timeout=LONG)
    go_to(page, "Runs")
    page.get_by_label("Filter").fill("sepia")
    page.wait_for_function("document.querySelectorAll('#table tbody tr').length === 1")
    page.get_by_label("Filter").fill("")
    page.wait_for_function("document.querySelectorAll('#table tbody tr').length === 2")
    for index in range(2):
        page.locator("#table tbody input").nth(index).check()
    page.get_by_role("button", name="Compare the ticked runs").click()
    page.locator("#compared img").first.wait_for()
    assert page.locator("#compared img").count() == 4
    go_to(page, "What if")
    page.get_by_label("Over all runs").check()
    page.wait_for_function("document.querySelectorAll('#outcome tbody tr').length === 2")
    go_to(page, "Runs")
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
    go_to(other, "Runs")
    other.get_by_text("No runs yet").wait_for()


def test_many_tabs_of_one_browser(visit: Opened) -> None:
    # A browser opens six streams to one address: a page that keeps one open for good would let no seventh load.
    first = visit()
    for _ in range(7):
        page = first.context.new_page()
        page.goto(first.url)
        page.get_by_text("Ready.").wait_for()
    go_to(page, "What if")
    page.locator("#outcome").get_by_text("No run is open").wait_for()
    assert page.locator(".toast-body").count() == 0


def test_only_this_machine_by_its_own_name(studio: Studio, visit: Opened) -> None:
    page = visit()
    assert page.context.request.get(studio.address, headers={"Host": "evil.example"}).status == 403
    if Path("/proc/net/tcp").exists():
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        ours = [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{studio.port:04X}")]
        assert ours == [f"0100007F:{studio.port:04X}"]  # it listens on 127.0.0.1 and nowhere else
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


def test_a_link_of_another_site_leaves_the_browser_its_runs(studio: Studio, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(studio.address)
    (before,) = context.cookies(studio.address)
    other = "http://localhost:1/"
    link = f"<a href='{studio.address}'>the studio</a>"
    page.route(other, lambda route: route.fulfill(body=link, content_type="text/html"))
    page.goto(other)
    page.get_by_text("the studio").click()
    page.get_by_label("What to change").wait_for()
    (after,) = context.cookies(studio.address)
    context.close()
    assert after["value"] == before["value"]
