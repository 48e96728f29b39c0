"""The typed operations that a classical editor executes, as one tagged union.

An operation says *what* is done; the region of the `EditStep` that carries it says *where*. Every quantity is
absolute and machine-readable: colours are ``#rrggbb``, lengths are pixels of the picture that the step starts from,
and amounts have the unit that their docstring gives. Words such as "slightly" or "50 %" are resolved by the Reasoner.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "AddText",
    "Adjust",
    "BlackAndWhite",
    "Blur",
    "Crop",
    "CutOut",
    "Fill",
    "Flip",
    "Hex",
    "Operation",
    "PlainOperation",
    "Recolour",
    "Redact",
    "Remove",
    "ReplaceBackground",
    "Resize",
    "Rotate",
    "Sepia",
    "Sharpen",
    "Stylise",
    "Upscale",
    "Vignette",
    "operation_names",
]

Hex = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
"""A colour in sRGB, ``#rrggbb`` in lower case."""

Place = Literal["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"]
"""An anchor inside a picture or a box."""


class _Operation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recolour(_Operation):
    """Give the region another colour and keep its light and texture.

    Attributes:
        colour: The colour that the region's mean should have.
        strength: 0 leaves it, 1 moves the mean all the way.
    """

    op: Literal["recolour"] = "recolour"
    colour: Hex
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0


class Adjust(_Operation):
    """Move one property of the region by a measured amount.

    Attributes:
        what: The property.
        amount: How far, positive or negative. ``brightness``: relative change of the mean CIE L* (0.2 is 20 %
            lighter). ``contrast``: relative change of the standard deviation of L*. ``saturation``: relative change
            of the mean chroma C*ab. ``warmth``: shift of the mean b* in units of 50 (0.2 is +10 b*). ``exposure``:
            stops (EV) in linear light.
    """

    op: Literal["adjust"] = "adjust"
    what: Literal["brightness", "contrast", "saturation", "warmth", "exposure"]
    amount: Annotated[float, Field(ge=-5, le=5)]


class Sharpen(_Operation):
    """Unsharp mask. ``amount`` is the share of the detail that is added (0.5 mild, 1 normal, 2 strong)."""

    op: Literal["sharpen"] = "sharpen"
    amount: Annotated[float, Field(gt=0, le=5)] = 1.0


class Blur(_Operation):
    """Gaussian blur; ``sigma`` in pixels."""

    op: Literal["blur"] = "blur"
    sigma: Annotated[float, Field(gt=0, le=500)]


class BlackAndWhite(_Operation):
    """Take the colour out; ``strength`` 1 leaves none."""

    op: Literal["black_and_white"] = "black_and_white"
    strength: Annotated[float, Field(gt=0, le=1)] = 1.0


class Sepia(_Operation):
    """A brown monochrome tone; ``strength`` 1 is full."""

    op: Literal["sepia"] = "sepia"
    strength: Annotated[float, Field(gt=0, le=1)] = 1.0


class Vignette(_Operation):
    """Darken towards the corners; ``strength`` is the share of light that the corners lose."""

    op: Literal["vignette"] = "vignette"
    strength: Annotated[float, Field(gt=0, le=1)] = 0.5


class Remove(_Operation):
    """Take the region out and fill the hole from its surroundings.

    Attributes:
        method: ``patch`` copies texture, ``smooth`` continues colours; ``auto`` looks at the surroundings.
        grow: How many pixels the hole reaches beyond the region.
    """

    op: Literal["remove"] = "remove"
    method: Literal["auto", "patch", "smooth"] = "auto"
    grow: Annotated[int, Field(ge=0, le=500)] = 6


class Fill(_Operation):
    """What stands in a new background.

    Attributes:
        colours: One colour (plain) or two (a gradient from the first to the second).
        direction: Of the gradient.
        reference: Index of the request's reference photo; exclusive with ``colours``.
    """

    colours: Annotated[tuple[Hex, ...], Field(max_length=2)] = ()
    direction: Literal["down", "right"] = "down"
    reference: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Fill:
        if bool(self.colours) == (self.reference is not None):
            raise ValueError("give either colours or a reference")
        return self


