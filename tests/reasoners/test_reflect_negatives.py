"""Wrong edits that must never be accepted, each beside its right twin, which must be.

The classical editor makes both. Places come from the outlines that were drawn by hand for the acceptance set (or here),
not from perception. A plan can be wrong itself (its mask shows another place than its name says, and the editor does
what the plan says), or the editor does something else than a right plan asks for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from benchmarks.acceptance.scene import Scene, read
from benchmarks.acceptance.score import PHOTOS, load_cases, score
from reasonedit_agent import operations as ops
from reasonedit_agent.events import AnyEvent
from reasonedit_agent.images import FolderStore
from reasonedit_agent.reasoners.embedded.reflect import reflect
from reasonedit_agent.schemas import (
    Accepted,
    Box,
    Candidate,
    EditCall,
    EditRequest,
    EditStep,
    History,
    Mask,
    Refine,
    Region,
    Round,
    Thought,
    Verdict,
)
from reasonedit_agent.tools.classical.tool import ClassicalEditor
from reasonedit_agent.weights import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason="weights are missing: run `reasonedit fetch embedded`")

Bool = npt.NDArray[np.bool_]
Rgb = npt.NDArray[np.uint8]

CUP = [(206, 130), (215, 82), (235, 65), (275, 38), (345, 21), (410, 30), (455, 55), (480, 80), (488, 120), (478, 170),
       (463, 230), (448, 262), (428, 280), (400, 290), (385, 310), (350, 333), (317, 333), (305, 372), (265, 375),
       (236, 358), (232, 335), (242, 300), (230, 260), (217, 210), (207, 170)]  # fmt: skip
"""The cup of coffee.jpg with its handle, drawn by hand: the acceptance set has its body alone."""


class Desk:
    """A context that keeps pictures, and what the editor made."""

    def __init__(self, root: Path) -> None:
        self.images = FolderStore(root)
        self.deadline: float | None = None
        self.made: dict[str, Candidate] = {}

    def emit(self, event: AnyEvent) -> None:
        pass

    def cancelled(self) -> bool:
        return False


# -- places -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def drawn(photo: str, name: str) -> Bool:
    """Return a place of a photo: "a+b" is a union, "not a" all but it."""
    if name.startswith("not "):
        return ~drawn(photo, name[4:])
    if "+" in name:
        return np.asarray(np.logical_or.reduce([drawn(photo, part) for part in name.split("+")]), np.bool_)
    if name == "cup":
        out = np.zeros(picture(photo).shape[:2], np.uint8)
        return cv2.fillPoly(out, [np.array(CUP, np.int32)], (1,)) > 0
    case = next(c for c in load_cases("tuning") if c["photo"] == photo and name in c["regions"])
    source = read(PHOTOS / photo)
    return Scene(case, source, source, PHOTOS).mask(name)


@lru_cache(maxsize=16)
def picture(photo: str) -> Rgb:
    return np.asarray(Image.open(PHOTOS / photo).convert("RGB"), np.uint8)


def extent(mask: Bool) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def moved(mask: Bool, across: float = 0.5) -> Bool:
    """The mask, moved by half of its width to where there is room for it."""
    left, _, right, _ = extent(mask)
    by = round(across * (right - left)) * (1 if right + left < mask.shape[1] else -1)
    out = np.zeros_like(mask)
    out[:, max(0, by) : mask.shape[1] + min(0, by)] = mask[:, max(0, -by) : mask.shape[1] - max(0, by)]
    return out


def half(mask: Bool) -> Bool:
    """Its left half, by area."""
    columns = np.cumsum(mask.sum(axis=0))
    middle = int(np.searchsorted(columns, columns[-1] / 2))
    return mask & (np.arange(mask.shape[1]) < middle)


def grown(mask: Bool) -> Bool:
    """With its neighbours: about twice as large as before."""
    size = round(0.9 * (np.sqrt(mask.sum()) / 2))
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * (size // 2) + 1,) * 2, np.uint8)) > 0


def everything(mask: Bool) -> Bool:
    return np.ones_like(mask)


def bitten(mask: Bool) -> Bool:
    """For a background: with the lower third of the subject's."""
    subject = ~mask
    rows = np.cumsum(subject.sum(axis=1))
    low = int(np.searchsorted(rows, rows[-1] * 0.65))
    return mask | (subject & (np.arange(mask.shape[0]) >= low)[:, None])


PLACES: dict[str, Callable[[Bool], Bool]] = {
    "moved": moved, "half": half, "grown": grown, "everything": everything, "bitten": bitten,
}  # fmt: skip


