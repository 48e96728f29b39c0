"""An edit of what was only guessed to be the thing is never accepted; the critique says why, in the user's language."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reasonedit_agent import operations as ops
from reasonedit_agent.events import AnyEvent
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.images import FolderStore
from reasonedit_agent.operations import operation_names
from reasonedit_agent.reasoners.embedded.reflect import reflect
from reasonedit_agent.reasoners.embedded.think import think
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    Card,
    EditCall,
    EditRequest,
    EditStep,
    History,
    Mask,
    Rejected,
    Thought,
    Verdict,
)
from reasonedit_agent.tools.classical.tool import ClassicalEditor
from reasonedit_agent.weights import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason="the weights are not fetched: reasonedit fetch embedded")

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"


class Desk:
    def __init__(self, root: Path) -> None:
        self.images = FolderStore(root)
        self.deadline: float | None = None

    def emit(self, event: AnyEvent) -> None:
        pass

    def cancelled(self) -> bool:
        return False


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def edited(
    desk: Desk, photo: str, text: str, done: tuple[ops.PlainOperation, ...] | None = None
) -> tuple[Thought, Verdict]:
    """Return plan and verdict of one round; ``done`` is what is really run in the places of the plan."""
    source = desk.images.put((PHOTOS / f"{photo}.jpg").read_bytes())
    request = EditRequest(image=source, instruction=text)
    history = History(request=request)
    thought = think(request, Card(operations=operation_names(), mask=True), history, desk.images)
    steps = thought.steps
    if done is not None:
        steps = tuple(s.model_copy(update={"operation": op}) for s, op in zip(thought.steps, done, strict=True))
    call = EditCall(base=Candidate.of(source), instruction=text, steps=steps, seeds=(1,))
    (candidate,) = asyncio.run(ClassicalEditor().edit(call, desk))
    call = call.model_copy(update={"steps": thought.steps})
    return thought, reflect(request, thought, call, candidate, history, desk.images)


@pytest.mark.parametrize(
    ("photo", "text", "name", "said"),
    [
        ("coffee", "make the dragon green", "dragon", "The place of “dragon” was a guess"),
        ("croissant", "make everything but the croissant black and white", "croissant", "The place of “croissant” was"),
        ("rocket", "mach die Lampen rot", "", "ist geraten"),
        ("chelsea_cat", "make the rabbit blue", "rabbit", "was a guess"),
    ],
)
def test_a_guess_is_not_accepted(desk: Desk, photo: str, text: str, name: str, said: str) -> None:
    thought, verdict = edited(desk, photo, text)
    region = thought.steps[0].region
    assert isinstance(region, Mask) and region.label.endswith(" (a guess)") and name in region.label
    assert isinstance(verdict, Rejected)
    assert said in verdict.critique
    assert verdict.scores.edit_success <= 6


@pytest.mark.parametrize(("photo", "text"), [("polar_bear", "darken the bear"), ("coffee", "make the cup green")])
def test_what_fits_its_name_is_accepted(desk: Desk, photo: str, text: str) -> None:
    _, verdict = edited(desk, photo, text)
    assert isinstance(verdict, Accepted) and "guess" not in verdict.critique


def test_a_run_on_a_guess_ends_as_best_effort(tmp_path: Path) -> None:
    result = EditAgent("embedded", "classical", runs=tmp_path).edit(
        PHOTOS / "coffee.jpg", "make the dragon green", seed=1
    )
    assert result.status == "best_effort" and result.ref is not None


def test_every_step_that_fell_short_is_named(desk: Desk) -> None:
    weak = (
        ops.Blur(sigma=0.3),
        ops.Recolour(colour="#008000", strength=0.05),
        ops.Adjust(what="contrast", amount=0.01),
    )
    text = "blur the background, make the cup green and add contrast"
    _, verdict = edited(desk, "coffee", text, weak)
    assert not isinstance(verdict, Accepted)
    for words in ("Is the background blurred?", "Is the cup green now?", "Is the contrast of the picture higher"):
        assert words in verdict.critique


@pytest.mark.parametrize(
    ("text", "question", "english"),
    [
        ("mach die Tasse grün", "Ist das geschehen: Tasse: grün färben? Nein (", "dE2000"),
        ("haz la taza verde", "¿Está hecho: taza: color verde? No (", "dE2000"),
        ("rends la tasse verte", "Est-ce fait : tasse : couleur vert ? Non (", "dE2000"),
        ("把杯子变成绿色", "杯子现在是绿色吗？ 否 (", "dE2000"),
    ],
)
def test_the_critique_speaks_the_users_language(desk: Desk, text: str, question: str, english: str) -> None:
    _, verdict = edited(desk, "coffee", text, (ops.Recolour(colour="#008000", strength=0.05),))
    assert verdict.critique.startswith(question) and english not in verdict.critique


def test_a_kept_thing_that_was_cut_off_is_missed(desk: Desk) -> None:
    """A plan that a person wrote, so that thinking could not refuse it."""
    source = desk.images.put((PHOTOS / "mug_cat.jpg").read_bytes())
    wide, tall = source.size
    right = np.zeros((tall, wide), np.uint8)
    right[:, wide // 2 :] = 255
    half = Mask(image=desk.images.save(Image.fromarray(right)))
    crop = EditStep(text="crop", operation=ops.Crop(), region=half)
    request = EditRequest(image=source, instruction="crop to the right half but keep the mug")
    history = History(request=request)
    call = EditCall(base=Candidate.of(source), instruction="-", steps=(crop,), seeds=(1,))
    (candidate,) = asyncio.run(ClassicalEditor().edit(call, desk))
    for keep, accepted in ((("mug",), False), ((), True)):
        thought = Thought(instruction="-", steps=(crop,), keep=keep)
        verdict = reflect(request, thought, call, candidate, history, desk.images)
        assert isinstance(verdict, Accepted) is accepted
