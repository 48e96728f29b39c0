"""Did a step reach all of its region? A mean that is right can hide a half that was left as it was."""

from __future__ import annotations

import cv2
import numpy as np

from reasonedit_agent import operations as ops
from reasonedit_agent.perception.arrays import Mask
from reasonedit_agent.perception.masks import components, shrink
from reasonedit_agent.reasoners.embedded.checks.base import Evidence
from reasonedit_agent.schemas import EditStep

__all__ = ["MOST", "left_out"]

MOST = 0.25
"""Share of a region that may be left as it was: editors bend their curves, and spare shadows or skin."""

_SPREAD = (ops.Adjust, ops.BlackAndWhite, ops.Sepia, ops.Sharpen, ops.Stylise, ops.Blur)
"""Steps that act on every pixel of their region (a recolouring measures it itself)."""

_SEEN = 1.0
"""Lab distance from which a change is due in a place at all."""

_UNTOUCHED = 0.15
"""Share of the usual progress below which a place counts as left out."""


def left_out(step: EditStep, seen: Evidence) -> tuple[float, Mask | None]:
    """Return the share of the region that did not change although the rest of it did, and where that is.

    The change of small places is compared with the one that was due there; for a style, which cannot be computed, with
    the usual one in places with texture. A change that is weak everywhere leaves nothing out.
    """
    if not isinstance(step.operation, _SPREAD):
        return 0.0, None
    where = (shrink((seen.region > 0.5).astype(np.float32), 3) > 0.5) & seen.valid & seen.known
    size = max(5, round(0.02 * max(where.shape)))
    weight = cv2.blur(where.astype(np.float32), (size, size))

    def around(plane: Mask) -> Mask:
        return np.asarray(cv2.blur(plane * where, (size, size)) / np.maximum(weight, 1e-6), np.float32)

    moved = around(np.asarray(np.linalg.norm(seen.result_lab - seen.without, axis=2), np.float32))
    if isinstance(step.operation, ops.Stylise):
        light = seen.without[..., 0]
        texture = around(np.asarray(np.abs(light - cv2.GaussianBlur(light, (0, 0), 2)), np.float32))
        due = np.asarray(np.where(texture > 0.5, 3.0, 0.0), np.float32)
    else:
        due = around(np.asarray(np.linalg.norm(seen.wanted - seen.without, axis=2), np.float32))
    counted = where & (due >= _SEEN)
    if int(counted.sum()) < 64:
        return 0.0, None
    went = moved / np.maximum(due, _SEEN)
    usual = float(np.percentile(went[counted], 80))
    left = counted & (went < _UNTOUCHED * usual)
    share = float(left.sum()) / float(counted.sum())
    if usual < 0.05 or share <= MOST:
        return share, None
    grown = cv2.dilate(left.astype(np.float32), np.ones((size, size), np.uint8))
    rest = components(np.asarray(np.minimum(grown, seen.region), np.float32), least=0.05)
    return share, rest
