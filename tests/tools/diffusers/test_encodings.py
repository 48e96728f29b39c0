"""What is encoded once, and that it changes nothing."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from reasonedit_agent.errors import BackendError
from reasonedit_agent.schemas import Box, Candidate
from reasonedit_agent.tools.diffusers import diffusers_tool
from reasonedit_agent.tools.diffusers.adapters import ADAPTERS
from reasonedit_agent.tools.diffusers.encodings import Encodings
from reasonedit_agent.tools.diffusers.folder import Folder
from reasonedit_agent.tools.diffusers.pipelines import load_engine
from reasonedit_agent.tools.diffusers.settings import Settings
from tests.tools.diffusers.desk import Desk
from tests.tools.diffusers.tiny_dit import TINY

Saved = Callable[[str], Path]
SMALL = {"steps": 1, "area": 64 * 64}


def counts(desk: Desk) -> tuple[int, int]:
    words = desk.called.note.split()
    at = words.index("encodings:")
    return int(words[at + 1]), int(words[at + 3])


@pytest.mark.parametrize("name", [*TINY, "Step1XEditPipeline", "Step1XEditPipelineV1P2"])
async def test_the_source_is_encoded_once(saved: Saved, desk: Desk, name: str) -> None:
    """A re-roll and a roll-back pay nothing; a new instruction pays for its text alone; and the pixels are the same."""
    folder = str(saved(name))
    fresh, keeps = diffusers_tool(folder, **SMALL, memory=0), diffusers_tool(folder, **SMALL, memory=64)
    (wanted,) = await desk.edit(fresh, 1)
    (first,) = await desk.edit(keeps, 1)
    known, asked = counts(desk)
    assert known == 0 and asked >= 2
    (again,) = await desk.edit(keeps, 1)
    assert counts(desk) == (asked, asked)
    assert wanted.image == first.image == again.image
    await desk.edit(keeps, 2)  # another seed
    assert counts(desk) == (asked, asked)
    await desk.edit(keeps, 1, text="make the cup blue")
    known, _ = counts(desk)
    assert 0 < known < asked


def test_equal_things_have_equal_names_and_others_have_not() -> None:
    calls: list[Any] = []

    class Pipe:
        class vae:
            encode = staticmethod(lambda pixels: calls.append(pixels) or pixels)
            decode = staticmethod(lambda latents: latents)

        @staticmethod
        def encode_prompt(*args: Any, **kwargs: Any) -> Any:
            calls.append((args, kwargs))
            return torch.zeros(4)

    pipe, encodings = Pipe(), Encodings(1)
    encodings.stand_before(pipe)
    picture = Image.new("RGB", (4, 4))
    pipe.encode_prompt("a", image=[picture])
    pipe.encode_prompt("a", image=[picture.copy()])
    assert len(calls) == 1
    for other in (("b", [picture]), ("a", [Image.new("RGB", (4, 4), "red")]), ("a", [picture, picture]), ("a", [])):
        pipe.encode_prompt(other[0], image=other[1])
    assert len(calls) == 5
    pipe.vae.encode(torch.zeros(2, 3))
    pipe.vae.encode(torch.zeros(2, 3))
    pipe.vae.encode(torch.zeros(3, 2))
    pipe.vae.encode(torch.zeros(2, 3, dtype=torch.bfloat16))
    assert len(calls) == 8
    assert str(encodings.tally()) == "encodings: 2 of 10 known" and encodings.tally().asked == 0


def test_memory_is_bounded_and_the_oldest_is_forgotten() -> None:
    calls: list[int] = []

    class Pipe:
        class vae:
            encode = staticmethod(lambda pixels: pixels)
            decode = staticmethod(lambda latents: latents)

        @staticmethod
        def encode_prompt(number: int) -> Any:
            calls.append(number)
            return torch.zeros(100, 1024)  # 0.4 MB

    pipe, encodings = Pipe(), Encodings(1)
    encodings.stand_before(pipe)
    for number in (1, 2, 1, 3, 1, 2):
        pipe.encode_prompt(number)
        assert encodings.bytes <= 2**20
    assert calls == [1, 2, 3, 2]


async def test_a_round_may_start_from_the_latents_that_drew_its_base(saved: Saved, desk: Desk) -> None:
    """Instead of decode and encode; then it is what the latents give, and the picture is never encoded."""
    folder = str(saved("Flux2KleinPipeline"))
    tool = diffusers_tool(folder, **SMALL, reuse=True)
    (first,) = await desk.edit(tool, 1)
    before = tool._engines["cpu"].model.encodings
    kept = before._latents[first.image.sha256]
    seen: list[Any] = []
    pipe = tool._engines["cpu"].model.pipe
    encode = pipe._encode_vae_image
    pipe._encode_vae_image = lambda image, generator: seen.append(encode(image, generator)) or seen[-1]
    (second,) = await desk.edit(tool, 2, base=first, text="greener")
    pipe._encode_vae_image = encode
    patches = pipe._patchify_latents(kept)
    mean = pipe.vae.bn.running_mean.view(1, -1, 1, 1)
    std = torch.sqrt(pipe.vae.bn.running_var.view(1, -1, 1, 1) + pipe.vae.config.batch_norm_eps)
    assert torch.allclose(seen[0], (patches - mean) / std, atol=1e-5)
    (plain,) = await desk.edit(diffusers_tool(folder, **SMALL), 2, base=first, text="greener")
    assert plain.image != second.image


async def test_latents_of_a_picture_that_was_pasted_back_are_not_used(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved("QwenImageEditPlusPipeline")), **SMALL, reuse=True)
    (made,) = await desk.edit(tool, 1, region=Box(left=0, top=0, right=300, bottom=300))
    assert made.image.sha256 not in tool._engines["cpu"].model.encodings._latents


async def test_candidates_of_a_batch_keep_a_latent_each(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), **SMALL, reuse=True)
    made = await desk.edit(tool, 1, 2, 3)
    kept = tool._engines["cpu"].model.encodings._latents
    found = [kept[candidate.image.sha256] for candidate in made]
    assert not torch.equal(found[0], found[1]) and not torch.equal(found[1], found[2])
    pipe = tool._engines["cpu"].model.pipe
    with torch.no_grad():
        drawn = pipe.image_processor.postprocess(pipe.vae.decode(found[1]).sample, output_type="np")[0]
    small = Image.fromarray(np.uint8(np.rint(drawn * 255))).resize(desk.photo.size, Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(small, int) - desk.pixels(made[1])).mean() < 3
    assert isinstance(made[1], Candidate)


async def test_calls_at_the_same_time_keep_the_latents_of_their_own_pictures(
    saved: Saved, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second call has decoded before the first one's picture is stored."""
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), **SMALL, reuse=True)
    alone = [(await desk.edit(tool, seed))[0] for seed in (1, 2)]
    encodings = tool._engines["cpu"].model.encodings
    wanted = [encodings._latents[made.image.sha256] for made in alone]
    encodings._latents.clear()
    both, save = threading.Barrier(2), desk.images.save
    monkeypatch.setattr(desk.images, "save", lambda *args, **kwargs: (both.wait(60), save(*args, **kwargs))[1])
    found = await asyncio.gather(*(desk.edit(tool, seed) for seed in (1, 2)))
    assert [made.image for (made,) in found] == [made.image for made in alone]
    assert not torch.equal(*wanted)
    for (made,), latents in zip(found, wanted, strict=True):
        assert torch.equal(encodings._latents[made.image.sha256], latents)


