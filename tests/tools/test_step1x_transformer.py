"""The transformer of Step1X-Edit, against the golden vectors; and what diffusers' models can do, it can do."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import TaylorSeerCacheConfig

from reasonedit_agent.tools.step1x import Step1XEditTransformer2DModel
from tests.fixtures.step1x.golden import HERE, VERSIONS, facts, furthest, tensors

FORWARDS = sorted(path.stem for path in (HERE / "transformer").glob("forward_*.safetensors"))


def model(version: str, **options: Any) -> Any:
    return Step1XEditTransformer2DModel.from_pretrained(HERE / f"model_{version}" / "transformer", **options).eval()


def inputs(golden: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key[3:]: value for key, value in golden.items() if key.startswith("in.")}


def test_all_recorded_forwards_are_here() -> None:
    assert len(FORWARDS) == 5


@pytest.mark.parametrize("name", FORWARDS)
def test_the_velocity_is_the_recorded_one(name: str) -> None:
    golden = tensors(f"transformer/{name}")
    with torch.no_grad():
        found = model(name.split("_")[1])(**inputs(golden)).sample
    assert furthest(found, golden["out.sample"]) <= 1e-4


def test_the_connector_gives_what_is_recorded() -> None:
    golden = tensors("transformer/forward_v1p2_ref")
    connector = model("v1p2").connector
    seen: list[Any] = []
    connector.register_forward_hook(lambda *call: seen.append(call[2]))
    transformer = model("v1p2")
    transformer.connector = connector
    with torch.no_grad():
        transformer(**inputs(golden))
    ((tokens, pooled),) = seen
    assert furthest(tokens, golden["mid.connector_tokens"]) <= 1e-4
    assert furthest(pooled, golden["mid.connector_pooled_768"]) <= 1e-4


def test_bfloat16_runs_and_is_as_near_as_the_reference_was() -> None:
    golden = tensors("transformer/forward_v1p2_ref")
    # Positions and masks keep their dtype, as in the pipeline.
    given = {
        key: value.bfloat16() if value.is_floating_point() and not key.endswith("_ids") else value
        for key, value in inputs(golden).items()
    }
    with torch.no_grad():
        found = model("v1p2", torch_dtype=torch.bfloat16)(**given).sample
    assert found.dtype == torch.bfloat16
    away = furthest(golden["out.sample_bf16_run"], golden["out.sample"])
    assert furthest(found, golden["out.sample"]) <= 1.5 * away


@pytest.mark.parametrize("version", VERSIONS)
def test_parameters_have_the_recorded_names_and_shapes(version: str) -> None:
    tiny = model(version)
    found = {name: list(value.shape) for name, value in tiny.named_parameters()}
    assert found == facts(f"transformer/params_{version}_tiny")["parameters"]
    assert set(tiny.state_dict()) == set(found)


def test_the_defaults_are_the_published_size() -> None:
    wanted = facts("transformer/params_v1p2_published_size")
    with torch.device("meta"):
        new = Step1XEditTransformer2DModel(**wanted["config"])
        old = Step1XEditTransformer2DModel()
    found = {name: list(value.shape) for name, value in new.named_parameters()}
    assert found == wanted["parameters"]
    assert len(found) == 1198
    # The older version is the same but for the way of quoted text.
    assert {name: list(value.shape) for name, value in old.named_parameters()} == {
        name: shape for name, shape in found.items() if not name.startswith("text_token_mapping")
    }


def test_contradicting_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="joint_attention_dim is 64, and must be 32"):
        Step1XEditTransformer2DModel(joint_attention_dim=64, connector_hidden_size=32)


def test_padded_text_does_not_reach_the_real_tokens_of_the_connector() -> None:
    golden = inputs(tensors("transformer/forward_v1p1_ref_padded"))
    mask = golden["prompt_embeds_mask"]
    states, waves = golden["encoder_hidden_states"], torch.randn(1, 256, generator=torch.Generator().manual_seed(0))
    other = states.where(mask.bool().unsqueeze(-1), torch.full((), 5.0))
    with torch.no_grad():
        connector = model("v1p1").connector
        before, after = connector(states, waves, mask), connector(other, waves, mask)
    real = mask[0].bool()
    assert furthest(before[0][:, real], after[0][:, real]) == 0
    assert furthest(before[1], after[1]) == 0
    assert furthest(before[0][:, ~real], after[0][:, ~real]) > 0.1


def test_saving_and_loading_change_nothing(tmp_path: Path) -> None:
    first = model("v1p2")
    first.save_pretrained(tmp_path)
    second = Step1XEditTransformer2DModel.from_pretrained(tmp_path).eval()
    given = inputs(tensors("transformer/forward_v1p2_noref"))
    with torch.no_grad():
        assert furthest(first(**given).sample, second(**given).sample) == 0


def test_checkpointed_gradients_are_the_plain_ones() -> None:
    given = inputs(tensors("transformer/forward_v1p2_ref"))
    gradients = []
    for checkpointed in (False, True):
        transformer = model("v1p2").train()
        if checkpointed:
            transformer.enable_gradient_checkpointing()
        transformer(**given).sample.square().mean().backward()
        gradients.append(transformer.x_embedder.weight.grad)
        assert all(value.grad is not None for value in transformer.parameters() if value.requires_grad)
    assert furthest(*gradients) <= 1e-7


def test_a_cache_keeps_prompt_and_negative_prompt_apart() -> None:
    """With its first steps computed in full, a cache changes nothing yet, also when two prompts take turns."""
    transformer = model("v1p2")
    long, short = (inputs(tensors(f"transformer/forward_v1p2_{name}")) for name in ("ref", "noref"))
    transformer.enable_cache(TaylorSeerCacheConfig(cache_interval=4, disable_cache_before_step=3, max_order=1))
    for _ in range(2):
        for context, given, name in (("cond", long, "ref"), ("uncond", short, "noref")):
            with torch.no_grad(), transformer.cache_context(context):
                found = transformer(**given).sample
            assert furthest(found, tensors(f"transformer/forward_v1p2_{name}")["out.sample"]) <= 1e-4
    transformer.disable_cache()


def test_weights_stored_small_are_computed_with_in_full() -> None:
    golden = tensors("transformer/forward_v1p2_ref")
    transformer = model("v1p2")
    transformer.enable_layerwise_casting(storage_dtype=torch.bfloat16, compute_dtype=torch.float32)
    assert transformer.transformer_blocks[0].attn.to_q.weight.dtype == torch.bfloat16
    with torch.no_grad():
        found = transformer(**inputs(golden)).sample
    assert found.dtype == torch.float32
    assert furthest(found, golden["out.sample"]) < 0.2
