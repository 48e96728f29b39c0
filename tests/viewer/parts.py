"""Parts that the studio's page is asked for as ``tests.viewer.parts:NAME``; the words of the instruction steer them."""

import asyncio
import os
from pathlib import Path

from PIL import Image

from reasonedit_agent.events import PartInfo, Progress
from reasonedit_agent.protocols import Context
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    Card,
    EditCall,
    EditRequest,
    EditStep,
    History,
    Refine,
    Thought,
    Verdict,
)
from reasonedit_agent.testing import FunctionTool
from tests.viewer.making import PLAN, judged, tint

GATE = "REASONEDIT_TEST_GATE"
"""Names the file that the painter waits for."""


class Critic:
    """Plans what it is told, as two steps; accepts round 1, or round 2 where the instruction says ``twice``."""

    info = PartInfo(name="critic", version="1")

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        steps = EditStep(text=request.instruction), EditStep(text="warm the light a little")
        return PLAN.model_copy(update={"instruction": request.instruction, "steps": steps})

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        if "twice" in request.instruction and not history.rounds:
            again = EditStep(text=f"{request.instruction}, again")
            return judged(Refine, 4.0, 8.0, 0.3).model_copy(update={"steps": (again,)})  # type: ignore[union-attr]
        return judged(Accepted, 9.0, 8.5, 0.9)


class Painter(FunctionTool):
    """Tints, without looking at anything; says how far it is, and where ``wait`` is said it waits for the gate."""

    def __init__(self) -> None:
        super().__init__(tint, Card(reads_text=True, batch=0))

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        with ctx.images.open(call.base.image) as base:
            small = base.convert("RGB").resize((60, 40))
        ctx.emit(Progress(fraction=0.5, message="Painting", preview=ctx.images.save(small)))
        while "wait" in call.instruction and not Path(os.environ[GATE]).exists():
            await asyncio.sleep(0.02)
        if "break" in call.instruction:
            raise RuntimeError("the brush <b>broke</b>")
        return await super().edit(call, ctx)


def grey() -> FunctionTool:
    """Return a painter of another kind."""

    def make_grey(base: Image.Image, call: EditCall, seed: int) -> Image.Image:
        return base.convert("L").convert(base.mode)

    return FunctionTool(make_grey)