# -- plans ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A plan of one step on a photo.

    Attributes:
        photo: File name.
        operation: What is asked for.
        noun: What the user called the place; empty for one that was drawn, or for none.
        place: Where that is by hand: a name for `drawn`, a box, or None for the whole picture.
        plans: Wrong masks in the plan, which the editor then follows: of `PLACES`, or names for `drawn`.
        places: Wrong places of the editor, where the plan is right.
        instead: What the editor does in the right place instead.
        spoilt: Damage to the right result: see `DAMAGE`.
    """

    photo: str
    operation: ops.PlainOperation
    noun: str = ""
    place: str | Box | None = None
    plans: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    instead: tuple[ops.PlainOperation, ...] = ()
    spoilt: tuple[str, ...] = ("tinted",)


def tinted(source: Rgb, result: Rgb, mask: Bool) -> Rgb:
    out = result.copy()
    out[..., :3] = np.clip(out[..., :3] * np.array([0.8, 1.15, 0.85]), 0, 255).astype(np.uint8)
    return out


def half_undone(source: Rgb, result: Rgb, mask: Bool) -> Rgb:
    out = result.copy()
    out[half(mask), :3] = source[half(mask)]
    return out


def pasted(source: Rgb, result: Rgb, mask: Bool) -> Rgb:
    """Another part of the photo in the middle of the place."""
    left, top, right, bottom = extent(mask)
    tall, wide = (bottom - top) // 2, max(12, (right - left) // 2)
    y, x = top + tall // 2, left + (right - left) // 2 - wide // 2
    row = source.shape[0] - tall if top > source.shape[0] - bottom else 0
    column = source.shape[1] - wide if left > source.shape[1] - right else 0
    out = result.copy()
    out[y : y + tall, x : x + wide, :3] = source[row : row + tall, column : column + wide]
    return out


def ghost(source: Rgb, result: Rgb, mask: Bool) -> Rgb:
    """The thing shines through."""
    out = result.copy()
    out[..., :3] = np.round(0.6 * result[..., :3] + 0.4 * source).astype(np.uint8)
    return out


DAMAGE: dict[str, Callable[[Rgb, Rgb, Bool], Rgb]] = {
    "tinted": tinted, "half undone": half_undone, "pasted": pasted, "ghost": ghost,
}  # fmt: skip

BLUE, PURPLE = "#2040c0", "#8030a0"
RED, RAMP = ops.Fill(colours=("#c03030",)), ops.Fill(colours=("#ff8000", "#800080"), direction="down")


MOOSE = "not body+antler_left+antler_right"
LIFT_OFF = ops.AddText(text="LIFT OFF", place="top", colour="#ffff00")


def adjust(what: str, amount: float) -> ops.Adjust:
    return ops.Adjust(what=what, amount=amount)


REMOVED = ("half undone", "pasted", "ghost")

CASES: dict[str, Case] = {
    # Places that a name stands for: wrong masks in the plan, and an editor that misses the right one.
    "blue cup": Case(
        "coffee.jpg", ops.Recolour(colour=BLUE), "cup", "cup", ("moved", "half", "grown", "everything", "table"),
        ("moved", "half"), (ops.Recolour(colour=BLUE, strength=0.1), ops.Recolour(colour="#30a040")),
    ),
    "purple flower": Case(
        "flower.jpg", ops.Recolour(colour=PURPLE), "flower", "flower", ("moved", "half", "grown", "leaves"),
        ("half",), (ops.Recolour(colour=PURPLE, strength=0.1),),
    ),
    "more vivid flower": Case(
        "flower.jpg", adjust("saturation", 0.4), "flower", "flower", ("moved", "everything"), ("everything",),
        (adjust("saturation", 0.04), adjust("saturation", -0.4)),
    ),
    "darker bear": Case(
        "polar_bear.jpg", adjust("brightness", -0.3), "bear", "bear", ("half", "rock"), ("moved", "half"),
        (adjust("brightness", -0.03),),
    ),
    "warmer bear": Case(
        "polar_bear.jpg", adjust("warmth", 0.3), "bear", "bear", ("grown", "top_left"), ("everything",),
        (adjust("warmth", 0.03), adjust("warmth", -0.3)),
    ),
    "orange sky": Case(
        "china.jpg", ops.Recolour(colour="#ffa040"), "sky", "sky", ("half", "everything", "bottom", "not sky"),
        ("half",), (ops.Recolour(colour=BLUE),),
    ),
    "bluer sky": Case(
        "china.jpg", adjust("warmth", -0.3), "sky", "sky", ("half", "bottom"), ("half",), (adjust("warmth", 0.3),),
    ),
    "black and white but the moose": Case(
        "moose.jpg", ops.BlackAndWhite(), "background", MOOSE, ("bitten", "everything", "body"), ("everything",),
        (ops.BlackAndWhite(strength=0.1),),
    ),
    "blurred background": Case(
        "moose.jpg", ops.Blur(sigma=6), "background", MOOSE, ("bitten", "everything", "body"), ("half",),
        (ops.Blur(sigma=0.6), ops.Sharpen(amount=1.0)),
    ),
    "hidden face": Case(
        "astronaut.jpg", ops.Redact(), "face", "face", ("moved", "half", "suit"), ("moved",),
        (ops.Redact(strength=0.1),), (),
    ),
    "no rocket": Case(
        "rocket.jpg", ops.Remove(), "rocket", "rocket", ("moved", "half"), ("moved", "half"),
        (ops.Recolour(colour=BLUE), ops.Blur(sigma=4)), REMOVED,
    ),
    "no bear": Case(
        "polar_bear.jpg", ops.Remove(), "bear", "bear", ("rock",), (), (adjust("brightness", -0.5),),
        ("half undone", "ghost"),
    ),
    "flower alone": Case(
        "flower.jpg", ops.CutOut(), "flower", "flower", ("moved", "half", "grown", "leaves"), ("not flower",),
    ),
    "bear alone": Case("polar_bear.jpg", ops.CutOut(), "bear", "bear", ("half", "grown", "rock"), ("half",)),
    "cup alone": Case("coffee.jpg", ops.CutOut(), "cup", "cup", ("moved", "half", "grown", "table"), ("half",), (), ()),
    "moose alone": Case("moose.jpg", ops.CutOut(), "moose", MOOSE[4:], ("half", "everything", "forest"), ("forest",)),
    "flower on red": Case(
        "flower.jpg", ops.ReplaceBackground(fill=RED), "background", "not flower", ("bitten", "everything", "flower"),
        ("bitten", "half"), (ops.ReplaceBackground(fill=RAMP),),
    ),
    "bear before a gradient": Case(
        "polar_bear.jpg", ops.ReplaceBackground(fill=RAMP), "background", "not bear", ("bitten", "half"),
        ("bitten",), (ops.ReplaceBackground(fill=RED),),
    ),
    "flower only": Case(
        "flower.jpg", ops.Crop(margin=0.05), "flower", "flower", ("half", "leaves", "moved"), ("half", "moved"), (), (),
    ),
    "bear only": Case("polar_bear.jpg", ops.Crop(margin=0.05), "bear", "bear", ("half", "rock"), ("rock",), (), ()),
    # Places that a person drew.
    "pink box": Case(
        "chelsea_cat.jpg", ops.Recolour(colour="#ff69b4"), "", Box(left=380, top=358, right=472, bottom=426),
        (), ("moved", "half", "everything"), (ops.Recolour(colour="#69ff69"),),
    ),
    "dark right half": Case(
        "china.jpg", adjust("brightness", -0.3), "", "right_half", (), ("left_half", "everything"),
        (adjust("brightness", -0.03), adjust("brightness", 0.3)),
    ),
    "hidden title": Case(
        "congress_page.jpg", ops.Redact(style="fill"), "", "title", (), ("half", "subtitle"),
        (ops.Redact(strength=0.05),), (),
    ),
    "no rock": Case(
        "polar_bear.jpg", ops.Remove(), "", "rock", (), ("moved", "half"),
        (adjust("brightness", 0.5), ops.Blur(sigma=6)), ("half undone", "ghost"),
    ),
    # The whole picture.
    "brighter": Case(
        "rocket.jpg", adjust("brightness", 0.4), places=("half", "top_third"),
        instead=(adjust("brightness", 0.04), adjust("brightness", -0.4), adjust("contrast", 0.4)),
    ),
    "more contrast": Case("bridge_sky.jpg", adjust("contrast", 0.25), instead=(adjust("contrast", -0.25),)),
    "less vivid": Case("flower.jpg", adjust("saturation", -0.5), instead=(adjust("saturation", -0.05),)),
    "colder": Case("astronaut.jpg", adjust("warmth", -0.2), instead=(adjust("warmth", 0.2),), places=("half",)),
    "less light": Case("china.jpg", adjust("exposure", -0.7), instead=(adjust("exposure", -0.07),), places=("half",)),
    "sharper": Case("congress_page.jpg", ops.Sharpen(), instead=(ops.Sharpen(amount=0.05),), places=("half",)),
    "sepia": Case("moose.jpg", ops.Sepia(), instead=(ops.Sepia(strength=0.1), ops.BlackAndWhite()), places=("half",)),
    "vignette": Case("bridge_sky.jpg", ops.Vignette(), instead=(ops.Vignette(strength=0.04), adjust("exposure", -0.5))),
    "oil painting": Case(
        "flower.jpg", ops.Stylise(style="painting"),
        instead=(ops.Stylise(style="painting", strength=0.03), adjust("contrast", 0.3)), places=("half",),
    ),
    "pencil": Case(
        "chelsea_cat.jpg", ops.Stylise(style="pencil"), instead=(ops.Stylise(style="painting"),), places=("half",),
    ),
    "wide": Case("china.jpg", ops.Crop(ratio=(16, 9)), instead=(ops.Crop(ratio=(1, 1)), ops.Resize(scale=0.5))),
    "left turn": Case(
        "coffee.jpg", ops.Rotate(degrees=-90), instead=(ops.Rotate(degrees=90), ops.Flip(axis="horizontal")),
    ),
    "slight turn": Case("china.jpg", ops.Rotate(degrees=5), instead=(ops.Rotate(degrees=-5), ops.Rotate(degrees=2))),
    "mirrored": Case("chelsea_cat.jpg", ops.Flip(axis="horizontal"), instead=(ops.Flip(axis="vertical"),)),
    "smaller": Case("moose.jpg", ops.Resize(width=300), instead=(ops.Resize(width=310), ops.Crop(ratio=(3, 2)))),
    "larger": Case("rocket.jpg", ops.Upscale(factor=2), instead=(ops.Resize(width=1200),)),
    "lift off": Case(
        "rocket.jpg", LIFT_OFF, spoilt=("tinted",),
        instead=tuple(
            LIFT_OFF.model_copy(update=other)
            for other in ({"text": "LEFT OVER"}, {"place": "bottom"}, {"colour": "#ff0000"}, {"size": 6})
        ),
    ),
}  # fmt: skip


# -- doing it ---------------------------------------------------------------------------------------------------------


def region(desk: Desk, case: Case, how: str = "") -> Region | None:
    """Return the plan's place, or a wrong one."""
    shape = picture(case.photo).shape[:2]
    if case.place is None and not how:
        return None
    if isinstance(case.place, Box) and not how:
        return case.place
    mask = right_mask(case)
    if how in PLACES:
        mask = PLACES[how](mask)
    elif how:
        mask = drawn(case.photo, how)
    assert mask.shape == shape and mask.any()
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)
    image = desk.images.save(Image.fromarray(np.round(soft * 255).astype(np.uint8)))
    return Mask(image=image, label=case.noun)