async def test_candidates_drawn_one_by_one_keep_their_latents_too(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), **SMALL, reuse=True, batch=1)
    made = await desk.edit(tool, 1, 2, 3)
    kept = tool._engines["cpu"].model.encodings._latents
    assert [candidate.image.sha256 in kept for candidate in made] == [True] * 3


@pytest.mark.parametrize("name", [*TINY, "Step1XEditPipeline", "Step1XEditPipelineV1P2"])
@pytest.mark.parametrize("region", [None, Box(left=100, top=100, right=400, bottom=300)])
async def test_any_number_of_candidates_shares_an_encoding(
    saved: Saved, desk: Desk, name: str, region: Box | None
) -> None:
    tool = diffusers_tool(str(saved(name)), **SMALL, memory=64)
    await desk.edit(tool, 1, region=region)
    _, asked = counts(desk)
    made = await desk.edit(tool, 1, 2, 3, 4, region=region)
    known, asked_now = counts(desk)
    assert known == asked_now and asked_now % asked == 0, "nothing was encoded again"
    assert len({candidate.image for candidate in made}) == 4


@pytest.mark.parametrize(
    ("name", "inpaint"),
    [
        *((name, False) for name in TINY),
        *((name, True) for name in TINY if ADAPTERS[name].inpaint not in ("", name)),
    ],
)
def test_the_repeated_encoding_is_the_class_s_own(saved: Saved, name: str, inpaint: bool) -> None:
    """What is encoded for one and repeated equals, bit for bit, what the class says when it is asked for three."""
    engine = load_engine(Folder.read(str(saved(name))), Settings(), "cpu").model
    pipe: Any = engine.inpaint if inpaint else engine.pipe
    picture = Image.radial_gradient("L").convert("RGB").resize((96, 64))
    given: dict[str, Any] = {"prompt": "make the cup green", "device": torch.device("cpu")}
    taken = inspect.signature(type(pipe).encode_prompt).parameters
    if "image" in taken:
        given["image"] = [picture] if engine.adapter.listed else picture
    if "prompt_2" in taken:
        given["prompt_2"] = None
    for count in (1, 3):
        with torch.no_grad():
            wanted = type(pipe).encode_prompt(pipe, **given, num_images_per_prompt=count)
            got = pipe.encode_prompt(**given, num_images_per_prompt=count)
        assert len(got) == len(wanted)
        for ours, theirs in zip(got, wanted, strict=True):
            assert (ours is None and theirs is None) or torch.equal(ours, theirs)


