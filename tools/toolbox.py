"""Several tools as one: each step goes to the first tool that can do it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from reasonedit_agent.errors import Unsupported, UsageError
from reasonedit_agent.events import PartInfo
from reasonedit_agent.protocols import Context, EditTool
from reasonedit_agent.registry import build
from reasonedit_agent.schemas import Candidate, Card, EditCall, EditStep, join_texts

__all__ = ["Toolbox"]


class Toolbox:
    """Typed steps to the first tool that executes them, the rest to the first that reads text.

    The steps run in their order. Neighbours for one tool are one call of it, and a tool that reads text gets the texts
    of its own steps alone. Candidates fan out at the first tool whose seeds change something: what comes before it is
    done once.

    Args:
        tools: At least one; names, texts or objects.

    Raises:
        UsageError: There is none.
    """

    def __init__(self, *tools: object) -> None:
        if not tools:
            raise UsageError("A toolbox needs a tool.", hint="Such as toolbox(classical, diffusers(DIR)).")
        self._tools: tuple[EditTool, ...] = tuple(build("tools", tool) for tool in tools)
        self._info = PartInfo(
            name="toolbox",
            version="1",
            settings={"tools": [tool.info.model_dump(mode="json", exclude={"spec"}) for tool in self._tools]},
        )

    @property
    def info(self) -> PartInfo:
        """Name, version, and the tools."""
        return self._info

    @property
    def members(self) -> tuple[EditTool, ...]:
        """The tools, in the order in which they are asked."""
        return self._tools

    @property
    def card(self) -> Card:
        """What any of the tools can do."""
        cards = [tool.card for tool in self._tools]
        readers = [card for card in cards if card.reads_text]
        return Card(
            operations=tuple(dict.fromkeys(name for card in cards for name in card.operations)),
            reads_text=bool(readers),
            references=max(card.references for card in cards),
            mask=all(card.mask for card in cards),
            batch=0,
            languages=readers[0].languages if readers else (),
            deterministic=all(card.deterministic for card in cards),
            needs_gpu=any(card.needs_gpu for card in cards),
        )

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Run the steps, group by group; a call without steps is one in words.

        Raises:
            Unsupported: No tool can do a step, or none that reads text takes the reference photos that were given.
        """
        steps = call.steps or (EditStep(text=call.instruction),)
        photos = _unnamed(call)
        groups = [(tool, tuple(group)) for tool, group in groupby(steps, lambda step: self._tool_for(step, photos))]
        made: tuple[Candidate, ...] = (call.base,)
        seeded = True
        for tool, group in groups:
            made = await self._step(tool, group, made, call, ctx)
            seeded &= tool.card.deterministic or all(candidate.seed is not None for candidate in made)
        fanned = made if len(made) == len(call.seeds) else made * len(call.seeds)
        # Where a tool does not know which seed it drew by, nobody does.
        seeds = call.seeds if seeded else (None,) * len(call.seeds)
        return tuple(item.model_copy(update={"seed": seed}) for item, seed in zip(fanned, seeds, strict=True))

    async def _step(
        self, tool: EditTool, steps: tuple[EditStep, ...], bases: tuple[Candidate, ...], call: EditCall, ctx: Context
    ) -> tuple[Candidate, ...]:
        """Run one group on one base for all candidates, or on the base of each."""
        fields: dict[str, Any] = {"references": call.references if tool.card.references else ()}
        if call.steps:
            fields["steps"] = steps
        if len(steps) < len(call.steps):
            fields["instruction"] = join_texts(steps)
        seeds = call.seeds[:1] if tool.card.deterministic else call.seeds
        if len(bases) == 1:
            calls = [call.model_copy(update={**fields, "base": bases[0], "seeds": seeds})]
        else:
            alone = [{**fields, "base": base, "seeds": (seed,)} for base, seed in zip(bases, call.seeds, strict=True)]
            calls = [call.model_copy(update=changes) for changes in alone]
        between = bases[0] is not call.base
        found = await asyncio.gather(*(tool.edit(part, ctx) for part in calls))
        # What the tools before this one measured stays with the picture.
        return tuple(
            item.model_copy(update={"measures": {**(part.base.measures if between else {}), **item.measures}})
            for part, made in zip(calls, found, strict=True)
            for item in made
        )

    def _tool_for(self, step: EditStep, photos: int) -> EditTool:
        """Return the tool of a step, which reads ``photos`` reference photos if it does it by its text."""
        for tool in self._tools:
            if step.operation is not None and step.operation.op in tool.card.operations:
                return tool
        readers = [tool for tool in self._tools if tool.card.reads_text and step.text.strip()]
        if not readers:
            raise Unsupported(
                f"No tool of the toolbox can do the step {step.text!r}.",
                hint="Add one that reads text, such as toolbox(classical, diffusers(DIR)).",
            )
        found = max(readers, key=lambda tool: min(tool.card.references, photos))  # the first of those that read all
        if photos and not found.card.references:
            raise Unsupported(
                f"{photos} reference photos were given, and no tool of the toolbox that reads text takes any.",
                hint="Leave them out, or put one in that takes some, such as diffusers(DIR) of Qwen-Image-Edit-2511.",
            )
        return found


def _unnamed(call: EditCall) -> int:
    """Return how many reference photos a text must mean: all, but where typed steps name every one of them."""
    named = {number for step in call.steps if step.operation for number in _references(step.operation.model_dump())}
    return 0 if set(range(len(call.references))) <= named else len(call.references)


def _references(told: dict[str, Any]) -> Iterator[int]:
    """Yield the numbers of the photos that an operation names, however deep."""
    for name, value in told.items():
        if name == "reference" and isinstance(value, int):
            yield value
        elif isinstance(value, dict):
            yield from _references(value)
