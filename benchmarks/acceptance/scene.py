"""What the measures look at: a photo, a result brought into the photo's frame, and hand-made regions as masks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage import color, draw, filters, io, morphology, transform

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Case = Mapping[str, Any]

# Undoes the geometry that a compound case asks for, so that regions drawn on the photo fit its result.
INVERSES = {
    "flip_h": lambda pixels: pixels[:, ::-1],
    "flip_v": lambda pixels: pixels[::-1],
    "rotate_cw": lambda pixels: np.rot90(pixels, 1),
    "rotate_ccw": lambda pixels: np.rot90(pixels, -1),
    "rotate_180": lambda pixels: pixels[::-1, ::-1],
}
OUTSIDE_MARGIN = 0.014  # of the long side: an honest mask edge is soft
INSIDE_MARGIN = 0.006
SAME_ASPECT = 0.02


@dataclass(frozen=True, eq=False)
class Picture:
    """sRGB (height, width, 3) in 0..1, over mid grey where transparent; alpha (height, width) in 0..1 or None."""

    rgb: Floats
    alpha: Floats | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.rgb.shape[0], self.rgb.shape[1]

    @cached_property
    def lab(self) -> Floats:
        """CIE L*a*b* (D65), shape (height, width, 3)."""
        return np.asarray(color.rgb2lab(self.rgb), dtype=np.float32)

    @cached_property
    def chroma(self) -> Floats:
        """CIE C*ab, shape (height, width)."""
        return np.hypot(self.lab[..., 1], self.lab[..., 2])

    @cached_property
    def luminance(self) -> Floats:
        """Relative luminance Y in 0..1 from linear sRGB (IEC 61966-2-1)."""
        linear = np.where(self.rgb <= 0.04045, self.rgb / 12.92, ((self.rgb + 0.055) / 1.055) ** 2.4)
        return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]), dtype=np.float32)

    def smooth(self, sigma: float) -> Floats:
        """L* after a Gaussian of sigma pixels."""
        return np.asarray(filters.gaussian(self.lab[..., 0], sigma, preserve_range=True), dtype=np.float32)

    @cached_property
    def laplacian(self) -> Floats:
        """Absolute 4-neighbour Laplacian of L*."""
        lightness = np.pad(self.lab[..., 0], 1, mode="edge")
        around = lightness[:-2, 1:-1] + lightness[2:, 1:-1] + lightness[1:-1, :-2] + lightness[1:-1, 2:]
        return np.asarray(np.abs(around - 4 * lightness[1:-1, 1:-1]))

    @cached_property
    def detail(self) -> Floats:
        """Structures of about 1 to 6 pixels in L*: what makes a face or a line of text readable."""
        return self.smooth(1.0) - self.smooth(6.0)

    @cached_property
    def fine(self) -> Floats:
        """Texture under about 1.5 pixels in L*."""
        return self.lab[..., 0] - self.smooth(1.5)

    @cached_property
    def gradient(self) -> Floats:
        """Gradient magnitude of L* after a Gaussian of one pixel."""
        return np.asarray(np.hypot(*np.gradient(self.smooth(1.0))), dtype=np.float32)

    def resized(self, shape: tuple[int, int]) -> "Picture":
        """The same picture at another (height, width); itself where nothing changes."""
        if shape == self.shape:
            return self
        rgb = transform.resize(self.rgb, shape, order=1, anti_aliasing=True)
        return Picture(np.asarray(rgb, dtype=np.float32))


@lru_cache(maxsize=6)
def _read(path: str, modified_ns: int) -> Picture:
    pixels = np.asarray(io.imread(path))
    scaled = pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    if scaled.ndim == 2:
        scaled = scaled[..., None]
    alpha = scaled[..., -1] if scaled.shape[2] in (2, 4) else None
    colours = scaled[..., :-1] if alpha is not None else scaled
    rgb = np.broadcast_to(colours, (*scaled.shape[:2], 3))
    if alpha is not None:
        rgb = rgb * alpha[..., None] + np.float32(0.5) * (1 - alpha[..., None])
    return Picture(np.array(rgb, dtype=np.float32), alpha)


def read(path: Path) -> Picture:
    """Read a PNG or JPEG file; the last few stay in memory, keyed by path and time of change."""
    return _read(str(path), path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _shape_mask(shape: tuple[int, int], spec: str) -> Mask:
    region = json.loads(spec)
    if "box" in region:
        left, top, right, bottom = region["box"]
        mask = np.zeros(shape, dtype=bool)
        mask[max(top, 0) : bottom, max(left, 0) : right] = True
        return mask
    columns_rows = np.asarray(region["polygon"], dtype=float)
    return np.asarray(draw.polygon2mask(shape, columns_rows[:, ::-1]), dtype=np.bool_)


@lru_cache(maxsize=256)
def _grown(shape: tuple[int, int], data: bytes, pixels: int) -> Mask:
    mask = np.frombuffer(data, dtype=bool).reshape(shape)
    if pixels > 0:
        return np.asarray(morphology.isotropic_dilation(mask, pixels), dtype=np.bool_)
    return np.asarray(morphology.isotropic_erosion(mask, -pixels), dtype=np.bool_)


def grown(mask: Mask, pixels: int) -> Mask:
    """The mask dilated by that many pixels (eroded where negative)."""
    return _grown((mask.shape[0], mask.shape[1]), np.ascontiguousarray(mask).tobytes(), pixels)


@dataclass(frozen=True, eq=False)
class Scene:
    """One case's photo and result."""

    case: Case
    source: Picture
    result: Picture
    photos: Path

    @cached_property
    def framed(self) -> Picture | None:
        """The result in the photo's frame, asked geometry and scale undone; None where the shape does not fit."""
        rgb = INVERSES.get(self.case.get("geometry", ""), lambda pixels: pixels)(self.result.rgb)
        height, width = rgb.shape[:2]
        aspect = (width / height) / (self.source.shape[1] / self.source.shape[0])
        if abs(aspect - 1) > SAME_ASPECT:
            return None
        picture = self.result if rgb is self.result.rgb else Picture(np.ascontiguousarray(rgb))
        return picture.resized(self.source.shape)

    def mask(self, name: str) -> Mask:
        """Mask (height, width) of the photo for "all", "center", a region, "a+b", "inside:..." or "outside:..."."""
        shape = self.source.shape
        long_side = max(shape)
        if name.startswith("outside:"):
            return ~grown(self.mask(name.removeprefix("outside:")), max(8, round(OUTSIDE_MARGIN * long_side)))
        if name.startswith("inside:"):
            return grown(self.mask(name.removeprefix("inside:")), -max(3, round(INSIDE_MARGIN * long_side)))
        if "+" in name:
            return np.asarray(np.logical_or.reduce([self.mask(part) for part in name.split("+")]), dtype=np.bool_)
        if name == "all":
            return np.ones(shape, dtype=bool)
        if name == "center":
            height, width = shape
            box = [round(0.35 * width), round(0.35 * height), round(0.65 * width), round(0.65 * height)]
            return _shape_mask(shape, json.dumps({"box": box}))
        region = self.case["regions"][name]
        mask = _shape_mask(shape, json.dumps({key: region[key] for key in ("box", "polygon") if key in region}))
        for other in region.get("without", ()):
            mask = mask & ~grown(self.mask(other), max(3, round(INSIDE_MARGIN * long_side)))
        return mask

    def bounds(self, name: str) -> tuple[int, int, int, int]:
        """Left, top, right, bottom (exclusive) of a region in the photo."""
        rows, columns = np.nonzero(self.mask(name))
        return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
