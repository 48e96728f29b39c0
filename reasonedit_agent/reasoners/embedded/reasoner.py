"""The Reasoner that needs no server: it plans by a grammar and small models, and judges by measuring."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from reasonedit_agent.events import Called, PartInfo
from reasonedit_agent.protocols import Context
from reasonedit_agent.reasoners.embedded.reflect import judge
from reasonedit_agent.reasoners.embedded.think import think
from reasonedit_agent.schemas import Candidate, Card, EditCall, EditRequest, History, Thought, Usage, Verdict

__all__ = ["EmbeddedReasoner"]

_T = TypeVar("_T")

_models = threading.Lock()
"""One at a time: the models share the cores, and two at once would only double the memory."""


class EmbeddedReasoner:
    """Thinks by a grammar, sentence embeddings and small vision models; reflects by measuring. Deterministic."""

    @property
    def info(self) -> PartInfo:
        """Name and version; there are no settings."""
        return PartInfo(name="embedded", version="1")

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        """Plan the edit.

        Raises:
            Unsupported: The instruction asks for what cannot be planned, or for what no tool with this card can do.
            UsageError: Weights are missing.
        """
        started = time.monotonic()
        thought = await _apart(lambda: think(request, card, history, ctx.images))
        note = "; ".join(step.text for step in thought.steps)[:200]
        usage = Usage(seconds=time.monotonic() - started, images=1)
        ctx.emit(Called(backend="embedded", raw=thought.model_dump_json(), usage=usage, note=note))
        return thought

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        """Measure the candidate against the source and the whole plan; the figures stand in the trace.

        Raises:
            UsageError: Weights are missing.
            StoreError: A picture is not in the store.
        """
        started = time.monotonic()
        judgement = await _apart(lambda: judge(request, thought, call, candidate, history, ctx.images))
        raw = json.dumps(judgement.measures, sort_keys=True)
        usage = Usage(seconds=time.monotonic() - started, images=2)
        ctx.emit(Called(backend="embedded", raw=raw, usage=usage, note=judgement.note))
        return judgement.verdict


async def _apart(work: Callable[[], _T]) -> _T:
    """Run blocking work in a thread, alone in this process."""

    def locked() -> _T:
        with _models:
            return work()

    return await asyncio.to_thread(locked)
