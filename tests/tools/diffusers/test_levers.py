"""Adapters, compiled blocks, caches, narrow dtypes: each really run on a tiny pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import gguf
import numpy as np
import pytest
import torch
from diffusers.models.attention_dispatch import _AttentionBackendRegistry
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from PIL import Image
from safetensors.torch import load_file, save_file

from reasonedit_agent.errors import Malformed, UsageError
from reasonedit_agent.schemas import Candidate
from reasonedit_agent.tools.diffusers import diffusers_tool
from reasonedit_agent.tools.diffusers.drawing import Job, _callable, arguments
from reasonedit_agent.tools.diffusers.folder import Folder
from reasonedit_agent.tools.diffusers.pipelines import Engine, load_engine
from reasonedit_agent.tools.diffusers.settings import Settings
from tests.tools.diffusers.desk import Desk
from tests.tools.diffusers.tiny_dit import TINY

Saved = Callable[[str], Path]
KLEIN = "Flux2KleinPipeline"
STEP1X = ("Step1XEditPipeline", "Step1XEditPipelineV1P2")
SMALL: dict[str, Any] = {"steps": 2, "area": 64 * 64}


def trained(saved: Saved, out: Path, rank: int = 4) -> Path:
    """Train an adapter for a few steps of flow matching, and save it as diffusers does."""
    pipe = diffusers.Flux2KleinPipeline.from_pretrained(saved(KLEIN))
    transformer: Any = pipe.transformer
    transformer.requires_grad_(False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        targets = ["to_q", "to_k", "to_v", "to_out.0"]
        transformer.add_adapter(
            LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=targets)
        )
        learnt = [weight for weight in transformer.parameters() if weight.requires_grad]
        optimiser = torch.optim.AdamW(learnt, 0.05)
        clean, noise, text = torch.randn(1, 24, 16), torch.randn(1, 24, 16), torch.randn(1, 8, 48)
        ids, words = torch.zeros(1, 24, 4), torch.zeros(1, 8, 4)
        ids[0, :, 1] = torch.arange(24)
        losses = []
        for _ in range(6):
            time = torch.tensor([0.6])
            mixed = (1 - time) * clean + time * noise
            said = transformer(
                hidden_states=mixed,
                timestep=time,
                encoder_hidden_states=text,
                txt_ids=words,
                img_ids=ids,
                return_dict=False,
            )[0]
            loss = ((said - (noise - clean)) ** 2).mean()
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            losses.append(loss.item())
    assert losses[-1] < losses[0]
    diffusers.Flux2KleinPipeline.save_lora_weights(out, transformer_lora_layers=get_peft_model_state_dict(transformer))
    return out


@pytest.mark.filterwarnings("ignore:Already found a .peft_config. attribute:UserWarning")  # two are meant
async def test_a_lora_adapter_trained_saved_loaded_and_scaled(saved: Saved, desk: Desk, tmp_path: Path) -> None:
    adapter, folder = trained(saved, tmp_path / "lora"), str(saved(KLEIN))
    base = Candidate.of(desk.images.save(desk.photo))

    async def drawn(**settings: Any) -> Any:
        (made,) = await desk.edit(diffusers_tool(folder, **SMALL, **settings), 1, base=base)
        return desk.pixels(made).astype(np.int16)

    plain, whole = await drawn(), await drawn(lora=str(adapter))
    half, none = await drawn(lora=f"{adapter}@0.5"), await drawn(lora=f"{adapter}@0")
    assert np.abs(none - plain).max() <= 1
    apart = np.abs(whole - plain).mean()
    assert apart > 0.5 and 0 < np.abs(half - plain).mean() and np.abs(half - whole).mean() > 0
    stacked = await drawn(lora=f"{adapter}@0.5+{adapter}@0.5")  # two halves are a whole
    assert np.abs(stacked - whole).mean() < apart / 10


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-100]), r"is truncated, half a download: it has \d+ of \d+"),
        (lambda file: file.write_bytes(b""), "style.safetensors is empty"),
        (lambda file: save_file({}, file), "no LoRA adapter: no layer of one is in it"),
        (lambda file: save_file({"a.weight": torch.ones(2)}, file), "no LoRA adapter: no layer of one is in it"),
    ],
)
def test_a_broken_adapter_is_refused_with_its_fault(
    saved: Saved, tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    file = tmp_path / "style.safetensors"
    save_file({"a.lora_A.weight": torch.zeros(32, 32)}, file)
    spoil(file)
    with pytest.raises(UsageError, match=message):  # nothing is loaded yet
        diffusers_tool(str(saved(KLEIN)), lora=file)


async def test_an_adapter_for_another_model(saved: Saved, desk: Desk, tmp_path: Path) -> None:
    file = next(trained(saved, tmp_path / "lora").glob("*.safetensors"))
    weights = {key.replace("blocks.1.", "blocks.7."): value for key, value in load_file(file).items()}
    save_file(weights, file)
    with pytest.raises(UsageError, match=r"does not fit|4 of 8 layers fit"):
        await desk.edit(diffusers_tool(str(saved(KLEIN)), **SMALL, lora=str(file)))


@pytest.mark.filterwarnings("ignore:.torch.jit.*:DeprecationWarning")  # the compiler imports it
async def test_compiled_blocks_draw_the_same(saved: Saved, desk: Desk) -> None:
    base = Candidate.of(desk.images.save(desk.photo))
    (plain,) = await desk.edit(diffusers_tool(str(saved(KLEIN)), **SMALL), 1, base=base)
    (made,) = await desk.edit(diffusers_tool(str(saved(KLEIN)), **SMALL, compile="regional"), 1, base=base)
    assert np.abs(desk.pixels(made).astype(int) - desk.pixels(plain)).max() <= 2


@pytest.mark.parametrize(
    ("name", "cache"),
    [
        ("QwenImageEditPlusPipeline", "first_block"),
        ("QwenImageEditPlusPipeline", "taylor"),
        ("QwenImageEditPipeline", "first_block"),
        ("QwenImage21Pipeline", "taylor"),
        (KLEIN, "taylor"),
    ],
)
async def test_caches_skip_blocks_and_forget_at_the_end(saved: Saved, desk: Desk, name: str, cache: Any) -> None:
    threshold = 1e9 if cache == "first_block" else None
    tool = diffusers_tool(str(saved(name)), steps=8, area=64 * 64, cache=cache, threshold=threshold)
    (first,) = await desk.edit(tool, 1)
    (again,) = await desk.edit(tool, 1)
    assert first.image == again.image
    (plain,) = await desk.edit(diffusers_tool(str(saved(name)), steps=8, area=64 * 64), 1)
    assert plain.image != first.image


async def test_weights_of_a_gguf_file(saved: Saved, desk: Desk, tmp_path: Path) -> None:
    name = "QwenImageEditPlusPipeline"
    weights = load_file(saved(name) / "transformer/diffusion_pytorch_model.safetensors")
    file, part = tmp_path / "whole.gguf", tmp_path / "part.gguf"
    for path, left_out in ((file, ""), (part, "proj_out.weight")):
        writer = gguf.GGUFWriter(path, "qwen_image")
        for key, value in weights.items():
            if key != left_out:
                small = value.ndim == 2 and value.shape[1] % 32 == 0
                kind = gguf.GGMLQuantizationType.Q8_0 if small else gguf.GGMLQuantizationType.F32
                writer.add_tensor(key, gguf.quants.quantize(value.float().numpy(), kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    base = Candidate.of(desk.images.save(desk.photo))
    (plain,) = await desk.edit(diffusers_tool(str(saved(name)), **SMALL), 1, base=base)
    (small,) = await desk.edit(diffusers_tool(str(saved(name)), **SMALL, gguf=str(file)), 1, base=base)
    apart = np.abs(desk.pixels(small).astype(int) - desk.pixels(plain)).mean()
    assert 0 < apart < 10, "8 bits are near 32, and not the same"
    with pytest.raises(UsageError, match=r"lacks 1 weights|cannot be read"):
        await desk.edit(diffusers_tool(str(saved(name)), **SMALL, gguf=str(part)))
    with pytest.raises(UsageError, match="There is no file"):
        await desk.edit(diffusers_tool(str(saved(name)), **SMALL, gguf=str(tmp_path / "none.gguf")))


async def test_a_fixed_shift_for_adapters_of_few_steps(saved: Saved, desk: Desk) -> None:
    """The published settings of Lightning: log(3) for every size, no guidance."""
    folder = str(saved("QwenImageEditPlusPipeline"))
    tool = diffusers_tool(folder, steps=4, area=4096, shift=3, guidance=1)
    await desk.edit(tool)
    scheduler = tool._engines["cpu"].model.pipe.scheduler
    wanted = [3 * s / (1 + 2 * s) for s in (1, 0.75, 0.5, 0.25)]
    assert np.allclose(scheduler.sigmas[:4].tolist(), wanted, atol=1e-6) and float(scheduler.sigmas[4]) == 0
    assert "encodings: 0 of 2 known" in desk.called.note, "no negative prompt was encoded"
    with pytest.raises(UsageError, match="works its shift out by itself"):
        diffusers_tool(str(saved(KLEIN)), shift=3)


@pytest.mark.parametrize("name", [*TINY, *STEP1X])
@pytest.mark.parametrize("attention", ["native", "_native_flash", "_native_math"])
async def test_attention_by_name(saved: Saved, desk: Desk, name: str, attention: str) -> None:
    """Each that a CPU has works with each class, and is that of no other model."""
    base = Candidate.of(desk.images.save(desk.photo))
    (plain,) = await desk.edit(diffusers_tool(str(saved(name)), **SMALL), 1, base=base)
    other = diffusers_tool(str(saved(name)), **SMALL, memory=100)
    (named,) = await desk.edit(diffusers_tool(str(saved(name)), **SMALL, attention=attention), 1, base=base)
    assert np.abs(desk.pixels(named).astype(int) - desk.pixels(plain)).max() <= 2
    assert _AttentionBackendRegistry.get_active_backend()[0] == "native"
    (again,) = await desk.edit(other, 1, base=base)
    assert again.image == plain.image


async def test_narrow_weights(saved: Saved, desk: Desk) -> None:
    (made,) = await desk.edit(diffusers_tool(str(saved(KLEIN)), **SMALL, dtype="bfloat16"), 1)
    (wide,) = await desk.edit(diffusers_tool(str(saved(KLEIN)), **SMALL), 1)
    assert made.image != wide.image
    assert np.abs(desk.pixels(made).astype(int) - desk.pixels(wide)).mean() < 30


async def test_no_numbers_and_black_are_no_pictures(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved(KLEIN)), **SMALL, memory=50)  # a pipeline of its own
    await desk.edit(tool)
    vae = tool._engines["cpu"].model.pipe.vae
    with torch.no_grad():
        vae.decoder.conv_out.weight.zero_()
        vae.decoder.conv_out.bias.fill_(-1)
        with pytest.raises(Malformed, match="black"):
            await desk.edit(tool)
        vae.decoder.conv_out.bias.fill_(float("nan"))
        with pytest.raises(Malformed, match="no numbers"):
            await desk.edit(tool)


async def test_the_vae_works_tile_by_tile(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved(KLEIN)), **SMALL, tiling=True)
    await desk.edit(tool)
    assert tool._engines["cpu"].model.pipe.vae.use_tiling


def linear(model: Any) -> set[str]:
    """Return the kinds of weights of the linear layers."""
    layers = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    return {type(layer.weight).__name__ for layer in layers}


@pytest.mark.parametrize("name", [KLEIN, "QwenImageEditPlusPipeline", "FluxKontextPipeline", "QwenImage21Pipeline"])
@pytest.mark.parametrize(("quantise", "kind"), [("torchao-int8", "Int8Tensor"), ("torchao-fp8", "Float8Tensor")])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # of torchao
async def test_weights_in_eight_bits(saved: Saved, desk: Desk, name: str, quantise: str, kind: str) -> None:
    pytest.importorskip("torchao", reason="torchao is not installed: pip install torchao==0.18.0")
    base = Candidate.of(desk.images.save(desk.photo))
    (plain,) = await desk.edit(diffusers_tool(str(saved(name)), **SMALL), 1, base=base)
    tool = diffusers_tool(str(saved(name)), **SMALL, quantise=quantise)
    (small,) = await desk.edit(tool, 1, base=base)
    (again,) = await desk.edit(tool, 1, base=base)
    pipe = tool._engines["cpu"].model.pipe
    assert linear(pipe.transformer.transformer_blocks) == {kind}
    for part in ("text_encoder", "text_encoder_2"):  # the second one of FLUX.1 is the large one
        if getattr(pipe, part, None) is not None:
            assert kind in linear(getattr(pipe, part))
    apart = np.abs(desk.pixels(small).astype(int) - desk.pixels(plain)).mean()
    assert 0 < apart < 5 and small.image == again.image


@pytest.mark.parametrize("quantise", ["torchao-int8", "torchao-fp8"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # of torchao
async def test_an_adapter_over_weights_in_eight_bits(saved: Saved, desk: Desk, tmp_path: Path, quantise: str) -> None:
    pytest.importorskip("torchao", reason="torchao is not installed: pip install torchao==0.18.0")
    base, adapter = Candidate.of(desk.images.save(desk.photo)), trained(saved, tmp_path / "lora")

    async def drawn_with(**settings: Any) -> Any:
        (made,) = await desk.edit(diffusers_tool(str(saved(KLEIN)), **SMALL, **settings), 1, base=base)
        return desk.pixels(made).astype(int)

    bare = await drawn_with(quantise=quantise)
    wide, small = await drawn_with(lora=adapter), await drawn_with(lora=adapter, quantise=quantise)
    assert 0 < np.abs(small - wide).mean() < np.abs(small - bare).mean() / 2, "the adapter does what it does without"


@pytest.mark.parametrize("quantise", ["bnb-4bit", "bnb-8bit"])
async def test_weights_by_bitsandbytes(saved: Saved, desk: Desk, quantise: str) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed: pip install bitsandbytes==0.50.2")
    if not torch.cuda.is_available():
        pytest.skip("diffusers loads weights by bitsandbytes on a GPU only")
    base = Candidate.of(desk.images.save(desk.photo))
    (plain,) = await desk.edit(diffusers_tool(str(saved(KLEIN)), **SMALL, device="cuda:0"), 1, base=base)
    (small,) = await desk.edit(
        diffusers_tool(str(saved(KLEIN)), **SMALL, device="cuda:0", quantise=quantise), base=base
    )
    assert 0 < np.abs(desk.pixels(small).astype(int) - desk.pixels(plain)).mean() < 30


@pytest.mark.parametrize("name", [*TINY, *STEP1X])
@pytest.mark.parametrize(
    ("settings", "hook"),
    [
        (Settings(offload="group"), "group_offloading"),
        (Settings(offload="model"), ""),
        (Settings(layerwise=True), "layerwise_casting"),
    ],
)
def test_what_saves_memory_of_a_gpu_draws_the_same(saved: Saved, name: str, settings: Settings, hook: str) -> None:
    """The same hooks move layers from the CPU to the CPU: what they do to a picture shows here too."""
    read = Folder.read(str(saved(name)))
    plain, saving = (load_engine(read, each, "cpu").model for each in (Settings(), settings))
    apart = np.abs(drawn(saving) - drawn(plain))
    assert apart.mean() < 0.05 and (settings.layerwise or apart.max() < 1e-5)
    if hook:
        hooks = [getattr(module, "_diffusers_hook", None) for module in saving.denoiser.modules()]
        assert any(hook in name for found in hooks if found is not None for name in found.hooks)
    else:
        assert all(hasattr(part, "_hf_hook") for part in (saving.denoiser, saving.pipe.vae))
    if settings.layerwise:
        assert saving.denoiser.transformer_blocks[0].attn.to_q.weight.dtype == torch.float8_e4m3fn


def drawn(engine: Engine) -> Any:
    base = Image.radial_gradient("L").convert("RGB").resize((96, 64))
    job = Job("make it green", base, (96, 64), 96 * 64, (), None, (1,), 2)
    given = arguments(engine.adapter, job, inpaint=engine.adapter.inpaint == engine.adapter.pipeline)
    given["generator"] = [torch.Generator().manual_seed(1)]
    return _callable(engine.pipe, engine.adapter, 96 * 64)(**given, output_type="np").images


async def test_another_adapter_or_file_of_weights_is_another_tool(saved: Saved, tmp_path: Path) -> None:
    """By what is in the file, and not by its name."""
    folder, file = str(saved(KLEIN)), tmp_path / "style.safetensors"
    save_file({"a.lora_A.weight": torch.zeros(2, 2)}, file)
    first = diffusers_tool(folder, lora=file).info
    assert diffusers_tool(folder, lora=file).info == first
    save_file({"a.lora_A.weight": torch.ones(2, 2)}, file)
    assert diffusers_tool(folder, lora=file).info != first
    weights = tmp_path / "x.gguf"
    weights.write_bytes(b"GGUF one")
    before = diffusers_tool(folder, gguf=weights).info
    weights.write_bytes(b"GGUF two")
    assert diffusers_tool(folder, gguf=weights).info != before
