"""What every part must do, as checks that a third party runs on its own part.

Each check is behaviour that the loop relies on. `check_tool` and `check_reasoner` never raise for a part that fails:
they return a `Report` that says which check failed and why.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from reasonedit_agent.errors import ReasonEditError
from reasonedit_agent.events import EVENT, Called
from reasonedit_agent.protocols import EditTool, Reasoner
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    EditCall,
    EditRequest,
    EditStep,
    History,
    Refine,
    Rejected,
    Thought,
    join_texts,
)
from reasonedit_agent.testing.scripted import SimpleContext

__all__ = ["Check", "Report", "check_reasoner", "check_tool"]


@dataclass(frozen=True)
class Check:
    """One check: what must hold, whether it does, and what was seen if not."""

    name: str
    passed: bool
    seen: str = ""


@dataclass(frozen=True)
class Report:
    """All checks of a part."""

    part: str
    checks: tuple[Check, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether all hold."""
        return all(check.passed for check in self.checks)

    def __str__(self) -> str:
        lines = [f"{'ok  ' if c.passed else 'FAIL'} {c.name}{': ' + c.seen if c.seen else ''}" for c in self.checks]
        return "\n".join([self.part, *lines])


class _Suite:
    """Runs its own methods that are called ``check_...``; the first line of a docstring names the check."""

    async def report(self, part: str) -> Report:
        checks = []
        for name in [name for name in vars(type(self)) if name.startswith("check_")]:
            method = getattr(self, name)
            try:
                seen = await method()
            except ReasonEditError as error:
                seen = f"it raised {type(error).__name__}: {error}"
            except Exception as error:
                seen = f"it raised {type(error).__name__}, which is not an error of this library: {error}"
            checks.append(Check(str(method.__doc__).rstrip("."), not seen, seen))
        return Report(part, tuple(checks))


class _ToolSuite(_Suite):
    def __init__(self, tool: EditTool, source: bytes, steps: tuple[EditStep, ...], folder: Path) -> None:
        self.tool, self.source, self.steps = tool, source, steps
        self.ctx = SimpleContext(folder)
        self.ref = self.ctx.images.put(source)

    async def edit(self, *seeds: int) -> tuple[Candidate, ...]:
        call = EditCall(base=Candidate.of(self.ref), instruction=join_texts(self.steps), steps=self.steps, seeds=seeds)
        return await self.tool.edit(call, self.ctx)

    async def check_count(self) -> str:
        """One candidate per seed."""
        made = await self.edit(1, 2)
        return "" if len(made) == 2 else f"2 seeds gave {len(made)} candidates"

    async def check_size(self) -> str:
        """The base's size is kept."""
        (made,) = await self.edit(1)
        real = self.ctx.images.open(made.image).size
        if made.image.size != real:
            return f"it says {made.image.size}, the picture has {real}"
        return "" if real == self.ref.size else f"the base has {self.ref.size}, the result {real}"

    async def check_geometry(self) -> str:
        """Geometry maps into the result."""
        (made,) = await self.edit(1)
        x, y = made.geometry.to_candidate(self.ref.width / 2, self.ref.height / 2)
        inside = 0 <= x <= made.image.width and 0 <= y <= made.image.height
        return "" if inside else f"the source's middle stands at ({x:.1f}, {y:.1f}), outside of the result"

    async def check_seed(self) -> str:
        """The same seed gives the same picture."""
        first, second = await self.edit(7), await self.edit(7)
        return "" if first[0].image == second[0].image else "the same call gave two different pictures"

    async def check_batch(self) -> str:
        """Candidate 0 of a batch equals the single run."""
        single, batch = await self.edit(3), await self.edit(3, 4)
        return "" if single[0].image == batch[0].image else "candidate 0 of a batch differs from the single run"

    async def check_change(self) -> str:
        """The edit changes the picture."""
        (made,) = await self.edit(1)
        return "" if made.image != self.ref else "the picture did not change"

    async def check_source(self) -> str:
        """The source is not changed."""
        await self.edit(1)
        return "" if self.ctx.images.get(self.ref) == self.source else "the source was changed"

    async def check_concurrency(self) -> str:
        """Calls at once do not disturb each other."""
        together = await asyncio.gather(*(self.edit(seed) for seed in range(4)))
        alone = [await self.edit(seed) for seed in range(4)]
        same = all(a[0].image == b[0].image for a, b in zip(together, alone, strict=True))
        return "" if same else "four calls at once gave other pictures than one after the other"

    async def check_events(self) -> str:
        """Usage is emitted, and every event survives a round trip."""
        self.ctx.events.clear()
        await self.edit(1)
        for event in self.ctx.events:
            if EVENT.validate_json(event.model_dump_json()) != event:
                return f"the event {event.type} does not survive a round trip"
        told = any(isinstance(event, Called) and event.usage.seconds is not None for event in self.ctx.events)
        return "" if told else "no Called event with its seconds was emitted"


