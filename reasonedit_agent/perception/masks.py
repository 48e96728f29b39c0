"""Refining masks: GrabCut (Rother et al., 2004), the guided filter (He et al., 2010), growing and shrinking."""

from __future__ import annotations

import cv2
import numpy as np

from reasonedit_agent.perception.arrays import Mask, Rgb, bounded, resize_mask

__all__ = [
    "components",
    "fill_holes",
    "grabcut",
    "grow",
    "guided",
    "iou",
    "parts",
    "sharpen_edge",
    "shrink",
    "sized",
    "straightness",
]

_BLURRED = 0.4  # share of the image near the edge: there is no edge to sharpen, and the cut would take seconds
_MIXTURE = (1, 65)  # GrabCut keeps each of its two colour models in so many numbers


def guided(rgb: Rgb, mask: Mask, radius: int, epsilon: float = 1e-4) -> Mask:
    """Return the mask with its edges moved to those of the image and softened over them.

    Args:
        rgb: Image, shape (height, width, 3).
        mask: Mask of the same size.
        radius: Half the window, in pixels; about how far an edge may move.
        epsilon: Variance (of colours 0..1) below which the image counts as flat.
    """
    guide = rgb.astype(np.float32) / 255
    out = cv2.ximgproc.guidedFilter(guide, mask.astype(np.float32), radius, epsilon)
    return np.clip(np.asarray(out, np.float32), 0, 1)


