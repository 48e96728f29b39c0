"""What a removal left behind just outside of its mask: a nose, a foot, a shadow's edge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import mask_box
from reasonedit_agent.perception.masks import grow
from reasonedit_agent.reasoners.embedded.checks.base import Evidence, Float

__all__ = ["Remnant", "find_remnant"]

_STANDS_OUT = 14.0
"""Lab distance from the surroundings from which a part is seen at a glance."""

_LIKE = 12.0
"""Lab distance from the thing's main colours within which a part may belong to it."""


_SHARE = (0.015, 0.2)
"""How large a remnant is beside the thing: less is not seen, more is another thing."""


@dataclass(frozen=True, slots=True)
class Remnant:
    """What is left.

    Attributes:
        share: Its area over the region's.
        reach: How far it extends beyond the region, in array pixels.
        where: Its pixels.
    """

    share: float
    reach: float
    where: npt.NDArray[np.bool_]


def find_remnant(seen: Evidence, where: npt.NDArray[np.bool_], hole: int) -> Remnant | None:
    """Return the part that touches the region, stands out from what is around it now, and has the thing's colours.

    A part that goes on further out (a plate under a cup) is another thing, and does not count.

    Args:
        seen: The evidence on the removal.
        where: Its region.
        hole: How far the hole reached beyond the region, in array pixels.
    """
    hard = where.astype(np.float32)
    box = mask_box(hard)
    if box is None:
        return None
    size = max(box[2] - box[0], box[3] - box[1])
    width = round(float(np.clip(0.15 * size, 6, 0.08 * max(where.shape))))
    band = (grow(hard, width) > 0.5) & ~where
    around = _around(seen.result_lab, ~band & (seen.valid | where), max(3.0, 0.6 * width))
    out = (np.linalg.norm(seen.result_lab - around, axis=2) > _STANDS_OUT) & seen.valid & ~where
    same = np.linalg.norm(seen.result_lab - seen.source_lab, axis=2) < 8
    count, labels = cv2.connectedComponents((out & same).astype(np.uint8))
    near = grow(hard, hole + 4) > 0.5
    distance = cv2.distanceTransform((~where).astype(np.uint8), cv2.DIST_L2, 3)
    main = _main_colours(seen.source_lab[where])
    found: Remnant | None = None
    for label in set(np.unique(labels[near & ~where]).tolist()) - {0} if count > 1 else set():
        part = labels == label
        share = float(part.sum()) / float(where.sum())
        if not _SHARE[0] <= share <= _SHARE[1] or bool((part & ~band).any()):
            continue
        colours = seen.source_lab[part]
        like = np.linalg.norm(colours[:, None] - main[None], axis=2).min(axis=1) < _LIKE
        if float(like.mean()) >= 0.5 and (found is None or share > found.share):
            found = Remnant(share, float(distance[part].max()), part)
    return found


def _around(lab: Float, use: npt.NDArray[np.bool_], sigma: float) -> Float:
    """Return a broad mean of the colours of the pixels that are used (normalised convolution)."""
    weight = use.astype(np.float32)
    total = cv2.GaussianBlur(lab * weight[..., None], (0, 0), sigma)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)
    return np.asarray(total / np.maximum(share, 1e-6)[..., None], np.float32)


def _main_colours(colours: Float) -> Float:
    """Return up to eight main colours, by k-means with a fixed start."""
    sample = np.ascontiguousarray(colours[:: max(1, len(colours) // 4000)], np.float32)
    groups = min(8, len(sample))
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    _, _, centres = cv2.kmeans(sample, groups, np.zeros((len(sample), 1), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS)
    return np.asarray(centres, np.float32)
