"""Folders that are not whole, or not safe, and settings that cannot be: one line each, before anything is loaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from reasonedit_agent.errors import Unsupported, UsageError
from reasonedit_agent.registry import build
from reasonedit_agent.tools.diffusers import diffusers_tool
from reasonedit_agent.tools.diffusers.adapters import ADAPTERS
from reasonedit_agent.tools.diffusers.settings import Settings, check_settings
from tests.tools.diffusers.desk import Desk

Saved = Callable[[str], Path]
KLEIN = "Flux2KleinPipeline"


@pytest.fixture
def folder(saved: Saved, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved(KLEIN), tmp_path / "pipeline"))


def change_index(folder: Path, **changes: Any) -> None:
    index = folder / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), **changes}))


def empty(folder: Path) -> None:
    (folder / "model_index.json").unlink()


def torn_index(folder: Path) -> None:
    (folder / "model_index.json").write_text('{"_class_name": "Flux2Kl')


def no_weights(folder: Path) -> None:
    (folder / "transformer/diffusion_pytorch_model.safetensors").unlink()


def no_part(folder: Path) -> None:
    shutil.rmtree(folder / "vae")


def lost_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "text_encoder/model.safetensors").rename(folder / "text_encoder/model-00001-of-00002.safetensors")
    (folder / "text_encoder/model.safetensors.index.json").write_text(json.dumps(index))


def pickles(folder: Path) -> None:
    no_weights(folder)
    torch.save({"x": torch.zeros(1)}, folder / "transformer/diffusion_pytorch_model.bin")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (empty, "model_index.json is missing"),
        (torn_index, "cannot be read"),
        (no_weights, "'transformer' .* has no weights: half a download"),
        (no_part, "'vae' .* has no config.json: half a download"),
        (lost_shard, "lacks 1 of 2 files, such as model-00002-of-00002"),
        (pickles, "as pickles, which can run code"),
        (lambda folder: change_index(folder, _class_name=["mine", "MyPipeline"]), "would run code"),
        (lambda folder: change_index(folder, vae=["my_vae", "MyVae"]), "'vae' .* would run code"),
    ],
)
def test_refused_before_anything_is_loaded(folder: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(folder)
    with pytest.raises(UsageError, match=message) as raised:
        diffusers_tool(str(folder))
    assert raised.value.hint and "\n" not in str(raised.value)


async def test_weights_that_are_missing_are_not_made_up(folder: Path, desk: Desk) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "transformer/diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights.pop(sorted(weights)[0])
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(UsageError, match="1 weights of transformer are missing"):
        await desk.edit(diffusers_tool(str(folder)))


def test_no_folder_and_no_pinned_hub_id() -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        diffusers_tool("/nowhere")
    with pytest.raises(UsageError, match="not pinned"):
        diffusers_tool("org/model")


def test_a_pinned_hub_id_that_was_fetched_before(saved: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    revision = "0" * 39 + "1"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub._snapshot_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(tmp_path), raising=False)
    cached = tmp_path / "models--org--model" / "snapshots" / revision
    shutil.copytree(saved(KLEIN), cached)
    assert diffusers_tool("org/model", revision=revision).info.settings["class"] == KLEIN
    with pytest.raises(UsageError, match="could not be fetched"):
        diffusers_tool("org/model", revision="0" * 40)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"preset": "best"}, "no preset 'best'.*quality, balanced"),
        ({"stepz": 4}, "no setting 'stepz'.*steps"),
        ({"steps": 0}, "steps=0 is not possible"),
        ({"dtype": "int8"}, "dtype='int8' is not possible.*bfloat16"),
        ({"offload": "model"}, "does nothing on a CPU"),
        ({"preset": "low-memory"}, "does nothing on a CPU"),
        ({"quantise": "bnb-4bit"}, "its kernels need a GPU"),
        ({"cache": "first_block"}, "it fails in diffusers 0.42.1"),
        ({"attention": "flash_hub"}, "would load code from a hub"),
        ({"cache": "taylor", "compile": "regional"}, "a cache hooks into what would be compiled"),
        ({"lora": "/nowhere/x.safetensors"}, "holds no LoRA"),
    ],
)
async def test_settings_that_cannot_be(saved: Saved, desk: Desk, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        await desk.edit(diffusers_tool(str(saved(KLEIN)), **given))


def test_the_truth_table_knows_the_class_and_the_checkpoint() -> None:
    plus, long_cat = ADAPTERS["QwenImageEditPlusPipeline"], ADAPTERS["LongCatImageEditPipeline"]
    check_settings(Settings(cache="first_block"), plus, "cuda:0")
    check_settings(Settings(lora="x"), plus, "cuda:0")
    for settings, adapter in [
        (Settings(cache="first_block"), long_cat),
        (Settings(lora="x"), long_cat),
        (Settings(previews=1), long_cat),
        (Settings(guidance=3), ADAPTERS["Flux2KleinKVPipeline"]),
        (Settings(quantise="bnb-4bit", lora="x"), plus),
    ]:
        with pytest.raises(UsageError):
            check_settings(settings, adapter, "cuda:0")
    with pytest.raises(UsageError, match="a distilled checkpoint ignores it"):
        check_settings(Settings(guidance=3), ADAPTERS[KLEIN], "cuda:0", distilled=True)


async def test_requests_that_a_class_cannot_take(saved: Saved, desk: Desk) -> None:
    kontext = diffusers_tool(str(saved("FluxKontextPipeline")), steps=1, area=4096)
    with pytest.raises(Unsupported, match="1 reference photos were given, and FluxKontextPipeline reads none"):
        await desk.edit(kontext, references=(desk.source,))
    with pytest.raises(Unsupported, match=r"has \d+ tokens, and this model reads 512"):
        await desk.edit(kontext, text="green " * 600)
    with pytest.raises(Unsupported, match="no text"):
        await desk.edit(kontext, text=" ")


def test_by_its_text(saved: Saved) -> None:
    tool = build("tools", f"diffusers('{saved(KLEIN)}', preset=fast, area=4096)")
    assert tool.card.reads_text and tool.card.mask and tool.info.settings["share"] == 0.28
