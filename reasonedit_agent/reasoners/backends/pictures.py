"""Pictures on their way to a model: not larger than it needs, and under a name that the server can remember."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass

from PIL.Image import Resampling

from reasonedit_agent.errors import BackendError
from reasonedit_agent.events import Noted
from reasonedit_agent.protocols import Context, ImageStore
from reasonedit_agent.schemas import ImageRef

__all__ = ["Shown", "fewer_pixels", "shown"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as a model gets it.

    Attributes:
        ref: Of the stored picture.
        width: As sent, in pixels.
        height: As sent.
    """

    ref: ImageRef
    width: int
    height: int

    @property
    def name(self) -> str:
        """A name for exactly these pixels: our hash, and the size where it differs."""
        same = (self.width, self.height) == self.ref.size
        return self.ref.sha256 if same else f"{self.ref.sha256}-{self.width}x{self.height}"

    def data_url(self, images: ImageStore) -> str:
        """Return the picture as a data URL; a smaller one is encoded anew."""
        if (self.width, self.height) == self.ref.size:
            data, media_type = images.get(self.ref), self.ref.media_type
        else:
            small = images.open(self.ref).resize((self.width, self.height), Resampling.LANCZOS)
            buffer, clear = io.BytesIO(), small.mode in ("RGBA", "LA")
            small.save(buffer, "PNG") if clear else small.save(buffer, "JPEG", quality=95, subsampling=0)
            data, media_type = buffer.getvalue(), "image/png" if clear else "image/jpeg"
        return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def shown(ref: ImageRef, pixels: int) -> Shown:
    """Return how a picture is sent when it may have at most ``pixels`` pixels; the ratio stays."""
    width, height = ref.size
    if width * height <= pixels:
        return Shown(ref, width, height)
    scale = math.sqrt(pixels / (width * height))
    return Shown(ref, max(1, int(width * scale)), max(1, int(height * scale)))


_FEWEST = 112 * 112
"""Pixels below which a model sees nothing in a picture."""


def fewer_pixels(refs: Iterable[ImageRef], pixels: int, problem: str, ctx: Context, *, hint: str) -> int:
    """Return half the pixels of the largest picture as it was sent, and note it: the context was too small.

    Args:
        refs: The pictures.
        pixels: The most that each had so far.
        problem: What the model's side said.
        ctx: Gets the note.
        hint: What to do where the pictures cannot get smaller.

    Raises:
        BackendError: They cannot.
    """
    sent = (shown(ref, pixels) for ref in refs)
    fewer = max((one.width * one.height for one in sent), default=0) // 2
    if fewer < _FEWEST:
        raise BackendError(f"The request does not fit into the model's context: {problem}", hint=hint)
    ctx.emit(Noted(text=f"The pictures were sent with at most {fewer} pixels: the context was too small."))
    return fewer
