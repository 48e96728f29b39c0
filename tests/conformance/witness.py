"""Writes each question that a reasoner is asked, with its answer, as a run of its own."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

from reasonedit_agent.events import AnyEvent, Asked, Edited, Failed, Judged, Planned, RunEnded, RunStarted
from reasonedit_agent.protocols import Context, EditTool, Reasoner
from reasonedit_agent.schemas import SOURCE, Candidate, Card, EditCall, EditRequest, Failure, History, Thought, Verdict
from reasonedit_agent.testing import SimpleContext
from reasonedit_agent.tracing import IMAGES, TraceWriter

T = TypeVar("T")


class Witness:
    """A reasoner that asks another one and writes what it said.

    Args:
        inner: Who answers.
        tool: Whose card stands in the runs.
        folder: Of the runs.
    """

    def __init__(self, inner: Reasoner, tool: EditTool, folder: Path) -> None:
        self.inner, self.tool, self.folder, self.info = inner, tool, folder, inner.info
        self.runs: list[str] = []
        self.images = SimpleContext(folder / IMAGES).images

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        heard = Heard(ctx)
        started = self._started(request, ctx)
        thought = await self._said(
            self.inner.think(request, card, history, heard), [*started, Asked(node="think")], heard
        )
        self._write([*started, Asked(node="think"), *heard.events, Planned(node="think", thought=thought)])
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
        heard = Heard(ctx)
        self.images.put(ctx.images.get(candidate.image))
        before: list[AnyEvent] = [
            *self._started(request, ctx),
            Planned(node="think", thought=thought),
            Asked(node="edit", round=1, call=call),
            Edited(node="edit", round=1, candidates=(candidate,)),
            Asked(node="reflect", round=1),
        ]
        verdict = await self._said(self.inner.reflect(request, thought, call, candidate, history, heard), before, heard)
        self._write([*before, *heard.events, Judged(node="reflect", round=1, verdict=verdict)])
        return verdict

    def _started(self, request: EditRequest, ctx: Context) -> list[AnyEvent]:
        self.images.put(ctx.images.get(request.image))
        who = {"reasoner": self.inner.info, "tool": self.tool.info, "card": self.tool.card}
        return [RunStarted(run="", request=request, policy="accepted", **who)]  # type: ignore[arg-type]

    async def _said(self, answer: Awaitable[T], before: list[AnyEvent], heard: Heard) -> T:
        try:
            return await answer
        except Exception as error:
            self._write([*before, *heard.events, Failed(**_place(before[-1]), failure=Failure.of(error))])
            raise

    def _write(self, events: list[AnyEvent]) -> None:
        name = f"question-{len(self.runs)}"
        self.runs.append(str(self.folder / name))
        asked = next(event for event in reversed(events) if isinstance(event, Asked))
        writer = TraceWriter(self.folder / name)
        for event in events:
            here = _place(asked) if event.type == "called" else {"run": name} if event.type == "run_started" else {}
            writer.write(event.model_copy(update=here))
        writer.write(RunEnded(node="finish", status="best_effort", stopped_by="asked", keep=SOURCE))
        writer.close()


class WitnessTool:
    """A tool that lets another one edit and writes down what it was asked and what it made.

    Args:
        inner: Who edits.
        folder: Of the runs.
    """

    def __init__(self, inner: EditTool, folder: Path) -> None:
        self.inner, self.folder, self.info, self.card = inner, folder, inner.info, inner.card
        self.runs: list[str] = []
        self.images = SimpleContext(folder / IMAGES).images

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        heard = Heard(ctx)
        request = EditRequest(image=call.base.image, instruction=call.instruction, references=call.references, seed=1)
        who = {"reasoner": self.info, "tool": self.info, "card": self.card}
        asked = Asked(node="edit", round=1, call=call)
        begun = [RunStarted(run="", request=request, policy="accepted", **who), asked]  # type: ignore[arg-type]
        try:
            made = await self.inner.edit(call, heard)
        except Exception as error:
            self._write([*begun, *heard.events, Failed(node="edit", round=1, failure=Failure.of(error))])
            raise
        for ref in (call.base.image, *(candidate.image for candidate in made)):
            self.images.put(ctx.images.get(ref))
        self._write([*begun, *heard.events, Edited(node="edit", round=1, candidates=made)])
        return made

    def _write(self, events: list[AnyEvent]) -> None:
        name = f"edit-{len(self.runs)}"
        self.runs.append(str(self.folder / name))
        writer = TraceWriter(self.folder / name)
        for event in events:
            if event.type != "progress":
                here = {"node": "edit", "round": 1} if event.type == "called" else {}
                writer.write(event.model_copy(update={"run": name} if event.type == "run_started" else here))
        writer.write(RunEnded(node="finish", status="best_effort", stopped_by="asked", keep=SOURCE))
        writer.close()


class Heard:
    """A context that keeps what is emitted, and hands it on."""

    def __init__(self, ctx: Context) -> None:
        self._ctx, self.images, self.deadline = ctx, ctx.images, ctx.deadline
        self.events: list[AnyEvent] = []

    def emit(self, event: AnyEvent) -> None:
        self.events.append(event)
        self._ctx.emit(event)

    def cancelled(self) -> bool:
        return self._ctx.cancelled()


def _place(event: AnyEvent) -> dict[str, Any]:
    return {"node": event.node, "round": event.round}
