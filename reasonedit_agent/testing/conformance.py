"""What every part must do, as checks that a third party runs on its own part.

Each check is behaviour that the loop relies on. `check_tool` and `check_reasoner` never raise for a part that fails:
they return a `Report` that says which check failed and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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
    ImageRef,
    Refine,
    Rejected,
    Thought,
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


class _Checks:
    def __init__(self) -> None:
        self.done: list[Check] = []

    async def run(self, name: str, check: Callable[[], Awaitable[str]]) -> None:
        """Run one check; it returns what is wrong, or an empty text."""
        try:
            seen = await check()
        except ReasonEditError as error:
            seen = f"it raised {type(error).__name__}: {error}"
        except Exception as error:
            seen = f"it raised {type(error).__name__}, which is not an error of this library: {error}"
        self.done.append(Check(name, not seen, seen))


async def check_tool(tool: EditTool, source: bytes, steps: tuple[EditStep, ...], folder: Path) -> Report:
    """Check a tool on one picture.

    Args:
        tool: What is checked.
        source: An encoded picture that the steps fit.
        steps: An edit that the tool can do and that keeps the picture's size.
        folder: For images; empty.

    Returns:
        The report: candidates per seed, size, geometry, determinism by seed, input unchanged, concurrency, events.
    """
    ctx = SimpleContext(folder)
    ref = ctx.images.put(source)
    base = Candidate.of(ref)
    checks = _Checks()

    def call(*seeds: int) -> EditCall:
        return EditCall(base=base, instruction="; ".join(s.text for s in steps), steps=steps, seeds=seeds)

    async def counted() -> str:
        made = await tool.edit(call(1, 2), ctx)
        return "" if len(made) == 2 else f"2 seeds gave {len(made)} candidates"

    async def sized() -> str:
        (made,) = await tool.edit(call(1), ctx)
        real = ctx.images.open(made.image).size
        if made.image.size != real:
            return f"it says {made.image.size}, the picture has {real}"
        return "" if real == ref.size else f"the base has {ref.size}, the result {real}"

    async def placed() -> str:
        (made,) = await tool.edit(call(1), ctx)
        x, y = made.geometry.to_candidate(ref.width / 2, ref.height / 2)
        inside = 0 <= x <= made.image.width and 0 <= y <= made.image.height
        return "" if inside else f"the source's middle stands at ({x:.1f}, {y:.1f}), outside of the result"

    async def repeatable() -> str:
        first, second = [(await tool.edit(call(7), ctx))[0].image.sha256 for _ in range(2)]
        return "" if first == second else "the same call gave two different pictures"

    async def first_of_batch() -> str:
        single = (await tool.edit(call(3), ctx))[0].image.sha256
        batch = (await tool.edit(call(3, 4), ctx))[0].image.sha256
        return "" if single == batch else "candidate 0 of a batch differs from the single run"

    async def changed() -> str:
        (made,) = await tool.edit(call(1), ctx)
        return "" if made.image.sha256 != ref.sha256 else "the picture did not change"

    async def untouched() -> str:
        await tool.edit(call(1), ctx)
        return "" if ctx.images.get(ref) == source else "the source was changed"

    async def concurrent() -> str:
        made = await asyncio.gather(*(tool.edit(call(seed), ctx) for seed in range(4)))
        alone = [await tool.edit(call(seed), ctx) for seed in range(4)]
        same = [a[0].image.sha256 == b[0].image.sha256 for a, b in zip(made, alone, strict=True)]
        return "" if all(same) else "four calls at once gave other pictures than one after the other"

    async def told() -> str:
        ctx.events.clear()
        await tool.edit(call(1), ctx)
        for event in ctx.events:
            if EVENT.validate_json(event.model_dump_json()) != event:
                return f"the event {event.type} does not survive a round trip"
        called = [event for event in ctx.events if isinstance(event, Called) and event.usage.seconds is not None]
        return "" if called else "no Called event with its seconds was emitted"

    await checks.run("one candidate per seed", counted)
    await checks.run("the base's size is kept", sized)
    await checks.run("geometry maps into the result", placed)
    await checks.run("the same seed gives the same picture", repeatable)
    await checks.run("candidate 0 of a batch equals the single run", first_of_batch)
    await checks.run("the edit changes the picture", changed)
    await checks.run("the source is not changed", untouched)
    await checks.run("calls at once do not disturb each other", concurrent)
    await checks.run("usage is emitted", told)
    return Report(tool.info.name, tuple(checks.done))


async def check_reasoner(reasoner: Reasoner, tool: EditTool, source: bytes, instruction: str, folder: Path) -> Report:
    """Check a reasoner together with a tool that can do what it plans.

    Args:
        reasoner: What is checked.
        tool: Whose card it plans for.
        source: An encoded picture.
        instruction: That both can serve on it.
        folder: For images; empty.

    Returns:
        The report: a plan for the card, verdicts, an unchanged picture is not accepted, concurrency, events.
    """
    ctx = SimpleContext(folder)
    ref: ImageRef = ctx.images.put(source)
    request = EditRequest(image=ref, instruction=instruction, seed=1)
    history = History(request=request)
    checks = _Checks()

    async def plan() -> Thought:
        return await reasoner.think(request, tool.card, history, ctx)

    def call_of(thought: Thought) -> EditCall:
        return EditCall(base=Candidate.of(ref), instruction=thought.instruction, steps=thought.steps, seeds=(1,))

    async def fits() -> str:
        thought = await plan()
        if Thought.model_validate_json(thought.model_dump_json()) != thought:
            return "the plan does not survive a round trip"
        known = tool.card.operations
        unknown = [s.operation.op for s in thought.steps if s.operation and known and s.operation.op not in known]
        return f"the tool has no {', '.join(unknown)}" if unknown else ""

    async def asks() -> str:
        return "" if (await plan()).checklist else "the checklist is empty"

    async def judges() -> str:
        thought = await plan()
        call = call_of(thought)
        (made,) = await tool.edit(call, ctx)
        verdict = await reasoner.reflect(request, thought, call, made, history, ctx)
        if not isinstance(verdict, Accepted | Refine | Rejected):
            return f"a verdict was expected, not {type(verdict).__name__}"
        return "" if type(verdict).model_validate_json(verdict.model_dump_json()) == verdict else "no round trip"

    async def sees_nothing_done() -> str:
        thought = await plan()
        verdict = await reasoner.reflect(request, thought, call_of(thought), Candidate.of(ref), history, ctx)
        return "the untouched source was accepted" if isinstance(verdict, Accepted) else ""

    async def concurrent() -> str:
        plans = await asyncio.gather(*(plan() for _ in range(3)))
        return "" if all(p.steps for p in plans) else "a plan had no steps"

    async def told() -> str:
        ctx.events.clear()
        await plan()
        return "" if any(isinstance(event, Called) for event in ctx.events) else "no Called event was emitted"

    await checks.run("the plan fits the tool's card", fits)
    await checks.run("the plan has a checklist", asks)
    await checks.run("it judges a result", judges)
    await checks.run("an untouched source is not accepted", sees_nothing_done)
    await checks.run("calls at once do not disturb each other", concurrent)
    await checks.run("usage is emitted", told)
    return Report(reasoner.info.name, tuple(checks.done))
