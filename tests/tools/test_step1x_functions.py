"""The parts of Step1X-Edit that are plain functions, against the golden vectors."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from PIL import Image

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.tools.step1x import prompts, sizes, versions
from reasonedit_agent.tools.step1x.connector import sinusoid
from reasonedit_agent.tools.step1x.guidance import guided, time_shift
from reasonedit_agent.tools.step1x.positions import grid_positions, qwen_positions, text_positions
from tests.fixtures.step1x.golden import (
    HERE,
    VERSIONS,
    facts,
    furthest,
    load,
    qwen_tokenizer,
    seeded,
    tensors,
)

CASES = facts("functions/prompt_tokens_real_vocab")["cases"]


def of_255(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image, dtype=np.int64))


def test_a_packed_latent_is_a_square_of_four() -> None:
    golden = tensors("functions/pack_unpack")
    for case in "012":
        latents = golden[f"{case}.latents"]
        assert torch.equal(sizes.pack(latents), golden[f"{case}.packed"])
        assert torch.equal(sizes.unpack(golden[f"{case}.packed"], *latents.shape[-2:]), latents)


def test_the_working_size_is_the_recorded_one() -> None:
    for case in facts("functions/image_sizes"):
        source = (case["input_width"], case["input_height"])
        for key, wanted in case.items():
            if key.startswith("v1p"):
                level = int(key.rpartition("_")[2]) if "level" in key else 1024
                assert sizes.target_size(*source, level) == (wanted["width"], wanted["height"]), (source, key)


def test_the_working_size_rounds_up_before_it_is_cut() -> None:
    """Against whole numbers, over sizes that the recorded ones leave out."""
    for width, height in itertools.product(range(300, 900, 37), repeat=2):
        long, short = max(width, height), min(width, height)
        longer = math.isqrt((768 * 768 * long - 1) // short) + 1
        shorter = -(-longer * short // long)
        wanted = (longer // 16 * 16, shorter // 16 * 16)
        assert sizes.target_size(width, height, 768) == (wanted if width > height else wanted[::-1])


@pytest.mark.parametrize("version", [versions.V1P1, versions.V1P2])
def test_the_text_encoder_sees_as_many_tokens_as_recorded(version: versions.Version) -> None:
    from reasonedit_agent.tools.step1x.processing import Qwen2_5_VLProcessor

    processor = Qwen2_5_VLProcessor.from_pretrained(str(HERE / "model_v1p2" / "processor"))
    key = "v1p1" if version.padded else "v1p2_size_level_768"
    for case in facts("functions/image_sizes"):
        wanted = case[key]
        seen = version.encoder_picture(Image.new("RGB", (wanted["width"], wanted["height"])))
        if version.padded:
            assert list(seen.size) == wanted["pre_resize_for_qwen"]
        grid = version.processed(processor.image_processor, seen)["image_grid_thw"]
        assert grid[0].tolist() == wanted["qwen_grid_thw"]


def test_pictures_are_resampled_as_recorded() -> None:
    golden = tensors("functions/image_preprocess")
    source = Image.fromarray(golden["input_uint8_hwc"].numpy())
    working = sizes.resized(source, sizes.target_size(*source.size, 64))
    assert furthest(of_255(working), golden["text_encoder_image_uint8_hwc"]) <= 1
    assert furthest(of_255(sizes.to_vision_grid(working)), golden["v1p1.qwen_pre_resize_56x56_uint8_hwc"]) <= 1
    assert furthest(versions.V1P1.vae_input(source, working), golden["v1p1.vae_input_if_target_were_64x48"]) <= 1e-6
    assert furthest(versions.V1P2.vae_input(source, working), golden["v1p2.vae_input"]) <= 1e-6
    # The two differ, so that the test can tell them apart.
    assert furthest(golden["v1p2.vae_input"], golden["v1p1.vae_input_if_target_were_64x48"]) > 0.01


def test_templates_are_the_trained_ones() -> None:
    fixed = facts("functions/templates")
    for key, template in (("v1p1", prompts.V1P1), ("v1p2", prompts.V1P2)):
        assert template.prefix in (fixed.get(f"{key}_prefix"), fixed.get(f"{key}_edit_prefix"))
        assert template.dropped == fixed[f"{key}_drop_tokens"]
        assert template.kept == fixed[f"{key}_max_kept_tokens"]
    assert prompts.NEGATIVE_WITH_IMAGE == fixed["default_negative_prompt_with_image"]
    assert prompts.NEGATIVE_WITHOUT_IMAGE == fixed["default_negative_prompt_without_image"]


@pytest.mark.parametrize("case", CASES, ids=[repr(case["prompt"]) for case in CASES])
def test_prompts_have_the_recorded_ids_in_the_real_vocabulary(case: dict[str, list[int]]) -> None:
    text, tokenizer = str(case["prompt"]), qwen_tokenizer()
    assert [list(piece) for piece in prompts.quoted_characters(text)] == case["v1p2_split_of_bare_prompt"]
    new = prompts.tokens_v1p2(tokenizer, prompts.V1P2, text, 1)
    assert new.ids == case["v1p2_ids_one_image_pad"]
    assert [int(flag) for flag in new.quoted] == case["v1p2_quoted_flag"]
    assert prompts.tokens_v1p1(tokenizer, prompts.V1P1, text, 1).ids == case["v1p1_ids_one_image_pad"]
    for key, template in (("v1p2", prompts.V1P2), ("v1p1", prompts.V1P1)):
        assert template.render(text) == case.get(f"{key}_rendered_text", template.render(text))


def test_a_picture_takes_as_many_pads_as_it_has_tokens() -> None:
    tokenizer = qwen_tokenizer()
    pad = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    for tokens, template in ((prompts.tokens_v1p1, prompts.V1P1), (prompts.tokens_v1p2, prompts.V1P2)):
        one, many = (tokens(tokenizer, template, 'write "OPEN" on it', count) for count in (1, 7))
        assert many.ids.count(pad) == 7
        assert len(many.ids) == len(many.quoted) == len(one.ids) + 6
        assert [token for token in many.ids if token != pad] == [token for token in one.ids if token != pad]


def test_an_unclosed_quote_hides_the_quotes_of_the_other_kind() -> None:
    assert prompts.quoted_characters('an "open “x” end') == [('an "open “x” end', False)]


@pytest.mark.parametrize("tokens", [prompts.tokens_v1p1, prompts.tokens_v1p2])
def test_a_control_token_in_an_instruction_is_refused(tokens: object) -> None:
    assert callable(tokens)
    with pytest.raises(Unsupported, match=r"holds <\|image_pad\|>"):
        tokens(qwen_tokenizer(), prompts.V1P2, "add <|image_pad|> here", 4)


def test_vision_tokens_lie_on_the_latent_grid() -> None:
    golden = tensors("functions/vision_token_coords")
    for case in facts("functions/vision_token_coords"):
        before, wanted, vision = (
            golden[f"{case['case']}.{name}"] for name in ("txt_ids_before", "txt_ids_after", "vision_mask")
        )
        _, high, wide = case["grid_thw"]
        found = text_positions(
            before[:, 0], vision, (high // 2, wide // 2), (case["source_width"], case["source_height"])
        )
        # The golden first axis is already counted from its end.
        assert furthest(found, wanted) <= 1e-5


def test_id_0_takes_no_position_of_its_own() -> None:
    """Against transformers' own positions of a masked token, which then stands at 1 on all axes."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

    config = Qwen2_5_VLConfig.from_pretrained(HERE / "model_v1p2" / "text_encoder")
    pad = config.image_token_id
    ids = torch.tensor([[9, 0, 8, 7, *[pad] * 6, 5, 0, 0, 4]])
    with torch.device("meta"):
        model = Qwen2_5_VLModel(config)
    wanted, _ = model.get_rope_index(
        ids,
        mm_token_type_ids=(ids == pad).int(),
        image_grid_thw=torch.tensor([[1, 4, 6]]),
        attention_mask=(ids != 0).int(),
    )
    wanted = torch.where(ids == 0, 1, wanted)
    assert torch.equal(qwen_positions(ids[0].tolist(), pad, (2, 3)), wanted)


