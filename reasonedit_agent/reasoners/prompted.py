"""A model as a reasoner and as a comparer: a dialect asks, a backend is called, one repair turn is granted."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, TypeVar

from reasonedit_agent.errors import Malformed
from reasonedit_agent.events import PartInfo
from reasonedit_agent.protocols import Context
from reasonedit_agent.reasoners.dialects.base import Conversation, Dialect, Prompt, Reply, Turn
from reasonedit_agent.reasoners.dialects.words import Words
from reasonedit_agent.schemas import (
    Candidate,
    Card,
    EditCall,
    EditRequest,
    History,
    Preference,
    Thought,
    Verdict,
)

__all__ = ["Backend", "PromptedReasoner"]

T = TypeVar("T")


class Backend(Protocol):
    """Whoever answers a prompt."""

    @property
    def info(self) -> PartInfo:
        """Name, version and settings, for the trace; no secrets."""
        ...

    async def complete(self, prompt: Prompt, ctx: Context) -> Reply:
        """Answer, and emit one `reasonedit_agent.events.Called` per attempt.

        Raises:
            BackendError: There is no answer.
            Refused: The model declined.
            Malformed: The answer was cut off, however much room it had.
        """
        ...


class PromptedReasoner:
    """A model behind the loop's two seams, `Reasoner` and `Comparer`.

    Args:
        backend: Who is called.
        dialect: How.
    """

    def __init__(self, backend: Backend, dialect: Dialect) -> None:
        self.backend = backend
        self.dialect = dialect
        self._repair = Words.load("repair")

    @property
    def info(self) -> PartInfo:
        """The backend's, with the dialect's settings."""
        info = self.backend.info
        return info.model_copy(
            update={"settings": {**info.settings, "dialect": self.dialect.name, **self.dialect.settings}}
        )

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        """Ask for the plan.

        Raises:
            Unsupported: The model says that the tool cannot do it.
            ReplyError: The reply could not be read, also not after a repair turn.
            BackendError: There was none.
        """
        return await self._hold(self.dialect.think(request, card, history), ctx)

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        """Ask for the verdict; raises like `think`."""
        return await self._hold(self.dialect.reflect(request, thought, call, candidate, history), ctx)

    async def compare(self, request: EditRequest, a: Candidate, b: Candidate, ctx: Context) -> Preference:
        """Ask in both orders; where the order decides the answer, it is a tie."""
        first = await self._hold(self.dialect.compare(request, a, b), ctx)
        second = await self._hold(self.dialect.compare(request, b, a), ctx)
        turned = {"a": "b", "b": "a", "tie": "tie"}[second.better]
        if first.better == turned:
            return first
        return Preference(better="tie", reason=f"The order decides: {first.reason} / {second.reason}")

    async def _hold(self, conversation: Conversation[T], ctx: Context) -> T:
        """Answer a conversation's prompts until it returns its value."""
        try:
            prompt = next(conversation)
            while True:
                prompt = conversation.send(await self._value(prompt, ctx))
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        finally:
            conversation.close()

    async def _value(self, prompt: Prompt, ctx: Context) -> object:
        reply = await self.backend.complete(prompt, ctx)
        try:
            return prompt.read(reply)
        except Malformed as problem:
            reply = await self.backend.complete(self._repaired(prompt, reply, problem), ctx)
            return prompt.read(reply)

    def _repaired(self, prompt: Prompt, reply: Reply, problem: Malformed) -> Prompt:
        asked = self._repair.say("repair", "json" if prompt.schema else "text", problem=problem.message)
        turns = (*prompt.turns, Turn("assistant", (reply.text or "(nothing)",)), Turn("user", (asked,)))
        return replace(prompt, name=f"{prompt.name} after {self._repair.name('repair')}", turns=turns)
