"""Several devices as a pool: each has a copy of the model, and the shorter line is taken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from reasonedit_agent.analysis.prices import load_prices
from reasonedit_agent.errors import UsageError
from reasonedit_agent.events import Called
from reasonedit_agent.loading import lane
from reasonedit_agent.schemas import Usage
from reasonedit_agent.tools.diffusers import diffusers_tool
from reasonedit_agent.tools.diffusers.pipelines import device_name
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


async def test_a_burst_is_spread_before_anything_is_loaded(saved: Saved, desk: Desk) -> None:
    """While a device loads, its line is empty: who has chosen it counts all the same."""
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=4096, device="cpu+cpu:0", memory=77)
    await asyncio.wait_for(asyncio.gather(*(desk.edit(tool, seed) for seed in range(4))), 120)
    backends = [event.backend for event in desk.events if isinstance(event, Called)]
    assert sorted(name.rpartition(" ")[2] for name in backends) == ["cpu", "cpu", "cpu:0", "cpu:0"]
    broken = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=4096, device="cpu+cpu:0", memory=78)
    file = tool._folder.path / "vae/config.json"
    text = file.read_text()
    file.write_text("{")
    try:
        with pytest.raises(UsageError):
            await desk.edit(broken, 1)
    finally:
        file.write_text(text)
    assert not +broken._coming, "a call that failed counts no longer"


async def test_a_gpu_is_called_by_its_name(saved: Saved, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that its hours have a price."""
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"NVIDIA H100 80GB HBM3 of {device}")
    assert device_name("cuda:1") == "NVIDIA H100 80GB HBM3 of cuda:1 (cuda:1)"
    assert device_name("cpu") == "cpu" and device_name("cpu:0") == "cpu:0"
    monkeypatch.setattr("reasonedit_agent.tools.diffusers.tool.device_name", lambda _: device_name("cuda:0"))
    await desk.edit(diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=4096), 1)
    assert desk.called.backend.startswith("Flux2KleinPipeline on NVIDIA H100")
    hour = Usage(gpu_seconds=3600.0)
    prices = load_prices()
    assert prices.usd(desk.called.backend, hour) == prices.gpu_hours["H100"]