HELD = (((347, 172), (103, 62)), ((440, 340), (52, 56)))
"""The coffee and the spoon of coffee.jpg, drawn by hand as ellipses: middle and half axes. Paint keeps off them."""


def right_mask(case: Case) -> Bool:
    if isinstance(case.place, str):
        mask = drawn(case.photo, case.place)
        if isinstance(case.operation, ops.Recolour) and (case.photo, case.place) == ("coffee.jpg", "cup"):
            for middle, axes in HELD:
                hole = cv2.ellipse(np.zeros(mask.shape, np.uint8), middle, axes, 0, 0, 360, 1, -1) > 0
                mask = mask & ~hole
        return mask
    mask = np.ones(picture(case.photo).shape[:2], np.bool_)
    if isinstance(case.place, Box):
        box, mask = case.place, np.zeros_like(mask)
        mask[round(box.top) : round(box.bottom), round(box.left) : round(box.right)] = True
    return mask


def step(operation: ops.PlainOperation, where: Region | None) -> EditStep:
    return EditStep(text=operation.op, operation=operation, region=where)


def edited(desk: Desk, base: Candidate, steps: tuple[EditStep, ...]) -> Candidate:
    """Run the editor; what it made of the same steps is remembered, because damage is done to one result often."""
    call = EditCall(base=base, instruction="", steps=steps, seeds=(1,))
    key = call.model_dump_json()
    if key not in desk.made:
        (desk.made[key],) = asyncio.run(ClassicalEditor().edit(call, desk))
    return desk.made[key]