def test_long_differences_are_damped() -> None:
    golden = tensors("functions/cfg_combine")
    for case in facts("functions/cfg_combine"):
        cond, uncond, damped, plain, long = (
            golden[f"{case['case']}.{name}"] for name in ("cond", "uncond", "out_damped", "out_plain", "diff_norm")
        )
        scale, power = case["true_cfg_scale"], case["process_norm_power"]
        assert furthest(guided(cond, uncond, scale, power=power), damped) <= 1e-5
        assert furthest(guided(cond, uncond, scale, power=power, damped=False), plain) <= 1e-5
        assert (long > 1).any() == (furthest(damped, plain) > 1e-3)
    lengths = golden["norm_table.in"][golden["norm_table.in"] > 0]
    divided = guided(lengths[:, None, None], torch.zeros(len(lengths), 1, 1), 1, power=0.4).flatten()
    assert furthest(lengths / divided, golden["norm_table.out_k0.4"][golden["norm_table.in"] > 0]) <= 1e-5


def test_the_schedule_is_the_recorded_one() -> None:
    config = dict(FlowMatchEulerDiscreteScheduler.load_config(HERE / "model_v1p2" / "scheduler"))
    for case in facts("functions/sigmas"):
        scheduler = FlowMatchEulerDiscreteScheduler.from_config(
            config
            | {
                "dynamic": {},
                "static_shift_3": {"use_dynamic_shifting": False},
                "none": {"use_dynamic_shifting": False, "shift": 1.0},
            }[case["shift_mode"]]
        )
        mu = None
        if case["shift_mode"] == "dynamic":
            mu = time_shift(case["image_seq_len"], config)
            assert mu == pytest.approx(case["mu"], abs=1e-12)
        scheduler.set_timesteps(sigmas=np.linspace(1, 1 / case["steps"], case["steps"]), mu=mu)
        assert furthest(scheduler.sigmas, torch.tensor(case["sigmas"])) <= 1e-6
        assert furthest(scheduler.timesteps, torch.tensor(case["timesteps"])) <= 1e-3


