"""Scripted parts for control flow; the pictures they make are real files."""

import asyncio
from pathlib import Path

from PIL import Image

from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.protocols import Context
from reasonedit_agent.schemas import (
    Accepted,
    Ask,
    Candidate,
    EditCall,
    EditStep,
    Failure,
    History,
    Refine,
    Rejected,
    Stop,
)
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner, scores

MORE = EditStep(text="more of it")
ACCEPTED = Accepted(scores=scores(9))
REFINE = Refine(scores=scores(4), steps=(MORE,))
REJECTED = Rejected(scores=scores(2))
LOST = Failure(reason="lost", message="gone")


def paint(base: Image.Image, call: EditCall, seed: int) -> Image.Image:
    """Paint the seed's colour over the left half: the same call gives the same picture."""
    base.paste((seed % 251, seed % 241, seed % 239), (0, 0, base.width // 2, base.height))
    return base


class CountingTool(FunctionTool):
    """Writes a line to a file for each edit, so that another process can count them."""

    def __init__(self, file: Path) -> None:
        super().__init__(paint)
        self.file = file

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        with self.file.open("a") as out:
            out.write(f"{call.seeds}\n")
        return await super().edit(call, ctx)


class SlowTool(FunctionTool):
    """Edits when it is told to go; says when it has begun."""

    def __init__(self) -> None:
        super().__init__(paint)
        self.begun = asyncio.Event()
        self.go = asyncio.Event()

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        self.begun.set()
        await self.go.wait()
        return await super().edit(call, ctx)


class AskAfter:
    """A stopping policy that hands the question to a person after each round."""

    def stop(self, history: History) -> Stop | Ask | None:
        return Ask(question="Good enough?") if history.rounds else None

    def __str__(self) -> str:
        return "ask_after"


def agent(tmp_path: Path, *verdicts: object, policy: object = "accepted | rounds(3)", **options: object) -> EditAgent:
    reasoner = options.pop("reasoner", None) or ScriptedReasoner(verdicts)  # type: ignore[arg-type]
    tool = options.pop("tool", None) or FunctionTool(paint)
    return EditAgent(reasoner, tool, policy, runs=tmp_path, **options)  # type: ignore[arg-type]
