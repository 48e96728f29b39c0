"""Sizes and resampling: what the text encoder sees, what the VAE sees, and packed latents."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

__all__ = ["pack", "resized", "smoothed", "target_size", "to_tensor", "to_vision_grid", "unpack"]

_UNIT = 16  # pixels of a latent token
_VISION_UNIT = 28  # pixels of a vision token
_VISION_TOKENS = (4, 16384)


def target_size(width: int, height: int, level: int) -> tuple[int, int]:
    """Return the working size: about ``level`` x ``level`` pixels, the ratio kept, in steps of 16.

    Args:
        width: Of the source in pixels.
        height: Of the source in pixels.
        level: Side of the square that has as many pixels.

    Returns:
        Width and height.
    """
    ratio = width / height
    if width > height:
        wide = math.ceil(math.sqrt(level * level * ratio))
        high = math.ceil(wide / ratio)
    else:
        high = math.ceil(math.sqrt(level * level / ratio))
        wide = math.ceil(high * ratio)
    return max(_UNIT, wide // _UNIT * _UNIT), max(_UNIT, high // _UNIT * _UNIT)


def resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture in another size, by Lanczos."""
    return picture.resize(size, Image.Resampling.LANCZOS)


def to_vision_grid(picture: Image.Image) -> Image.Image:
    """Return the picture with sides that are the nearest multiples of a vision token (v1.1)."""
    few, many = (_VISION_UNIT**2 * tokens for tokens in _VISION_TOKENS)
    height, width = smart_resize(picture.height, picture.width, _VISION_UNIT, few, many)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def to_tensor(picture: Image.Image) -> torch.Tensor:
    """Return ``(1, 3, height, width)``, float32, -1 to 1."""
    pixels = torch.from_numpy(np.asarray(picture.convert("RGB"), dtype=np.float32) / 255)
    return pixels.permute(2, 0, 1).unsqueeze(0) * 2 - 1


def smoothed(picture: Image.Image, size: tuple[int, int]) -> torch.Tensor:
    """Return the picture in another size as `to_tensor` does, by antialiased bilinear sampling without rounding (v1p2).

    Args:
        picture: The original pixels.
        size: Width and height.
    """
    pixels = to_tensor(picture) / 2 + 0.5
    small = F.interpolate(pixels, (size[1], size[0]), mode="bilinear", align_corners=False, antialias=True)
    return small * 2 - 1


def pack(latents: torch.Tensor) -> torch.Tensor:
    """Turn ``(batch, c, h, w)`` into ``(batch, h/2 * w/2, 4c)``: a token is a square of four."""
    batch, channels, height, width = latents.shape
    squares = latents.reshape(batch, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return squares.reshape(batch, height // 2 * (width // 2), channels * 4)


def unpack(tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Undo `pack`.

    Args:
        tokens: ``(batch, h/2 * w/2, 4c)``.
        height: h.
        width: w.

    Returns:
        ``(batch, c, h, w)``.
    """
    batch, _, wide = tokens.shape
    squares = tokens.reshape(batch, height // 2, width // 2, wide // 4, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return squares.reshape(batch, wide // 4, height, width)
