"""Folders that are not whole, or not safe, and settings that cannot be: one line each, before anything is loaded."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

from reasonedit_agent.errors import Unsupported, UsageError
from reasonedit_agent.loading import fingerprint
from reasonedit_agent.registry import build
from reasonedit_agent.tools.diffusers import diffusers_tool
from reasonedit_agent.tools.diffusers.adapters import ADAPTERS
from reasonedit_agent.tools.diffusers.folder import Folder
from reasonedit_agent.tools.diffusers.pipelines import load_engine
from reasonedit_agent.tools.diffusers.settings import PRESETS, Settings, check_settings
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
        (lambda folder: change_index(folder, vae=["diffusers"]), r'gives \["diffusers"\] for the part \'vae\''),
        (lambda folder: change_index(folder, vae=["diffusers", 5]), "for the part 'vae'"),
        (lambda folder: change_index(folder, vae=None), "gives null for the part 'vae'"),
        (lambda folder: change_index(folder, transformer=5), "gives 5 for the part 'transformer'"),
        (lambda folder: shutil.rmtree(folder / "tokenizer"), "'tokenizer' .* is missing: half a download"),
        (lambda folder: shutil.rmtree(folder / "scheduler"), "'scheduler' .* is missing: half a download"),
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
        ({"quantise": "bnb-4bit"}, "diffusers wants a GPU for it; torchao-int8"),
        ({"cache": "first_block"}, "it fails in diffusers 0.42.1"),
        ({"attention": "flash_hub"}, "would load code from a hub"),
        ({"attention": "nothing"}, "attention='nothing' is not possible.*native"),
        ({"attention": "_native_cudnn"}, "its kernels need a GPU; here there are native"),
        ({"attention": "xformers"}, "not possible here.*[Xx]formers"),
        ({"threshold": 0.1}, "threshold .*only cache=first_block has one"),
        ({"cache": "taylor", "threshold": 0.1}, "threshold .*only cache=first_block has one"),
        ({"cache": "taylor", "compile": "regional"}, "a cache hooks into what would be compiled"),
        ({"lora": "/nowhere/x.safetensors"}, "holds no LoRA"),
    ],
)
def test_settings_that_cannot_be(saved: Saved, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        diffusers_tool(str(saved(KLEIN)), **given)  # nothing is loaded yet
    assert "\n" not in str(raised.value)


# One value that is wrong for each setting, and what the line must say of it; nothing is left out.
WRONG: dict[str, tuple[Any, str]] = {
    "dtype": ("int8", "one of auto, bfloat16, float16, float32"),
    "device": (0, "a text"),
    "offload": (True, "one of none, auto, model, group"),
    "layerwise": ("yes", "true or false"),
    "tiling": ("yes", "true or false"),
    "attention": (1, "a text"),
    "compile": ("full", "one of none, regional"),
    "quantise": ("int4", "one of none, torchao-int8"),
    "gguf": (3, "a text"),
    "shift": (0.5, "a number, from 1 to 100"),
    "cache": ("tea", "one of none, first_block, taylor"),
    "threshold": (float("nan"), "a number, at least 0"),
    "lora": (5, "a text"),
    "steps": (2.5, "a whole number, from 1 to 1000"),
    "draft": ("few", "a whole number, from 1 to 1000"),
    "share": (7, "a number, from 0.01 to 1"),
    "guidance": (float("inf"), "a number, from 0 to 1000"),
    "area": (10**12, "a whole number, from 1024 to 67108864"),
    "batch": (1.5, "a whole number, from 0 to 1024"),
    "paste": ("sometimes", "one of auto, always, never"),
    "previews": (-1, "a whole number, from 0 to 1000"),
    "memory": ("abc", "a whole number, at least 0"),
    "reuse": (1, "true or false"),
}


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_every_setting_is_checked(name: str) -> None:
    value, words = WRONG[name]
    with pytest.raises(UsageError) as raised:
        Settings.of("balanced", {name: value})
    assert str(raised.value).startswith(f"{name}={value!r} is not possible. It is {words}")
    for wrong in ([], {}, object(), b"x"):
        with pytest.raises(UsageError, match=f"^{name}="):
            Settings.of("balanced", {name: wrong})
    default = getattr(Settings(), name)
    assert getattr(Settings.of("quality", {name: default}), name) == default


def test_a_path_is_a_text_and_a_whole_number_a_number() -> None:
    made = Settings.of("quality", {"lora": Path("/a/b"), "guidance": 3, "steps": None})
    assert (made.lora, made.guidance, made.steps) == ("/a/b", 3, None)
    with pytest.raises(UsageError, match="guidance=True"):
        Settings.of("quality", {"guidance": True})


@pytest.mark.parametrize("name", ["banana", "cuda", "cuda:0", "cuda:99", "cpu:x", "meta", "cpu+cuda:7"])
def test_a_device_that_is_not_there(saved: Saved, name: str) -> None:
    if torch.accelerator.is_available() and name in ("cuda", "cuda:0"):
        pytest.skip("it is there")
    with pytest.raises(UsageError, match=r"no device .*It has cpu"):
        diffusers_tool(str(saved(KLEIN)), device=name)


async def test_every_preset_works_everywhere(saved: Saved, desk: Desk) -> None:
    for preset in PRESETS:
        (made,) = await desk.edit(diffusers_tool(str(saved(KLEIN)), preset=preset, steps=1, area=4096, device="cpu"))
        assert made.image.size == desk.source.size
    assert desk.notes == ["Nothing is offloaded on cpu: there is no other memory to move it to."]
    assert PRESETS["low-memory"].on("cuda:0").offload == "model"


# -- what a folder holds, in short


def spoilt(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 0x55
    file.write_bytes(data)


def test_the_fingerprint_is_of_the_weights(folder: Path, tmp_path: Path) -> None:
    def fingerprint(path: Path = folder) -> str:
        return Folder.read(str(path)).fingerprint

    first = fingerprint()
    copied = Path(shutil.copytree(folder, tmp_path / "another name"))
    (copied / "README.md").write_text("hello")
    (copied / ".cache").mkdir()
    (copied / ".cache/when.json").write_text("{}")
    for file in copied.rglob("*"):
        os.utime(file, (1, 1))
    assert fingerprint(copied) == first, "a copy is the same"
    seen = {first}
    for name in ("transformer/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors"):
        spoilt(folder / name, -1)
        seen.add(fingerprint())
    config = folder / "scheduler/scheduler_config.json"
    config.write_text(config.read_text().replace("1000", "1001"))
    seen.add(fingerprint())
    assert len(seen) == 4, "other weights of the same size, and another setting, are told apart"


def large(file: Path, fill: bytes, size: int = 40 * 2**20) -> Path:
    header = json.dumps({"x": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    with file.open("wb") as out:
        out.write(len(header).to_bytes(8, "little") + header)
        out.write(fill * (size // len(fill)))
    return file


def test_large_files_are_sampled(tmp_path: Path) -> None:
    first = fingerprint({"x": large(tmp_path / "a.safetensors", b"ab")})
    assert fingerprint({"x": large(tmp_path / "b.safetensors", b"ab")}) == first
    file = large(tmp_path / "c.safetensors", b"ac")
    assert fingerprint({"x": file}) != first
    end = large(tmp_path / "d.safetensors", b"ab")
    spoilt(end, -1)
    assert fingerprint({"x": end}) != first
    with file.open("r+b") as opened:  # of other weights nearly every byte is another, but not where both begin
        opened.truncate(2**20 + 5)
    short = fingerprint({"x": file})
    spoilt(file, -1)
    assert fingerprint({"x": file}) != short, "also right behind what is read whole"


def test_forty_gigabytes_take_no_time(tmp_path: Path) -> None:
    files = {}
    for number in range(8):
        file = files[str(number)] = tmp_path / f"{number}.safetensors"
        with file.open("wb") as out:
            out.truncate(5 * 10**9)  # holes: nothing is on the disk
    started = time.process_time()
    fingerprint(files)
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-100]), r"half a download: it has \d+ of \d+ bytes"),
        (lambda file: file.write_bytes(file.read_bytes()[:20]), "half a download"),
        (lambda file: file.write_bytes(b"<html>no such file</html>"), "half a download|cannot be read"),
        (lambda file: file.write_bytes(b""), "model.safetensors is empty"),
        (
            lambda file: file.with_suffix(".safetensors.index.json").write_text('{"weight_map": {"a'),
            "index.json cannot be read",
        ),
    ],
)
def test_half_downloaded_weights(folder: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(folder / "transformer/diffusion_pytorch_model.safetensors")
    with pytest.raises(UsageError, match=message):
        diffusers_tool(str(folder))


def test_a_part_that_is_replaced_on_the_disk_is_loaded_again(folder: Path) -> None:
    """Under the same name and size; whoever loaded it before keeps what was there."""
    from safetensors.torch import load_file, save_file

    before = load_engine(Folder.read(str(folder)), Settings(), "cpu")
    assert load_engine(Folder.read(str(folder)), Settings(), "cpu") is before
    file = folder / "text_encoder/model.safetensors"
    save_file({name: weight + 1 for name, weight in load_file(file).items()}, file, metadata={"format": "pt"})
    after = load_engine(Folder.read(str(folder)), Settings(), "cpu")
    old, new = (loaded.model.pipe.text_encoder.model.embed_tokens.weight for loaded in (before, after))
    assert torch.equal(new, old + 1)


def test_auto_and_what_it_means_share_one_engine(saved: Saved) -> None:
    read = Folder.read(str(saved(KLEIN)))
    auto = load_engine(read, Settings(), "cpu")
    assert load_engine(read, Settings(dtype="float32", offload="auto"), "cpu") is auto
    assert load_engine(read, Settings(dtype="bfloat16"), "cpu") is not auto


def test_the_truth_table_knows_the_class_and_the_checkpoint() -> None:
    plus, long_cat = ADAPTERS["QwenImageEditPlusPipeline"], ADAPTERS["LongCatImageEditPipeline"]
    check_settings(Settings(cache="first_block"), plus, "cuda:0")
    check_settings(Settings(lora="x"), plus, "cuda:0")
    check_settings(Settings(attention="_native_flash"), plus, "cuda:0")
    for settings, adapter in [
        (Settings(cache="first_block"), long_cat),
        (Settings(lora="x"), long_cat),
        (Settings(previews=1), long_cat),
        (Settings(guidance=3), ADAPTERS["Flux2KleinKVPipeline"]),
        (Settings(quantise="bnb-4bit", lora="x"), plus),
        (Settings(attention="_native_flash", dtype="float32"), plus),
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
    qwen21 = diffusers_tool(str(saved("QwenImage21Pipeline")), steps=1, area=4096)
    with pytest.raises(Unsupported, match=r"has \d+ tokens, and this model reads 1024"):
        await desk.edit(qwen21, text="green " * 1100)


def test_by_its_text(saved: Saved) -> None:
    tool = build("tools", f"diffusers('{saved(KLEIN)}', preset=fast, area=4096)")
    assert tool.card.reads_text and tool.card.mask and tool.info.settings["share"] == 0.28
