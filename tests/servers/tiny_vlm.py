"""Makes a tiny Qwen2.5-VL with random weights, and a LoRA adapter for it: ``python tiny_vlm.py FOLDER [PIXELS]``.

Runs inside the model server's environment (transformers, tokenizers, torch); nothing is downloaded. FOLDER/model is a
whole checkpoint: config, safetensors, a byte-level BPE tokenizer of the real class with the real special tokens, chat
template, image and video processor. FOLDER/lora is an adapter in peft's format that changes the answers. PIXELS is the
most that an image keeps (28 x 28 of them are one token); 64 tokens by default.
"""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

SPECIALS = [
    f"<|{name}|>"
    for name in (
        "endoftext im_start im_end object_ref_start object_ref_end box_start box_end quad_start quad_end "
        "vision_start vision_end vision_pad image_pad video_pad"
    ).split()
]
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEMPLATE = """\
{%- if messages[0]['role'] != 'system' -%}
<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif -%}
{%- for message in messages -%}
<|im_start|>{{ message['role'] }}
{% if message['content'] is string -%}
{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' or 'image' in part or 'image_url' in part -%}
<|vision_start|><|image_pad|><|vision_end|>
{%- elif part['type'] == 'video' or 'video' in part -%}
<|vision_start|><|video_pad|><|vision_end|>
{%- elif 'text' in part -%}
{{ part['text'] }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""
WORDS = (
    "the a of and to in is are was be it that this with for on as by from or not no yes you must only what which where "
    "image picture photo edit edited source result instruction request step steps change changed keep kept rest same "
    "make remove replace add crop rotate resize blur sharpen brighten darken recolour colour color background sky dog "
    "cat person face hair shirt car tree water text letter left right top bottom middle more less strong soft warm cool "
    "score scores critique reason accept accepted refine reject rejected success over natural naturalness artefacts "
    "question answer checklist operation region box label strength amount number string boolean object array true false "
    "null name value width height user system assistant reply answer JSON schema language English Chinese"
).split()
CONTEXT = 32768


def corpus() -> Iterator[str]:
    """Yield sentences and JSON of made-up content, always the same."""
    draw = random.Random(0)
    for _ in range(4000):
        yield " ".join(draw.choices(WORDS, k=12)).capitalize() + "."
        yield json.dumps({word: draw.choice([1, 0.5, True, None, "x", [1, 2]]) for word in draw.sample(WORDS, 4)})


def make_tokenizer(size: int) -> Any:
    """Return a byte-level BPE tokenizer, which encodes any text."""
    raw = Tokenizer(models.BPE())
    raw.normalizer = normalizers.NFC()
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        corpus(), trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    )
    model = json.loads(raw.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token=None,
        model_max_length=CONTEXT,
    )
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIALS})
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_config(tokenizer: Any) -> Any:
    """Return a configuration of the real shape: mrope, windowed vision attention, heads of a size CPUs have kernels for."""
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIALS}
    vocabulary = (len(tokenizer) + 63) // 64 * 64
    return Qwen2_5_VLConfig(
        text_config=dict(
            vocab_size=vocabulary,
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=False,
            rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 6, 6]},
            bos_token_id=ids["<|endoftext|>"],
            eos_token_id=ids["<|im_end|>"],
            pad_token_id=ids["<|endoftext|>"],
        ),
        vision_config=dict(
            depth=2,
            hidden_size=64,
            intermediate_size=128,
            num_heads=2,
            out_hidden_size=128,
            patch_size=14,
            spatial_merge_size=2,
            temporal_patch_size=2,
            window_size=112,
            fullatt_block_indexes=[1],
        ),
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=False,
    )


def save_adapter(model: Any, folder: Path, rank: int = 8) -> None:
    """Write an adapter for the query and value projections that is strong enough to change the answers."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, module in model.named_modules():
        if "language_model" in name and name.endswith(("q_proj", "v_proj")):
            rows, columns = module.weight.shape
            tensors[f"base_model.model.{name}.lora_A.weight"] = torch.randn(rank, columns) * 0.5
            tensors[f"base_model.model.{name}.lora_B.weight"] = torch.randn(rows, rank) * 0.5
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "target_modules": ["q_proj", "v_proj"]}
    config |= {"base_model_name_or_path": "tiny-vlm", "bias": "none", "task_type": "CAUSAL_LM"}
    (folder / "adapter_config.json").write_text(json.dumps(config))


def check(folder: Path) -> None:
    """Load what was written by the automatic classes, and generate."""
    from PIL import Image

    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    content = [{"type": "image"}, {"type": "text", "text": "crop"}]
    prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = processor(text=[prompt], images=[Image.new("RGB", (96, 64), "red")], return_tensors="pt")
    replies = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    assert replies.shape[1] > inputs["input_ids"].shape[1]


def main(folder: Path, pixels: int) -> None:
    """Write the checkpoint and the adapter."""
    torch.manual_seed(0)
    torch.set_num_threads(2)
    tokenizer = make_tokenizer(2048)
    config = make_config(tokenizer)
    model: Any = Qwen2_5_VLForConditionalGeneration(config).to(torch.bfloat16).eval()
    model.generation_config.eos_token_id = [config.text_config.eos_token_id, config.text_config.bos_token_id]
    model.generation_config.pad_token_id = config.text_config.pad_token_id
    model.save_pretrained(folder / "model")
    size = {"shortest_edge": 56 * 56, "longest_edge": pixels}
    Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(size=size), tokenizer, Qwen2VLVideoProcessor(size=size), chat_template=TEMPLATE
    ).save_pretrained(folder / "model")
    save_adapter(model, folder / "lora")
    check(folder / "model")
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {config.text_config.vocab_size} tokens")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 28 * 28 * 64)
