"""Where the shapeless things are, such as grass, water, snow: a heuristic of colour and position, not a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from reasonedit_agent.perception.arrays import Mask, Rgb, bounded, resize_mask
from reasonedit_agent.perception.colour import in_range, to_lab
from reasonedit_agent.perception.masks import components, fill_holes, sharpen_edge, straightness

__all__ = ["STUFF", "Stuff", "find_stuff"]

_LONG_SIDE = 512
_LEAST = 0.02  # of the image's area
_ALIKE = 38.0  # distance in Lab from what lies at the bottom, lightness counted by half: there
_ALIKE_ABOVE = {True: 0.0, False: 25.0}  # and at half the height, for what is flat and for what may rise
_SLACK = 6.0  # the ranges of the colour words leave gaps between grey and blue
_COLOURLESS = 8.0  # chroma of a picture in black and white
_STRAIGHT = 0.5  # of a facade; woods, meadows and crowds have none
_SHADE = 45.0  # lightness below which leaves are hardly green
_SHADE_HUES = (112.0, 205.0)  # degrees
_SHADE_CHROMA = 5.0
_STRIP = 0.15  # of the height: the bottom


@dataclass(frozen=True, slots=True)
class Stuff:
    """What is known of a shapeless thing.

    Attributes:
        colours: Its usual ones, words of `COLOURS`; empty: any.
        where: Whether it lies at the bottom of pictures, stands higher, is anywhere, or is in the sky.
        over_subject: Whether what stands out in the picture may belong to it.
        flat: Whether it never rises above the horizon.
        above: Whether it stands on the ground, so that what lies at the bottom is not part of it.
        built: Whether it has straight edges.
        single: Whether one of it may be what stands out in the picture (a leaf, a house; no forest is).
    """

    colours: tuple[str, ...]
    where: Literal["low", "high", "any", "sky"]
    over_subject: bool = False
    flat: bool = False
    above: bool = False
    built: bool = False
    single: bool = False


_WATER = Stuff(("blue", "cyan", "grey"), "low")
_GRASS = Stuff(("green",), "low")
_GREENS = Stuff(("green",), "any", over_subject=True)
_TREE = Stuff(("green",), "high", over_subject=True)
_SNOW = Stuff(("white", "grey"), "low")
_SAND = Stuff(("beige", "orange", "brown"), "low")
_ROAD = Stuff(("grey", "brown", "beige", "black"), "low", flat=True)
_FLOOR = Stuff((), "low", flat=True)
_MOUNTAIN = Stuff((), "any", over_subject=True, above=True)
_BUILT = Stuff((), "any", over_subject=True, above=True, built=True, single=True)

STUFF: dict[str, Stuff] = {
    "grass": _GRASS, "lawn": _GRASS, "meadow": _GRASS, "field": _GRASS, "pasture": _GRASS,
    "leaf": replace(_GREENS, single=True), "foliage": _GREENS, "greenery": _GREENS, "vegetation": _GREENS,
    "tree": _TREE, "bush": _TREE, "forest": _TREE, "wood": Stuff(("brown", "orange"), "any"),
    "snow": _SNOW, "ice": _SNOW, "sand": _SAND, "beach": _SAND, "desert": _SAND,
    "water": _WATER, "sea": _WATER, "ocean": _WATER, "lake": _WATER, "river": _WATER, "pool": _WATER, "pond": _WATER,
    "road": _ROAD, "street": _ROAD, "pavement": _ROAD, "path": _ROAD, "sidewalk": _ROAD, "asphalt": _ROAD,
    "floor": _FLOOR, "ground": _FLOOR, "carpet": _FLOOR, "rug": _FLOOR,
    "cloud": Stuff(("white", "grey"), "sky"), "mountain": _MOUNTAIN, "hill": _MOUNTAIN, "landscape": _MOUNTAIN,
    "building": _BUILT, "house": _BUILT, "church": _BUILT, "castle": _BUILT, "temple": _BUILT, "palace": _BUILT,
    "city": _BUILT, "architecture": _BUILT, "facade": _BUILT,
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
    inside = free.copy()
    colourless = np.percentile(np.hypot(lab[..., 1], lab[..., 2]), 98) < _COLOURLESS
    if stuff.colours and colourless and stuff.where != "low":
        return None
    if stuff.colours and not colourless:
        inside &= _coloured(lab, stuff.colours)
    if stuff.where == "low":
        inside &= _like_bottom(lab, inside, _ALIKE_ABOVE[stuff.flat])
    size = max(5, max(height, width) // 60) | 1
    mask = np.asarray(cv2.medianBlur(inside.astype(np.uint8), size), np.float32)
    mask = _where(components(mask, least=0.06), stuff)
    mask = fill_holes(mask, largest=0.02 if stuff.where == "low" else 0.004)  # reflections in water
    if mask.mean() < _LEAST or (stuff.built and straightness(small, mask, 0.05, 1) < _STRAIGHT):
        return None
    mask = np.minimum(sharpen_edge(rgb, resize_mask(mask, *rgb.shape[:2])), 1 - not_there)
    return mask if mask.mean() >= _LEAST else None


def _coloured(lab: npt.NDArray[np.float32], colours: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    inside = np.logical_or.reduce([in_range(lab, colour, _SLACK) for colour in colours])
    if "green" in colours:
        chroma, hue = np.hypot(lab[..., 1], lab[..., 2]), np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
        shade = (lab[..., 0] < _SHADE) & (chroma > _SHADE_CHROMA)
        inside |= shade & (hue > _SHADE_HUES[0]) & (hue < _SHADE_HUES[1])
    return np.asarray(inside)


def _like_bottom(lab: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_], half_way: float) -> npt.NDArray[np.bool_]:
    """Return what looks like the lower strip of what is inside; nothing where that is hardly there.

    The higher, the more alike it must be: a facade above the road has the road's colours too.
    """
    height = len(lab)
    strip = inside[-max(2, int(height * _STRIP)) :]
    if strip.mean() < 0.1:
        return np.zeros_like(inside)
    typical = np.median(lab[-len(strip) :][strip], axis=0)
    off = np.linalg.norm((lab - typical) * (0.5, 1, 1), axis=-1)
    limit = np.linspace(2 * half_way - _ALIKE, _ALIKE, height)[:, None]
    return np.asarray(off < limit)


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
