"""Several devices as a pool: each has a copy of the model, and the shorter line is taken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from reasonedit_agent.loading import lane
from reasonedit_agent.tools.diffusers import diffusers_tool
from tests.tools.diffusers.desk import Desk

Saved = Callable[[str], Path]


async def test_the_shorter_line_is_taken(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=4096, device="cpu+cpu:0")
    go = threading.Event()
    blocked = lane("cpu").submit(go.wait, 60)
    try:
        (made,) = await asyncio.wait_for(desk.edit(tool, 1), 60)  # the first device is busy, the second is not
        assert desk.called.backend.endswith("on cpu:0")
    finally:
        go.set()
    assert blocked.result(10)
    (again,) = await desk.edit(tool, 1)
    assert desk.called.backend.endswith("on cpu")
    assert made.image == again.image
    pipes = [engine.model.pipe for engine in tool._engines.values()]
    assert len(pipes) == 2 and pipes[0].transformer is not pipes[1].transformer
