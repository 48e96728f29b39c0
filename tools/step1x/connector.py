"""Between the vision-language model and the diffusion transformer: refines its hidden states into text tokens.

The names of the parameters are those of the published weights.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.embeddings import get_timestep_embedding
from torch import nn

__all__ = ["POOLED_WIDTH", "SINUSOID_WIDTH", "Connector", "sinusoid"]

SINUSOID_WIDTH = 256
POOLED_WIDTH = 768


def sinusoid(times: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return what both time embeddings start from, cosines before sines.

    Args:
        times: ``(batch,)``, 0 to 1000.
        dtype: Of the result; the angles are computed in float32.

    Returns:
        ``(batch, 256)``.
    """
    waves = get_timestep_embedding(times.float(), SINUSOID_WIDTH, flip_sin_to_cos=True, downscale_freq_shift=0)
    return waves.to(dtype)


class _TimeEmbedder(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(SINUSOID_WIDTH, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, waves: torch.Tensor) -> Any:
        return self.mlp(waves)


class _MeanEmbedder(nn.Module):  # type: ignore[misc]
    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(width_in, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, mean: torch.Tensor) -> Any:
        return self.linear_2(F.silu(self.linear_1(mean)))


class _FeedForward(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, tokens: torch.Tensor) -> Any:
        return self.fc2(F.silu(self.fc1(tokens)))


class _RefinerBlock(nn.Module):  # type: ignore[misc]
    """Self-attention and a feed-forward; the condition opens and closes both, and moves neither."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.self_attn_qkv = nn.Linear(width, 3 * width)
        self.self_attn_proj = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = _FeedForward(width)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, tokens: torch.Tensor, condition: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
        gate_attention, gate_mlp = self.adaLN_modulation(condition).unsqueeze(1).chunk(2, dim=-1)
        query, key, value = self.self_attn_qkv(self.norm1(tokens)).unflatten(-1, (3, self.heads, -1)).unbind(2)
        # Not by diffusers' attention backends: the fast ones take no mask.
        seen = F.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), attn_mask=allowed
        )
        tokens = tokens + gate_attention * self.self_attn_proj(seen.transpose(1, 2).flatten(2))
        return tokens + gate_mlp * self.mlp(self.norm2(tokens))


class _Refiner(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([_RefinerBlock(width, heads) for _ in range(depth)])

    def forward(self, tokens: torch.Tensor, condition: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            tokens = block(tokens, condition, allowed)
        return tokens


class _TokenRefiner(nn.Module):  # type: ignore[misc]
    def __init__(self, width_in: int, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.input_embedder = nn.Linear(width_in, width)
        self.t_embedder = _TimeEmbedder(width)
        self.c_embedder = _MeanEmbedder(width_in, width)
        self.individual_token_refiner = _Refiner(width, heads, depth)

    def forward(
        self, states: torch.Tensor, waves: torch.Tensor, mean: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        real = mask.bool()
        allowed = real[:, None, :, None] & real[:, None, None, :]
        # Padded rows must see something, or their softmax is over nothing: they see the first token.
        allowed = allowed | (torch.arange(real.shape[1], device=real.device) == 0)
        condition = self.t_embedder(waves) + self.c_embedder(mean)
        refined: torch.Tensor = self.individual_token_refiner(self.input_embedder(states), condition, allowed)
        return refined


class Connector(nn.Module):  # type: ignore[misc]
    """Turns hidden states of the text encoder into text tokens and one pooled vector.

    Args:
        width_in: Of the text encoder's hidden states.
        width: Of the text tokens.
        heads: Of the self-attention.
        depth: Blocks.
    """

    def __init__(self, width_in: int, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.S = _TokenRefiner(width_in, width, heads, depth)
        self.global_proj_out = nn.Linear(width_in, POOLED_WIDTH)

    def forward(
        self, states: torch.Tensor, waves: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the text tokens and the pooled vector.

        Args:
            states: ``(batch, tokens, width_in)``.
            waves: ``(batch, 256)``, `sinusoid` of the time.
            mask: ``(batch, tokens)``, 1 where a token is real.

        Returns:
            ``(batch, tokens, width)`` and ``(batch, 768)``; the latter does not depend on the time.
        """
        weights = mask.float().unsqueeze(-1)
        mean = ((states * weights).sum(dim=1) / weights.sum(dim=1)).to(states.dtype)
        return self.S(states, waves, mean, mask), self.global_proj_out(mean)
