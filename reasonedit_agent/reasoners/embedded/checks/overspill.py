"""Was more painted than the thing: the coffee with the cup, the spoon that leans on it?"""

from __future__ import annotations

import numpy as np

from reasonedit_agent.perception.arrays import Mask
from reasonedit_agent.reasoners.embedded.checks.base import Evidence
from reasonedit_agent.schemas import EditStep
from reasonedit_agent.schemas import Mask as MaskRegion

__all__ = ["overspill"]

_LEAST = 0.04
"""Share of the region from which it is seen."""

_MOVED = 8.0
"""Lab distance from which a place was painted."""


def overspill(step: EditStep, seen: Evidence) -> tuple[float, Mask | None]:
    """Return the share of a named region that is another thing and was changed, and the region without it.

    A place that a person drew (a box, a polygon, a mask without a name) is what is meant; nothing of it is too much.
    """
    if not isinstance(step.region, MaskRegion) or not step.region.label or " and " in step.region.label:
        return 0.0, None
    other = seen.before.foreign(step.region.label)
    if other is None:
        return 0.0, None
    moved = np.linalg.norm(seen.result_lab - seen.without, axis=2) >= _MOVED
    painted = (other > 0.5) & (seen.region > 0.5) & moved & seen.valid & seen.known
    share = float(painted.sum()) / max(1.0, float((seen.region > 0.5).sum()))
    if share < _LEAST:
        return share, None
    return share, np.asarray(np.minimum(seen.region, 1 - other), np.float32)
