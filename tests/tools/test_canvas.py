"""What is outside of a region comes back as it was, transparency too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.schemas import Box, Candidate, EditCall, EditStep, Mask
from reasonedit_agent.testing import SimpleContext
from reasonedit_agent.tools.canvas import Canvas


@pytest.mark.parametrize("base", [(200, 0, 0, 128), (200, 0, 0, 255), (200, 0, 0)])
@pytest.mark.parametrize("drawn", [(0, 90, 0, 20), (0, 90, 0)])
@pytest.mark.parametrize("box", [(100, 100, 300, 300), (100, 100, 300, 106)])
def test_pasted_back(tmp_path: Path, base: tuple[int, ...], drawn: tuple[int, ...], box: tuple[int, ...]) -> None:
    ctx = SimpleContext(tmp_path)
    modes = {3: "RGB", 4: "RGBA"}
    ref = ctx.images.save(Image.new(modes[len(base)], (400, 400), base))
    left, top, right, bottom = box
    region = Box(left=left, top=top, right=right, bottom=bottom)
    step = EditStep(text="x", region=region)
    call = EditCall(base=Candidate.of(ref), instruction="x", steps=(step,), seeds=(1,))
    made = Canvas.of(call, ctx.images).finish(
        Image.new(modes[len(drawn)], (400, 400), drawn), 1, ctx.images, paste=True
    )
    got = np.asarray(ctx.images.open(made.image).convert("RGBA"), int)
    assert (got[350, 350] == (*base[:3], base[3] if len(base) == 4 else 255)).all()
    middle = got[(top + bottom) // 2, 200]
    opacity = drawn[3] if len(drawn) == 4 else base[3] if len(base) == 4 else 255
    assert np.abs(middle - (*drawn[:3], opacity)).max() <= 1, "also in a region of six rows"


def masked(ctx: SimpleContext, white: float, box: tuple[int, int, int, int] = (100, 100, 300, 300)) -> EditCall:
    """Return a call on a grey picture within a mask of one brightness."""
    ref = ctx.images.save(Image.new("RGB", (400, 400), "gray"))
    drawn = Image.new("L", (400, 400), 0)
    drawn.paste(round(white * 255), box)
    step = EditStep(text="x", region=Mask(image=ctx.images.save(drawn)))
    return EditCall(base=Candidate.of(ref), instruction="x", steps=(step,), seeds=(1,))


def test_a_mask_is_empty_or_it_is_drawn_in(tmp_path: Path) -> None:
    """One threshold for all: what no pipeline would draw in is said, and does not give the base back as a result."""
    ctx = SimpleContext(tmp_path)
    for white in (0.01, 0.3, 0.49):
        with pytest.raises(Unsupported, match=r"is empty in this picture.*more than half white"):
            Canvas.of(masked(ctx, white), ctx.images)
    call = masked(ctx, 0.6)
    canvas = Canvas.of(call, ctx.images)
    made = canvas.finish(Image.new("RGB", (400, 400), "red"), 1, ctx.images, paste=True)
    got = np.asarray(ctx.images.open(made.image).convert("RGB"), int)
    assert np.abs(got[200, 200] - (255, 0, 0)).max() <= 2 and np.abs(got[50, 50] - 128).max() <= 2
    assert made.measures["drift_outside"] > 0
    assert np.asarray(canvas.mask_image((100, 100)))[50, 50] > 127


def test_a_thin_region_is_not_lost_when_it_is_made_smaller(tmp_path: Path) -> None:
    """Pipelines take what is brighter than the half of white."""
    ctx = SimpleContext(tmp_path)
    canvas = Canvas.of(masked(ctx, 1.0, (100, 200, 300, 201)), ctx.images)
    assert (np.asarray(canvas.mask_image((50, 50))) > 127).sum() >= 20


@pytest.mark.parametrize("size", [(100, 100), (400, 300), (800, 800)])
def test_a_mask_of_another_size(tmp_path: Path, size: tuple[int, int]) -> None:
    ctx = SimpleContext(tmp_path)
    call = masked(ctx, 1.0)
    region = Mask(image=ctx.images.save(Image.new("L", size, 255)))
    other = call.model_copy(update={"steps": (EditStep(text="x", region=region),)})
    with pytest.raises(Unsupported, match=rf"mask has {size[0]}x{size[1]} pixels, and the photo 400x400"):
        Canvas.of(other, ctx.images)
