"""Removing things, replacing the background, cutting out."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.operations import CutOut, Fill, Remove, ReplaceBackground
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.masks import grow, guided
from reasonedit_agent.schemas import Box
from reasonedit_agent.tools.classical.focus import gaussian
from reasonedit_agent.tools.classical.inpainting import patch_fill, ring_of, smooth_fill, surroundings
from reasonedit_agent.tools.classical.matting import decontaminated
from reasonedit_agent.tools.classical.picture import Bench, Picture, blend, hex_rgb, opacity

__all__ = ["cut_out", "remove", "replace_background"]

_FLAT = 2.2  # grey levels of detail in the surroundings below which there is no texture to copy


def remove(picture: Picture, operation: Remove, mask: Mask, bench: Bench) -> Picture:
    """Fill the region, grown a little, from what surrounds it."""
    hole = grow((mask > 0.1).astype(np.float32), operation.grow) > 0.5
    # Where nothing was, there is nothing to copy from.
    empty = None if picture.alpha is None else picture.alpha < 8
    known = ~hole if empty is None else ~hole & ~empty
    if int(known.sum()) < 64:
        raise Unsupported(
            "What is to be removed covers the whole picture, so nothing is left to fill it from.",
            hint="Give a smaller region.",
        )
    rows, columns = surroundings(hole)
    part, inside = np.ascontiguousarray(picture.rgb[rows, columns]), hole[rows, columns]
    method = operation.method
    if method == "auto":
        method = "smooth" if _is_flat(part, inside) else "patch"
    if method == "smooth":
        filled = smooth_fill(part, inside)
    else:
        filled = patch_fill(part, inside, bench.tell, None if empty is None else empty[rows, columns])
    # The seam is blended over two pixels on the inner side: outside the hole nothing changes.
    soft = np.asarray(cv2.blur(inside.astype(np.float32), (3, 3), borderType=cv2.BORDER_REPLICATE), np.float32) * inside
    soft = np.where(mask[rows, columns] > 0.1, 1, soft).astype(np.float32)
    out = picture.rgb.copy()
    out[rows, columns] = blend(part, filled, soft)
    return picture.painted(out)


def _is_flat(rgb: Rgb, hole: npt.NDArray[np.bool_]) -> bool:
    ring = ring_of(hole, max(6, max(rgb.shape) // 60))
    if not ring.any():
        return True
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)
    detail = grey - gaussian(grey, 4)
    # Not the mean: one strong edge that runs into the hole must be continued by patches.
    return float(np.quantile(np.abs(detail[ring]), 0.9)) < _FLAT


def replace_background(picture: Picture, operation: ReplaceBackground, mask: Mask, bench: Bench) -> Picture:
    """Put a colour, a gradient or a photo where the region is; the edge loses the old background's colour."""
    opaque = np.asarray(1 - mask, np.float32)
    if picture.alpha is not None:
        opaque = np.minimum(opaque, opacity(picture.alpha))
    subject = decontaminated(picture.rgb, opaque)
    bench.tell(0.7)
    backdrop = _backdrop(operation.fill, picture.size, bench)
    rgb = blend(backdrop, subject, opaque)
    # What was transparent is filled too: it is background.
    return replace(picture, rgb=rgb, alpha=None)


def _backdrop(fill: Fill, size: tuple[int, int], bench: Bench) -> Rgb:
    width, height = size
    if fill.reference is not None:
        return _cover(bench.reference(fill.reference), size)
    first, last = (np.array(hex_rgb(colour), np.float32) for colour in (fill.colours[0], fill.colours[-1]))
    count = height if fill.direction == "down" else width
    along = ((np.arange(count, dtype=np.float32) + 0.5) / count)[:, None]
    ramp = np.clip(np.rint(first + (last - first) * along), 0, 255).astype(np.uint8)
    line = ramp[:, None] if fill.direction == "down" else ramp[None]
    return np.ascontiguousarray(np.broadcast_to(line, (height, width, 3)))


def _cover(photo: Rgb, size: tuple[int, int]) -> Rgb:
    """Return the middle of a photo, as large as it must be to cover the size."""
    width, height = size
    tall, wide = photo.shape[:2]
    scale = max(width / wide, height / tall)
    part_wide, part_tall = (max(1, min(whole, round(v / scale))) for whole, v in ((wide, width), (tall, height)))
    left, top = (wide - part_wide) // 2, (tall - part_tall) // 2
    part = np.ascontiguousarray(photo[top : top + part_tall, left : left + part_wide])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(part, size, interpolation=how), np.uint8).reshape(height, width, 3)


def cut_out(picture: Picture, operation: CutOut, mask: Mask, bench: Bench) -> Picture:
    """Make all but the region transparent; a soft region's edge follows the picture's."""
    opaque = mask
    if not isinstance(bench.region, Box):
        radius = max(2, max(picture.size) // 300)
        edge = np.abs(grow(mask, radius) - grow(mask, -radius)) > 0.02
        opaque = np.where(edge, guided(picture.rgb, mask, radius, 1e-5), mask).astype(np.float32)
    opaque = np.clip((opaque - 0.04) / 0.92, 0, 1).astype(np.float32)
    subject = np.clip(np.rint(decontaminated(picture.rgb, opaque)), 0, 255).astype(np.uint8)
    alpha = opaque * 255 if picture.alpha is None else opaque * picture.alpha
    return replace(picture, rgb=subject, alpha=np.rint(alpha).astype(np.uint8))
