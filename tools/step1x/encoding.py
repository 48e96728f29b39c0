"""What the text encoder says about a prompt and a picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from PIL import Image

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.tools.step1x.positions import qwen_positions, text_positions
from reasonedit_agent.tools.step1x.prompts import IMAGE_PAD
from reasonedit_agent.tools.step1x.versions import Version

__all__ = ["PromptEmbeds", "encode"]

_PATCHES_PER_TOKEN_SIDE = 2


class PromptEmbeds(NamedTuple):
    """A prompt as the transformer reads it; the fields are arguments of its forward, for a batch of one.

    Attributes:
        encoder_hidden_states: ``(1, tokens, width)``.
        prompt_embeds_mask: ``(1, tokens)``, 1 where a token is real.
        txt_ids: ``(tokens, 3)``, float32.
        text_embeddings: ``(1, tokens, width)``, before the encoder; None in v1.1.
        text_mask: ``(1, tokens)``, 1 where a token spells quoted text; None in v1.1.
    """

    encoder_hidden_states: torch.Tensor
    prompt_embeds_mask: torch.Tensor
    txt_ids: torch.Tensor
    text_embeddings: torch.Tensor | None = None
    text_mask: torch.Tensor | None = None

    def prepared(self, count: int, device: torch.device, dtype: torch.dtype) -> PromptEmbeds:
        """Return the same for a batch of ``count``, on a device, in the dtype of the transformer; positions stay."""

        def many(values: torch.Tensor | None) -> Any:
            if values is None:
                return None
            moved = values.to(device, dtype if values.is_floating_point() else None)
            return moved.expand(count, *values.shape[1:])

        states, mask, ids, embeddings, quoted = self
        return PromptEmbeds(many(states), many(mask), ids.to(device), many(embeddings), many(quoted))


def encode(
    version: Version, text_encoder: Any, processor: Any, picture: Image.Image, prompt: str, device: torch.device
) -> PromptEmbeds:
    """Run the text encoder.

    Args:
        version: Whose template and tokens.
        text_encoder: A Qwen2.5-VL.
        processor: Its processor.
        picture: In the working size.
        prompt: The instruction.
        device: Where the encoder computes.

    Raises:
        Unsupported: The prompt holds a control token, or is longer than the transformer reads.
    """
    seen = version.processed(processor.image_processor, version.encoder_picture(picture))
    _, high, wide = seen["image_grid_thw"][0].tolist()
    grid = (high // _PATCHES_PER_TOKEN_SIDE, wide // _PATCHES_PER_TOKEN_SIDE)
    ids, quoted = version.tokens(processor.tokenizer, version.template, prompt, grid[0] * grid[1])
    dropped, kept = version.template.dropped, version.template.kept
    if len(ids) - dropped > kept:
        raise Unsupported(
            f"The prompt and the picture take {len(ids) - dropped} tokens; Step1X-Edit {version.name} reads {kept}.",
            hint="Shorten the instruction.",
        )
    pad = processor.tokenizer.convert_tokens_to_ids(IMAGE_PAD)
    positions = qwen_positions(ids, pad, grid)
    tokens = torch.tensor([ids], device=device)
    states, words = _run(version, text_encoder, tokens, positions.to(device), seen, device)
    states, words = states[:, dropped:], words[:, dropped:]
    if version.padded:
        return _padded(states, kept)
    flags = torch.tensor([quoted[dropped:]], dtype=torch.long, device=device)
    real = torch.ones_like(flags)
    vision = torch.tensor(ids[dropped:]) == pad
    places = text_positions(positions[0, 0, dropped:], vision, grid, picture.size)
    return PromptEmbeds(states, real, places.to(device), words, flags)


def _run(
    version: Version, text_encoder: Any, tokens: torch.Tensor, positions: torch.Tensor, seen: Any, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the last hidden states and the word embeddings, both ``(1, tokens, width)``."""
    _sharpen_vision(text_encoder)
    with torch.no_grad():
        # The whole model is called, not its base: that is where offloading is hooked. Its logits are not wanted.
        answer = text_encoder(
            input_ids=tokens,
            # Id 0 is "!" and still counts as padding; v1p2 shows it to the encoder, v1.1 does not.
            attention_mask=(tokens != 0).long() if version.padded else None,
            position_ids=positions,
            pixel_values=seen["pixel_values"].to(device),
            image_grid_thw=seen["image_grid_thw"].to(device),
            output_hidden_states=True,
            use_cache=False,
            logits_to_keep=1,
        )
        words = text_encoder.get_input_embeddings()(tokens)
    return answer.hidden_states[-1].to(device), words.to(device)


def _sharpen_vision(text_encoder: Any) -> None:
    """Put the frequencies of the vision rotary back to float32, where casting the model rounded them."""
    rotary = text_encoder.model.visual.rotary_pos_emb
    if rotary.inv_freq.dtype != torch.float32:
        exact, _ = rotary.compute_axial_rope_parameters(rotary.config)
        rotary.inv_freq = exact.to(rotary.inv_freq.device)


def _padded(states: torch.Tensor, length: int) -> PromptEmbeds:
    real = states.shape[1]
    mask = torch.zeros(1, length, dtype=torch.long, device=states.device)
    mask[:, :real] = 1
    longer = torch.nn.functional.pad(states, (0, 0, 0, length - real))
    return PromptEmbeds(longer, mask, torch.zeros(length, 3, device=states.device))
