"""Every tested class, saved, loaded and called: what the tool makes is what the pipeline makes when it is called by hand."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from reasonedit_agent import EditAgent
from reasonedit_agent.errors import Lost, UsageError
from reasonedit_agent.loading import lane
from reasonedit_agent.schemas import Accepted, Box, Candidate, EditStep, Phrase, Refine
from reasonedit_agent.testing import ScriptedReasoner, check_tool, scores
from reasonedit_agent.tools import step1x
from reasonedit_agent.tools.diffusers import diffusers_tool, previews
from reasonedit_agent.tools.diffusers.adapters import ADAPTERS
from reasonedit_agent.tools.diffusers.drawing import draw
from reasonedit_agent.tools.diffusers.pipelines import _still
from reasonedit_agent.tools.watch import Watch
from tests.tools.diffusers.desk import PHOTO, TEXT, Desk
from tests.tools.diffusers.tiny_dit import TINY

WIDTH, HEIGHT = 96, 64  # of about 4,096 pixels in the photo's shape
Saved = Callable[[str], Path]

# What each class is called with, read from its own documentation.
BY_HAND: dict[str, dict[str, Any]] = {
    "Flux2KleinPipeline": {"listed": True, "guidance_scale": 4.0},
    "QwenImageEditPlusPipeline": {"listed": True, "true_cfg_scale": 4.0, "negative_prompt": " "},
    "QwenImageEditPipeline": {"true_cfg_scale": 4.0, "negative_prompt": " "},
    "QwenImageEditInpaintPipeline": {"true_cfg_scale": 4.0, "negative_prompt": " ", "strength": 1.0, "masked": True},
    "QwenImage21Pipeline": {"listed": True, "true_cfg_scale": 1.0, "output_resolution": 64},
    "FluxKontextPipeline": {"guidance_scale": 3.5, "max_area": WIDTH * HEIGHT, "_auto_resize": False},
    "Step1XEditPipeline": {"true_cfg_scale": 6.0, "size_level": 64, "sized": False},
    "Step1XEditPipelineV1P2": {"true_cfg_scale": 6.0, "size_level": 64, "sized": False},
}
STEP1X = ("Step1XEditPipeline", "Step1XEditPipelineV1P2")


def by_hand(folder: Path, name: str, image: Image.Image, seed: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call the class of diffusers as its documentation says, at the small size."""
    given = dict(BY_HAND[name])
    if name.startswith("QwenImageEdit"):  # these read their pictures at a megapixel, whatever they are told
        module = __import__(getattr(diffusers, name).__module__, fromlist=["x"])
        dimensions = module.calculate_dimensions
        monkeypatch.setattr(module, "calculate_dimensions", lambda _, ratio: dimensions(WIDTH * HEIGHT, ratio))
    processor = folder / "processor"
    parts = {}
    if processor.is_dir() and name not in STEP1X:
        import transformers

        kind = "Qwen3VLProcessor" if "21" in name else "Qwen2VLProcessor"
        parts["processor"] = _still(getattr(transformers, kind)).from_pretrained(processor)
    pipe = getattr(step1x if name in STEP1X else diffusers, name).from_pretrained(folder, **parts)
    pipe.set_progress_bar_config(disable=True)
    if given.pop("masked", False):
        given["mask_image"] = Image.new("L", image.size, 255)
    pictures = [image] if given.pop("listed", False) else image
    generator = torch.Generator().manual_seed(seed)
    size = {"width": WIDTH, "height": HEIGHT} if given.pop("sized", True) else {}
    return pipe(
        image=pictures, prompt=TEXT, num_inference_steps=2, generator=generator, output_type="np", **size, **given
    ).images[0]


