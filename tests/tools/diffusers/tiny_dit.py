"""Tiny editing pipelines with random weights, in the files that a hub holds: ``save_tiny(name, folder)``.

Every part is of its real class, with the real special tokens and chat template; only the sizes are small. Nothing is
downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    AutoencoderKLQwenImage,
    AutoencoderKLQwenImage21,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    FluxKontextPipeline,
    FluxTransformer2DModel,
    QwenImage21Pipeline,
    QwenImage21Transformer2DModel,
    QwenImageEditInpaintPipeline,
    QwenImageEditPipeline,
    QwenImageEditPlusPipeline,
    QwenImageTransformer2DModel,
)
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLImageProcessorPil,
    Qwen2VLProcessor,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

__all__ = ["TINY", "save_tiny"]

_TEXTS = [
    "Describe the key features of the input image (color, shape, size, texture, objects, background), then explain",
    "how the user's text instruction should alter or modify the image. Generate a new image that meets the user's",
    "requirements while maintaining consistency with the original input where appropriate. system user assistant",
    "make the cup green, blur the background, change the red car to blue, add a hat, replace the sky, remove the dog",
] * 4
_SPECIALS = [
    f"<|{name}|>" for name in "endoftext im_start im_end vision_start vision_end vision_pad image_pad video_pad".split()
]
_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _trained(tokenizer: Tokenizer, trainer: Any) -> dict[str, Any]:
    tokenizer.train_from_iterator(_TEXTS, trainer)
    return dict(json.loads(tokenizer.to_str())["model"])


def _byte_pairs(size: int, ending: str = "") -> tuple[dict[str, int], list[tuple[str, str]]]:
    shape = {"end_of_word_suffix": ending} if ending else {}
    made = Tokenizer(models.BPE(**shape))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False, **shape)
    learnt = _trained(made, trainer)
    pairs = [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in learnt["merges"]]
    return learnt["vocab"], pairs


@lru_cache
def _qwen_tokenizer() -> Any:
    vocab, merges = _byte_pairs(512)
    made = Qwen2Tokenizer(
        vocab=vocab,
        merges=merges,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=32768,
        chat_template=_CHAT,
    )
    made.add_special_tokens({"additional_special_tokens": _SPECIALS})
    return made


def _ids(tokenizer: Any) -> dict[str, int]:
    names = {"vision_start": "vision_start", "vision_end": "vision_end", "image": "image_pad", "video": "video_pad"}
    return {f"{key}_token_id": tokenizer.convert_tokens_to_ids(f"<|{name}|>") for key, name in names.items()}


def _processor(kind: Any, patch: int, low: int, high: int) -> Any:
    """Return a processor without a video processor, which would need torchvision."""
    kept = [name for name in kind.get_attributes() if name != "video_processor"]
    still = type(kind.__name__, (kind,), {"get_attributes": classmethod(lambda _: kept), "__module__": kind.__module__})
    pictures = Qwen2VLImageProcessorPil(
        patch_size=patch, temporal_patch_size=2, merge_size=2, min_pixels=low, max_pixels=high
    )
    return still(image_processor=pictures, tokenizer=_qwen_tokenizer(), chat_template=_CHAT)


def _scheduler() -> Any:
    return FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)


def _qwen_edit(kind: Any) -> Any:
    tokenizer, width, channels = _qwen_tokenizer(), 16, 4
    text = {
        "hidden_size": width,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 4096,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 2]},
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "depth": 2,
        "hidden_size": width,
        "intermediate_size": 32,
        "num_heads": 2,
        "out_hidden_size": width,
        "fullatt_block_indexes": [1],
    }
    return kind(
        scheduler=_scheduler(),
        vae=AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=channels,
            dim_mult=[1, 2, 2, 2],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
            latents_mean=[0.0] * channels,
            latents_std=[1.0] * channels,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(text_config=text, vision_config=vision, **_ids(tokenizer))
        ).eval(),
        tokenizer=tokenizer,
        processor=_processor(Qwen2VLProcessor, 14, 56 * 56, 56 * 56),
        transformer=QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=4 * channels,
            out_channels=channels,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=width,
            guidance_embeds=False,
            axes_dims_rope=(8, 4, 4),
        ),
    )


def _qwen21() -> Any:
    tokenizer, width, channels = _qwen_tokenizer(), 32, 8
    text = {
        "hidden_size": width,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 4096,
        "rope_parameters": {
            "rope_type": "default",
            "mrope_section": [4, 2, 2],
            "rope_theta": 1e6,
            "mrope_interleaved": True,
        },
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "depth": 2,
        "hidden_size": width,
        "intermediate_size": 32,
        "num_heads": 2,
        "out_hidden_size": width,
        "patch_size": 16,
        "deepstack_visual_indexes": [0],
        "num_position_embeddings": 64,
    }
    return QwenImage21Pipeline(
        scheduler=_scheduler(),
        # One vision token stands for two by two latents: its pictures must not be resized.
        processor=_processor(Qwen3VLProcessor, 16, 32 * 32, 4096 * 4096),
        text_encoder=Qwen3VLForConditionalGeneration(
            Qwen3VLConfig(text_config=text, vision_config=vision, **_ids(tokenizer))
        ).eval(),
        vae=AutoencoderKLQwenImage21(
            base_dim=8,
            decoder_base_dim=8,
            z_dim=channels,
            dim_mult=[1, 1, 1, 1, 1],
            num_res_blocks=1,
            temperal_downsample=[False, True, True, True],
            latents_mean=[0.0] * channels,
            latents_std=[1.0] * channels,
        ),
        transformer=QwenImage21Transformer2DModel(
            in_channels=channels,
            out_channels=channels,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            context_in_dim=width,
            axes_dims_rope=(4, 6, 6),
        ),
    )


def _kontext() -> Any:
    vocab, merges = _byte_pairs(600, "</w>")
    for name in ("<|startoftext|>", "<|endoftext|>"):
        vocab[name] = len(vocab)
    clip = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)
    pieces = Tokenizer(models.Unigram())
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    specials = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=specials, unk_token="<unk>", show_progress=False)
    found = [(str(piece), float(score)) for piece, score in _trained(pieces, trainer)["vocab"]]
    t5 = T5Tokenizer(vocab=found, extra_ids=0, model_max_length=512)
    return FluxKontextPipeline(
        scheduler=_scheduler(),
        vae=AutoencoderKL(
            sample_size=32,
            in_channels=3,
            out_channels=3,
            block_out_channels=(4, 4, 4, 4),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=1,
            use_quant_conv=False,
            use_post_quant_conv=False,
            shift_factor=0.0609,
            scaling_factor=1.5035,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                hidden_size=32,
                intermediate_size=37,
                num_attention_heads=4,
                num_hidden_layers=2,
                vocab_size=len(clip),
                projection_dim=32,
                bos_token_id=clip.bos_token_id,
                eos_token_id=clip.eos_token_id,
                pad_token_id=clip.pad_token_id,
            )
        ).eval(),
        tokenizer=clip,
        text_encoder_2=T5EncoderModel(
            T5Config(
                vocab_size=len(t5), d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, decoder_start_token_id=0
            )
        ).eval(),
        tokenizer_2=t5,
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=2,
            num_single_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=True,
        ),
    )


def _klein() -> Any:
    tokenizer = _qwen_tokenizer()
    return Flux2KleinPipeline(
        scheduler=_scheduler(),
        vae=AutoencoderKLFlux2(
            sample_size=32,
            in_channels=3,
            out_channels=3,
            block_out_channels=(4, 4, 4, 4),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=1,
        ),
        # The pipeline reads the states after layers 9, 18 and 27.
        text_encoder=Qwen3ForCausalLM(
            Qwen3Config(
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=28,
                num_attention_heads=2,
                num_key_value_heads=2,
                head_dim=8,
                vocab_size=len(tokenizer),
                max_position_embeddings=4096,
                eos_token_id=tokenizer.eos_token_id,
                bos_token_id=None,
                pad_token_id=tokenizer.pad_token_id,
            )
        ).eval(),
        tokenizer=tokenizer,
        transformer=Flux2Transformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=2,
            num_single_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            timestep_guidance_channels=256,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        ),
    )


TINY: dict[str, Callable[[], Any]] = {
    "Flux2KleinPipeline": _klein,
    "QwenImageEditPlusPipeline": lambda: _qwen_edit(QwenImageEditPlusPipeline),
    "QwenImageEditPipeline": lambda: _qwen_edit(QwenImageEditPipeline),
    "QwenImageEditInpaintPipeline": lambda: _qwen_edit(QwenImageEditInpaintPipeline),
    "QwenImage21Pipeline": _qwen21,
    "FluxKontextPipeline": _kontext,
}
"""Class names of diffusers, and what builds a tiny one."""


def save_tiny(name: str, folder: Path) -> Path:
    """Write a tiny pipeline of class ``name`` and return the folder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        TINY[name]().save_pretrained(folder)
    return folder
