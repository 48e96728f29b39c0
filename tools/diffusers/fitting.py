"""What a GPU of a given size can hold: from the weights on the disk, or from published sizes.

The room for what is computed is not published for most models. It is taken from the one that has a table: Step1X-Edit
v1.0 in bfloat16 needs 49.8 GB at 1024 x 1024 pixels, 46.5 at 786 and 42.5 at 512 (its README, one H800, with guidance),
of which its weights are 41.9. For another size of transformer the room goes with the square root: that gives 12.6 GB
for FLUX.2-klein-4B with ``offload=model``, whose card says 13.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["PUBLISHED", "Sizes", "Way", "ways"]

_ROOM: Final = 8.0
_OF: Final = 24.9  # GB of weights that this room belongs to

_HALF, _QUARTER = 0.53, 0.29
"""What 8 and 4 bits leave of 16: the scales and the layers that stay as they are come on top."""


@dataclass(frozen=True)
class Sizes:
    """Of a model's parts, in bfloat16.

    Attributes:
        parts: GB by name.
        source: Where the figures are from.
        adapter: The pipeline class.
    """

    parts: Mapping[str, float]
    source: str
    adapter: str


PUBLISHED: Final[Mapping[str, Sizes]] = MappingProxyType(
    {
        "Qwen-Image-Edit-2511": Sizes(
            {"transformer": 40.9, "text_encoder": 16.6, "vae": 0.25},
            "20.4 and 8.3 thousand million parameters: model card of Qwen-Image; the VAE from its file list",
            "QwenImageEditPlusPipeline",
        ),
        "FLUX.2-klein-4B": Sizes(
            {"transformer": 7.75, "text_encoder": 8.05, "vae": 0.17},
            "the file list of black-forest-labs/FLUX.2-klein-4B; its card says 13 GB with offload=model",
            "Flux2KleinPipeline",
        ),
        "FLUX.2-klein-9B": Sizes(
            {"transformer": 18.2, "text_encoder": 16.4, "vae": 0.17},
            "9.1 and 8.2 thousand million parameters: model cards of FLUX.2-klein-9B and Qwen3-8B",
            "Flux2KleinPipeline",
        ),
        "FLUX.1-Kontext-dev": Sizes(
            {"transformer": 23.8, "text_encoder_2": 9.5, "text_encoder": 0.25, "vae": 0.17},
            "the file list of black-forest-labs/FLUX.1-Kontext-dev",
            "FluxKontextPipeline",
        ),
        "Step1X-Edit-v1p2": Sizes(
            {"transformer": 24.9, "text_encoder": 16.6, "vae": 0.17},
            "12.44 thousand million parameters counted from its parameter list; Qwen2.5-VL-7B",
            "Step1XEditPipelineV1P2",
        ),
    }
)
"""By name; sizes of September 2026."""


@dataclass(frozen=True)
class Way:
    """One way to run a model.

    Attributes:
        settings: As a user writes them.
        gigabytes: Of GPU memory at one megapixel, as it is estimated.
    """

    settings: str
    gigabytes: float


def ways(parts: Mapping[str, float]) -> tuple[Way, ...]:
    """Return the ways to run a model, the fastest first.

    Args:
        parts: GB of each part in bfloat16.
    """
    whole, largest = sum(parts.values()), max(parts.values())
    room = _ROOM * math.sqrt(largest / _OF)
    return (
        Way("preset=quality", round(whole + room, 1)),
        Way("quantise=torchao-fp8", round(whole * _HALF + room, 1)),
        Way("offload=model", round(largest + room, 1)),
        Way("quantise=bnb-4bit", round(whole * _QUARTER + room, 1)),
        Way("offload=model, quantise=torchao-fp8", round(largest * _HALF + room, 1)),
        Way("offload=model, quantise=bnb-4bit", round(largest * _QUARTER + room, 1)),
        Way("offload=group, tiling=true", round(room + 1.0, 1)),
    )
