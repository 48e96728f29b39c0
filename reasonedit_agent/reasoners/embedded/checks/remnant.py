"""What a removal left behind: a nose or a foot just outside of its mask, or a ghost and foreign bits inside of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import Mask, mask_box
from reasonedit_agent.perception.masks import grow
from reasonedit_agent.reasoners.embedded.checks.base import Evidence, Float

__all__ = ["Remnant", "find_remnant", "foreign", "ghost"]

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


def find_remnant(seen: Evidence, where: npt.NDArray[np.bool_], hole: int, thing: Mask | None = None) -> Remnant | None:
    """Return the part that touches the region, stands out from what is around it now, and has the thing's colours.

    A part that goes on further out (a plate under a cup) is another thing, and does not count.

    Args:
        seen: The evidence on the removal.
        where: Its region.
        hole: How far the hole reached beyond the region, in array pixels.
        thing: Where a second view of the source sees the thing; what lies outside of it is no part of it.
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
        if thing is not None and float(thing[part].mean()) < 0.3:
            continue
        colours = seen.source_lab[part]
        like = np.linalg.norm(colours[:, None] - main[None], axis=2).min(axis=1) < _LIKE
        if float(like.mean()) >= 0.5 and (found is None or share > found.share):
            found = Remnant(share, float(distance[part].max()), part)
    return found


def _around(lab: Float, use: npt.NDArray[np.bool_], sigma: float) -> Float:
    """Return a broad mean of the values of the pixels that are used (normalised convolution)."""
    weight = use.astype(np.float32)
    shape = (*use.shape, *[1] * (lab.ndim - 2))
    total = cv2.GaussianBlur(lab * weight.reshape(shape), (0, 0), sigma)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)
    return np.asarray(total / np.maximum(share, 1e-6).reshape(shape), np.float32)


def _main_colours(colours: Float) -> Float:
    """Return up to eight main colours, by k-means with a fixed start."""
    sample = np.ascontiguousarray(colours[:: max(1, len(colours) // 4000)], np.float32)
    groups = min(8, len(sample))
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    _, _, centres = cv2.kmeans(sample, groups, np.zeros((len(sample), 1), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS)
    return np.asarray(centres, np.float32)


def ghost(before: Float, after: Float, where: npt.NDArray[np.bool_]) -> float:
    """Return how much of the removed thing's structure is in the fill, 0 to 1: a least-squares gain on L*.

    A fill owes nothing to what it covers: 0.05 or less is usual. Half of the thing, or the thing shining through,
    darker, or blurred, has 0.2 and more in fine or in broader structures.

    Args:
        before: Lab picture of the source.
        after: Lab picture of the result.
        where: The region.
    """
    gains = [0.0]
    for share in (0.03, 0.1):
        radius = max(1.5, share * float(np.sqrt(where.sum())))
        x, y = ((lab[..., 0] - cv2.GaussianBlur(lab[..., 0], (0, 0), radius))[where] for lab in (before, after))
        power = float((x * x).sum())
        if power > 0.25 * x.size and float(y.std()) > 0.1:
            gain, correlation = float((x * y).sum()) / power, float(np.corrcoef(x, y)[0, 1])
            gains.append(min(gain, 1.0) if correlation > 0.2 else 0.0)
    return max(gains)


def foreign(seen: Evidence, where: npt.NDArray[np.bool_]) -> float:
    """Return the share of the fill that is much busier than the ring beside it: something is left, or was pasted in."""
    reach = max(3, round(0.02 * max(where.shape)))
    hard = where.astype(np.float32)
    ring = (grow(hard, 2 + reach) > 0.5) & (grow(hard, 2) < 0.5) & seen.valid
    if int(ring.sum()) < 16:
        return 0.0
    light = seen.result_lab[..., 0]
    steep = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) / 8
    slope = np.asarray(steep, np.float32)
    own, near = _around(slope, where, max(2.0, reach / 3)), _around(slope, ring, 2.0 * reach)
    return float((own[where] > 2 * (near[where] + 0.6)).mean())
