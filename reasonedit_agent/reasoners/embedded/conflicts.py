"""What cannot be done together: opposite steps in one place, and a frame that cuts away what is to stay."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from reasonedit_agent.operations import (
    Adjust,
    BlackAndWhite,
    Blur,
    Crop,
    Flip,
    PlainOperation,
    Resize,
    Rotate,
    Sharpen,
    Upscale,
)
from reasonedit_agent.reasoners.embedded.checks.geometry import plan_geometry
from reasonedit_agent.reasoners.embedded.grammar import Clause
from reasonedit_agent.reasoners.embedded.messages import language_of, refusal
from reasonedit_agent.reasoners.embedded.places import Places
from reasonedit_agent.reasoners.embedded.wording import noun_in, statement
from reasonedit_agent.schemas import EditStep

__all__ = ["framed", "opposed", "refuse_opposites", "refuse_turned"]

_GEOMETRY = (Crop, Resize, Rotate, Flip, Upscale)
_LIGHT = ("brightness", "exposure")
_THING, _EXTENT = 0.9, 0.05
"""Least share that a frame must leave of a thing, and of what has no bounds (sky, background)."""


def opposed(one: PlainOperation, other: PlainOperation) -> bool:
    """Return whether one operation undoes the other, or leaves it nothing to act on."""
    if isinstance(one, Adjust) and isinstance(other, Adjust):
        same = one.what == other.what or (one.what in _LIGHT and other.what in _LIGHT)
        return same and one.amount * other.amount < 0
    for first, second in ((one, other), (other, one)):
        more = isinstance(first, Adjust) and first.what == "saturation" and first.amount > 0
        if (more and isinstance(second, BlackAndWhite)) or (isinstance(first, Blur) and isinstance(second, Sharpen)):
            return True
    return False


def refuse_opposites(clauses: Sequence[Clause], language: str) -> None:
    """Raise where two clauses ask for opposite things in the same place.

    Raises:
        Unsupported: It names the two.
    """
    language = language_of(language)
    for one, other in combinations(clauses, 2):
        if one.target == other.target and opposed(one.operation, other.operation):
            said = statement(one, language), statement(other, language)
            raise refusal(language, ("opposite", *said), ("which",))


def refuse_turned(clauses: Sequence[Clause], keep: Sequence[str], language: str) -> None:
    """Raise where all that is asked is to turn or mirror the picture, and a thing in it is to stay as it is.

    Beside a step that can leave it out ("flip it and make the cup red, but keep the cat"), it stays out of that step.

    Raises:
        Unsupported: It names the thing and the step.
    """
    turns = [c for c in clauses if isinstance(c.operation, Rotate | Flip)]
    if keep and turns and all(isinstance(c.operation, _GEOMETRY) for c in clauses):
        said = noun_in(keep[0], language), statement(turns[0], language)
        raise refusal(language, ("turned", *said), ("drop_one",))


def framed(
    steps: Sequence[EditStep], clauses: Sequence[Clause | None], keep: Sequence[str], places: Places, language: str
) -> tuple[EditStep, ...]:
    """Return the steps with frames that hold what is to stay, where a ratio leaves the choice of the frame.

    Args:
        steps: The plan.
        clauses: What each step came from, if it was understood.
        keep: Nouns that must stay.
        places: Where things are.
        language: Of a refusal.

    Raises:
        Unsupported: A crop cuts a thing away that is to stay.
    """
    crops = [k for k, step in enumerate(steps) if isinstance(step.operation, Crop)]
    if not crops or not keep:
        return tuple(steps)
    found = [noun for noun in keep if places.knows(noun)]
    places.lost += [noun for noun in keep if noun not in found]
    lost = _lost(steps, found, places)
    free = [k for k in crops if steps[k].region is None]
    if lost and free:  # a ratio alone: the largest such part that holds them
        first = steps[free[0]]
        steps = list(steps)
        steps[free[0]] = first.model_copy(update={"region": places.region(" and ".join(found), ())})
        lost = _lost(steps, found, places)
    if lost:
        clause = next((c for k in crops if (c := clauses[k]) is not None), None)
        said = statement(clause, language) if clause is not None else steps[crops[0]].text
        raise refusal(language, ("cut_away", noun_in(lost[0], language), said), ("crop_else",))
    return tuple(steps)


def _lost(steps: Sequence[EditStep], keep: Sequence[str], places: Places) -> list[str]:
    boxes = [places.box(step.region) if isinstance(step.operation, Crop) else None for step in steps]
    geometry, _, _ = plan_geometry(steps, boxes, places.size)
    return [
        noun for noun in keep if (share := places.share(noun, geometry.valid))[0] < (_THING if share[1] else _EXTENT)
    ]
