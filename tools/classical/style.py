"""Painting, pencil and cartoon."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from reasonedit_agent.operations import Stylise
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.tools.classical.focus import gaussian
from reasonedit_agent.tools.classical.picture import Bench, Floats, Picture, blend, from_lab, lab

__all__ = ["stylise"]

_LONG_SIDE = 1600  # strokes are as large as the picture asks; more pixels than this would only cost time


def stylise(picture: Picture, operation: Stylise, mask: Mask, bench: Bench) -> Picture:
    """Redraw the region; ``strength`` mixes the drawing with the photo."""
    width, height = picture.size
    scale = min(1.0, _LONG_SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = picture.rgb if scale == 1 else cv2.resize(picture.rgb, size, interpolation=cv2.INTER_AREA)
    drawn = _STYLES[operation.style](np.asarray(small, np.uint8).reshape(size[1], size[0], 3), bench)
    if scale < 1:
        drawn = np.asarray(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return picture.painted(blend(picture.rgb, drawn, np.asarray(mask * operation.strength, np.float32)))


def _kuwahara(colours: Floats, radius: float, sharpness: float = 8.0) -> Floats:
    """Return flat strokes with sharp borders: each pixel takes the mean of the calmest neighbourhood that touches it.

    Source: Papari, Petkov and Campisi, "Artistic Edge and Corner Enhancing Smoothing", 2007, with eight Gaussian discs
    around the pixel in place of its sectors, so that one blur serves all of them.
    """
    sigma = max(radius / 2, 0.5)
    mean = gaussian(colours, sigma)
    power = gaussian(np.asarray(colours**2, np.float32), sigma)
    unrest = np.maximum(power - mean**2, 0).sum(axis=-1)
    total = np.zeros_like(colours)
    mass = np.zeros(colours.shape[:2], np.float32)
    for turn in range(8):
        angle = turn * np.pi / 4
        move = np.array([[1, 0, radius * 0.8 * np.cos(angle)], [0, 1, radius * 0.8 * np.sin(angle)]])
        size = (colours.shape[1], colours.shape[0])
        there = [
            np.asarray(cv2.warpAffine(v, move, size, borderMode=cv2.BORDER_REPLICATE), np.float32).reshape(v.shape)
            for v in (mean, np.asarray(unrest, np.float32))
        ]
        weight = 1 / (1 + there[1] / 16) ** (sharpness / 2)
        total += there[0] * weight[..., None]
        mass += weight
    return np.asarray(total / mass[..., None], np.float32)


def _along(colours: Floats, length: int) -> tuple[Floats, Floats]:
    """Return unit vectors along the edges, smoothed, as two maps (x and y): the way a brush would go.

    Source: the smoothed structure tensor, Kyprianidis, Kang and Doellner, 2009.
    """
    grey = np.asarray(cv2.cvtColor(colours / 255, cv2.COLOR_RGB2GRAY), np.float32)
    dx, dy = (cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    e, f, g = (gaussian(np.asarray(v, np.float32), length / 2) for v in (dx * dx, dx * dy, dy * dy))
    angle = 0.5 * np.arctan2(2 * f, e - g) + np.pi / 2
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def _smear(values: Floats, x: Floats, y: Floats, length: int) -> Floats:
    """Return values averaged along a field of directions (line integral convolution, Cabral and Leedom 1993)."""
    height, width = values.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    total = values.copy()
    for sign in (1, -1):
        for step in range(1, length + 1):
            # Straight strokes: curved ones cost a lookup of the field per step and look the same at this length.
            moved = cv2.remap(
                values,
                columns + sign * step * x,
                rows + sign * step * y,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT,
            )
            total += np.asarray(moved, np.float32).reshape(values.shape)
    return np.asarray(total / (2 * length + 1), np.float32)


def _painting(rgb: Rgb, bench: Bench) -> Floats:
    reach = max(2.0, max(rgb.shape) / 220)
    colours = _kuwahara(rgb.astype(np.float32), reach * 1.2)
    bench.tell(0.3)
    length = max(3, round(reach * 1.6))
    x, y = _along(colours, length)
    colours = _kuwahara(_smear(colours, x, y, length), reach * 0.7)
    bench.tell(0.6)
    seen = lab(colours / np.float32(255))
    seen[..., 1:] *= 1.18  # paint is more colourful than a print
    colours = from_lab(seen) * 255
    # Bristles: noise drawn out along the strokes, lit from the upper left.
    noise = np.random.default_rng(0).standard_normal(rgb.shape[:2]).astype(np.float32)
    bristles = _smear(gaussian(noise, 0.8), x, y, length * 2)
    bristles /= max(float(bristles.std()), 1e-6)
    relief = np.asarray(cv2.filter2D(bristles, -1, np.array([[-1, -1, 0], [-1, 0, 1], [0, 1, 1]], np.float32)))
    return np.asarray(np.clip(colours + relief[..., None] * 3.2, 0, 255), np.float32)


def _pencil(rgb: Rgb, bench: Bench) -> Floats:
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)
    reach = max(2.0, max(rgb.shape) / 130)
    # Lines: the picture divided by its blur, as a colour dodge does; only what is darker than around it is drawn.
    lines = np.clip((grey + 8) / (gaussian(grey, reach) + 8), 0, 1)
    fine = np.clip((grey + 8) / (gaussian(grey, reach / 4) + 8), 0, 1)
    drawn = lines**1.6 * fine**2
    bench.tell(0.4)
    # Shade: hatching whose strokes get denser where it is dark.
    noise = np.random.default_rng(0).standard_normal(grey.shape).astype(np.float32)
    lean = np.full(grey.shape, np.float32(np.cos(-0.9))), np.full(grey.shape, np.float32(np.sin(-0.9)))
    hatch = _smear(noise, lean[0], lean[1], max(3, round(reach * 1.2)))
    hatch /= max(float(hatch.std()), 1e-6)
    # Dark for this picture: paper stays where it is light, also when all of it is dim.
    low, high = (float(v) for v in np.percentile(grey, (5, 75)))
    dark = np.clip((high - gaussian(grey, reach / 5)) / max(high - low, 60.0), 0, 1)
    shade = np.clip(dark**1.5 * (0.55 + 0.24 * hatch), 0, 0.72)
    paper = 250 - 3 * noise
    return np.asarray(np.clip(paper * drawn * (1 - shade), 0, 255)[..., None].repeat(3, axis=2), np.float32)


def _cartoon(rgb: Rgb, bench: Bench) -> Floats:
    reach = max(2.0, max(rgb.shape) / 300)
    colours = _kuwahara(_kuwahara(rgb.astype(np.float32), reach), reach)
    bench.tell(0.5)
    seen = lab(colours / np.float32(255))
    levels = 8
    # Soft steps (Winnemoeller et al., 2006): flat areas without the flicker of hard ones.
    light = seen[..., 0] / 100 * levels
    base = np.floor(light) + 0.5
    seen[..., 0] = np.clip((base + 0.5 * np.tanh(4 * (light - base)) / np.tanh(2.0)) * 100 / levels, 0, 100)
    seen[..., 1:] *= 1.35
    flat = from_lab(seen) * 255
    # Ink: a thresholded difference of Gaussians (XDoG, Winnemoeller 2011).
    grey = np.asarray(cv2.cvtColor(np.clip(colours, 0, 255) / 255, cv2.COLOR_RGB2GRAY), np.float32)
    sigma = reach * 0.45
    edge = gaussian(grey, sigma) - 0.98 * gaussian(grey, sigma * 1.6)
    ink = np.where(edge > 0.006, 1, 1 + np.tanh(70 * (edge - 0.006))).astype(np.float32)
    return np.asarray(flat * np.clip(ink, 0, 1)[..., None], np.float32)


_STYLES: dict[str, Callable[[Rgb, Bench], Floats]] = {"painting": _painting, "pencil": _pencil, "cartoon": _cartoon}
