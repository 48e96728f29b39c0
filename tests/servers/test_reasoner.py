"""The openai backend and all dialects against a real vLLM server with random weights: the way, not the wisdom."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reasonedit_agent import EditAgent
from reasonedit_agent.errors import BackendError, Malformed, ReplyError, UsageError
from reasonedit_agent.events import Called
from reasonedit_agent.reasoners.backends.openai_api import openai_reasoner
from reasonedit_agent.reasoners.prompted import PromptedReasoner
from reasonedit_agent.schemas import Candidate, Card, EditCall, EditRequest, EditStep, History, ImageRef, Thought
from reasonedit_agent.testing import FunctionTool, SimpleContext, check_reasoner
from reasonedit_agent.tools.classical import ClassicalEditor
from reasonedit_agent.tracing import read_events
from tests.graphs.scripts import paint
from tests.servers.running import Running

PHOTO = Path(__file__).parents[2] / "examples" / "photos" / "coffee.jpg"
TEXT = Card(reads_text=True)
THOUGHT = Thought(
    instruction="make the cup green", steps=(EditStep(text="make the cup green"),), checklist=("Is it green?",)
)


def reasoner(vllm: Running, **settings: Any) -> PromptedReasoner:
    return openai_reasoner(vllm.url, vllm.model, seeds=False, **settings)  # the CPU build dies of seeds


class Scene:
    """A request with its source and a result in a store."""

    def __init__(self, folder: Path, side: int = 224) -> None:
        self.ctx = SimpleContext(folder)
        self.request = EditRequest(image=self.put((side, side), "white"), instruction="make the cup green", seed=1)
        self.history = History(request=self.request)

    def put(self, size: tuple[int, int], colour: str) -> ImageRef:
        buffer = io.BytesIO()
        Image.new("RGB", size, colour).save(buffer, "PNG")
        return self.ctx.images.put(buffer.getvalue())

    async def reflect(self, mind: PromptedReasoner, colour: str = "green") -> Any:
        call = EditCall(base=Candidate.of(self.request.image), instruction="x", steps=THOUGHT.steps, seeds=(1,))
        made = Candidate.of(self.put(self.request.image.size, colour))
        return await mind.reflect(self.request, THOUGHT, call, made, self.history, self.ctx)

    @property
    def calls(self) -> list[Called]:
        return [event for event in self.ctx.events if isinstance(event, Called)]


def test_think_edit_reflect_end_to_end(vllm: Running, tmp_path: Path) -> None:
    agent = EditAgent(reasoner(vllm), ClassicalEditor(), "rounds(2)", runs=tmp_path)
    result = agent.edit(PHOTO, "make the cup green")
    called = [event for event in read_events(result.trace) if event.type == "called" and event.prompt]
    assert called and called[0].prompt == "json/think@1" and called[0].backend == vllm.model
    assert called[0].usage.prompt_tokens and called[0].usage.completion_tokens
    # Random weights plan nonsense: typed operations all the same, or a typed failure, and the source is kept then.
    assert result.status in ("accepted", "best_effort", "failed", "unsupported")
    if result.history is not None and result.history.thought is not None:
        assert all(step.operation is not None for step in result.history.thought.steps)


def test_on_the_command_line(vllm: Running, tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("reasonedit")
    command = [script, "edit", PHOTO, "make the cup green", "--reasoner", f"openai(url={vllm.url}, model={vllm.model})"]
    done = subprocess.run(
        [*command, "--json", "--runs", tmp_path, "--out", tmp_path / "out"], capture_output=True, text=True, check=False
    )
    said = json.loads(done.stdout)
    assert said["status"] in ("accepted", "best_effort", "failed", "unsupported") and Path(said["trace"]).is_dir()


async def test_replies_are_held_to_the_schema_and_the_verdict_has_a_confidence(vllm: Running, tmp_path: Path) -> None:
    scene, kinds = Scene(tmp_path), set()
    for colour in ("green", "red", "blue", "black"):
        verdict = await scene.reflect(reasoner(vllm), colour)
        kinds.add(verdict.kind)
        assert verdict.confidence is not None and 0 <= verdict.confidence <= 1
    assert kinds <= {"accepted", "refine", "rejected"}


async def test_a_picture_is_sent_once(vllm: Running, tmp_path: Path) -> None:
    scene, mind = Scene(tmp_path), reasoner(vllm)
    for colour in ("yellow", "orange", "pink"):
        await scene.reflect(mind, colour)
    (server,) = mind.backend.pool.servers  # type: ignore[attr-defined]
    assert server.is_vllm and scene.request.image.sha256 in server.held and server.context == vllm.context
    later = [call.usage for call in scene.calls if not call.error][1:]
    for usage in later:
        assert usage.cached_tokens and usage.prompt_tokens
        assert usage.cached_tokens / usage.prompt_tokens > 0.5, "source, rules and request come from the prefix cache"


async def test_a_picture_that_the_server_lost_is_sent_again(vllm: Running, tmp_path: Path) -> None:
    scene, mind = Scene(tmp_path, side=112), reasoner(vllm)
    await scene.reflect(mind)
    (server,) = mind.backend.pool.servers  # type: ignore[attr-defined]
    unknown = scene.put((112, 112), "purple")
    server.hold([unknown.sha256])  # it never saw this one
    scene.request = scene.request.model_copy(update={"image": unknown})
    verdict = await scene.reflect(mind)
    assert verdict.kind and any("ache" in call.error for call in scene.calls), "a miss, then an answer"


@pytest.mark.parametrize("dialect", ["reasonedit", "editthinker"])
async def test_the_tagged_dialects_end_in_a_value_or_a_typed_failure(
    vllm: Running, tmp_path: Path, dialect: str
) -> None:
    scene, mind = Scene(tmp_path), reasoner(vllm, dialect=dialect, room=512)
    try:
        thought = await mind.think(scene.request, TEXT, scene.history, scene.ctx)
        assert thought.steps
    except ReplyError:
        pass
    with pytest.raises(ReplyError):  # random words hold no tag
        await scene.reflect(mind)
    assert len([call for call in scene.calls if not call.error]) >= 2, "it was asked, and answered"


async def test_sixteen_at_once(vllm: Running, tmp_path: Path) -> None:
    scene, mind = Scene(tmp_path), reasoner(vllm)
    colours = [f"#{i:02x}80{255 - i:02x}" for i in range(0, 256, 16)]
    verdicts = await asyncio.gather(*(scene.reflect(mind, colour) for colour in colours))
    assert len(verdicts) == 16 and all(verdict.scores for verdict in verdicts)


async def test_an_adapter_is_another_model(vllm: Running, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    base, tuned = openai_reasoner(vllm.url, vllm.model), openai_reasoner(vllm.url, vllm.adapter)
    await scene.reflect(base)
    await scene.reflect(tuned)
    first, second = (call for call in scene.calls if not call.error)
    assert (first.backend, second.backend) == (vllm.model, vllm.adapter) and first.raw != second.raw


async def test_wrong_names_list_what_there_is(vllm: Running, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    for model in ("", "nope"):
        with pytest.raises(UsageError, match=rf"{vllm.model}.*{vllm.adapter}"):
            await scene.reflect(openai_reasoner(vllm.url, model))


async def test_a_reply_with_no_room_is_malformed(vllm: Running, tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="cut off after 8 tokens"):
        await Scene(tmp_path).reflect(reasoner(vllm, room=8))


async def test_words_without_end_do_not_fit_and_say_so(vllm: Running, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.request = scene.request.model_copy(update={"instruction": "green " * 3000})
    with pytest.raises(BackendError, match=r"context.*--max-model-len"):
        await openai_reasoner(vllm.url, vllm.model).think(
            scene.request.model_copy(update={"instruction": "ü" * 19_000}), TEXT, scene.history, scene.ctx
        )


async def test_it_keeps_the_contract(vllm: Running, tmp_path: Path) -> None:
    report = await check_reasoner(reasoner(vllm), FunctionTool(paint), PHOTO.read_bytes(), "make it green", tmp_path)
    assert report.passed, str(report)
    assert report.facts["counts cached tokens"], "the server is started with prompt-token details"
