"""Regions that were guessed: the mark that thinking leaves on them, and that reflection reads."""

from __future__ import annotations

from reasonedit_agent.schemas import Mask, Region

__all__ = ["GUESS", "guessed_name"]

GUESS = " (a guess)"
"""End of the label of a mask that shows what stands out, for want of a model that knows the noun."""


def guessed_name(region: Region | None) -> str:
    """Return what a region was guessed to be, or an empty text where it was not guessed."""
    label = region.label if isinstance(region, Mask) else ""
    return label.removesuffix(GUESS).removeprefix("everything except ") if label.endswith(GUESS) else ""
