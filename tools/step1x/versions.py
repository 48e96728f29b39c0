"""In what v1.1 and v1p2 differ outside of the transformer, as one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from reasonedit_agent.tools.step1x import prompts, sizes

__all__ = ["V1P1", "V1P2", "Version"]

_PIXELS_PER_TOKEN = 28 * 28


@dataclass(frozen=True)
class Version:
    """What a pipeline does in its version's way.

    Attributes:
        name: Of the release.
        template: How an instruction is put.
        tokens: Turns it into tokens: tokenizer, template, instruction, number of vision tokens.
        padded: Whether text is padded to the most tokens kept, and id 0 masked in the text encoder.
        spatial: Whether text and vision tokens have positions, and quoted text goes past the connector.
        reference_shift: Added to rows and columns of the reference.
        vision_tokens: Fewest and most the picture may take; None for what the processor was saved with.
        encoder_picture: Makes the text encoder's picture from the one in the working size.
        vae_input: Makes ``(1, 3, height, width)``, -1 to 1, from the source and the one in the working size.
    """

    name: str
    template: prompts.Template
    tokens: Callable[[Any, prompts.Template, str, int], prompts.PromptTokens]
    padded: bool
    spatial: bool
    reference_shift: int
    vision_tokens: tuple[int, int] | None
    encoder_picture: Callable[[Image.Image], Image.Image]
    vae_input: Callable[[Image.Image, Image.Image], torch.Tensor]

    def processed(self, image_processor: Any, picture: Image.Image) -> Any:
        """Return ``pixel_values`` and ``image_grid_thw`` of a picture made by ``encoder_picture``."""
        limits = {}
        if self.vision_tokens is not None:
            few, many = (count * _PIXELS_PER_TOKEN for count in self.vision_tokens)
            limits["size"] = {"shortest_edge": few, "longest_edge": many}
        return image_processor(images=[picture], return_tensors="pt", **limits)


V1P1 = Version(
    name="v1.1",
    template=prompts.V1P1,
    tokens=prompts.tokens_v1p1,
    padded=True,
    spatial=False,
    reference_shift=1,
    vision_tokens=None,
    encoder_picture=sizes.to_vision_grid,
    vae_input=lambda _, working: sizes.to_tensor(working),
)
V1P2 = Version(
    name="v1p2",
    template=prompts.V1P2,
    tokens=prompts.tokens_v1p2,
    padded=False,
    spatial=True,
    reference_shift=0,
    vision_tokens=(256, 400),
    encoder_picture=lambda working: working,
    vae_input=lambda source, working: sizes.smoothed(source, working.size),
)
