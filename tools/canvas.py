"""The picture of an edit as a model sees it, and the way back: for editors that draw whole pictures at sizes of theirs.

The result has the base's size and stands where the base stood, so its geometry is the base's. Where there is a region,
what the model drew outside of it is measured, and what was there before can be pasted back over a soft seam.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from reasonedit_agent.errors import Malformed, Unsupported
from reasonedit_agent.perception.arrays import Mask
from reasonedit_agent.perception.measures import region_change
from reasonedit_agent.perception.regions import region_mask
from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.schemas import Candidate, EditCall, Geometry, Region
from reasonedit_agent.schemas import Mask as MaskRegion

__all__ = ["Canvas", "fitting_size"]

_RATIO = 8  # beyond 8 to 1 the models draw nonsense, and some refuse
_INSIDE = 0.5  # of a mask; what is nowhere more is empty: neither a pipeline nor the pasting back would see it
_SEAM = 0.01  # width of the soft edge, as a share of the longer side
_CLEAR = 128  # opacity below which a model meant a pixel to be seen through


def fitting_size(size: tuple[int, int], area: int, multiple: int, least: int = 1) -> tuple[int, int]:
    """Return the size that a model draws at: about ``area`` pixels, in the shape of ``size``.

    Args:
        size: Width and height of the picture.
        area: Wanted width times height, in pixels.
        multiple: Width and height are multiples of it.
        least: Shortest side; the other one grows with it.
    """
    scale = max(math.sqrt(area / (size[0] * size[1])), least / min(size))
    width, height = (max(multiple, round(side * scale / multiple) * multiple) for side in size)
    return width, height


@dataclass(frozen=True, slots=True)
class Canvas:
    """The base of a call.

    Attributes:
        call: What is asked.
        base: Its pixels, RGB or RGBA.
        references: Pixels of the reference photos, RGB.
        mask: Where to edit, in the base's pixels, 0 to 1; None is everywhere.
    """

    call: EditCall
    base: Image.Image
    references: tuple[Image.Image, ...]
    mask: Mask | None
    _resized: dict[tuple[tuple[int, int] | None, bool], Image.Image] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, call: EditCall, images: ImageStore, tell: Callable[[str], None] | None = None) -> Canvas:
        """Open the pictures of a call.

        Args:
            call: Of an editor.
            images: Holds them.
            tell: Called with what the trace should say, in words.

        Raises:
            Unsupported: The base is far longer than wide, or the region is not in it.
        """
        base = _rgb_or_rgba(images.open(call.base.image))
        if max(base.size) > _RATIO * min(base.size):
            raise Unsupported(
                f"A picture of {base.width} x {base.height} pixels is too long for this model.",
                hint=f"Crop it first: at most {_RATIO} times as long as wide.",
            )
        references = tuple(_flat(images.open(reference)) for reference in call.references)
        return cls(call, base, references, _mask(call, images, base, tell))

    @property
    def rgb(self) -> Image.Image:
        """The base without transparency."""
        return _flat(self.base)

    def resized(self, size: tuple[int, int] | None, *, alpha: bool = False) -> Image.Image:
        """Return the base as a model is given it; the same size again costs nothing.

        Args:
            size: Width and height wanted; None is the base's own.
            alpha: Whether with the transparency that it has.
        """
        known = self._resized.get((size, alpha))
        if known is None:
            base = self.base if alpha else self.rgb
            known = base if size is None else base.resize(size, Image.Resampling.LANCZOS)
            self._resized[size, alpha] = known
        return known

    def mask_image(self, size: tuple[int, int]) -> Image.Image:
        """Return the mask for a model: white where it shall draw, also where the region is thinner than its pixels.

        Args:
            size: Width and height wanted.
        """
        if self.mask is None:
            return Image.new("L", size, 255)
        drawn = Image.fromarray((self.mask * 255).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
        brightest: Any = drawn.getextrema()[1]
        return drawn.point(lambda value: min(255, value * 255 // max(1, brightest)))

    def finish(self, drawn: Image.Image, seed: int, images: ImageStore, *, paste: bool) -> Candidate:
        """Bring what a model drew back into the base's place, and store it.

        Args:
            drawn: RGB or RGBA, of any size.
            seed: That made it.
            images: Takes the result.
            paste: Whether what is outside of the region is taken from the base.

        Raises:
            Malformed: The picture is black, and the base is not.
        """
        drawn = _rgb_or_rgba(drawn)
        if drawn.size != self.base.size:
            drawn = drawn.resize(self.base.size, Image.Resampling.LANCZOS)
        before, after = np.asarray(self.rgb, np.uint8), np.array(drawn.convert("RGB"), np.uint8)
        if after.max() <= 2 < before.max():
            raise Malformed(
                "The model drew a black picture.",
                hint="A safety filter or an overflow does that: try another seed, or a wider dtype where it runs.",
            )
        measures: dict[str, float] = {}
        if self.mask is not None:
            change = region_change(before, after, self.mask)
            found = {"drift_outside": change.delta_outside, "ssim_outside": change.ssim_outside}
            measures = {name: round(value, 4) for name, value in found.items() if value is not None}
        picture = Image.fromarray(after)
        if alpha := self._alpha(drawn):
            picture.putalpha(alpha)
        if paste and self.mask is not None:
            picture = _pasted(self.base, picture, self.mask)
            measures["pasted_back"] = 1.0
        stored = images.save(picture, like=self.call.base.image)
        return Candidate(image=stored, seed=seed, geometry=self.call.base.geometry, measures=measures)

    def _alpha(self, drawn: Image.Image) -> Image.Image | None:
        """Return the model's transparency where it drew some, else the base's."""
        if drawn.mode == "RGBA":
            alpha = drawn.getchannel("A")
            lowest: Any = alpha.getextrema()[0]
            if lowest < _CLEAR:
                return alpha
        return self.base.getchannel("A") if self.base.mode == "RGBA" else None


def _mask(call: EditCall, images: ImageStore, base: Image.Image, tell: Callable[[str], None] | None) -> Mask | None:
    """Return the union of the steps' regions, or the request's where a step has none; None is the whole picture."""
    wanted: list[Region | None] = [step.region or call.region for step in call.steps] or [call.region]
    if None in wanted:
        return None
    for region in wanted:
        _check_size(region, call.base)
    pixels = np.asarray(_flat(base), np.uint8)
    found = [region_mask(region, images, call.base.geometry, base.size, pixels, tell) for region in wanted]
    mask = np.maximum.reduce(found)
    if float(mask.max()) <= _INSIDE:
        raise Unsupported(
            "The region of this edit is empty in this picture.",
            hint="Give a region that lies inside it; a mask counts where it is more than half white.",
        )
    return np.asarray(mask, np.float32)


def _check_size(region: Region | None, base: Candidate) -> None:
    """Refuse a mask that is not of the source's size, as far as the base still tells that: it would lie elsewhere."""
    if not isinstance(region, MaskRegion):
        return
    width, height = region.image.size
    right, bottom = base.geometry.valid[2:]
    untouched = base.geometry == Geometry.of(base.image)
    if width < right or height < bottom or (untouched and region.image.size != base.image.size):
        raise Unsupported(
            f"The mask has {width}x{height} pixels, and the photo {right:.0f}x{bottom:.0f} or more.",
            hint="Make it as large as the photo.",
        )