@pytest.mark.parametrize("name", BY_HAND)
async def test_the_tool_draws_what_the_pipeline_draws(
    saved: Saved, desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(name)
    png = Candidate.of(desk.images.save(desk.photo))  # a PNG, so that the result is what was drawn
    (made,) = await desk.edit(diffusers_tool(str(folder), steps=2, area=64 * 64), 5, base=png)
    small = desk.photo.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    wanted = by_hand(folder, name, desk.photo if name in STEP1X else small, 5, monkeypatch)
    drawn = Image.fromarray(np.uint8(np.rint(wanted * 255)).clip(0, 255))
    grown = np.asarray(drawn.resize(desk.photo.size, Image.Resampling.LANCZOS).convert("RGB"), np.int16)
    got = desk.pixels(made)
    assert np.abs(got[..., :3].astype(np.int16) - grown).max() <= 1
    assert made.image.size == desk.source.size and made.geometry == png.geometry


@pytest.mark.parametrize("name", BY_HAND)
async def test_conformance(saved: Saved, tmp_path: Path, name: str) -> None:
    tool = diffusers_tool(str(saved(name)), steps=2, area=64 * 64)
    report = await check_tool(tool, PHOTO.read_bytes(), (EditStep(text=TEXT),), tmp_path)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", BY_HAND)
async def test_each_candidate_is_its_own_single_run_within_a_mask_too(saved: Saved, desk: Desk, name: str) -> None:
    tool = diffusers_tool(str(saved(name)), steps=2, area=64 * 64)
    png = Candidate.of(desk.images.save(desk.photo))
    for region in (None, Box(left=100, top=100, right=400, bottom=300)):
        both = await desk.edit(tool, 1, 2, base=png, region=region)
        (alone,) = await desk.edit(tool, 2, base=png, region=region)
        # Colours that can hardly be seen through are not exact: a mean, and not the largest difference.
        assert np.abs(desk.pixels(both[1]).astype(np.int16) - desk.pixels(alone)).mean() < 0.1


def test_what_is_marked_as_tested_is_tested() -> None:
    tested = {name for name, row in ADAPTERS.items() if row.tested}
    assert tested == set(BY_HAND) == {*TINY, *STEP1X}
    for name, row in ADAPTERS.items():
        if name not in STEP1X:
            assert hasattr(diffusers, name), f"{name} is not in diffusers"
            assert not row.inpaint or hasattr(diffusers, row.inpaint)


async def test_references_reach_the_model(saved: Saved, desk: Desk) -> None:
    reference = desk.images.save(Image.radial_gradient("L").convert("RGB"))
    for name in ("Flux2KleinPipeline", "QwenImageEditPlusPipeline", "QwenImage21Pipeline"):
        tool = diffusers_tool(str(saved(name)), steps=1, area=64 * 64)
        (alone,), (beside,) = await desk.edit(tool, 1), await desk.edit(tool, 1, references=(reference,))
        assert alone.image != beside.image, name


async def test_one_pipeline_is_shared_by_tools_that_draw_differently(saved: Saved, desk: Desk) -> None:
    folder = str(saved("Flux2KleinPipeline"))
    first, second = (diffusers_tool(folder, steps=steps, area=64 * 64) for steps in (1, 2))
    await desk.edit(first)
    await desk.edit(second)
    assert first._engines["cpu"] is second._engines["cpu"]
    assert first.info != second.info


async def test_a_draft_is_cheaper(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=8, draft=2, area=64 * 64)
    await desk.edit(tool, quality="draft")
    assert desk.called.note.startswith("2 steps")
    await desk.edit(tool)
    assert desk.called.note.startswith("8 steps")


async def test_progress_and_previews(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=4, area=64 * 64, previews=2)
    await desk.edit(tool)
    fractions = [event.fraction for event in desk.progress if event.fraction is not None]
    assert fractions == [0.25, 0.5, 0.75, 1.0]
    (preview,) = [event.preview for event in desk.progress if event.preview]
    assert preview.size == (6, 4)


@pytest.mark.parametrize("name", BY_HAND)
async def test_what_is_unfinished_is_shown_by_every_class(
    saved: Saved, desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the tokens of the noise, which change from step to step, and those of the base, which do not."""
    bases: list[Any] = []
    coloured = previews._coloured
    monkeypatch.setattr(previews, "_coloured", lambda *given: bases.append(given[1]) or coloured(*given))
    await desk.edit(diffusers_tool(str(saved(name)), steps=3, area=128 * 128, previews=1))
    assert len([event for event in desk.progress if event.preview]) == 2 and desk.notes == []
    assert np.array_equal(*bases)


async def test_that_nothing_unfinished_can_be_shown_is_said_once(saved: Saved, desk: Desk) -> None:
    """A long picture, of which the tokens of Step1X-Edit are no grid; with one candidate at a time."""
    long = Candidate.of(desk.images.save(desk.photo.resize((512, 100))))
    tool = diffusers_tool(str(saved("Step1XEditPipeline")), steps=3, area=64 * 64, previews=1, batch=1)
    await desk.edit(tool, 1, 2, base=long)
    assert not [event for event in desk.progress if event.preview]
    assert [note.split(":")[0] for note in desk.notes] == ["No unfinished picture can be shown"]


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("region", [None, Box(left=10, top=10, right=50, bottom=50)])
async def test_what_is_asked_for_is_what_the_class_makes(
    saved: Saved, desk: Desk, name: str, region: Box | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, made = list[tuple[int, int]](), list[tuple[int, int]]()

    def look(engine: Any, job: Any, watch: Watch) -> list[Image.Image]:
        pictures = draw(engine, job, watch)
        asked.append(job.size)
        made.append(pictures[0].size)
        return pictures

    monkeypatch.setattr("reasonedit_agent.tools.diffusers.tool.draw", look)
    for size in ((155, 93), (97, 210), (333, 250)):
        for area in (100 * 100, 150 * 150):
            base = Candidate.of(desk.images.save(desk.photo.resize(size)))
            await desk.edit(diffusers_tool(str(saved(name)), steps=1, area=area), base=base, region=region)
            assert f"at {made[-1][0]}x{made[-1][1]};" in desk.called.note
    if ADAPTERS[name].sized:  # the others have a size of their own
        assert made == asked


async def test_cancelled_between_steps(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=50, area=64 * 64)
    await desk.edit(diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=64 * 64))  # it is loaded
    emit, steps = desk.emit, list[str]()

    def stop_at_the_third(event: Any) -> None:
        emit(event)
        if getattr(event, "message", "").startswith("step"):
            steps.append(event.message)
            desk.given_up = len(steps) >= 3

    desk.emit = stop_at_the_third  # type: ignore[method-assign]
    drawn: list[weakref.ref[Any]] = []

    def look(_: Any, __: Any, kwargs: dict[str, Any]) -> None:
        drawn.append(weakref.ref(kwargs["hidden_states"]))

    hook = tool._engines.get("cpu") or await tool._engine("cpu", desk, Watch(desk))
    handle = hook.model.denoiser.register_forward_pre_hook(look, with_kwargs=True)
    said = ""
    try:  # `pytest.raises` would keep the frames
        await desk.edit(tool)
    except Lost as error:
        said = str(error)
    handle.remove()
    assert "cancelled" in said
    assert 3 <= len(steps) < 50
    assert lane("cpu").waiting == 0
    lane("cpu").submit(int).result(10)  # the device's thread lets go of the call
    await asyncio.sleep(0)  # and so does the loop
    gc.collect()
    assert drawn and not any(seen() is not None for seen in drawn), "nothing of it is left in memory"


async def test_a_class_that_does_not_call_back_is_cancelled_between_steps_too(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=50, area=64 * 64)
    engine = (await tool._engine("cpu", desk, Watch(desk))).model
    calls: list[int] = []

    def look(*_: Any) -> None:
        calls.append(1)
        desk.given_up = len(calls) >= 3

    handle = engine.denoiser.register_forward_pre_hook(look)
    known, engine.adapter = engine.adapter, replace(engine.adapter, callback=False)
    try:
        with pytest.raises(Lost, match="cancelled"):
            await desk.edit(tool)
    finally:
        engine.adapter = known
        handle.remove()
    assert len(calls) == 3 and not engine.denoiser._forward_pre_hooks


async def test_through_the_agent(saved: Saved, tmp_path: Path) -> None:
    reasoner = ScriptedReasoner(
        [Refine(scores=scores(5), steps=(EditStep(text="greener"),)), Accepted(scores=scores(9))]
    )
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=2, area=64 * 64)
    result = await EditAgent(reasoner=reasoner, tool=tool, runs=tmp_path).aedit(PHOTO, TEXT, seed=7)
    assert result.status == "accepted" and result.history is not None
    rounds = result.history.rounds
    assert len(rounds) == 2
    seeds = [round_.candidates[0].seed for round_ in rounds]
    assert len(set(seeds)) == 2
    assert rounds[1].call.base == rounds[0].candidates[0]
    assert result.image.size == rounds[0].call.base.image.size


async def test_a_class_without_a_row_says_how_to_add_one(saved: Saved, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(saved("Flux2KleinPipeline"), tmp_path / "other"))
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("Flux2KleinPipeline", "FluxPipeline"))
    with pytest.raises(UsageError, match=r"FluxPipeline is no editing pipeline .*adapters.py"):
        diffusers_tool(str(folder))


async def test_a_region(saved: Saved, desk: Desk) -> None:
    box = Box(left=100, top=100, right=400, bottom=300)
    plus = diffusers_tool(str(saved("QwenImageEditPlusPipeline")), steps=1, area=64 * 64)
    png = desk.images.save(desk.photo)  # a PNG, so that equal pixels stay equal
    (made,) = await desk.edit(plus, base=Candidate.of(png), region=box)
    before, after = np.asarray(desk.photo), desk.pixels(made)
    outside = np.ones(before.shape[:2], bool)
    outside[100:300, 100:400] = False
    assert (before[outside] == after[outside]).all() and made.measures["pasted_back"] == 1
    assert np.abs(before[150:250, 150:350].astype(int) - after[150:250, 150:350]).mean() > 5
    # A class with inpainting of its own is not pasted, and its drift is measured.
    klein = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=64 * 64)
    (inpainted,) = await desk.edit(klein, base=Candidate.of(png), region=box)
    assert "pasted_back" not in inpainted.measures and inpainted.measures["drift_outside"] > 0
    (always,) = await desk.edit(
        diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=64 * 64, paste="always"),
        base=Candidate.of(png),
        region=box,
    )
    assert (before[outside] == desk.pixels(always)[outside]).all()


async def test_a_region_that_is_guessed_is_said_once(saved: Saved, desk: Desk, weights: None) -> None:
    steps = tuple(EditStep(text=TEXT, region=Phrase(text="the gizmo")) for _ in range(2))
    await desk.edit(diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=64 * 64), steps=steps)
    assert len(desk.notes) == 1 and "'the gizmo' is a guess" in desk.notes[0]
