"""What every edit tool must do, as checks that a third party runs on its own.

Each check is behaviour that the loop relies on. `check_tool` never raises for a tool that fails: the report says which
check failed and why.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from reasonedit_agent.events import EVENT, Called
from reasonedit_agent.protocols import EditTool
from reasonedit_agent.schemas import Candidate, EditCall, EditStep, join_texts
from reasonedit_agent.testing.scripted import SimpleContext
from reasonedit_agent.testing.suite import Report, Suite

__all__ = ["check_tool"]


class _ToolSuite(Suite):
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


async def check_tool(tool: EditTool, source: bytes, steps: tuple[EditStep, ...], folder: Path) -> Report:
    """Check a tool on one picture.

    Args:
        tool: What is checked.
        source: An encoded picture that the steps fit.
        steps: An edit that the tool can do and that keeps the picture's size.
        folder: For images; empty.
    """
    return await _ToolSuite(tool, source, steps, folder).report(tool.info.name)
