"""A picture at the size that is sent, and the way back, so that the shape of what is seen never changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image

from reasonedit_agent.tools.canvas import fitting_size
from reasonedit_agent.tools.images_api.dialects import Dialect
from reasonedit_agent.tools.images_api.settings import Settings

__all__ = ["Frame"]

_MULTIPLE = 16  # of the sizes that diffusion transformers, and OpenAI's models, draw
_BLUR = 0.02  # of a border, as a share of the longer side
_STRETCH = 1.03  # a change of shape that rounding makes, and nobody sees


@dataclass(frozen=True)
class Frame:
    """Where the base stands in the picture that is sent.

    Attributes:
        size: Width and height of what is sent.
        box: Left, top, right and bottom of the base in it; what is around it is a soft border of its colours.
        asked: What the server is told, such as ``1024x768`` or ``auto``.
    """

    size: tuple[int, int]
    box: tuple[int, int, int, int]
    asked: str

    @classmethod
    def of(cls, base: tuple[int, int], settings: Settings, dialect: Dialect, model: str) -> Frame:
        """Return the frame for a base.

        Args:
            base: Its width and height.
            settings: ``size`` and ``area``.
            dialect: Which shapes the server draws.
            model: Its name on the server.
        """
        fitting = fitting_size(base, settings.area, _MULTIPLE)
        if settings.size == "auto":
            return cls(fitting, (0, 0, *fitting), "auto")
        if settings.size != "fit":
            return cls._around(base, settings.fixed_size())
        if dialect.fixed and model.startswith(dialect.fixed):
            return cls._around(base, min(dialect.sizes, key=lambda size: _stretch(base, size)))
        if max(base) > dialect.longest * min(base):
            long, short = fitting_size((round(dialect.longest * 1000), 1000), settings.area, _MULTIPLE)
            long = min(long, int(short * dialect.longest) // _MULTIPLE * _MULTIPLE)
            return cls._around(base, (long, short) if base[0] > base[1] else (short, long))
        return cls._around(base, fitting)

    @classmethod
    def _around(cls, base: tuple[int, int], size: tuple[int, int]) -> Frame:
        asked = f"{size[0]}x{size[1]}"
        # Small pictures are a few multiples wide: there, rounding alone may change the shape by more.
        tolerance = max(_STRETCH, 1 + _MULTIPLE / min(size))
        if _stretch(base, size) <= tolerance:
            return cls(size, (0, 0, *size), asked)
        scale = min(size[0] / base[0], size[1] / base[1])
        width, height = (max(1, min(room, round(side * scale))) for side, room in zip(base, size, strict=True))
        left, top = (size[0] - width) // 2, (size[1] - height) // 2
        return cls(size, (left, top, left + width, top + height), asked)

    def put(self, picture: Image.Image, *, border: int | None = None) -> Image.Image:
        """Return a picture of the base's shape as it is sent.

        Args:
            picture: Any mode of 8 bits.
            border: The value around it; None is a soft border of its own colours.
        """
        left, top, right, bottom = self.box
        inner = picture.resize((right - left, bottom - top), Image.Resampling.LANCZOS)
        around = (top, self.size[1] - bottom, left, self.size[0] - right)
        if not any(around):
            return inner
        pixels = np.asarray(inner)
        if border is not None:
            framed: Any = cv2.copyMakeBorder(pixels, *around, cv2.BORDER_CONSTANT, value=[float(border)] * 4)
            return Image.fromarray(np.asarray(framed, np.uint8))
        # Blurred: sharp stripes are something that a model sees, and goes on with.
        framed = cv2.copyMakeBorder(pixels, *around, cv2.BORDER_REPLICATE)
        framed = cv2.GaussianBlur(framed, (0, 0), max(self.size) * _BLUR)
        framed[top:bottom, left:right] = pixels
        return Image.fromarray(np.asarray(framed, np.uint8))

    def cut(self, drawn: Image.Image) -> Image.Image:
        """Return what a server drew without the border, whatever size it drew at."""
        if self.box == (0, 0, *self.size):
            return drawn
        across, down = drawn.width / self.size[0], drawn.height / self.size[1]
        left, top, right, bottom = self.box
        return drawn.crop((round(left * across), round(top * down), round(right * across), round(bottom * down)))

    def against(self, drawn: tuple[int, int]) -> dict[str, float]:
        """Return how another size than the wanted one differs: its share of the pixels, and the change of shape."""
        if drawn == self.size:
            return {}
        found = {"served_pixels": drawn[0] * drawn[1] / (self.size[0] * self.size[1])}
        if (stretch := _stretch(self.size, drawn)) > _STRETCH:
            found["served_stretch"] = stretch
        return {name: round(value, 4) for name, value in found.items()}


def _stretch(base: tuple[int, int], size: tuple[int, int]) -> float:
    """Return by how much one side grows more than the other, at least 1."""
    across, down = size[0] / base[0], size[1] / base[1]
    return max(across / down, down / across)
