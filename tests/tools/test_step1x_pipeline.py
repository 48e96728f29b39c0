"""The pipelines of Step1X-Edit: from picture, prompt and seed to the golden result; and what diffusers' pipelines can do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FirstBlockCacheConfig
from diffusers.training_utils import _collate_lora_metadata
from peft import LoraConfig, get_peft_model_state_dict
from PIL import Image

from reasonedit_agent.errors import Unsupported
from tests.fixtures.step1x.golden import VERSIONS, facts, furthest, load, picture, seeded, tensors

INPUTS = {"v1p1": "e2e_v1p1/input_96x64", "v1p2": "e2e_v1p2/input_80x56"}
RUNS = ("e2e_v1p2/edit_64", "e2e_v1p2/edit_nocfg", "e2e_v1p2/t2i_64", "e2e_v1p1/t2i_64x48", "e2e_v1p1/edit_1mp")


@pytest.fixture
def v1p2(tmp_path: Path) -> Any:
    return load("v1p2", tmp_path / "v1p2")


@pytest.fixture
def v1p1(tmp_path: Path) -> Any:
    return load("v1p1", tmp_path / "v1p1")


def arguments(run: str) -> dict[str, Any]:
    """Return the recorded call."""
    recorded, version = facts(run), run[4:8]
    given = {
        key: recorded[key]
        for key in (
            "prompt",
            "negative_prompt",
            "num_inference_steps",
            "true_cfg_scale",
            "size_level",
            "width",
            "height",
        )
        if key in recorded
    }
    edits = "edit" in run
    return given | {"generator": seeded(recorded["seed"]), "image": picture(INPUTS[version]) if edits else None}


def small(seed: int = 3, **more: Any) -> dict[str, Any]:
    """Return a call that edits in a moment, on latents."""
    return {
        "image": picture(INPUTS["v1p2"]),
        "prompt": 'write "NO" on the door',
        "size_level": 64,
        "num_inference_steps": 2,
        "generator": seeded(seed),
        "output_type": "latent",
        **more,
    }


@pytest.mark.parametrize("run", RUNS)
def test_the_result_is_the_recorded_one(run: str, tmp_path: Path) -> None:
    golden = tensors(run)
    pipe = load(run[4:8], tmp_path / "model")
    steps: list[torch.Tensor] = []
    decoded: list[torch.Tensor] = []
    decode = pipe.decode_latents
    pipe.decode_latents = lambda *given: decoded.append(decode(*given)) or decoded[-1]

    def note(_: Any, step: int, time: Any, known: dict[str, Any]) -> dict[str, Any]:
        steps.append(known["latents"])
        return {}

    (image,) = pipe(**arguments(run), callback_on_step_end=note).images
    assert furthest(steps[-1], golden["latents.final_packed"]) <= 1e-4
    if "vae.decoded" in golden:
        assert furthest(decoded[0], golden["vae.decoded"]) <= 1e-4
    else:
        assert furthest(decoded[0][..., ::16, ::16], golden["vae.decoded_stride16"]) <= 1e-4
    wanted = picture(f"{run}_output")
    assert image.size == wanted.size
    assert np.abs(np.asarray(image, dtype=int) - np.asarray(wanted, dtype=int)).max() <= 1


def test_each_part_of_an_edit_is_the_recorded_one(v1p2: Any) -> None:
    golden, given = tensors("e2e_v1p2/edit_64"), arguments("e2e_v1p2/edit_64")
    working = given["image"].resize((64, 48), Image.Resampling.LANCZOS)
    for key, prompt in (("cond", given["prompt"]), ("uncond", "")):
        found = v1p2.encode_prompt(image=working, prompt=prompt)
        assert furthest(found.encoder_hidden_states, golden[f"text.{key}.embedding"]) <= 1e-5
        assert torch.equal(found.prompt_embeds_mask, golden[f"text.{key}.mask"])
        assert torch.equal(found.text_mask, golden[f"text.{key}.text_masks"])
        assert furthest(found.txt_ids, golden[f"text.{key}.txt_ids"]) <= 1e-5
    times: list[float] = []
    v1p2.transformer.register_forward_pre_hook(
        lambda _, args, kwargs: times.append(float(kwargs["timestep"][0])), with_kwargs=True
    )

    def check(_: Any, step: int, time: Any, known: dict[str, Any]) -> dict[str, Any]:
        assert furthest(known["latents"], golden[f"step{step}.latents_after"]) <= 1e-4
        assert times[-1] == pytest.approx(float(golden[f"step{step}.model_timestep"]), abs=1e-6)
        return {}

    v1p2(**given, output_type="latent", callback_on_step_end=check)
    assert len(times) == 8


def test_the_recorded_noise_starts_the_recorded_run(v1p2: Any) -> None:
    golden = tensors("e2e_v1p2/edit_64")
    given = arguments("e2e_v1p2/edit_64") | {"latents": golden["latents.initial_packed"], "output_type": "latent"}
    assert furthest(v1p2(**given).images, golden["latents.final_packed"]) <= 1e-4


@pytest.mark.parametrize(
    "mistake", ["undamped", "no text positions", "shifted reference", "quotes unheard", "other size"]
)
def test_a_mistake_would_be_seen(mistake: str, v1p2: Any) -> None:
    """By how much the tolerance is exceeded when one rule is broken."""
    golden, given = tensors("e2e_v1p2/edit_64"), arguments("e2e_v1p2/edit_64") | {"output_type": "latent"}
    cls = type(v1p2)
    if mistake == "undamped":
        given["timesteps_truncate"] = 1000
    elif mistake == "shifted reference":
        v1p2.version = replace(cls.version, reference_shift=1)
    elif mistake == "quotes unheard":
        v1p2.transformer.register_to_config(enable_text_token_mapping=False)
    elif mistake == "other size":
        given["size_level"] = 80
        assert v1p2(**given).images.shape != golden["latents.final_packed"].shape
        return
    else:
        encode = v1p2.encode_prompt
        v1p2.encode_prompt = lambda **of: (found := encode(**of))._replace(txt_ids=torch.zeros_like(found.txt_ids))
    assert furthest(v1p2(**given).images, golden["latents.final_packed"]) > 0.05


def test_encoding_depends_on_its_arguments_alone(v1p2: Any) -> None:
    image = picture(INPUTS["v1p2"]).resize((64, 48))
    first = v1p2.encode_prompt(image=image, prompt="a red car")
    v1p2(**small(7, num_images_per_prompt=2, generator=None))
    again = v1p2.encode_prompt(image=image, prompt="a red car")
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


def test_known_embeddings_give_the_same_result(v1p2: Any) -> None:
    plain = v1p2(**small()).images
    working = picture(INPUTS["v1p2"]).resize((64, 48), Image.Resampling.LANCZOS)
    known = {
        "prompt": None,
        "prompt_embeds": v1p2.encode_prompt(image=working, prompt=small()["prompt"]),
        "negative_prompt_embeds": v1p2.encode_prompt(image=working, prompt=""),
    }
    v1p2.encode_prompt = None  # it is not needed
    assert furthest(v1p2(**small(**known)).images, plain) == 0


def test_the_source_is_encoded_once_for_all_candidates(v1p2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, ...]] = []
    encode = v1p2.vae.encode
    monkeypatch.setattr(v1p2.vae, "encode", lambda pixels: calls.append(tuple(pixels.shape)) or encode(pixels))
    v1p2(**small(num_images_per_prompt=3, generator=[seeded(n) for n in range(3)]))
    assert calls == [(1, 3, 48, 64)]


@pytest.mark.parametrize("version", VERSIONS)
def test_each_candidate_of_a_batch_equals_a_run_of_its_own(version: str, tmp_path: Path) -> None:
    pipe = load(version, tmp_path / "model")
    singles = [torch.from_numpy(pipe(**small(seed, output_type="np")).images) for seed in (11, 12, 13)]
    generators = [seeded(seed) for seed in (11, 12, 13)]
    batch = torch.from_numpy(pipe(**small(output_type="np", generator=generators, num_images_per_prompt=3)).images)
    for index, single in enumerate(singles):
        assert furthest(batch[index : index + 1], single) <= 1e-5
    assert furthest(singles[0], singles[1]) > 0.01
    # With one generator for all, the first candidate is still that of a single run.
    shared = torch.from_numpy(pipe(**small(11, output_type="np", num_images_per_prompt=2)).images)
    assert furthest(shared[:1], singles[0]) <= 1e-5
    assert furthest(shared[1:], singles[0]) > 0.01


def test_v1p1_edits_small_pictures_too(v1p1: Any) -> None:
    (image,) = v1p1(**small(output_type="pil")).images
    assert image.size == (80, 56)


def test_the_kinds_of_output_are_one_result(v1p2: Any) -> None:
    shown = {kind: v1p2(**small(output_type=kind)).images for kind in ("pil", "np", "pt", "latent")}
    assert shown["pt"].shape == (1, 3, 48, 64)
    assert shown["latent"].shape == (1, 12, 16)
    assert furthest(shown["pt"].permute(0, 2, 3, 1), torch.from_numpy(shown["np"])) <= 1e-6
    wanted = Image.fromarray((shown["np"][0] * 255).round().astype(np.uint8)).resize((80, 56))
    assert np.array_equal(np.asarray(shown["pil"][0]), np.asarray(wanted))
    assert isinstance(v1p2(**small(return_dict=False)), tuple)


def test_id_0_is_seen_by_v1p2_and_masked_by_v1p1(v1p1: Any, v1p2: Any) -> None:
    """The token ``!`` has the id that the released code takes for padding."""
    image = picture(INPUTS["v1p2"]).resize((64, 48))
    for pipe, seen in ((v1p1, False), (v1p2, True)):
        assert pipe.processor.tokenizer("!")["input_ids"] == [0]
        embedding = pipe.text_encoder.get_input_embeddings().weight
        before = pipe.encode_prompt(image=image, prompt="a ! b")
        with torch.no_grad():
            embedding[0] += torch.linspace(-1, 1, embedding.shape[1])
        after = pipe.encode_prompt(image=image, prompt="a ! b")
        moved = (before.encoder_hidden_states - after.encoder_hidden_states).abs().amax(-1)[0] > 1e-6
        # What follows the token changes only where it is seen; the token itself changes in any case.
        assert int(moved.sum()) > 1 if seen else int(moved.sum()) == 1
    # Its position is 1, which the transformer counts from the end; the others run up to -1 without a gap.
    times = before.txt_ids[:, 0]
    odd = int(times.argmin())
    rest = v1p2.encode_prompt(image=image, prompt="a  b").txt_ids[:, 0]
    assert times[-1] == -1
    end = v1p2.version.template.dropped - times[0]
    assert times[odd] == 1 - end
    assert times[odd] < rest.min()
    assert times[odd + 1] == times[odd - 1] + 1


def test_a_prompt_that_is_too_long_is_refused(v1p1: Any, v1p2: Any) -> None:
    for pipe, kept in ((v1p1, 640), (v1p2, 2048)):
        with pytest.raises(Unsupported, match=rf"reads {kept}\. Shorten"):
            pipe(**small(prompt="again and again " * 500))


def test_a_callback_steers_and_interrupts(v1p2: Any) -> None:
    seen: list[int] = []

    def stop(pipe: Any, step: int, time: Any, known: dict[str, Any]) -> dict[str, Any]:
        assert set(known) == {"latents", "noise_pred"}
        seen.append(step)
        pipe._interrupt = step == 1
        return {"latents": torch.zeros_like(known["latents"])} if step == 1 else {}

    given = small(
        num_inference_steps=6, callback_on_step_end=stop, callback_on_step_end_tensor_inputs=["latents", "noise_pred"]
    )
    assert not v1p2(**given).images.any()
    assert seen == [0, 1]
    assert v1p2.num_timesteps == 6
    # The next call is not interrupted.
    assert v1p2(**small()).images.any()


def test_wrong_arguments_are_refused(v1p2: Any) -> None:
    for wrong, told in (
        ({"prompt": None}, "prompt or prompt_embeds"),
        ({"prompt": ["a", "b"]}, "one prompt"),
        ({"num_images_per_prompt": 2, "generator": [seeded(1)]}, "so many generators"),
        ({"num_images_per_prompt": 0}, "1 or more"),
        ({"num_inference_steps": 0}, "num_inference_steps"),
        ({"callback_on_step_end_tensor_inputs": ["vae"]}, "not .'vae'"),
        ({"latents": torch.zeros(1, 5, 16)}, "latents"),
    ):
        with pytest.raises(ValueError, match=told):
            v1p2(**small(**wrong))


def test_bfloat16_runs_whole_and_keeps_the_vision_exact(tmp_path: Path) -> None:
    exact, half = load("v1p2", tmp_path / "a"), load("v1p2", tmp_path / "b", dtype=torch.bfloat16)
    half.to(torch.bfloat16)
    rotary = half.text_encoder.model.visual.rotary_pos_emb
    assert rotary.inv_freq.dtype == torch.bfloat16
    wanted, found = exact(**small(output_type="pt")).images, half(**small(output_type="pt")).images
    assert rotary.inv_freq.dtype == torch.float32
    assert torch.equal(rotary.inv_freq, exact.text_encoder.model.visual.rotary_pos_emb.inv_freq)
    assert found.isfinite().all()
    assert float((found.float() - wanted).abs().mean()) < 0.1


def test_one_text_encoder_serves_two(tmp_path: Path, v1p2: Any) -> None:
    """A Reasoner's copy, in another dtype than the editor's."""
    plain = v1p2(**small()).images
    sharing = load("v1p2", tmp_path / "other", text_encoder=v1p2.text_encoder)
    assert sharing.text_encoder is v1p2.text_encoder
    assert furthest(sharing(**small()).images, plain) == 0
    half = load("v1p2", tmp_path / "half", text_encoder=v1p2.text_encoder, dtype=torch.bfloat16)
    assert half(**small()).images.dtype == torch.bfloat16
    assert v1p2.text_encoder.dtype == torch.float32


def test_a_lora_is_trained_saved_loaded_and_scaled(tmp_path: Path, v1p2: Any) -> None:
    plain = v1p2(**small()).images
    transformer = v1p2.transformer
    torch.manual_seed(0)
    transformer.add_adapter(LoraConfig(r=4, target_modules=["to_q", "to_v", "to_out.0"], init_lora_weights="gaussian"))
    learned = [value for value in transformer.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=0.02)
    golden = tensors("transformer/forward_v1p2_ref")
    given = {key[3:]: value for key, value in golden.items() if key.startswith("in.")}
    losses = []
    for _ in range(5):
        loss = transformer(**given).sample.square().mean()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    tuned = v1p2(**small()).images
    assert furthest(tuned, plain) > 0.01
    # Without the metadata, diffusers forgets alpha.
    layers, told = get_peft_model_state_dict(transformer), _collate_lora_metadata({"transformer": transformer})
    v1p2.save_lora_weights(tmp_path, transformer_lora_layers=layers, **told)
    transformer.delete_adapters("default")
    fresh = load("v1p2", tmp_path / "fresh")
    assert furthest(fresh(**small()).images, plain) == 0
    fresh.load_lora_weights(tmp_path, adapter_name="edit")
    assert furthest(fresh(**small()).images, tuned) == 0
    fresh.set_adapters(["edit"], [0.5])
    halved = fresh(**small()).images
    assert 0 < furthest(halved, plain) < furthest(tuned, plain)
    fresh.set_adapters(["edit"], [1.0])
    assert furthest(fresh(**small(joint_attention_kwargs={"scale": 0.5})).images, halved) <= 1e-4
    fresh.unload_lora_weights()
    assert furthest(fresh(**small()).images, plain) == 0


def test_offloading_finds_every_part(tmp_path: Path, v1p2: Any) -> None:
    """Onto the CPU again: that the hooks are called is what can go wrong."""
    plain = v1p2(**small()).images
    model = load("v1p2", tmp_path / "model")
    model.enable_model_cpu_offload(device="cpu")
    calls: list[str] = []
    for name in ("text_encoder", "transformer", "vae"):
        hook = getattr(model, name)._hf_hook
        hook.pre_forward = lambda module, *args, was=hook.pre_forward, of=name, **more: (
            calls.append(of) or was(module, *args, **more)
        )
    # Weights that moved in memory give other roundings.
    assert furthest(model(**small(output_type="pt")).images, v1p2(**small(output_type="pt")).images) <= 1e-4
    assert calls == ["text_encoder"] * 2 + ["vae"] + ["transformer"] * 4 + ["vae"]
    group = load("v1p2", tmp_path / "group")
    group.enable_group_offload(onload_device=torch.device("cpu"), offload_type="leaf_level")
    assert furthest(group(**small()).images, plain) <= 1e-4


def test_a_cache_and_tiles_run_and_can_be_taken_off(v1p2: Any) -> None:
    given = small(num_inference_steps=6, output_type="pt")
    plain = v1p2(**given).images
    v1p2.transformer.enable_cache(FirstBlockCacheConfig(threshold=10.0))
    cached = v1p2(**small(num_inference_steps=6, output_type="pt")).images
    v1p2.transformer.disable_cache()
    assert furthest(cached, plain) > 1e-4
    assert furthest(v1p2(**small(num_inference_steps=6, output_type="pt")).images, plain) == 0
    v1p2.vae.enable_tiling()
    v1p2.vae.tile_sample_min_size, v1p2.vae.tile_latent_min_size = 32, 4
    tiled = v1p2(**small(num_inference_steps=6, output_type="pt")).images
    assert tiled.shape == plain.shape
    assert furthest(tiled, plain) > 0
