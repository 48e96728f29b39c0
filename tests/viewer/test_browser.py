"""The report in a real Chromium: nothing runs, nothing is fetched, all is reached by keyboard, axe finds nothing."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from reasonedit_agent.analysis.labels import add_label
from reasonedit_agent.viewer import report as report_module
from reasonedit_agent.viewer.report import write_report
from tests.viewer import making
from tests.viewer.conftest import Opened

LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
SCRIPT = str(Path(sys.executable).with_name("reasonedit"))
SECONDS = 2.0
"""In which a report opens."""


@pytest.fixture(scope="session")
def single(five: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("single") / "report.html"
    what_if = [
        {"policy": "rounds(1)", "kept": "round 1", "seconds": 0.2},
        {"policy": "<b>x</b>", "kept": None, "seconds": 1},
    ]
    write_report([five], out, what_if={five.name: what_if})
    return out


@pytest.fixture(scope="session")
def many(several: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("many") / "report.html"
    write_report([several], out)
    return out


def serious(opened: Opened) -> list[str]:
    opened.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    found = Axe().run(opened.page).response["violations"]
    wanted = [v for v in found if v["impact"] in ("serious", "critical") or v["id"] == "landmark-unique"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in wanted]


@pytest.mark.parametrize("opened", LOOKS, indirect=True)
@pytest.mark.parametrize("which", ["single", "many"])
def test_it_fits_its_width_and_is_accessible(opened: Opened, which: str, request: pytest.FixtureRequest) -> None:
    page = opened.open(request.getfixturevalue(which))
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    assert serious(opened) == []


def test_it_opens_quickly(opened: Opened, single: Path) -> None:
    start = time.perf_counter()
    opened.open(single)
    assert time.perf_counter() - start < SECONDS


def test_every_picture_is_drawn(opened: Opened, single: Path) -> None:
    page = opened.open(single)
    hrefs = page.eval_on_selector_all("use", "all => all.map(u => u.getAttribute('href'))")
    assert len(hrefs) > 20
    assert page.evaluate("h => h.filter(x => !document.querySelector(x))", hrefs) == []
    # The slider of round 1 shows the photo: its middle is no flat ground.
    shot = page.locator(".round .stage").first.screenshot()
    assert len(shot) > 50_000


def test_the_slider_obeys_the_keyboard_and_says_so(opened: Opened, single: Path) -> None:
    page = opened.open(single)
    slider = page.locator(".round .stage input").first
    after = page.locator(".round .stage .after").first
    slider.focus()
    assert "50%" in after.evaluate("e => getComputedStyle(e).clipPath")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "60 % before, 40 % after"
    assert "60%" in after.evaluate("e => getComputedStyle(e).clipPath")
    page.keyboard.press("Home")
    assert "0%" in after.evaluate("e => getComputedStyle(e).clipPath")
    assert page.locator(".round .stage").first.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


def test_prompts_and_replies_are_folded_until_asked_for(opened: Opened, single: Path) -> None:
    page = opened.open(single)
    reply = page.locator(".round .call details", has=page.locator("summary", has_text="Raw reply")).first.locator("pre")
    assert not reply.is_visible()
    page.locator(".round .calls > summary").first.click()
    page.locator(".round .call summary", has_text="Raw reply").first.click()
    assert reply.is_visible() and "Make the cup green" in reply.inner_text()


def test_the_what_if_table_is_text(opened: Opened, single: Path) -> None:
    page = opened.open(single)
    table = page.locator("section", has=page.get_by_role("heading", name="What if")).locator("tbody")
    assert table.inner_text().split() == ["rounds(1)", "round", "1", "0.2", "<b>x</b>", "–", "1"]


@pytest.mark.parametrize("light", [False, True])
def test_hostile_texts_are_shown_and_nothing_runs(opened: Opened, tmp_path: Path, light: bool) -> None:
    run = making.hostile(tmp_path / "runs").trace
    write_report([run], tmp_path / "out.html", light=light)
    page = opened.open(tmp_path / "out.html")
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert page.evaluate("window.hacked") is None
    assert page.locator("body").evaluate("e => getComputedStyle(e).display") == "block"
    assert page.locator("script").count() == 1 and page.locator("style").count() == 1
    assert page.locator("img, [onerror], [onload]").count() == 0
    heading = page.locator("h1")
    text = heading.inner_text()
    assert "<script>window.hacked=1</script>" in text and "{{ 7 * 7 }}" in text and "אבג" in text and "\x1b" not in text
    # Right-to-left text, and marks that turn text around, stay within what they were written in.
    assert heading.evaluate("e => getComputedStyle(e).unicodeBidi") in ("isolate", "plaintext")


def test_the_policy_stops_what_would_have_slipped_through(opened: Opened, single: Path, tmp_path: Path) -> None:
    text = single.read_text().replace(
        "<footer", "<script>window.hacked=1</script><img src='http://127.0.0.1:9/x'><footer"
    )
    (tmp_path / "out.html").write_text(text)
    page = opened.open(tmp_path / "out.html")
    assert page.evaluate("window.hacked") is None
    assert any("Content Security Policy" in problem for problem in opened.problems)
    opened.problems.clear()
    assert opened.outside == []


@pytest.fixture(scope="session")
def labelled(several: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs with a label and two policies, by the command line."""
    runs = tmp_path_factory.mktemp("labelled") / "runs"
    shutil.copytree(several, runs)
    five = next(path.parent.name for path in runs.glob("*/events.jsonl") if '"round":5' in path.read_text())
    add_label(runs, run=five, round=5, label="reject", annotator="<b>ada</b>")
    command = [SCRIPT, "report", str(runs), "-o", str(runs.parent / "out.html")]
    for policy in ("rounds(1)", "accepted | rounds(5)"):
        command += ["--policy", policy]
    subprocess.run(command, check=True, capture_output=True)
    return runs.parent / "out.html"