async def test_a_refused_edit_leaves_no_latents_to_the_next_one(saved: Saved, desk: Desk) -> None:
    """Tools that differ in ``reuse`` share an engine; the picture of another call must not be what this one sees."""
    folder = str(saved("Flux2KleinPipeline"))
    reuses, plain = diffusers_tool(folder, **SMALL, reuse=True), diffusers_tool(folder, **SMALL)
    (wanted,) = await desk.edit(plain, 3)
    (first,) = await desk.edit(reuses, 1)
    engine = reuses._engines["cpu"].model
    assert engine is plain._engines["cpu"].model
    engine.encodings._kept.clear()
    encode = engine.pipe.encode_prompt

    def refuse(*_: Any, **__: Any) -> Any:
        raise ValueError("a text that it does not take")

    engine.pipe.encode_prompt = refuse
    try:
        with pytest.raises(BackendError, match="does not take"):
            await desk.edit(reuses, 2, base=first)
    finally:
        engine.pipe.encode_prompt = encode
    (again,) = await desk.edit(plain, 3)
    assert again.image == wanted.image


@pytest.mark.parametrize("name", [*TINY, "Step1XEditPipeline"])
@pytest.mark.parametrize("size", [(160, 112), (155, 93)])
async def test_latents_of_another_size_are_not_taken(
    saved: Saved, desk: Desk, name: str, size: tuple[int, int]
) -> None:
    """After the ladder drew a smaller picture, or where a class reads its pictures at a size of its own."""
    small = Candidate.of(desk.images.save(desk.photo.resize(size)))
    folder = str(saved(name))
    reuses = diffusers_tool(folder, steps=1, area=64 * 64, reuse=True)
    (first,) = await desk.edit(reuses, 1, base=small)
    encodings = reuses._engines["cpu"].model.encodings
    assert first.image.sha256 in encodings._latents
    larger = diffusers_tool(folder, steps=1, area=128 * 128, reuse=True)
    plain = diffusers_tool(folder, steps=1, area=128 * 128)
    (got,) = await desk.edit(larger, 2, base=first)
    (wanted,) = await desk.edit(plain, 2, base=first)
    assert got.image == wanted.image