def test_the_scheduler_steps_as_recorded() -> None:
    golden = tensors("functions/euler_steps")
    scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(HERE / "model_v1p2" / "scheduler")
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / 28, 28), mu=1.15)
    scheduler.set_begin_index(0)
    for step in range(3):
        found = scheduler.step(golden[f"v{step}"], scheduler.timesteps[step], golden[f"x{step}"], return_dict=False)[0]
        assert furthest(found, golden[f"x{step + 1}"]) <= 1e-6


def test_times_are_embedded_and_rounded_as_recorded() -> None:
    golden = tensors("functions/timestep_embedding")
    waves = sinusoid(golden["sigma"] * 1000, torch.float32)
    assert furthest(waves, golden["time_proj"]) <= 1e-4
    assert furthest(waves, golden["connector_sinusoid"]) <= 1e-4
    rounded = golden["bf16.scheduler_timesteps_fp32"].bfloat16()
    assert torch.equal(rounded.float(), golden["bf16.timestep_cast"])
    assert torch.equal((rounded / 1000).float(), golden["bf16.model_input"])
    assert torch.equal((rounded / 1000 * 1000).float(), golden["bf16.times_1000_inside_model"])
    assert torch.equal(sinusoid(rounded / 1000 * 1000, torch.bfloat16).float(), golden["bf16.time_proj_bf16"])


@pytest.mark.parametrize("version", VERSIONS)
def test_reference_and_noise_are_drawn_in_the_recorded_order(version: str, tmp_path: Path) -> None:
    golden, pipe = tensors("functions/prepare_latents"), load(version, tmp_path / "model")
    for case in facts("functions/prepare_latents")[:2]:
        key = f"{case['case']}.{version}"
        with torch.no_grad():
            noise, reference = pipe.prepare_latents(
                golden[f"{case['case']}.image"], 1, (case["width"], case["height"]), seeded(case["seed"]), None
            )
        assert furthest(noise, golden[f"{key}.initial_packed"]) <= 1e-5
        assert furthest(reference, golden[f"{key}.reference_packed"]) <= 1e-5
        rows, columns = case["height"] // 16, case["width"] // 16
        assert torch.equal(grid_positions(rows, columns), golden[f"{key}.latent_ids"])
        shifted = grid_positions(rows, columns, axis0=1, shift=pipe.version.reference_shift)
        assert torch.equal(shifted, golden[f"{key}.reference_ids"])


def test_latents_are_decoded_as_recorded(tmp_path: Path) -> None:
    golden, pipe = tensors("functions/vae_decode"), load("v1p2", tmp_path / "model")
    with torch.no_grad():
        decoded = pipe.decode_latents(golden["packed"], (64, 48))
    assert furthest(decoded, golden["decoded"]) <= 1e-5
    post = tensors("functions/image_preprocess")
    (shown,) = pipe.image_processor.postprocess(post["post.decoded"], output_type="pil")
    assert furthest(of_255(shown), post["post.uint8_hwc"]) <= 1
    assert furthest(of_255(shown.resize((80, 56))), post["post.resized_back_80x56_uint8_hwc"]) <= 1
