"""Parts that the command line names as ``tests.cli.parts:NAME``."""

import os
import signal

from PIL import Image

from reasonedit_agent.protocols import Context
from reasonedit_agent.schemas import Accepted, Candidate, EditCall, Failure, Refine
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner, scores
from tests.graphs.scripts import ACCEPTED, MORE, paint


def accepting() -> ScriptedReasoner:
    return ScriptedReasoner([ACCEPTED])


def refining() -> ScriptedReasoner:
    return ScriptedReasoner(
        [Refine(scores=scores(4), steps=(MORE,), critique="half of it"), Accepted(scores=scores(8))]
    )


def helpless() -> ScriptedReasoner:
    return ScriptedReasoner([], [Failure(reason="unsupported", message="No dogs here.", hint="tool=diffusers could.")])


def painter() -> FunctionTool:
    return FunctionTool(paint)


def broken() -> FunctionTool:
    def fail(base: Image.Image, call: EditCall, seed: int) -> Image.Image:
        raise ValueError("it broke")

    return FunctionTool(fail)


class Interrupted(FunctionTool):
    """Sends Ctrl-C to its own process in the round that is asked for."""

    def __init__(self, round: int) -> None:
        super().__init__(paint)
        self.left = round

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)
            import asyncio

            await asyncio.Event().wait()
        return await super().edit(call, ctx)
