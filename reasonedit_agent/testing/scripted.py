"""Parts that follow a script. A script that is not used up is a failure: see `assert_complete`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.events import AnyEvent, Called, PartInfo
from reasonedit_agent.images import FolderStore
from reasonedit_agent.protocols import Context, ImageStore
from reasonedit_agent.schemas import (
    Candidate,
    Card,
    EditCall,
    EditRequest,
    EditStep,
    Failure,
    History,
    Preference,
    Scores,
    Thought,
    Usage,
    Verdict,
)

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FunctionTool", "ScriptedComparer", "ScriptedReasoner", "SimpleContext", "scores"]


def scores(value: float) -> Scores:
    """Return the same score (0 to 10) on all four axes."""
    return Scores(edit_success=value, over_editing=value, naturalness=value, artefacts=value)


class SimpleContext:
    """A `reasonedit_agent.protocols.Context` in a folder; what is emitted is kept in ``events``."""

    deadline: float | None = None

    def __init__(self, folder: Path) -> None:
        self.images: ImageStore = FolderStore(folder)
        self.events: list[AnyEvent] = []
        self.given_up = False

    def emit(self, event: AnyEvent) -> None:
        """Keep the event."""
        self.events.append(event)

    def cancelled(self) -> bool:
        """Return ``given_up``."""
        return self.given_up


class ScriptedReasoner:
    """Answers from a script.

    Args:
        verdicts: One per candidate that is reflected on, in order; a Failure is raised as its exception.
        thoughts: One per think; by default the instruction as one step.
    """

    info = PartInfo(name="scripted", version="1")

    def __init__(self, verdicts: Iterable[Verdict | Failure] = (), thoughts: Iterable[Thought | Failure] = ()) -> None:
        self._verdicts = list(verdicts)
        self._thoughts = list(thoughts)

    async def think(self, request: EditRequest, card: Card, history: History, ctx: Context) -> Thought:
        """Return the next thought."""
        if self._thoughts:
            thought = self._thoughts.pop(0)
            if isinstance(thought, Failure):
                raise thought.error()
            return thought
        return Thought(instruction=request.instruction, steps=(EditStep(text=request.instruction),))

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        """Return the next verdict."""
        if not self._verdicts:
            raise AssertionError("the script has no verdict for this round")
        verdict: Verdict | Failure = self._verdicts.pop(0)
        if isinstance(verdict, Failure):
            raise verdict.error()
        return verdict

    def assert_complete(self) -> None:
        """Fail unless everything in the script was used."""
        left = len(self._verdicts) + len(self._thoughts)
        assert not left, f"{left} answers of the script were not used"


class FunctionTool:
    """A function as an edit tool.

    Args:
        function: Takes the base picture, the call and one seed; returns the edited picture of the same size.
        card: What it can do.
    """

    def __init__(self, function: Callable[[Image, EditCall, int], Image], card: Card | None = None) -> None:
        self._function = function
        self.card = card or Card(reads_text=True, batch=0)
        self.info = PartInfo(name=getattr(function, "__name__", "function"), version="1")

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Apply the function once per seed, in a worker thread."""
        if len(call.references) > self.card.references:
            raise Unsupported(f"{len(call.references)} references were given, {self.card.references} are taken.")
        start = time.perf_counter()
        made = await asyncio.to_thread(self._make, call, ctx)
        ctx.emit(Called(backend=self.info.name, usage=Usage(seconds=time.perf_counter() - start, images=len(made))))
        return made

    def _make(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        base = ctx.images.open(call.base.image)
        made = []
        for seed in call.seeds:
            image = ctx.images.save(self._function(base.copy(), call, seed), like=call.base.image)
            made.append(Candidate(image=image, seed=seed, geometry=call.base.geometry))
        return tuple(made)


class ScriptedComparer:
    """Prefers from a script."""

    info = PartInfo(name="scripted", version="1")

    def __init__(self, preferences: Iterable[Preference | Failure]) -> None:
        self._preferences = list(preferences)

    async def compare(self, request: EditRequest, a: Candidate, b: Candidate, ctx: Context) -> Preference:
        """Return the next preference."""
        preference = self._preferences.pop(0)
        if isinstance(preference, Failure):
            raise preference.error()
        return preference
