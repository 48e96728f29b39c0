"""The mask of one thing, from its box: saliency of a close crop, or of the whole image, or GrabCut."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reasonedit_agent.perception.arrays import Box, Mask, Rgb, bounded, box_mask, mask_box, resize_mask
from reasonedit_agent.perception.detector import overlap
from reasonedit_agent.perception.masks import components, grabcut, guided, sharpen_edge
from reasonedit_agent.perception.saliency import saliency

__all__ = ["instance_mask"]

_PAD = 0.1  # of the box, on each side: with more, the saucer comes along with the cup
_AGREES = 0.5  # intersection over union of the mask's box and the detector's
_CUT_SIDE = 400  # pixels; GrabCut takes seconds on a million
_FILLS = 0.75  # of the image: a crop would show nothing new


def instance_mask(rgb: Rgb, box: Box, whole: Callable[[], Mask] | None) -> Mask:
    """Return a soft mask of the thing in a box.

    Args:
        rgb: Image, shape (height, width, 3).
        box: Where the detector saw it.
        whole: Gives the saliency of the whole image, if it is needed; None: cut from the box alone, without saliency.
    """
    height, width = rgb.shape[:2]
    area = _padded(box, width, height)
    left, top, right, bottom = area
    crop = np.ascontiguousarray(rgb[top:bottom, left:right])
    inside = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    out = np.zeros((height, width), np.float32)
    if whole is None or min(crop.shape[:2]) < 16:
        out[top:bottom, left:right] = _from_box(crop, inside)
        return out
    fills = (right - left) * (bottom - top) > _FILLS * width * height
    best, best_fit = crop[..., 0] * np.float32(0), 0.0
    for closely in (False,) if fills else (True, False):
        guess = saliency(crop, margins=False) if closely else whole()[top:bottom, left:right]
        guess = components(np.ascontiguousarray(guess), least=0.12)
        fit = overlap(mask_box(guess) or (0, 0, 0, 0), inside)
        if fit > best_fit:
            best, best_fit = guess, fit
        if fit >= _AGREES:
            break
    good = best_fit >= 0.7 * _AGREES
    out[top:bottom, left:right] = sharpen_edge(crop, best) if good else _from_box(crop, inside)
    return out


def _padded(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    pad_x, pad_y = max(3.0, (box[2] - box[0]) * _PAD), max(3.0, (box[3] - box[1]) * _PAD)
    return (
        max(0, int(box[0] - pad_x)),
        max(0, int(box[1] - pad_y)),
        min(width, int(np.ceil(box[2] + pad_x))),
        min(height, int(np.ceil(box[3] + pad_y))),
    )


def _from_box(crop: Rgb, inside: Box) -> Mask:
    height, width = crop.shape[:2]
    guess = box_mask(inside, height, width)
    if min(height, width) < 8:
        return guess
    small = bounded(crop, _CUT_SIDE)
    rough = resize_mask(guess, *small.shape[:2])
    cut = resize_mask(grabcut(small, rough, np.zeros_like(rough), 1 - rough, iterations=4), height, width)
    if cut.mean() < 0.15 * guess.mean():  # its colours are those around it
        return guess
    return guided(crop, components(cut), max(2, max(height, width) // 200), 1e-3)
