"""Classifier-free guidance that damps long differences, and the time shift that depends on the size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["Guidance", "guided", "time_shift"]


@dataclass(frozen=True)
class Guidance:
    """How a step is guided.

    Attributes:
        scale: Of the difference between the two velocities.
        truncate: Differences are damped at times above this, 0 to 1000. The published default, 0.93, was meant for 0
            to 1, so that in practice they always are.
        power: How strongly.
    """

    scale: float
    truncate: float
    power: float

    @property
    def needed(self) -> bool:
        """Whether a step needs the negative prompt."""
        return self.scale > 1

    def combine(self, positive: torch.Tensor, negative: torch.Tensor, time: float) -> torch.Tensor:
        """Return the velocity to follow; `guided` says how.

        Args:
            positive: With the prompt.
            negative: With the negative prompt.
            time: Of the step, 0 to 1000.
        """
        return guided(positive, negative, self.scale, power=self.power, damped=time > self.truncate)


def guided(
    positive: torch.Tensor, negative: torch.Tensor, scale: float, *, power: float, damped: bool = True
) -> torch.Tensor:
    """Combine two velocities.

    Args:
        positive: ``(batch, tokens, channels)``, with the prompt.
        negative: As positive, with the negative prompt.
        scale: 1 gives ``positive`` where nothing is damped.
        power: A token whose difference is longer than 1 has it divided by its length to this power.
        damped: Whether to do that.

    Returns:
        ``(batch, tokens, channels)``.
    """
    difference = positive - negative
    if damped:
        length = torch.linalg.vector_norm(difference, dim=-1, keepdim=True)
        # Where the length is at most 1, the divisor is 1.
        difference = difference / length.clamp(min=1).pow(power)
    return negative + scale * difference


def time_shift(tokens: int, config: Mapping[str, Any]) -> float:
    """Return the scheduler's mu for so many noise tokens, on the line through the two points of its config."""
    few, many = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
    low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
    return float(low + (high - low) * (tokens - few) / (many - few))