def grabcut(rgb: Rgb, inside: Mask, sure_inside: Mask, sure_outside: Mask, iterations: int = 3) -> Mask:
    """Return a hard mask cut along the image's edges, from a guess and from what is sure.

    Args:
        rgb: Image, shape (height, width, 3).
        inside: Guess; pixels above 0.5 are probably inside.
        sure_inside: Pixels above 0.5 are inside.
        sure_outside: Pixels above 0.5 are outside.
        iterations: Rounds of estimating the colours and cutting.

    Returns:
        Mask of zeros and ones; the guess itself where one side of it is empty.
    """
    labels = np.where(inside > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[sure_inside > 0.5] = cv2.GC_FGD
    labels[sure_outside > 0.5] = cv2.GC_BGD
    is_in = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    if min(int(is_in.sum()), int((~is_in).sum())) < 64:  # too little to estimate five colours from
        return np.asarray(is_in, np.float32)
    cv2.setRNGSeed(0)  # its clustering draws random numbers; the same image must give the same mask
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    whole = (0, 0, 1, 1)  # not read with GC_INIT_WITH_MASK
    cv2.grabCut(bgr, labels, whole, np.zeros(_MIXTURE), np.zeros(_MIXTURE), iterations, cv2.GC_INIT_WITH_MASK)
    return np.asarray((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD), np.float32)


def sharpen_edge(rgb: Rgb, mask: Mask, long_side: int = 512) -> Mask:
    """Return a soft, coarse mask with its edge moved to the image's, for an edge that is right within about 3 %.

    GrabCut decides only in a band around the edge, at no more than ``long_side`` pixels; the guided filter makes the
    result soft at the image's own size.
    """
    small = bounded(rgb, long_side)
    height, width = small.shape[:2]
    soft = resize_mask(mask, height, width)
    if min(height, width) < 16:
        return mask
    band = max(2, max(height, width) // 70)
    inside = grow((soft > 0.8).astype(np.float32), -band)
    outside = 1 - grow((soft > 0.15).astype(np.float32), band)
    undecided = float(np.mean((inside < 0.5) & (outside < 0.5)))
    cut = soft if undecided > _BLURRED else grabcut(small, soft, inside, outside, iterations=2)
    cut = resize_mask(0.8 * cut + 0.2 * soft, rgb.shape[0], rgb.shape[1])
    fine = guided(rgb, cut, max(2, max(rgb.shape[:2]) // 256), 1e-3)
    return np.asarray(np.clip((fine - 0.15) / 0.7, 0, 1), np.float32)


def grow(mask: Mask, pixels: int) -> Mask:
    """Return the mask grown by so many pixels in every direction; a negative number shrinks it."""
    if pixels == 0:
        return mask
    size = 2 * abs(pixels) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    change = cv2.dilate if pixels > 0 else cv2.erode
    return np.asarray(change(mask, kernel), np.float32)


def shrink(mask: Mask, pixels: int) -> Mask:
    """Return the mask shrunk by so many pixels in every direction."""
    return grow(mask, -pixels)


def components(mask: Mask, least: float = 0.1, level: float = 0.5) -> Mask:
    """Return the mask without its small parts: those below ``least`` of the largest part's area."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask >= level).astype(np.uint8))
    if count <= 1:
        return np.zeros_like(mask)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    areas[0] = 0
    keep = np.asarray(areas >= least * areas.max())
    keep[0] = False
    near = cv2.dilate(keep[labels].astype(np.uint8), np.ones((7, 7), np.uint8))  # with the soft rim of what stays
    return np.asarray(mask * near, np.float32)


def parts(mask: Mask, least: float) -> list[Mask]:
    """Return the separate parts of a mask, the largest first, down to ``least`` of its area; itself if it is one."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((mask >= 0.5).astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = [1 + int(k) for k in np.argsort(-areas, kind="stable") if areas[k] >= least * areas.sum()]
    if len(kept) < 2:
        return [mask]
    # A soft pixel belongs to the part that it touches.
    near = {k: cv2.dilate((labels == k).astype(np.uint8), np.ones((7, 7), np.uint8)) for k in kept}
    return [np.asarray(mask * near[k] * ((labels == k) | (labels == 0)), np.float32) for k in kept]


def sized(mask: Mask, smallest: float, largest: float) -> Mask:
    """Return the mask with only those of its parts whose area, in pixels, lies between the two."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((mask >= 0.5).astype(np.uint8))
    keep = (stats[:, cv2.CC_STAT_AREA] >= smallest) & (stats[:, cv2.CC_STAT_AREA] <= largest)
    keep[0] = False
    return np.asarray(mask * keep[labels], np.float32)


def fill_holes(mask: Mask, largest: float = 0.02, level: float = 0.5) -> Mask:
    """Return the mask with enclosed holes filled, up to ``largest`` of the image's area each."""
    hard = (mask >= level).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - hard, connectivity=4)
    height, width = mask.shape
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    enclosed = (left > 0) & (top > 0) & (right < width) & (bottom < height)
    fill = enclosed & (stats[:, cv2.CC_STAT_AREA] <= largest * mask.size)
    fill[labels[hard == 1][:1]] = False  # the label of the mask itself
    return np.where(fill[labels], np.float32(1), mask).astype(np.float32)


def iou(a: Mask, b: Mask) -> float:
    """Return intersection over union of two masks at level 0.5; 0 where both are empty."""
    inside_a, inside_b = a >= 0.5, b >= 0.5
    union = int((inside_a | inside_b).sum())
    return float((inside_a & inside_b).sum()) / union if union else 0.0


def straightness(rgb: Rgb, mask: Mask, least: float, gap: int) -> float:
    """Return the length of straight edges in a mask, in image diagonals, per share of the image that it fills.

    Args:
        rgb: Image, shape (height, width, 3), about 512 pixels long.
        mask: Mask of the same size.
        least: Length from which an edge counts, in image diagonals.
        gap: Pixels that may be missing in it; more than one lets the twigs of a bush make long lines.

    Source: the Hough transform of edges (Matas et al., "Progressive Probabilistic Hough Transform", 1998).
    """
    height, width = mask.shape
    diagonal = float(np.hypot(height, width))
    edges = cv2.Canny(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), 60, 150)
    edges[mask < 0.5] = 0
    found = cv2.HoughLinesP(edges, 1, np.pi / 180, 20, minLineLength=diagonal * least, maxLineGap=gap)
    if found is None:
        return 0.0
    ends = found.reshape(-1, 4).astype(np.float64)
    length = float(np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]).sum())
    return length / diagonal / max(float(mask.mean()), 1e-6)