class _ReasonerSuite(_Suite):
    def __init__(self, reasoner: Reasoner, tool: EditTool, source: bytes, instruction: str, folder: Path) -> None:
        self.reasoner, self.tool = reasoner, tool
        self.ctx = SimpleContext(folder)
        self.request = EditRequest(image=self.ctx.images.put(source), instruction=instruction, seed=1)
        self.history = History(request=self.request)

    async def plan(self) -> Thought:
        return await self.reasoner.think(self.request, self.tool.card, self.history, self.ctx)

    async def judge(self, thought: Thought, candidate: Candidate | None) -> Accepted | Refine | Rejected:
        base = Candidate.of(self.request.image)
        call = EditCall(base=base, instruction=thought.instruction, steps=thought.steps, seeds=(1,))
        if candidate is None:
            (candidate,) = await self.tool.edit(call, self.ctx)
        return await self.reasoner.reflect(self.request, thought, call, candidate, self.history, self.ctx)

    async def check_plan(self) -> str:
        """The plan fits the tool's card."""
        thought = await self.plan()
        if Thought.model_validate_json(thought.model_dump_json()) != thought:
            return "the plan does not survive a round trip"
        known = self.tool.card.operations
        unknown = [s.operation.op for s in thought.steps if s.operation and known and s.operation.op not in known]
        return f"the tool has no {', '.join(unknown)}" if unknown else ""

    async def check_checklist(self) -> str:
        """The plan has a checklist."""
        return "" if (await self.plan()).checklist else "the checklist is empty"

    async def check_verdict(self) -> str:
        """It judges a result."""
        verdict = await self.judge(await self.plan(), None)
        if not isinstance(verdict, Accepted | Refine | Rejected):
            return f"a verdict was expected, not {type(verdict).__name__}"
        same = type(verdict).model_validate_json(verdict.model_dump_json()) == verdict
        return "" if same else "the verdict does not survive a round trip"

    async def check_nothing_done(self) -> str:
        """An untouched source is not accepted."""
        verdict = await self.judge(await self.plan(), Candidate.of(self.request.image))
        return "the untouched source was accepted" if isinstance(verdict, Accepted) else ""

    async def check_concurrency(self) -> str:
        """Calls at once do not disturb each other."""
        plans = await asyncio.gather(*(self.plan() for _ in range(3)))
        return "" if all(plan.steps for plan in plans) else "a plan had no steps"

    async def check_events(self) -> str:
        """Usage is emitted."""
        self.ctx.events.clear()
        await self.plan()
        return "" if any(isinstance(event, Called) for event in self.ctx.events) else "no Called event was emitted"


async def check_tool(tool: EditTool, source: bytes, steps: tuple[EditStep, ...], folder: Path) -> Report:
    """Check a tool on one picture.

    Args:
        tool: What is checked.
        source: An encoded picture that the steps fit.
        steps: An edit that the tool can do and that keeps the picture's size.
        folder: For images; empty.
    """
    return await _ToolSuite(tool, source, steps, folder).report(tool.info.name)


async def check_reasoner(reasoner: Reasoner, tool: EditTool, source: bytes, instruction: str, folder: Path) -> Report:
    """Check a reasoner together with a tool that can do what it plans.

    Args:
        reasoner: What is checked.
        tool: Whose card it plans for.
        source: An encoded picture.
        instruction: That both can serve on it.
        folder: For images; empty.
    """
    return await _ReasonerSuite(reasoner, tool, source, instruction, folder).report(reasoner.info.name)
