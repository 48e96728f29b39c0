"""What lies behind the studio's page, without a browser: whose runs there are, and who may steer them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reasonedit_agent.cli.ui import workshop
from reasonedit_agent.errors import UsageError
from reasonedit_agent.schemas import EditStep, Thought
from reasonedit_agent.viewer.studio.desk import Desk
from reasonedit_agent.viewer.studio.owners import FILE, Owners
from reasonedit_agent.viewer.studio.plans import changed
from tests.viewer.making import PHOTOS

ME, OTHER = "m" * 40, "o" * 40
PARTS = ("tests.viewer.parts:Critic", "tests.viewer.parts:Painter", "accepted | rounds(2)")
PHOTO = (PHOTOS / "coffee.jpg").read_bytes()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(workshop(tmp_path))
    yield made
    made.close()


def done(desk: Desk, run: str) -> None:
    job, seen = desk.job(run), 0
    while job and not job.done:
        seen = job.wait(seen, 10)


def test_another_browser_neither_sees_nor_steers_a_run(desk: Desk) -> None:
    run = desk.start(ME, PHOTO, "paint it green", PARTS).run
    done(desk, run)
    forked = desk.fork(ME, run, 0, PARTS).run
    done(desk, forked)
    assert desk.listed(ME) == sorted([run, forked], reverse=True) and desk.listed(OTHER) == []
    sha256 = desk.told(ME, run).kept.image.sha256
    assert desk.picture(ME, run, sha256).sha256 == sha256
    steer: list[Callable[[str], object]] = [
        lambda it: desk.told(OTHER, it),
        lambda it: desk.picture(OTHER, it, sha256),
        lambda it: desk.stop(OTHER, it),
        lambda it: desk.fork(OTHER, it, 0, PARTS),
        lambda it: desk.go_on(OTHER, it, "accept"),
    ]
    for do in steer:
        for it in (run, forked):
            with pytest.raises(UsageError, match="There is no run"):
                do(it)
    for name in ("", "..", f"../{desk.runs.name}/{run}", "images"):
        with pytest.raises(UsageError, match="There is no run"):
            desk.told(ME, name)
    # Another server over the same folder knows it too.
    again = Desk(workshop(desk.runs))
    assert again.listed(ME) == desk.listed(ME) and again.listed(OTHER) == []
    again.close()


def test_a_torn_line_takes_no_other_with_it(tmp_path: Path) -> None:
    owners = Owners(tmp_path)
    owners.add(ME, "first")
    with (tmp_path / FILE).open("a") as file:
        file.write('{"run": "torn", "own')
    owners.add(ME, "second", parent="first")
    for known in (owners, Owners(tmp_path)):
        assert [known.may_see(OTHER, run) for run in ("first", "second", "of the command line")] == [False, False, True]
        assert known.may_see(ME, "second") and known.parent("second") == "first"
    assert ME not in (tmp_path / FILE).read_text()


def test_what_cannot_start_says_why_and_leaves_nothing(desk: Desk) -> None:
    for parts, says in ((("no such", *PARTS[1:]), "no such"), ((*PARTS[:2], "rounds(0"), "policy")):
        with pytest.raises(UsageError, match=says):
            desk.start(ME, PHOTO, "paint it green", parts)
    with pytest.raises(UsageError, match="instruction"):
        desk.start(ME, PHOTO, " ", PARTS)
    assert desk.listed(ME) == []


def test_a_step_that_is_left_out_takes_its_question_along() -> None:
    steps = tuple(EditStep(text=text) for text in ("make it grey", "warm it", "blur it"))
    asked = ("grey?", "warm?", "blurred?", "is the cup kept?")
    plan = Thought(instruction="all", steps=steps, keep=("the cup",), checklist=asked)
    left = changed(plan, [1, 2], "")
    assert left is not None
    assert [step.text for step in left.steps] == ["warm it", "blur it"]
    assert left.checklist == ("warm?", "blurred?", "is the cup kept?")
    # A Reasoner may ask fewer or more: whose question is whose cannot be told, and none is taken.
    for other in (asked[:2], (*asked, "is it sharp?")):
        left = changed(plan.model_copy(update={"checklist": other}), [1, 2], "")
        assert left is not None and left.checklist == other
