"""Steps to the tool that can do them: typed ones to the classical editor, the rest to a diffusion model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reasonedit_agent.errors import Unsupported, UsageError
from reasonedit_agent.events import Called
from reasonedit_agent.operations import Adjust, Crop, Fill, Flip, ReplaceBackground
from reasonedit_agent.protocols import Context
from reasonedit_agent.registry import build
from reasonedit_agent.schemas import Box, Candidate, Card, EditCall, EditStep
from reasonedit_agent.testing import FunctionTool, check_tool
from reasonedit_agent.tools.classical import ClassicalEditor
from reasonedit_agent.tools.diffusers import diffusers_tool
from reasonedit_agent.tools.toolbox import Toolbox
from tests.tools.diffusers.conftest import desk, saved  # noqa: F401
from tests.tools.diffusers.desk import PHOTO, Desk
from tests.tools.diffusers.tiny_dit import save_tiny

DARK = EditStep(text="darker", operation=Adjust(what="brightness", amount=-0.4))
FLIP = EditStep(text="flip it", operation=Flip(axis="horizontal"))
CROP = EditStep(text="crop", operation=Crop(), region=Box(left=0, top=0, right=300, bottom=200))
HAT, TREE = EditStep(text="add a hat"), EditStep(text="add a tree")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny("Flux2KleinPipeline", tmp_path_factory.mktemp("klein"))


def writer(said: list[str]) -> FunctionTool:
    """Return a tool that paints by its seed, and writes down what it was asked."""

    def paint(image: object, call: EditCall, seed: int) -> object:
        said.append(call.instruction)
        picture = np.asarray(image).copy()  # type: ignore[call-overload]
        picture[:9, :9] = seed % 256
        from PIL import Image

        return Image.fromarray(picture)

    return FunctionTool(paint, Card(reads_text=True, batch=0))  # type: ignore[arg-type]


async def test_in_order_and_each_with_its_own_text(desk: Desk) -> None:  # noqa: F811
    said: list[str] = []
    box = Toolbox(ClassicalEditor(), writer(said))
    steps = (DARK, HAT, TREE, FLIP)
    made = await desk.edit(box, 3, 4, steps=steps, instruction="all of it")
    # One call for the two texts per candidate; the typed step before them is done once, the one after them twice.
    assert said == ["add a hat; add a tree"] * 2
    classical = [event for event in desk.events if isinstance(event, Called) and event.backend == "classical"]
    assert len(classical) == 3
    corner = [int(desk.pixels(candidate)[4, -4, 0]) for candidate in made]
    assert abs(corner[0] - 3) < 3 and abs(corner[1] - 4) < 3, "the painted corner was flipped to the right"
    assert [candidate.seed for candidate in made] == [3, 4]


async def test_geometry_is_composed(desk: Desk) -> None:  # noqa: F811
    (made,) = await desk.edit(Toolbox(ClassicalEditor(), writer([])), 1, steps=(CROP, HAT, FLIP))
    assert made.image.size == (300, 200)
    assert made.geometry.to_candidate(0, 0) == (300, 0)


async def test_with_a_diffusion_model(desk: Desk, tiny: Path) -> None:  # noqa: F811
    box = build("tools", f"toolbox(classical, diffusers('{tiny}', steps=1, area=4096))")
    assert box.card.reads_text and "crop" in box.card.operations and not box.card.deterministic
    made = await desk.edit(box, 1, 2, steps=(CROP, HAT))
    assert [candidate.image.size for candidate in made] == [(300, 200)] * 2
    alone = diffusers_tool(str(tiny), steps=1, area=4096)
    (cropped,) = await desk.edit(ClassicalEditor(), 1, steps=(CROP,))
    wanted = await desk.edit(alone, 1, 2, base=cropped, steps=(HAT,), text="add a hat")
    assert [candidate.image for candidate in made] == [candidate.image for candidate in wanted]


async def test_measures_of_the_tools_before_stay(desk: Desk, tiny: Path) -> None:  # noqa: F811
    region = EditStep(text="a hat", region=Box(left=0, top=0, right=200, bottom=200))
    box = Toolbox(diffusers_tool(str(tiny), steps=1, area=4096), ClassicalEditor())
    (made,) = await desk.edit(box, 1, steps=(region, DARK))
    assert made.measures["drift_outside"] > 0
    (next_,) = await desk.edit(box, 1, base=made, steps=(DARK,))
    assert next_.measures == {}, "what an earlier round measured does not"


async def test_what_no_tool_can_do(desk: Desk) -> None:  # noqa: F811
    with pytest.raises(Unsupported, match="No tool of the toolbox can do the step 'add a hat'"):
        await desk.edit(Toolbox(ClassicalEditor()), 1, steps=(HAT,))
    with pytest.raises(UsageError, match="needs a tool"):
        Toolbox()


@pytest.mark.parametrize("steps", [(DARK,), (HAT,), (DARK, HAT)])
async def test_conformance(tiny: Path, tmp_path: Path, steps: tuple[EditStep, ...]) -> None:
    box = Toolbox(ClassicalEditor(), diffusers_tool(str(tiny), steps=1, area=4096))
    report = await check_tool(box, PHOTO.read_bytes(), steps, tmp_path)
    assert report.passed, str(report)
    assert not [check for check in report.checks if check.kind == "contract" and not check.shown], str(report)


def reader(name: str, references: int, given: dict[str, int]) -> FunctionTool:
    """Return a tool that reads text, and writes down how many photos it got."""

    def paint(image: object, call: EditCall, seed: int) -> object:
        given[name] = len(call.references)
        return image

    return FunctionTool(paint, Card(reads_text=True, batch=0, references=references))  # type: ignore[arg-type]


async def test_photos_that_nobody_would_look_at_are_refused(desk: Desk) -> None:  # noqa: F811
    photo, given = desk.images.save(desk.photo), dict[str, int]()
    deaf, hears = reader("deaf", 0, given), reader("hears", 2, given)
    for tools, steps in (((ClassicalEditor(), deaf), (DARK, HAT)), ((deaf,), (HAT,)), ((deaf,), ())):
        with pytest.raises(Unsupported, match=r"1 reference photos were given, and no tool .* takes any"):
            await desk.edit(Toolbox(*tools), 1, steps=steps, references=(photo,))
    assert not given
    await desk.edit(Toolbox(ClassicalEditor(), deaf, hears), 1, steps=(DARK, HAT), references=(photo,))
    assert given == {"hears": 1}, "the first tool that takes the photo"
    given.clear()
    # A typed step names the photo: the text need not.
    place = ReplaceBackground(fill=Fill(reference=0))
    typed = EditStep(text="the other photo behind", operation=place, region=Box(left=0, top=0, right=300, bottom=200))
    await desk.edit(Toolbox(ClassicalEditor(), deaf), 1, steps=(typed, HAT), references=(photo,))
    assert given == {"deaf": 0}


async def test_a_call_without_steps_is_one_in_words(desk: Desk) -> None:  # noqa: F811
    said: list[str] = []
    (made,) = await desk.edit(Toolbox(ClassicalEditor(), writer(said)), 9, steps=(), text="add a hat")
    assert said == ["add a hat"] and made.image != desk.source and made.seed == 9
    with pytest.raises(Unsupported, match="No tool of the toolbox can do the step 'add a hat'"):
        await desk.edit(Toolbox(ClassicalEditor()), 1, steps=(), text="add a hat")


async def test_seeds_that_a_tool_does_not_know_are_not_made_up(desk: Desk) -> None:  # noqa: F811
    class Seedless:
        def __init__(self) -> None:
            self.inner = writer([])
            self.info, self.card = self.inner.info, self.inner.card

        async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
            return tuple(made.model_copy(update={"seed": None}) for made in await self.inner.edit(call, ctx))

    made = await desk.edit(Toolbox(Seedless(), ClassicalEditor()), 1, 2, steps=(HAT, DARK))
    assert [candidate.seed for candidate in made] == [None, None]