def start(desk: Desk, case: Case) -> Candidate:
    return Candidate.of(desk.images.save(Image.fromarray(picture(case.photo))))


def judged(desk: Desk, case: Case, planned: EditStep, done: EditStep, damage: str = "") -> Verdict:
    base = start(desk, case)
    request = EditRequest(image=base.image, instruction="edit it")
    thought = Thought(instruction="edit it", steps=(planned,))
    made = edited(desk, base, (done,))
    if damage:
        pixels = DAMAGE[damage](picture(case.photo), np.asarray(desk.images.open(made.image)), right_mask(case))
        made = made.model_copy(update={"image": desk.images.save(Image.fromarray(pixels))})
    call = EditCall(base=base, instruction="", steps=(planned,), seeds=(1,))
    return reflect(request, thought, call, made, History(request=request, thought=thought), desk.images)


def wrong_ways(desk: Desk, name: str) -> Iterator[tuple[str, EditStep, EditStep, str]]:
    """Yield for a plan every wrong way: its name, the plan's step, the editor's step, and the damage."""
    case = CASES[name]
    right = step(case.operation, region(desk, case))
    for how in case.plans:
        wrong = step(case.operation, region(desk, case, how))
        yield f"planned: {how}", wrong, wrong, ""
    for how in case.places:
        yield f"done: {how}", right, step(case.operation, region(desk, case, how)), ""
    for other in case.instead:
        whole = isinstance(other, ops.Resize | ops.Rotate | ops.Flip | ops.Upscale)
        yield f"done: {other!r}", right, step(other, None if whole else right.region), ""
    for damage in case.spoilt:
        yield damage, right, right, damage


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("negatives"))


