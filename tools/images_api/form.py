"""The request: a multipart form. Text in, bytes out; no network."""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass

from PIL import Image

from reasonedit_agent.tools.images_api.dialects import Dialect
from reasonedit_agent.tools.images_api.settings import Settings

__all__ = ["EXTRAS", "Form", "Order", "mask_png", "png"]

EXTRAS = ("response_format", "output_format", "size", "mask", "quality")
"""What a server may refuse by name and does not get then: our own wishes, not the user's."""

_SEED = 2**31
"""Seeds below it are taken everywhere."""


@dataclass(frozen=True)
class Order:
    """What is asked, whoever is asked.

    Attributes:
        prompt: The instruction.
        pictures: PNGs, the base first.
        mask: PNG as the dialect wants it; empty is the whole picture.
        size: Such as ``1024x768`` or ``auto``.
        count: How many candidates.
        seed: Of the one candidate, or None.
        draft: Whether it may be cheaper.
    """

    prompt: str
    pictures: tuple[bytes, ...]
    mask: bytes
    size: str
    count: int = 1
    seed: int | None = None
    draft: bool = False


@dataclass(frozen=True)
class Form:
    """Fields and files of a request.

    Attributes:
        fields: By name.
        files: Name, file name, bytes and media type of each.
    """

    fields: dict[str, str]
    files: list[tuple[str, tuple[str, bytes, str]]]

    @classmethod
    def of(cls, order: Order, dialect: Dialect, settings: Settings, model: str, without: Collection[str] = ()) -> Form:
        """Return the form of an order.

        Args:
            order: What is asked.
            dialect: How.
            settings: What the user set.
            model: Its name on the server; empty is not said.
            without: Of `EXTRAS`, what this server turned out not to take.
        """
        fields = {"prompt": order.prompt, "n": str(order.count)}
        if model:
            fields["model"] = model
        if order.size != "auto" and "size" not in without:
            fields["size"] = order.size
        fields |= {name: value for name, value in dialect.constant.items() if name not in without}
        fields |= {
            dialect.fields[name]: str(value)
            for name, value in _wanted(order, settings).items()
            if name in dialect.fields and name not in without
        }
        if dialect.seeds and order.seed is not None:
            fields["seed"] = str(order.seed % _SEED)
        name = "image" if len(order.pictures) == 1 else "image[]"
        files = [(name, (f"image{i}.png", data, "image/png")) for i, data in enumerate(order.pictures)]
        fits = len(order.pictures) == 1 or not dialect.mask_alone
        if order.mask and dialect.mask and fits and "mask" not in without:
            files.append((dialect.mask, ("mask.png", order.mask, "image/png")))
        return cls(fields, files)


def _wanted(order: Order, settings: Settings) -> dict[str, object]:
    steps, quality = settings.steps, settings.quality
    if order.draft:
        steps = settings.draft or (max(1, steps // 4) if steps else None)
        quality = "low"
    wanted = {
        "steps": steps,
        "guidance": settings.guidance,
        "cfg": settings.cfg,
        "strength": settings.strength,
        "negative": settings.negative,
        "quality": quality,
    }
    return {name: value for name, value in wanted.items() if value not in (None, "")}


def png(picture: Image.Image) -> bytes:
    """Return a picture as a PNG, packed fast."""
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def mask_png(mask: Image.Image, dialect: Dialect) -> bytes:
    """Return a mask (white where to draw) as a dialect wants it."""
    if dialect.mask_is == "white":
        return png(mask)
    kept = mask.point(lambda value: 0 if value > 127 else 255)
    return png(Image.merge("RGBA", [kept.point(lambda _: 0)] * 3 + [kept]))