@pytest.mark.parametrize("opened", LOOKS, indirect=True)
def test_what_if_labels_and_failures_of_several_runs(opened: Opened, labelled: Path) -> None:
    page = opened.open(labelled)
    table = page.get_by_role("group", name="The same runs under other policies").locator("tbody tr")
    assert table.count() == 2 and table.first.locator("td").first.inner_text() == "rounds(1)"
    plot = page.get_by_role("img", name=re.compile("Reliability diagram of 5 labels"))
    assert plot.is_visible() and plot.bounding_box()["width"] > 200  # type: ignore[index]
    failures = page.locator("section", has=page.get_by_role("heading", name="Failures")).locator("details")
    disputed = failures.filter(has_text="Disputed: 1 time in 1 run")
    if not disputed.get_attribute("open"):
        disputed.locator("summary").click()
    pictures = disputed.get_by_role("img")
    assert pictures.count() == 2 and all(picture.is_visible() for picture in pictures.all())
    disputed.get_by_role("link").click()
    section = page.locator(".run[open]")
    section.get_by_text("Labelled bad").wait_for()
    assert section.get_by_role("group", name="The same run under other policies").locator("tbody tr").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    assert serious(opened) == []


def test_filter_and_sort(opened: Opened, many: Path) -> None:
    page = opened.open(many)
    rows = page.locator("#table tbody tr:visible")
    total = rows.count()
    assert total == 9
    page.get_by_role("combobox", name="Status").select_option("unsupported")
    assert rows.count() == 1 and page.locator("#found").inner_text() == f"1 of {total} runs"
    assert page.locator(".run:visible").count() == 1
    page.get_by_role("combobox", name="Status").select_option("")
    page.get_by_role("searchbox", name="Search").fill("TOAST")
    assert rows.count() == 4
    page.get_by_role("searchbox", name="Search").fill("")
    button = page.get_by_role("button", name="Rounds")
    button.focus()
    page.keyboard.press("Enter")
    rounds = [int(text) for text in page.locator("#table tbody tr td:nth-child(4)").all_inner_texts()]
    assert rounds == sorted(rounds, reverse=True) and rounds[0] == 5
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Rounds")


def test_a_link_to_a_run_opens_it(opened: Opened, many: Path) -> None:
    page = opened.open(many)
    assert page.locator(".run[open]").count() == 0
    page.locator("#table tbody a", has_text="bluer").click()
    section = page.locator(".run[open]")
    section.wait_for()
    assert section.count() == 1 and section.locator(".round").first.is_visible()


def test_very_many_runs_are_packed_and_unpacked(
    opened: Opened, several: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_module, "MANY", 3)
    monkeypatch.setattr(report_module, "SHOWN", 5)
    write_report([several], tmp_path / "out.html", light=True)
    page = opened.open(tmp_path / "out.html")
    assert page.locator(".round").count() == 0
    assert page.locator("#table tbody tr:visible").count() == 5
    page.get_by_role("button", name="Show all rows").click()
    assert page.locator("#table tbody tr:visible").count() == 9
    for summary in page.locator(".run > summary").all():
        summary.click()
    page.wait_for_function("document.querySelectorAll('.run script').length === 0")
    page.locator(".round").first.wait_for()
    assert page.locator(".round").count() >= 14
    assert page.evaluate("window.hacked") is None
    assert serious(opened) == []


def test_on_paper_both_pictures_stand_side_by_side(opened: Opened, single: Path) -> None:
    page = opened.open(single)
    page.emulate_media(media="print")
    before, after = (page.locator(".round .stage").first.locator("svg").nth(n).bounding_box() for n in (0, 1))
    assert before and after and after["x"] >= before["x"] + before["width"]
    assert not page.locator(".stage input").first.is_visible()
