"""A reasoner of one's own: another one's plan, with a vignette at its end."""

from __future__ import annotations

from reasonedit_agent import registry
from reasonedit_agent.events import PartInfo
from reasonedit_agent.operations import Vignette
from reasonedit_agent.protocols import Context, Reasoner
from reasonedit_agent.schemas import Candidate, Card, EditCall, EditRequest, EditStep, History, Thought, Verdict

__all__ = ["HouseStyle"]


class HouseStyle:
    """Adds a vignette to whatever another reasoner plans, and judges as that one does.

    Args:
        inner: The other reasoner: an object, a name, or a text such as ``openai(url=...)``.
        strength: Share of light that the corners lose, 0 to 1.
    """

    def __init__(self, inner: object = "embedded", strength: float = 0.4) -> None:
        self.inner: Reasoner = registry.build("reasoners", inner)
        self.strength = strength

    @property
    def info(self) -> PartInfo:
        """What the trace keeps of it."""
        settings = {"inner": self.inner.info.model_dump(mode="json"), "strength": self.strength}
        return PartInfo(name="house_style", version="1.0", settings=settings)

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        """Return the other's plan with one more step."""
        thought = await self.inner.think(request, card, history, ctx)
        vignette = EditStep(text="add a vignette", operation=Vignette(strength=self.strength))
        checklist = (*thought.checklist, "Are the corners a little darker?")
        return thought.model_copy(update={"steps": (*thought.steps, vignette), "checklist": checklist})

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        """Judge as the other does."""
        return await self.inner.reflect(request, thought, call, candidate, history, ctx)