class ReplaceBackground(_Operation):
    """Put `fill` behind the subject. The step's region is the background."""

    op: Literal["replace_background"] = "replace_background"
    fill: Fill


class CutOut(_Operation):
    """Make everything outside the step's region transparent (the result is a PNG)."""

    op: Literal["cut_out"] = "cut_out"


class Crop(_Operation):
    """Cut the picture to the bounding box of the step's region, or to a ratio.

    Attributes:
        ratio: Width and height of the wanted ratio; the largest such part that holds the region, or the middle.
        margin: Share of the region's size that is left around it.
    """

    op: Literal["crop"] = "crop"
    ratio: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] | None = None
    margin: Annotated[float, Field(ge=0, le=2)] = 0.0


class Resize(_Operation):
    """Change the size in pixels; exactly one way must be given (width and height together count as one).

    Attributes:
        width: In pixels; alone it keeps the ratio.
        height: In pixels; alone it keeps the ratio.
        scale: Factor for both sides.
        megapixels: Area in millions of pixels; keeps the ratio.
    """

    op: Literal["resize"] = "resize"
    width: Annotated[int, Field(gt=0, le=30000)] | None = None
    height: Annotated[int, Field(gt=0, le=30000)] | None = None
    scale: Annotated[float, Field(gt=0, le=16)] | None = None
    megapixels: Annotated[float, Field(gt=0, le=400)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Resize:
        sides = self.width is not None or self.height is not None
        if sides + (self.scale is not None) + (self.megapixels is not None) != 1:
            raise ValueError("give width/height, or scale, or megapixels")
        return self


class Rotate(_Operation):
    """Turn clockwise by ``degrees``. The canvas grows so that nothing is lost; new corners are transparent."""

    op: Literal["rotate"] = "rotate"
    degrees: Annotated[float, Field(ge=-360, le=360)]


class Flip(_Operation):
    """Mirror: ``horizontal`` swaps left and right, ``vertical`` swaps top and bottom."""

    op: Literal["flip"] = "flip"
    axis: Literal["horizontal", "vertical"]


class AddText(_Operation):
    """Write text on the picture, or into the step's region.

    Attributes:
        text: What is written; line breaks are kept.
        place: Anchor inside the region or the picture.
        size: Height of the letters in pixels; None fits the place.
        colour: None takes what reads best on the background.
    """

    op: Literal["add_text"] = "add_text"
    text: Annotated[str, Field(min_length=1, max_length=500)]
    place: Place = "bottom"
    size: Annotated[int, Field(gt=0, le=5000)] | None = None
    colour: Hex | None = None


class Redact(_Operation):
    """Make the region unreadable for good; ``strength`` scales the size of the blocks or of the blur."""

    op: Literal["redact"] = "redact"
    style: Literal["blur", "pixelate", "fill"] = "blur"
    strength: Annotated[float, Field(gt=0, le=4)] = 1.0


class Stylise(_Operation):
    """Make it look painted or drawn."""

    op: Literal["stylise"] = "stylise"
    style: Literal["painting", "pencil", "cartoon"]
    strength: Annotated[float, Field(gt=0, le=1)] = 1.0


class Upscale(_Operation):
    """Enlarge with a super-resolution model.

    Attributes:
        factor: Of each side.
        model: ``fast`` (seconds per megapixel) or ``quality`` (minutes per megapixel on a CPU).
    """

    op: Literal["upscale"] = "upscale"
    factor: Literal[2, 3, 4] = 2
    model: Literal["fast", "quality"] = "fast"


PlainOperation = (
    Recolour
    | Adjust
    | Sharpen
    | Blur
    | BlackAndWhite
    | Sepia
    | Vignette
    | Remove
    | ReplaceBackground
    | CutOut
    | Crop
    | Resize
    | Rotate
    | Flip
    | AddText
    | Redact
    | Stylise
    | Upscale
)
"""The union without its tag, for ``isinstance`` and for type hints."""

Operation = Annotated[PlainOperation, Field(discriminator="op")]
"""The union as pydantic reads it: ``op`` names the member."""


def operation_names() -> tuple[str, ...]:
    """Return the ``op`` of every member, in the order of the union."""
    return tuple(member.model_fields["op"].default for member in PlainOperation.__args__)
