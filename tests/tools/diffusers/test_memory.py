"""Memory that runs out: the ladder, rung by rung, and its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from reasonedit_agent.errors import Lost
from reasonedit_agent.tools.diffusers import DiffusersTool, diffusers_tool
from reasonedit_agent.tools.diffusers.memory import load_in_room
from reasonedit_agent.tools.diffusers.settings import Settings
from tests.tools.diffusers.desk import Desk

Saved = Callable[[str], Path]


async def narrow(saved: Saved, desk: Desk, most: int, memory: int) -> DiffusersTool:
    """Return a tool on a machine on which at most ``most`` tokens fit; no CPU says so by itself."""
    # Another limit of what is remembered makes it a pipeline of its own.
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=512 * 512, memory=memory)
    await desk.edit(tool)

    def weigh(_: Any, __: Any, kwargs: dict[str, Any]) -> None:
        batch, tokens = kwargs["hidden_states"].shape[:2]
        if batch * tokens > most:
            raise torch.OutOfMemoryError(f"Tried to allocate room for {batch * tokens} tokens.")

    tool._engines["cpu"].model.denoiser.register_forward_pre_hook(weigh, with_kwargs=True)
    desk.events.clear()
    return tool


async def test_fewer_candidates_at_once(saved: Saved, desk: Desk) -> None:
    single = 2 * (512 // 16) ** 2 + 64  # noise and base of one candidate
    tool = await narrow(saved, desk, single, 21)
    made = await desk.edit(tool, 1, 2, 3, 4)
    assert len({candidate.image for candidate in made}) == 4
    assert [note.split(": ")[1] for note in desk.notes] == [
        "what was kept for speed is given back.",
        "from now on the VAE works tile by tile.",
        "2 candidates are drawn at once.",
        "one candidate is drawn at a time.",
    ]


async def test_every_later_call_tells_what_was_done_for_good(saved: Saved, desk: Desk) -> None:
    """The engine is shared, and draws another picture from then on: whoever uses it must read why."""
    tool = await narrow(saved, desk, 2 * (512 // 16) ** 2 + 64, 26)
    await desk.edit(tool, 1, 2)
    assert desk.called.note.endswith("since memory ran out the VAE works tile by tile")
    desk.events.clear()
    other = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=64 * 64, memory=26)
    await desk.edit(other, 1)
    assert desk.notes == [] and desk.called.note.endswith("since memory ran out the VAE works tile by tile")


async def test_a_smaller_picture_then_no_more(saved: Saved, desk: Desk) -> None:
    tool = await narrow(saved, desk, 2 * (256 // 16) ** 2 + 64, 22)
    (made,) = await desk.edit(tool)
    assert made.image.size == desk.source.size
    assert desk.notes[-1].endswith("it is drawn at 65536 pixels and enlarged.")
    none = await narrow(saved, desk, 10, 23)
    with pytest.raises(Lost, match="Memory ran out on cpu, also at 65536 pixels and one candidate at a time") as raised:
        await desk.edit(none)
    assert "smaller model" in raised.value.hint


async def test_other_errors_do_not_climb(saved: Saved, desk: Desk) -> None:
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=64 * 64, memory=24)
    await desk.edit(tool)

    def break_(*_: Any) -> None:
        raise ValueError("a shape that does not fit")

    tool._engines["cpu"].model.denoiser.register_forward_pre_hook(break_)
    desk.events.clear()
    with pytest.raises(Exception, match="Flux2KleinPipeline failed: ValueError: a shape that does not fit"):
        await desk.edit(tool)
    assert desk.notes == []


async def test_no_room_to_load_it(saved: Saved, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("Tried to allocate 40 GiB.")

    monkeypatch.setattr("reasonedit_agent.tools.diffusers.pipelines.pull_levers", full)
    tool = diffusers_tool(str(saved("Flux2KleinPipeline")), steps=1, area=64 * 64, memory=25)
    with pytest.raises(Lost, match="ran out on cpu while the model was loaded: Tried to allocate 40 GiB") as raised:
        await desk.edit(tool)
    assert "doctor --tool" in raised.value.hint
    monkeypatch.undo()
    assert await desk.edit(tool), "the next edit tries again"


def test_a_gpu_without_room_for_all_parts_gets_one_at_a_time() -> None:
    told: list[str] = []

    def load(settings: Settings) -> str:
        if settings.offload == "none":
            raise torch.OutOfMemoryError("Tried to allocate 40 GiB.")
        return settings.offload

    found, used = load_in_room(load, Settings(), "cuda:0", told.append)
    assert found == used.offload == "model" and len(told) == 1 and "wait in main memory" in told[0]
    with pytest.raises(Lost):
        load_in_room(lambda _: load(Settings()), Settings(), "cuda:0", told.append)
    with pytest.raises(ValueError, match="another"):
        load_in_room(lambda _: (_ for _ in ()).throw(ValueError("another")), Settings(), "cuda:0", told.append)
