"""Every built-in part passes the conformance kit, and a bad one does not."""

import asyncio
from pathlib import Path

import pytest

from reasonedit_agent.operations import Adjust, Blur
from reasonedit_agent.protocols import Context, EditTool
from reasonedit_agent.reasoners.embedded.reasoner import EmbeddedReasoner
from reasonedit_agent.registry import build
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    EditCall,
    EditRequest,
    EditStep,
    History,
    Phrase,
    Thought,
    Verdict,
)
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner, check_reasoner, check_tool, scores
from reasonedit_agent.tools.classical import ClassicalEditor
from tests.graphs.scripts import paint

PHOTO = (Path(__file__).parents[2] / "examples" / "photos" / "coffee.jpg").read_bytes()
STEPS = (
    EditStep(text="warmer", operation=Adjust(what="warmth", amount=-0.3)),
    EditStep(text="blur the background", operation=Blur(sigma=4), region=Phrase(text="background")),
)


async def test_the_classical_editor(tmp_path: Path) -> None:
    report = await check_tool(ClassicalEditor(), PHOTO, STEPS, tmp_path)
    assert report.passed, str(report)


async def test_a_function_as_a_tool(tmp_path: Path) -> None:
    report = await check_tool(FunctionTool(paint), PHOTO, STEPS, tmp_path)
    assert report.passed, str(report)


async def test_the_embedded_reasoner(tmp_path: Path) -> None:
    report = await check_reasoner(EmbeddedReasoner(), ClassicalEditor(), PHOTO, "make the picture cooler", tmp_path)
    assert report.passed and all(check.passed for check in report.checks), str(report)
    assert report.facts["languages"] == ["en", "zh", "de", "es", "fr"]


@pytest.mark.parametrize("text", ["fallback(embedded)", "panel(embedded, embedded)"])
async def test_compositions(tmp_path: Path, text: str) -> None:
    reasoner = build("reasoners", text)
    report = await check_reasoner(reasoner, ClassicalEditor(), PHOTO, "make the picture cooler", tmp_path)
    assert report.passed and all(check.passed for check in report.checks), str(report)


# -- the kit finds what is wrong -----------------------------------------------------------------------------------------


class Shrinking(FunctionTool):
    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        image = await asyncio.to_thread(lambda: ctx.images.save(ctx.images.open(call.base.image).resize((9, 9))))
        return (Candidate(image=image, geometry=call.base.geometry),)


class Random(FunctionTool):
    count = 0

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        self.count += 1
        return await super().edit(call.model_copy(update={"seeds": tuple(s + self.count for s in call.seeds)}), ctx)


class Idle(FunctionTool):
    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        return tuple(call.base for _ in call.seeds)


class Crashing(FunctionTool):
    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        raise KeyError("x")


@pytest.mark.parametrize(
    ("tool", "failing"),
    [
        (Shrinking(paint), "The base's size is kept"),
        (Shrinking(paint), "One candidate per seed"),
        (Random(paint), "The same seed gives the same picture"),
        (Idle(paint), "The edit changes the picture"),
        (Crashing(paint), "One candidate per seed"),
    ],
)
async def test_bad_tools_are_found(tmp_path: Path, tool: EditTool, failing: str) -> None:
    report = await check_tool(tool, PHOTO, STEPS, tmp_path)
    assert failing in {check.name for check in report.checks if not check.passed}, str(report)


async def test_a_reasoner_that_accepts_everything_is_found(tmp_path: Path) -> None:
    class Yes(ScriptedReasoner):
        async def reflect(
            self,
            request: EditRequest,
            thought: Thought,
            call: EditCall,
            candidate: Candidate,
            history: History,
            ctx: Context,
        ) -> Verdict:
            return Accepted(scores=scores(10))

    report = await check_reasoner(Yes(), FunctionTool(paint), PHOTO, "do it", tmp_path)
    failing = {check.name for check in report.checks if not check.passed}
    assert failing == {
        "An untouched source is not accepted",
        "It tells the source from the result",
        "The plan has a checklist",
        "Usage is emitted, and every event survives a round trip",
    }, str(report)
    assert not report.passed, "no Called event breaks the contract"