def _pasted(before: Image.Image, after: Image.Image, mask: Mask) -> Image.Image:
    """Return ``after`` inside of the mask and ``before`` outside, transparency too; the seam lies inside of the region.

    It is at most half as wide as the region is deep, so that a thin one is not faded away.
    """
    width = max(1, round(max(mask.shape) * _SEAM))
    # Depth below the region's edge; the picture's own edge is no seam.
    inside = np.pad(np.uint8(mask > _INSIDE), width, mode="edge")
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)[width:-width, width:-width]
    seam = max(1.0, min(float(width), float(depth.max()) / 2))
    weight: npt.NDArray[np.float32] = np.clip(np.asarray(depth, np.float32) / seam, 0, 1)[..., None]
    mode = "RGBA" if "RGBA" in (before.mode, after.mode) else "RGB"
    old, new = (np.asarray(image.convert(mode), np.float32) for image in (before, after))
    return Image.fromarray(np.rint(old * (1 - weight) + new * weight).astype(np.uint8))


def _rgb_or_rgba(image: Image.Image) -> Image.Image:
    return image.convert("RGBA" if image.mode in ("RGBA", "LA", "PA") else "RGB")


def _flat(image: Image.Image) -> Image.Image:
    """Return a picture over white, without transparency."""
    if image.mode not in ("RGBA", "LA", "PA"):
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
