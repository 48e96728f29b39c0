"""What a check is given, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from reasonedit_agent.operations import PlainOperation
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.locate import Scene
from reasonedit_agent.schemas import EditStep, Geometry

__all__ = [
    "Check",
    "Evidence",
    "Finding",
    "Float",
    "Remedy",
    "blame",
    "changed",
    "progress_in",
    "say_progress",
    "tried",
]

Float: TypeAlias = npt.NDArray[np.float32]
"""Any array of numbers: a Lab picture (height, width, 3), or one plane of it."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to mend a step.

    Attributes:
        method: ``refine``: do ``step`` on the candidate; ``restart``: put it in the step's place in the whole plan.
        step: What to do.
        why: For the critique.
    """

    method: Literal["refine", "restart"]
    step: EditStep
    why: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        question: Yes/no question that it answers.
        yes: None where it could not be told.
        note: The figures, in words.
        success: 0 to 10.
        remedies: Ways to mend it, the best first.
        margin: 0 at the threshold between yes and no, 1 far from it.
        measures: Figures by name.
        mask: Where the step should act instead, in the evidence's pixels, if that was found out.
    """

    question: str
    yes: bool | None
    note: str
    success: float
    remedies: tuple[Remedy, ...] = ()
    margin: float = 0.5
    measures: dict[str, float] = field(default_factory=dict)
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The source and a candidate at one size, and what a plan should have made of them.

    All arrays have the same height and width: the candidate's, reduced to a bounded size.

    Attributes:
        source: The source's pixels where they stand in the candidate.
        result: The candidate's pixels.
        source_lab: CIE L*, a*, b* of ``source``.
        result_lab: The same of ``result``.
        alpha: The candidate's opacity, 0 to 1.
        source_alpha: The source's opacity, 0 to 1.
        valid: Where the candidate shows a part of the source.
        region: Where the step that is judged should act, soft.
        wanted: Lab picture that the whole plan should give, as far as it can be computed.
        without: Lab picture that the plan without this step should give.
        known: Where ``wanted`` can be trusted.
        alone: Whether no other step moves colours or light on the same pixels.
        pixels: Pixels of these arrays per pixel of the picture that the step starts from.
        geometry: From the source to these arrays.
        planned: From the source to the candidate as the plan's geometry steps should make it; its ``valid`` too.
        planned_size: Width and height that the plan should give, in candidate pixels.
        size: Width and height of the candidate.
        source_size: Width and height of the source.
        before: What perception sees in ``source``.
        after: What perception sees in ``result``.
        references: The request's reference photos.
        last: The step's operation as it was last run from the source; it may differ from the one that was asked.
        replaced: Whether an earlier verdict put another region in the place of the plan's.
    """

    source: Rgb
    result: Rgb
    source_lab: Float
    result_lab: Float
    alpha: Mask
    source_alpha: Mask
    valid: npt.NDArray[np.bool_]
    region: Mask
    wanted: Float
    without: Float
    known: npt.NDArray[np.bool_]
    alone: bool
    pixels: float
    geometry: Geometry
    planned: Geometry
    planned_size: tuple[int, int]
    size: tuple[int, int]
    source_size: tuple[int, int]
    before: Scene
    after: Scene
    references: tuple[Rgb, ...] = ()
    last: PlainOperation | None = None
    replaced: bool = False

    def inside(self, at_least: int = 16) -> npt.NDArray[np.bool_]:
        """Return the pixels to measure in: the region's core, valid, and not painted over by another step."""
        core = (self.region > 0.5) & self.valid
        free = core & self.known
        return free if int(free.sum()) >= at_least else core


_Op = TypeVar("_Op", bound=PlainOperation)


def tried(operation: _Op, seen: Evidence) -> _Op:
    """Return the operation with the parameters that were last run from the source, to scale the next try from."""
    return seen.last if isinstance(seen.last, type(operation)) else operation


Check: TypeAlias = Callable[[EditStep, Evidence], Finding]

_PROGRESS = re.compile(r"\((-?\d+) % of the way\)")


def say_progress(progress: float) -> str:
    """Return how much of a step is done, as a note says it; `progress_in` reads it back from an earlier round."""
    return f"({round(100 * progress)} % of the way)"


def progress_in(note: str) -> float | None:
    """Return the progress that a note states, or None."""
    found = _PROGRESS.search(note)
    return int(found.group(1)) / 100 if found else None


def blame(distance: float, good: float, bad: float) -> float:
    """Return a score of 10 up to ``good``, falling in a straight line to 0 at ``bad``."""
    return float(np.clip(10 * (bad - distance) / (bad - good), 0, 10))


def changed(step: EditStep, operation: PlainOperation) -> EditStep:
    """Return the step with another operation at the same place."""
    return EditStep(text=step.text, operation=operation, region=step.region)
