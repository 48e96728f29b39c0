"""The editor as a part of the loop: card, events, seeds, deadlines, extremes, formats."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import transform

from reasonedit_agent import operations as ops
from reasonedit_agent.errors import Lost, TimedOut, Unsupported
from reasonedit_agent.events import Called, Progress
from reasonedit_agent.protocols import EditTool
from reasonedit_agent.schemas import Box, Candidate, EditStep
from tests.tools.bench import Studio, change, lab, photo

EVERY: list[ops.PlainOperation] = [
    ops.Recolour(colour="#2040d0"),
    *(ops.Adjust(what=w, amount=0.2) for w in ("brightness", "contrast", "saturation", "warmth", "exposure")),
    ops.Sharpen(),
    ops.Blur(sigma=12),
    ops.BlackAndWhite(),
    ops.Sepia(),
    ops.Vignette(),
    ops.Remove(method="patch"),
    ops.Remove(method="smooth"),
    ops.ReplaceBackground(fill=ops.Fill(colours=("#ffffff", "#000000"))),
    ops.CutOut(),
    ops.Crop(margin=0.1),
    ops.Resize(scale=2),
    ops.Rotate(degrees=-13),
    ops.Flip(axis="horizontal"),
    ops.AddText(text="Hello"),
    *(ops.Redact(style=s) for s in ("blur", "pixelate", "fill")),
    *(ops.Stylise(style=s) for s in ("painting", "pencil", "cartoon")),
    ops.Upscale(),
]
STRIP = np.asarray(photo("coffee"))[:20].repeat(5, axis=1)  # 3000 x 20


def test_it_is_an_edit_tool_for_every_operation(studio: Studio) -> None:
    assert isinstance(studio.editor, EditTool)
    card = studio.editor.card
    assert card.operations == ops.operation_names() and {o.op for o in EVERY} == set(card.operations)
    assert card.mask and card.deterministic and card.references >= 1 and not card.reads_text and not card.needs_gpu
    assert studio.editor.info.name == "classical" and studio.editor.info.version


@pytest.mark.parametrize("operation", EVERY, ids=lambda o: o.op)
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 1, 4), (20, 3000, 3)])
def test_odd_pictures_give_a_picture_or_one_clear_line(
    studio: Studio, weights: None, operation: ops.PlainOperation, shape: tuple[int, int, int]
) -> None:
    if shape[1] == 1:
        pixels, region = np.full(shape, 130, np.uint8), Box(left=0, top=0, right=1, bottom=1)
    else:
        pixels, region = STRIP, Box(left=900, top=4, right=1800, bottom=16)
    try:
        after, made = studio.edit(pixels, operation, region)
    except Unsupported as error:
        assert operation.op == "remove" and error.hint
        return
    assert after.shape[:2] == (made.image.height, made.image.width)
    if shape[2] == 4:
        assert operation.op == "replace_background" or (after.shape[2] == 4 and after[0, 0, 3] <= 130)


@pytest.mark.parametrize("operation", [o for o in EVERY if o.op not in ("resize", "rotate", "flip", "upscale")])
def test_an_empty_region_is_said(studio: Studio, operation: ops.PlainOperation) -> None:
    for region in (studio.mask(np.zeros((400, 600))), Box(left=700, top=0, right=900, bottom=100)):
        with pytest.raises(Unsupported, match=f"step 1 \\({operation.op}\\) is empty") as caught:
            studio.edit(photo("coffee"), operation, region)
        assert caught.value.hint


@pytest.mark.parametrize("style", ["painting", "pencil", "cartoon"])
def test_styles_redraw_and_keep_what_is_shown(studio: Studio, style: str) -> None:
    before = photo("coffee")
    after, _ = studio.edit(before, ops.Stylise(style=style))
    coarse = [gaussian_filter(lab(p)[..., 0], 8).ravel() for p in (before, after)]
    assert np.corrcoef(*coarse)[0, 1] > 0.7
    assert change(before, after).mean() > 3
    if style == "pencil":
        assert np.hypot(*np.moveaxis(lab(after)[..., 1:], -1, 0)).max() < 2 and lab(after)[..., 0].mean() > 55
    half, _ = studio.edit(before, ops.Stylise(style=style, strength=0.5))
    assert np.abs(half.astype(float) - (before.astype(float) + after) / 2).mean() < 1


def test_upscaling_is_sharper_than_lanczos_and_faithful(studio: Studio, weights: None) -> None:
    original = photo("astronaut")[:256, 100:356]
    small = np.rint(transform.downscale_local_mean(original, (2, 2, 1))).astype(np.uint8)
    after, _ = studio.edit(small, ops.Upscale(factor=2))
    plain, _ = studio.edit(small, ops.Resize(scale=2))
    assert np.abs(transform.downscale_local_mean(after, (2, 2, 1)) - small).mean() < 3
    error = [np.abs(p.astype(float) - original).mean() for p in (after, plain)]
    assert error[0] < error[1] * 1.1
    sharp = [np.abs(np.diff(lab(p)[..., 0], axis=1)).mean() for p in (after, plain)]
    assert sharp[0] > sharp[1] * 1.02


def test_the_careful_model_runs_tile_by_tile(studio: Studio, weights: None) -> None:
    tile = photo("chelsea")[100:124, 150:250]
    after, made = studio.edit(tile, ops.Upscale(factor=4, model="quality"))
    assert made.image.size == (400, 96)
    assert np.abs(transform.downscale_local_mean(after, (4, 4, 1)) - tile).mean() < 6
    assert sum(isinstance(e, Progress) for e in studio.events) > 3


def test_formats_stay_unless_alpha_needs_png(studio: Studio) -> None:
    for kind in ("image/jpeg", "image/webp", "image/png"):
        base = Candidate.of(studio.save(photo("chelsea"), kind))
        _, made = studio.edit(base, ops.Adjust(what="warmth", amount=0.1))
        assert made.image.media_type == kind
    base = Candidate.of(studio.save(photo("chelsea"), "image/jpeg"))
    assert studio.edit(base, ops.Rotate(degrees=90))[1].image.media_type == "image/jpeg"
    assert studio.edit(base, ops.Rotate(degrees=5))[1].image.media_type == "image/png"


def test_one_picture_serves_all_seeds_and_the_call_repeats(studio: Studio) -> None:
    base = Candidate.of(studio.save(photo("coffee")))
    region = Box(left=300, top=200, right=380, bottom=300)
    call = studio.call(base, EditStep(text="x", operation=ops.Remove(method="patch")), seeds=(1, 2, 3), region=region)
    first = asyncio.run(studio.editor.edit(call, studio))
    assert [c.seed for c in first] == [1, 2, 3] and len({c.image.sha256 for c in first}) == 1
    assert sum(isinstance(e, Called) for e in studio.events) == 1
    assert asyncio.run(studio.editor.edit(call, studio)) == first


def test_events_tell_how_far_it_is_and_what_it_cost(studio: Studio) -> None:
    base = Candidate.of(studio.save(photo("coffee")))
    flip = ops.Flip(axis="vertical")
    steps = (EditStep(text="warm it", operation=ops.Sepia()), EditStep(text="flip it", operation=flip))
    asyncio.run(studio.editor.edit(studio.call(base, *steps), studio))
    progress = [e for e in studio.events if isinstance(e, Progress)]
    fractions = [e.fraction or 0.0 for e in progress]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert [e.message for e in progress][:2] == ["warm it", "flip it"]
    (called,) = (e for e in studio.events if isinstance(e, Called))
    assert called.backend == "classical" and called.usage.images == 1 and (called.usage.seconds or 0) > 0


def test_a_step_in_words_alone_is_unsupported(studio: Studio) -> None:
    base = Candidate.of(studio.save(photo("coffee")))
    with pytest.raises(Unsupported, match="add a dog") as caught:
        asyncio.run(studio.editor.edit(studio.call(base, EditStep(text="add a dog")), studio))
    assert "generative" in caught.value.hint


def test_the_step_region_goes_before_the_call_region(studio: Studio) -> None:
    before = photo("coffee")
    left, right = Box(left=0, top=0, right=300, bottom=400), Box(left=300, top=0, right=600, bottom=400)
    after, _ = studio.edit(before, ops.BlackAndWhite(), left, region=right)
    assert change(before, after)[:, 300:].max() == 0 and change(before, after)[:, :300].mean() > 5
    after, _ = studio.edit(before, ops.BlackAndWhite(), None, region=right)
    assert change(before, after)[:, :300].max() == 0


def test_deadline_and_cancellation_are_looked_at(studio: Studio) -> None:
    studio.deadline = time.monotonic() - 1
    with pytest.raises(TimedOut):
        studio.edit(photo("coffee"), ops.Sepia())
    studio.deadline = None
    looks = iter([False, False, True, True, True])
    studio.given_up = lambda: next(looks)
    with pytest.raises(Lost, match="cancelled"):
        studio.edit(photo("coffee"), ops.Remove(method="patch"), Box(left=200, top=100, right=400, bottom=300))


async def test_a_cancelled_task_stops_its_thread(studio: Studio) -> None:
    base = Candidate.of(studio.save(photo("coffee")))
    slow = [EditStep(text=str(k), operation=ops.Stylise(style="painting")) for k in range(4000)]
    task = asyncio.create_task(studio.editor.edit(studio.call(base, *slow), studio))
    while not any(isinstance(e, Progress) for e in studio.events):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The one worker is free again: another edit runs at once.
    quick = studio.call(base, EditStep(text="q", operation=ops.Flip(axis="vertical")))
    (made,) = await asyncio.wait_for(studio.editor.edit(quick, studio), 30)
    assert np.array_equal(np.asarray(studio.images.open(made.image)), photo("coffee")[::-1])


def test_places_that_need_no_name(studio: Studio, weights: None) -> None:
    after, _ = studio.edit(photo("flower"), ops.CutOut())
    assert after[205, 321, 3] == 255 and after[:40, :40, 3].max() < 30
    after, _ = studio.edit(photo("flower"), ops.ReplaceBackground(fill=ops.Fill(colours=("#ffffff",))))
    assert after[20, 20].min() > 240 and change(photo("flower"), after)[190:220, 300:340].mean() < 1


def test_naming_the_tools_loads_nothing_heavy() -> None:
    code = "import sys, reasonedit_agent.tools; sys.exit(any(name in sys.modules for name in ('cv2', 'numpy', 'ncnn')))"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
