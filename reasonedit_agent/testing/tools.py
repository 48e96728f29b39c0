"""What every edit tool must do, and what it can do, as checks that a third party runs on its own.

The contract is behaviour that the loop relies on; with the abilities and the facts it is the tool's capability card.
`check_tool` never raises for a tool that fails: the report says which check failed and why.
"""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from reasonedit_agent.errors import Lost, ReplyError
from reasonedit_agent.events import EVENT, AnyEvent, Called
from reasonedit_agent.protocols import EditTool
from reasonedit_agent.recording import NotRecorded
from reasonedit_agent.schemas import Candidate, EditCall, EditStep, ImageRef, join_texts
from reasonedit_agent.testing.scripted import SimpleContext
from reasonedit_agent.testing.suite import NotShown, Report, Suite

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["check_tool"]

_LEVELS = 2
"""By how much of 255 a pixel of a batch may differ from the single run: sums of another order round otherwise."""


class _ToolSuite(Suite):
    def __init__(self, tool: EditTool, source: bytes, steps: tuple[EditStep, ...], folder: Path) -> None:
        self.tool, self.source, self.steps, self.folder = tool, source, steps, folder
        self.ctx = SimpleContext(folder)
        self.ref = self.ctx.images.put(source)

    async def edit(
        self, *seeds: int, source: ImageRef | None = None, ctx: SimpleContext | None = None, **changes: Any
    ) -> tuple[Candidate, ...]:
        base = Candidate.of(source or self.ref)
        fields: dict[str, Any] = {"instruction": join_texts(self.steps), "steps": self.steps, **changes}
        return await self.tool.edit(EditCall(base=base, seeds=seeds, **fields), ctx or self.ctx)

    async def seeded(self, *seeds: int, **changes: Any) -> tuple[Candidate, ...]:
        """Edit, for a check that compares pictures by their seeds; there is none where nobody knows the seeds."""
        made = await self.edit(*seeds, **changes)
        if not self.tool.card.deterministic and any(candidate.seed is None for candidate in made):
            raise NotShown("skipped, this server takes no seed")
        return made

    def pixels(self, candidate: Candidate) -> Image:
        return self.ctx.images.open(candidate.image)

    def stored(self, picture: Image) -> ImageRef:
        out = io.BytesIO()
        picture.save(out, "PNG")
        return self.ctx.images.put(out.getvalue())

    async def check_count(self) -> str:
        """One candidate per seed."""
        made = await self.edit(1, 2)
        return "" if len(made) == 2 else f"candidates made for 2 seeds: {len(made)}"

    async def check_size(self) -> str:
        """The base's size is kept."""
        (made,) = await self.edit(1)
        real = self.pixels(made).size
        if made.image.size != real:
            return f"it says {made.image.size}, the picture has {real}"
        return "" if real == self.ref.size else f"the base has {self.ref.size}, the result {real}"

    async def check_orientation(self) -> str:
        """A portrait stays a portrait, a landscape a landscape."""
        from PIL.Image import Transpose

        turned = self.stored(self.ctx.images.open(self.ref).transpose(Transpose.ROTATE_90))
        (made,) = await self.edit(1, source=turned)
        return "" if made.image.size == turned.size else f"the base has {turned.size}, the result {made.image.size}"

    async def check_alpha(self) -> str:
        """What is transparent stays so."""
        from PIL import Image

        picture = self.ctx.images.open(self.ref).convert("RGB")
        alpha = Image.new("L", picture.size, 255)
        alpha.paste(0, (0, 0, picture.width // 2, picture.height))
        picture.putalpha(alpha)
        (made,) = await self.edit(1, source=self.stored(picture))
        found = self.pixels(made)
        return "" if found.mode == "RGBA" else f"the base is half transparent, the result is {found.mode}"

    async def check_geometry(self) -> str:
        """Geometry maps into the result."""
        (made,) = await self.edit(1)
        x, y = made.geometry.to_candidate(self.ref.width / 2, self.ref.height / 2)
        inside = 0 <= x <= made.image.width and 0 <= y <= made.image.height
        return "" if inside else f"the source's middle stands at ({x:.1f}, {y:.1f}), outside of the result"

    async def check_seed(self) -> str:
        """The same seed gives the same picture."""
        first, second = await self.seeded(7), await self.seeded(7)
        return "" if first[0].image == second[0].image else "the same call gave two different pictures"

    async def check_deterministic(self) -> str:
        """Another seed gives another picture, unless the card says that seeds change nothing."""
        steps = self.steps
        if self.tool.card.operations and self.tool.card.reads_text and not self.tool.card.deterministic:
            # It does typed steps in one way and texts in another, and only the one of texts needs seeds.
            steps = tuple(step.model_copy(update={"operation": None}) for step in steps)
            if not join_texts(steps).strip():
                raise NotShown("the steps have no texts, and typed ones may be done without seeds")
        (first,), (second,) = await self.seeded(7, steps=steps), await self.seeded(8, steps=steps)
        if (first.image == second.image) == self.tool.card.deterministic:
            return ""
        return "the card says that it is not deterministic" if first.image == second.image else "the card says it is"

    async def check_batch(self) -> str:
        """Candidate 0 of a batch equals the single run."""
        from PIL import ImageChops

        # A PNG: a JPEG makes more of one level than there is.
        source = self.stored(self.ctx.images.open(self.ref).convert("RGB"))
        (single,), batch = await self.seeded(3, source=source), await self.seeded(3, 4, source=source)
        difference = ImageChops.difference(self.pixels(single).convert("RGB"), self.pixels(batch[0]).convert("RGB"))
        bands: Any = difference.getextrema()
        most = max(high for _, high in bands)
        return "" if most <= _LEVELS else f"candidate 0 of a batch differs from the single run by {most} of 255"

    async def check_change(self) -> str:
        """The edit changes the picture."""
        (made,) = await self.edit(1)
        return "" if made.image != self.ref else "the picture did not change"

    async def check_source(self) -> str:
        """The source is not changed."""
        await self.edit(1)
        return "" if self.ctx.images.get(self.ref) == self.source else "the source was changed"

    async def check_references(self) -> str:
        """More references than the card takes are refused."""
        taken = self.tool.card.references
        try:
            await self.edit(1, references=(self.ref,) * (taken + 1))
        except ReplyError:
            return ""
        return "" if self.tool.card.operations else f"the card takes {taken}, and {taken + 1} were taken"

    async def check_concurrency(self) -> str:
        """Calls at once do not disturb each other."""
        together = await asyncio.gather(*(self.seeded(seed) for seed in range(4)))
        alone = [await self.edit(seed) for seed in range(4)]
        same = all(a[0].image == b[0].image for a, b in zip(together, alone, strict=True))
        return "" if same else "four calls at once gave other pictures than one after the other"

    async def check_cancellation(self) -> str:
        """A call that is given up ends, and the next one works."""
        ctx, begun = SimpleContext(self.folder), asyncio.Event()
        emit = ctx.emit

        def told(event: AnyEvent) -> None:
            emit(event)
            begun.set()

        ctx.emit = told  # type: ignore[method-assign]
        task = asyncio.create_task(self.edit(1, ctx=ctx))
        first = asyncio.create_task(begun.wait())
        await asyncio.wait({task, first}, return_when=asyncio.FIRST_COMPLETED)
        first.cancel()
        task.cancel()
        (said,) = await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 60)
        if isinstance(said, NotRecorded):
            raise said
        if isinstance(said, BaseException) and not isinstance(said, asyncio.CancelledError | Lost):
            return f"it raised {said!r}"
        return "" if len(await self.edit(1)) == 1 else "the next edit gave no picture"

    async def check_events(self) -> str:
        """Usage is emitted, and every event survives a round trip."""
        self.ctx.events.clear()
        await self.edit(1)
        for event in self.ctx.events:
            if EVENT.validate_json(event.model_dump_json()) != event:
                return f"the event {event.type} does not survive a round trip"
        told = any(isinstance(event, Called) and event.usage.seconds is not None for event in self.ctx.events)
        return "" if told else "no Called event with its seconds was emitted"

    async def can_take_references(self) -> str:
        """It reads a reference photo."""
        if not self.tool.card.references:
            return "its card takes none"
        if self.tool.card.operations:
            raise NotShown("which operation reads one is the tool's own affair")
        from PIL import Image

        other = self.stored(Image.linear_gradient("L").convert("RGB"))
        (alone,), (beside,) = await self.seeded(1), await self.seeded(1, references=(other,))
        return "" if alone.image != beside.image else "it changes nothing"

    async def can_keep_outside(self) -> str:
        """It leaves alone what is outside of a region."""
        from PIL import ImageChops

        from reasonedit_agent.schemas import Box

        if not self.tool.card.mask:
            return "its card says that it does not"
        right, bottom = self.ref.width // 2, self.ref.height // 2
        source = self.stored(self.ctx.images.open(self.ref).convert("RGB"))
        (made,) = await self.edit(1, source=source, region=Box(left=0, top=0, right=right, bottom=bottom))
        before, after = self.ctx.images.open(source), self.pixels(made).convert("RGB")
        outside = (right + right // 8, 0, self.ref.width, self.ref.height)
        moved: Any = ImageChops.difference(before.crop(outside), after.crop(outside)).resize((1, 1)).getpixel((0, 0))
        return "" if max(moved) <= _LEVELS else f"it changed by {max(moved)} of 255 there"

    def facts(self) -> dict[str, Any]:
        """Return what the card says, and the seconds of an edit."""
        seconds = [
            event.usage.seconds
            for event in self.ctx.events
            if isinstance(event, Called) and event.usage.seconds is not None
        ]
        told = self.tool.card.model_dump(mode="json", exclude={"operation_schema"})
        return {**told, "median_seconds": round(median(seconds), 3) if seconds else None}


async def check_tool(tool: EditTool, source: bytes, steps: tuple[EditStep, ...], folder: Path) -> Report:
    """Check a tool on one picture.

    Args:
        tool: What is checked.
        source: An encoded picture that the steps fit.
        steps: An edit that the tool can do and that keeps the picture's size.
        folder: For images; empty.
    """
    return await _ToolSuite(tool, source, steps, folder).report(tool.info.name)
