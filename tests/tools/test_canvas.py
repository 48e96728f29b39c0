"""What is outside of a region comes back as it was, transparency too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reasonedit_agent.schemas import Box, Candidate, EditCall, EditStep
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
