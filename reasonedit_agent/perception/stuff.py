"""Where the shapeless things are, such as grass, water, snow: a heuristic of colour and position, not a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from reasonedit_agent.perception.arrays import Mask, Rgb, bounded, resize_mask
from reasonedit_agent.perception.colour import in_range, to_lab
from reasonedit_agent.perception.masks import components, fill_holes, sharpen_edge

__all__ = ["STUFF", "Stuff", "find_stuff"]

_LONG_SIDE = 512
_LEAST = 0.02  # of the image's area
_ALIKE = 26.0  # distance in Lab from what lies at the bottom, lightness counted by half
_SLACK = 6.0  # the ranges of the colour words leave gaps between grey and blue
_COLOURLESS = 8.0  # chroma of a picture in black and white
_STRIP = 0.15  # of the height: the bottom


@dataclass(frozen=True, slots=True)
class Stuff:
    """What is known of a shapeless thing.

    Attributes:
        colours: Its usual ones, words of `COLOURS`; empty: any.
        where: Whether it lies at the bottom of pictures, stands higher, is anywhere, or is in the sky.
        over_subject: Whether what stands out in the picture may belong to it.
        most: Share of the image that it may fill; with more, other things were taken along.
    """

    colours: tuple[str, ...]
    where: Literal["low", "high", "any", "sky"]
    over_subject: bool = False
    most: float = 1.0


_WATER = Stuff(("blue", "cyan", "grey"), "low")
_GRASS = Stuff(("green",), "low")
_GREENS = Stuff(("green",), "any", over_subject=True)
_TREE = Stuff(("green",), "high", over_subject=True)
_SNOW = Stuff(("white", "grey"), "low")
_SAND = Stuff(("beige", "orange", "brown"), "low")
_ROAD = Stuff(("grey", "brown", "beige", "black"), "low", most=0.45)
_MOUNTAIN = Stuff((), "any", over_subject=True)

STUFF: dict[str, Stuff] = {
    "grass": _GRASS, "lawn": _GRASS, "meadow": _GRASS, "field": _GRASS, "pasture": _GRASS,
    "leaf": _GREENS, "foliage": _GREENS, "greenery": _GREENS, "vegetation": _GREENS,
    "tree": _TREE, "bush": _TREE, "forest": _TREE, "wood": Stuff(("brown", "orange"), "any"),
    "snow": _SNOW, "ice": _SNOW, "sand": _SAND, "beach": _SAND, "desert": _SAND,
    "water": _WATER, "sea": _WATER, "ocean": _WATER, "lake": _WATER, "river": _WATER, "pool": _WATER, "pond": _WATER,
    "road": _ROAD, "street": _ROAD, "pavement": _ROAD, "path": _ROAD,
    "cloud": Stuff(("white", "grey"), "sky"), "mountain": _MOUNTAIN, "hill": _MOUNTAIN, "landscape": _MOUNTAIN,
}  # fmt: skip


def find_stuff(rgb: Rgb, stuff: Stuff, not_there: Mask) -> Mask | None:
    """Return a soft mask of a shapeless thing, or None where hardly anything looks like it (below 2 % of the area).

    Args:
        rgb: Image, shape (height, width, 3).
        stuff: What it looks like.
        not_there: Mask of the same size; pixels above 0.5 are something else (sky, people).
    """
    small = bounded(rgb, _LONG_SIDE)
    height, width = small.shape[:2]
    if min(height, width) < 16:
        return None
    free = resize_mask(not_there, height, width) < 0.5
    lab = to_lab(np.asarray(cv2.bilateralFilter(small, 9, 40, 7), np.uint8))
    if stuff.colours and np.percentile(np.hypot(lab[..., 1], lab[..., 2]), 98) < _COLOURLESS:
        return None
    inside = free.copy()
    if stuff.colours:
        inside &= np.logical_or.reduce([in_range(lab, colour, _SLACK) for colour in stuff.colours])
    if stuff.where == "low":
        strip = inside[-max(2, int(height * _STRIP)) :]
        if strip.mean() < 0.1:
            return None
        typical = np.median(lab[-len(strip) :][strip], axis=0)
        inside &= np.linalg.norm((lab - typical) * (0.5, 1, 1), axis=-1) < _ALIKE
    size = max(5, max(height, width) // 60) | 1
    mask = np.asarray(cv2.medianBlur(inside.astype(np.uint8), size), np.float32)
    mask = _where(components(mask, least=0.06), stuff)
    mask = fill_holes(mask, largest=0.02 if stuff.where == "low" else 0.004)  # reflections in water
    if not _LEAST <= mask.mean() <= stuff.most:
        return None
    mask = np.minimum(sharpen_edge(rgb, resize_mask(mask, *rgb.shape[:2])), 1 - not_there)
    return mask if mask.mean() >= _LEAST else None


def _where(mask: Mask, stuff: Stuff) -> Mask:
    """Drop the parts that lie where such a thing does not."""
    if stuff.where in ("any", "sky"):
        return mask
    _, labels, _, centres = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8))
    down = centres[:, 1] / len(mask)
    at_bottom = np.isin(np.arange(len(down)), labels[int(len(mask) * (1 - _STRIP)) :])
    keep = at_bottom | (down > 0.6) if stuff.where == "low" else down < 0.7
    keep[0] = False
    return np.asarray(mask * keep[labels], np.float32)
