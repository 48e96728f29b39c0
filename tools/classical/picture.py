"""What an operation works on: the picture, the bench it lies on, and the few things that many operations do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.schemas import Affine, Geometry, Region

__all__ = [
    "MAX_PIXELS",
    "MAX_SIDE",
    "Alpha",
    "Bench",
    "Floats",
    "Picture",
    "bands",
    "blend",
    "check_size",
    "from_lab",
    "hex_rgb",
    "lab",
    "linear",
    "opacity",
    "pointwise",
    "srgb",
    "unit",
    "unlinear",
]

Alpha: TypeAlias = npt.NDArray[np.uint8]
"""Opacity, shape (height, width), 255 is opaque."""

Floats: TypeAlias = npt.NDArray[np.float32]
"""Colours as floats, shape (height, width, 3); sRGB and linear light are 0 to 1."""

MAX_PIXELS = 80_000_000
MAX_SIDE = 32_000  # of OpenCV's warps, and well within what JPEG can hold

_BAND_PIXELS = 2**19  # a band of float colours stays below 100 MB with its temporaries


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels with their place in the source.

    Attributes:
        rgb: Shape (height, width, 3).
        alpha: Opacity, or None where all is opaque.
        geometry: From the source to these pixels.
    """

    rgb: Rgb
    alpha: Alpha | None
    geometry: Geometry

    @classmethod
    def of(cls, image: Image.Image, geometry: Geometry) -> Picture:
        """Return a decoded image (RGB, RGBA, L or LA) as a picture."""
        if image.mode in ("RGBA", "LA", "PA"):
            pixels = np.asarray(image.convert("RGBA"), np.uint8)
            return cls(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]), geometry)
        return cls(np.array(image.convert("RGB"), np.uint8), None, geometry)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.rgb.shape[1], self.rgb.shape[0]

    def image(self) -> Image.Image:
        """Return it for encoding: RGB, or RGBA where something is transparent."""
        if self.alpha is None or bool((self.alpha == 255).all()):
            return Image.fromarray(self.rgb)
        return Image.fromarray(np.dstack([self.rgb, self.alpha]))

    def painted(self, rgb: Rgb) -> Picture:
        """Return it with other colours in the same place."""
        return replace(self, rgb=rgb)

    def moved(self, rgb: Rgb, alpha: Alpha | None, step: Affine) -> Picture:
        """Return other pixels that ``step`` maps these to."""
        return Picture(rgb, alpha, self.geometry.then(step))


@dataclass(frozen=True, slots=True)
class Bench:
    """What an operation may use beside the picture and its mask.

    Attributes:
        region: As the step gave it; None is the whole picture.
        reference: Returns the request's reference photo of an index.
        font: The font file to write with; None is the embedded one.
        tell: Called with how much of the operation is done (0 to 1); raises when the call was given up.
    """

    region: Region | None
    reference: Callable[[int], Rgb]
    font: Path | None
    tell: Callable[[float], None]


def blend(before: Rgb, after: npt.NDArray[np.uint8] | Floats, mask: Mask) -> Rgb:
    """Return ``after`` where the mask is 1, ``before`` where it is 0; both 0 to 255."""
    out = np.empty_like(before)
    for rows in bands(before.shape):
        start = before[rows].astype(np.float32)
        mixed = start + (after[rows].astype(np.float32) - start) * mask[rows, :, None]
        out[rows] = np.clip(np.rint(mixed), 0, 255)
    return out


def bands(shape: tuple[int, ...]) -> list[slice]:
    """Return slices of rows that cover an image in parts of bounded memory."""
    step = max(1, _BAND_PIXELS // max(1, shape[1]))
    return [slice(row, min(row + step, shape[0])) for row in range(0, shape[0], step)]


def pointwise(rgb: Rgb, mask: Mask, change: Callable[[Floats], Floats]) -> Rgb:
    """Return the image with a change of colours, pixel by pixel, blended in by the mask.

    Args:
        rgb: Image.
        mask: Where; rows that it does not touch are not computed.
        change: Maps sRGB 0..1, shape (rows, width, 3), to the same.
    """
    out = rgb.copy()
    for rows in bands(rgb.shape):
        inside = mask[rows]
        if not inside.any():
            continue
        start = unit(rgb[rows])
        mixed = start + (change(start) - start) * inside[..., None]
        out[rows] = srgb(np.asarray(mixed, np.float32))
    return out


def lab(colours: Floats) -> Floats:
    """Return sRGB 0..1 as CIELAB (D65), L 0 to 100."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(colours), cv2.COLOR_RGB2Lab), np.float32)


def from_lab(colours: Floats) -> Floats:
    """Return CIELAB as sRGB 0..1; what lies outside the gamut is clipped."""
    out = cv2.cvtColor(np.ascontiguousarray(colours), cv2.COLOR_Lab2RGB)
    return np.asarray(np.clip(out, 0, 1), np.float32)


def linear(colours: Floats) -> Floats:
    """Return sRGB 0..1 as linear light (IEC 61966-2-1)."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4).astype(np.float32)


def unlinear(light: Floats) -> Floats:
    """Return linear light 0..1 as sRGB."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def unit(rgb: npt.NDArray[np.uint8]) -> Floats:
    """Return bytes as 0..1."""
    return np.asarray(rgb.astype(np.float32) / np.float32(255), np.float32)


def opacity(alpha: Alpha) -> Mask:
    """Return alpha as a mask."""
    return unit(alpha)


def srgb(colours: Floats) -> Rgb:
    """Return sRGB 0..1 as bytes."""
    return np.clip(np.rint(colours * 255), 0, 255).astype(np.uint8)


def hex_rgb(colour: str) -> tuple[int, int, int]:
    """Return ``#rrggbb`` as three numbers 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def check_size(width: int, height: int) -> None:
    """Refuse a result that is too large to make.

    Raises:
        Unsupported: With the limits.
    """
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise Unsupported(
            f"The result would have {width}x{height} pixels; at most {MAX_PIXELS // 10**6} megapixels and "
            f"{MAX_SIDE} per side are made.",
            hint="Ask for a smaller size.",
        )
