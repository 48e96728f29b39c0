"""Crop, resize, rotate, flip: what moves pixels, with the map that says where they went."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.operations import Crop, Flip, Resize, Rotate
from reasonedit_agent.perception import framing
from reasonedit_agent.perception.arrays import Mask, mask_box
from reasonedit_agent.perception.regions import warp
from reasonedit_agent.schemas import Affine
from reasonedit_agent.tools.classical.picture import Bench, Picture, check_size

__all__ = ["crop", "flip", "resize", "rotate"]


def crop(picture: Picture, operation: Crop, mask: Mask, bench: Bench) -> Picture:
    """Cut to the region's box with its margin, or to the largest part of the ratio that holds it."""
    box = framing.cropped(operation, None if bench.region is None else _box(mask), picture.size)
    if box is None:
        raise Unsupported("A crop needs a region or a ratio.", hint="Say what to crop to.")
    return _cut(picture, *box)


def _box(mask: Mask) -> tuple[float, float, float, float]:
    height, width = mask.shape
    return mask_box(mask) or mask_box(mask, max(0.02, float(mask.max()) / 2)) or (0.0, 0.0, width, height)


def _cut(picture: Picture, left: int, top: int, right: int, bottom: int) -> Picture:
    alpha = None if picture.alpha is None else np.ascontiguousarray(picture.alpha[top:bottom, left:right])
    rgb = np.ascontiguousarray(picture.rgb[top:bottom, left:right])
    return Picture(rgb, alpha, picture.geometry.cropped(left, top, right, bottom))


def resize(picture: Picture, operation: Resize, mask: Mask, bench: Bench) -> Picture:
    """Change the size: area averages to shrink, Lanczos to enlarge."""
    width, height = picture.size
    wide, tall = framing.resized(operation, picture.size)
    check_size(wide, tall)
    return _warped(picture, (wide / width, 0, 0, 0, tall / height, 0), (wide, tall))


def _warped(picture: Picture, step: Affine, size: tuple[int, int]) -> Picture:
    if picture.alpha is None:
        return picture.moved(warp(picture.rgb, step, size), None, step)
    # What is transparent has no colour: without the weights it would bleed into the edges.
    alpha = picture.alpha.astype(np.float32) / np.float32(255)
    opaque = np.clip(warp(alpha, step, size), 0, 1)
    colour = warp(picture.rgb.astype(np.float32) * alpha[..., None], step, size)
    rgb = np.clip(np.rint(colour / np.maximum(opaque, 1 / 512)[..., None]), 0, 255).astype(np.uint8)
    return picture.moved(rgb, np.rint(opaque * 255).astype(np.uint8), step)


def rotate(picture: Picture, operation: Rotate, mask: Mask, bench: Bench) -> Picture:
    """Turn clockwise; right angles move pixels without resampling, others grow the canvas."""
    width, height = picture.size
    quarters, rest = divmod(operation.degrees % 360, 90)
    if rest == 0:
        return _quarters(picture, int(quarters))
    step, (wide, tall) = framing.turned(operation.degrees, picture.size)
    check_size(wide, tall)
    turned = _warped(picture, step, (wide, tall))
    alpha = np.full((height, width), 255, np.uint8) if picture.alpha is None else picture.alpha
    # A transparent frame of one pixel gives the turned edge its soft outline.
    framed = np.pad(alpha, 1).astype(np.float32) / np.float32(255)
    shifted = (step[0], step[1], step[2] - step[0] - step[1], step[3], step[4], step[5] - step[3] - step[4])
    soft = np.rint(np.clip(warp(framed, shifted, (wide, tall)), 0, 1) * 255).astype(np.uint8)
    return replace(turned, alpha=soft)


def _quarters(picture: Picture, count: int) -> Picture:
    width, height = picture.size
    steps: tuple[Affine, ...] = (
        (1, 0, 0, 0, 1, 0),
        (0, -1, height, 1, 0, 0),
        (-1, 0, width, 0, -1, height),
        (0, 1, 0, -1, 0, width),
    )

    def turn(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        return np.ascontiguousarray(np.rot90(pixels, -count))

    alpha = None if picture.alpha is None else turn(picture.alpha)
    return picture.moved(turn(picture.rgb), alpha, steps[count])


def flip(picture: Picture, operation: Flip, mask: Mask, bench: Bench) -> Picture:
    """Mirror without resampling."""
    width, height = picture.size
    across = operation.axis == "horizontal"
    step: Affine = (-1, 0, width, 0, 1, 0) if across else (1, 0, 0, 0, -1, height)
    rgb = np.ascontiguousarray(np.flip(picture.rgb, 1 if across else 0))
    alpha = None if picture.alpha is None else np.ascontiguousarray(np.flip(picture.alpha, 1 if across else 0))
    return picture.moved(rgb, alpha, step)
