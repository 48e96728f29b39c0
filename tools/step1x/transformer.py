"""The diffusion transformer of Step1X-Edit: FLUX blocks behind a connector to a vision-language model.

Loads the published folders (``transformer/``) of v1.1 and v1p2; the names of the parameters are theirs.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from diffusers import ModelMixin
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.loaders import PeftAdapterMixin
from diffusers.models.attention import AttentionMixin
from diffusers.models.cache_utils import CacheMixin
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from diffusers.models.normalization import AdaLayerNormContinuous
from diffusers.models.transformers.transformer_flux import (
    FluxPosEmbed,
    FluxSingleTransformerBlock,
    FluxTransformerBlock,
)
from diffusers.utils import apply_lora_scale
from torch import nn

from reasonedit_agent.tools.step1x.connector import POOLED_WIDTH, SINUSOID_WIDTH, Connector, sinusoid

__all__ = ["Step1XEditTransformer2DModel"]


class _Embedder(nn.Module):  # type: ignore[misc]
    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.in_layer = nn.Linear(width_in, width)
        self.out_layer = nn.Linear(width, width)

    def forward(self, values: torch.Tensor) -> Any:
        return self.out_layer(F.silu(self.in_layer(values)))


class Step1XEditTransformer2DModel(ModelMixin, ConfigMixin, PeftAdapterMixin, CacheMixin, AttentionMixin):  # type: ignore[misc]
    """Predicts a velocity for noise tokens, given reference tokens and text.

    The arguments are the keys of the published ``config.json``.

    Args:
        patch_size: Multiplies the width of the last projection.
        in_channels: Of a packed latent token.
        out_channels: The same by default.
        num_layers: Dual-stream blocks.
        num_single_layers: Single-stream blocks.
        attention_head_dim: Width of a head.
        num_attention_heads: Heads.
        joint_attention_dim: Width of the connector's tokens.
        timestep_in_dim: Width of the time's sinusoid, 256.
        vector_in_dim: Width of the connector's pooled vector, 768.
        connector_in_channels: Width of the text encoder.
        connector_hidden_size: Width of the connector's tokens.
        connector_heads_num: Heads of the connector.
        connector_depth: Blocks of the connector.
        guidance_embeds: Read and without effect: no weights of it exist.
        axes_dims_rope: How many of a head's numbers turn with each axis of a position.
        enable_text_token_mapping: Whether quoted text goes past the connector as well (v1p2).

    Raises:
        ValueError: The widths contradict each other.
    """

    _supports_gradient_checkpointing = True
    _no_split_modules: ClassVar[list[str]] = ["FluxTransformerBlock", "FluxSingleTransformerBlock"]
    _repeated_blocks: ClassVar[list[str]] = ["FluxTransformerBlock", "FluxSingleTransformerBlock"]
    _skip_layerwise_casting_patterns: ClassVar[list[str]] = ["pos_embed", "norm"]

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        patch_size: int = 1,
        in_channels: int = 64,
        out_channels: int | None = None,
        num_layers: int = 19,
        num_single_layers: int = 38,
        attention_head_dim: int = 128,
        num_attention_heads: int = 24,
        joint_attention_dim: int = 4096,
        timestep_in_dim: int = SINUSOID_WIDTH,
        vector_in_dim: int = POOLED_WIDTH,
        connector_in_channels: int = 3584,
        connector_hidden_size: int = 4096,
        connector_heads_num: int = 32,
        connector_depth: int = 2,
        guidance_embeds: bool = False,
        axes_dims_rope: tuple[int, ...] = (16, 56, 56),
        enable_text_token_mapping: bool = False,
    ) -> None:
        super().__init__()
        for name, found, needed in (
            ("timestep_in_dim", timestep_in_dim, SINUSOID_WIDTH),
            ("vector_in_dim", vector_in_dim, POOLED_WIDTH),
            ("joint_attention_dim", joint_attention_dim, connector_hidden_size),
            ("the sum of axes_dims_rope", sum(axes_dims_rope), attention_head_dim),
        ):
            if found != needed:
                raise ValueError(f"{name} is {found}, and must be {needed}")
        width = num_attention_heads * attention_head_dim
        self.out_channels = out_channels or in_channels
        self.inner_dim = width
        self.pos_embed = FluxPosEmbed(theta=10000, axes_dim=list(axes_dims_rope))
        self.connector = Connector(connector_in_channels, connector_hidden_size, connector_heads_num, connector_depth)
        if enable_text_token_mapping:
            self.text_token_mapping = nn.Linear(connector_in_channels, connector_hidden_size)
        self.time_embed = _Embedder(timestep_in_dim, width)
        self.vec_embed = _Embedder(vector_in_dim, width)
        self.context_embedder = nn.Linear(joint_attention_dim, width)
        self.x_embedder = nn.Linear(in_channels, width)
        heads = {"num_attention_heads": num_attention_heads, "attention_head_dim": attention_head_dim}
        self.transformer_blocks = nn.ModuleList([FluxTransformerBlock(dim=width, **heads) for _ in range(num_layers)])
        self.single_transformer_blocks = nn.ModuleList(
            [FluxSingleTransformerBlock(dim=width, **heads) for _ in range(num_single_layers)]
        )
        self.norm_out = AdaLayerNormContinuous(width, width, elementwise_affine=False, eps=1e-6)
        self.proj_out = nn.Linear(width, patch_size * patch_size * self.out_channels)
        self.gradient_checkpointing = False

    @apply_lora_scale("joint_attention_kwargs")  # type: ignore[untyped-decorator]
    def forward(
        self,
        hidden_states: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        prompt_embeds_mask: torch.Tensor,
        txt_ids: torch.Tensor,
        img_ids: torch.Tensor,
        text_embeddings: torch.Tensor | None = None,
        text_mask: torch.Tensor | None = None,
        guidance: torch.Tensor | None = None,
        joint_attention_kwargs: dict[str, Any] | None = None,
        return_dict: bool = True,
    ) -> Any:
        """Return the velocity of every image token; that of reference tokens means nothing.

        Args:
            hidden_states: ``(batch, noise + reference, in_channels)``, noise tokens first.
            timestep: ``(batch,)``, sigma, 0 to 1.
            encoder_hidden_states: ``(batch, tokens, connector_in_channels)``, of the text encoder.
            prompt_embeds_mask: ``(batch, tokens)``, 1 where a token is real.
            txt_ids: ``(tokens, 3)``, positions of the text; they may be negative and fractional.
            img_ids: ``(noise + reference, 3)``.
            text_embeddings: As encoder_hidden_states, before the text encoder; for v1p2.
            text_mask: ``(batch, tokens)``, 1 where a token stands in quotation marks; for v1p2.
            guidance: Ignored.
            joint_attention_kwargs: ``scale`` of the LoRAs; the rest goes to the attention.
            return_dict: Whether to return a `Transformer2DModelOutput`, else a tuple.

        Returns:
            ``(batch, noise + reference, out_channels)``.
        """
        image = self.x_embedder(hidden_states)
        # In bfloat16 the product is rounded, as in training.
        waves = sinusoid(timestep.to(hidden_states.dtype) * 1000, hidden_states.dtype)
        text, pooled = self.connector(encoder_hidden_states, waves, prompt_embeds_mask)
        if self.config.enable_text_token_mapping and text_embeddings is not None and text_mask is not None:
            text = text + self.text_token_mapping(text_embeddings) * text_mask.to(text.dtype).unsqueeze(-1)
        temb = self.time_embed(waves) + self.vec_embed(pooled)
        text = self.context_embedder(text)
        turns = self.pos_embed(torch.cat((txt_ids, img_ids)))
        for block in (*self.transformer_blocks, *self.single_transformer_blocks):
            if torch.is_grad_enabled() and self.gradient_checkpointing:
                text, image = self._gradient_checkpointing_func(block, image, text, temb, turns, joint_attention_kwargs)
            else:
                text, image = block(
                    hidden_states=image,
                    encoder_hidden_states=text,
                    temb=temb,
                    image_rotary_emb=turns,
                    joint_attention_kwargs=joint_attention_kwargs,
                )
        velocity = self.proj_out(self.norm_out(image, temb))
        return Transformer2DModelOutput(sample=velocity) if return_dict else (velocity,)