@pytest.mark.parametrize("name", CASES)
def test_wrong_edits_are_not_accepted_and_the_right_one_is(desk: Desk, name: str) -> None:
    right = step(CASES[name].operation, region(desk, CASES[name]))
    verdict = judged(desk, CASES[name], right, right)
    assert isinstance(verdict, Accepted), verdict.critique
    accepted = []
    for way, planned, done, damage in wrong_ways(desk, name):
        verdict = judged(desk, CASES[name], planned, done, damage)
        if isinstance(verdict, Accepted):
            accepted.append(f"{way}: {verdict.critique}")
    assert not accepted


# -- the next round ---------------------------------------------------------------------------------------------------


def passed(desk: Desk, case_id: str, made: Candidate, folder: Path) -> tuple[int, int]:
    """Return how many of the acceptance case's own checks hold, and how many there are."""
    case = next(c for c in load_cases("tuning") if c["id"] == case_id)
    path = folder / f"{made.image.sha256}.png"
    desk.images.open(made.image).save(path)
    checks = score(case, PHOTOS / case["photo"], path, "accepted", PHOTOS)
    return sum(check.passed for check in checks), len(checks)


WRONG_START = [
    ("purple flower", "half", "tuning-recolour-2"),
    ("flower alone", "moved", "tuning-cut_out-1"),
    ("bear before a gradient", "bitten", "tuning-background-3"),
    ("hidden face", "moved", "tuning-redact-1"),
    ("no bear", "rock", "tuning-remove-3"),
]


@pytest.mark.parametrize(("name", "how", "case_id"), WRONG_START)
def test_a_round_on_a_wrong_mask_is_followed_by_a_better_one(
    desk: Desk, tmp_path: Path, name: str, how: str, case_id: str
) -> None:
    case = CASES[name]
    base = start(desk, case)
    request = EditRequest(image=base.image, instruction="edit it")
    thought = Thought(instruction="edit it", steps=(step(case.operation, region(desk, case, how)),))
    history, current, steps = History(request=request, thought=thought), base, thought.steps
    rounds: list[tuple[Candidate, Verdict]] = []
    for index in (1, 2, 3):
        call = EditCall(base=current, instruction="edit it", steps=steps, seeds=(1,))
        made = edited(desk, current, steps)
        verdict = reflect(request, thought, call, made, history, desk.images)
        rounds.append((made, verdict))
        if isinstance(verdict, Accepted):
            break
        done = Round(index=index, call=call, candidates=(made,), verdicts=(verdict,))
        history = history.model_copy(update={"rounds": (*history.rounds, done)})
        current = made if isinstance(verdict, Refine) else base
        steps = verdict.steps or thought.steps
    (first, judged_first), (last, judged_last) = rounds[0], rounds[-1]
    before, after = passed(desk, case_id, first, tmp_path), passed(desk, case_id, last, tmp_path)
    assert before[0] < before[1] and not isinstance(judged_first, Accepted)
    assert judged_first.steps and judged_first.steps[0].region != thought.steps[0].region
    assert after[0] > before[0] and after[0] == after[1], (before, after, judged_last.critique)
    assert isinstance(judged_last, Accepted), judged_last.critique
