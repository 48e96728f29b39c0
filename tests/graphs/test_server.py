"""The exported graph as LangGraph's own server runs it: texts for parts, no session, and no blocking call on its loop."""

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from reasonedit_agent.errors import UsageError
from reasonedit_agent.graphs.state import Context
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner
from tests.graphs.scripts import ACCEPTED, paint

ROOT = Path(__file__).parents[2]


def reasoner() -> ScriptedReasoner:
    return ScriptedReasoner([ACCEPTED])


def tool() -> FunctionTool:
    return FunctionTool(paint)


@contextmanager
def no_blocking() -> Iterator[None]:
    """Fail on a blocking call in the event loop, but for one line that is appended to the trace (some 30 us)."""
    with blockbuster_ctx() as guard:
        guard.functions["io.BufferedWriter.write"].can_block_in("reasonedit_agent/tracing.py", {"write"})
        yield


def exported() -> Any:
    target = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["reasonedit"]
    module, name = target.split(":")
    graph = getattr(importlib.import_module(module), name)()
    graph.checkpointer = InMemorySaver()
    return graph


def context(tmp_path: Path, **more: Any) -> Context:
    return Context(reasoner=f"{__name__}:reasoner", tool=f"{__name__}:tool", runs=str(tmp_path), **more)


@pytest.fixture
def photo(tmp_path: Path, picture: bytes) -> str:
    path = tmp_path / "photo.png"
    path.write_bytes(picture)
    return str(path)


async def test_a_run_from_an_image_and_an_instruction(tmp_path: Path, photo: str) -> None:
    graph, config = exported(), {"configurable": {"thread_id": "1"}}
    with no_blocking():
        state = await graph.ainvoke({"image": photo, "instruction": "do it"}, config, context=context(tmp_path))
    assert state["status"] == "accepted"
    assert state["image_path"].startswith(str(tmp_path))


async def test_approval_and_resume_with_a_new_context(tmp_path: Path, photo: str) -> None:
    graph, config = exported(), {"configurable": {"thread_id": "1"}}
    with no_blocking():
        start = {"image": photo, "instruction": "do it"}
        waiting = await graph.ainvoke(start, config, context=context(tmp_path, approve=True))
        assert waiting["__interrupt__"][0].value["node"] == "approve"
        state = await graph.ainvoke(Command(resume={"kind": "accept"}), config, context=context(tmp_path))
    assert state["status"] == "accepted"


async def test_nothing_in_a_checkpoint_but_plain_json(tmp_path: Path, photo: str) -> None:
    graph, config = exported(), {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"image": photo, "instruction": "do it"}, config, context=context(tmp_path))
    snapshots = [snapshot async for snapshot in graph.aget_state_history(config)]
    assert len(snapshots) > 4
    for snapshot in snapshots:
        assert json.loads(json.dumps(snapshot.values)) == snapshot.values
        assert len(json.dumps(snapshot.values)) < 10_000


async def test_no_image(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no image"):
        await exported().ainvoke({"instruction": "x"}, {"configurable": {"thread_id": "1"}}, context=context(tmp_path))


def test_the_server_can_describe_its_input() -> None:
    graph = exported()
    assert set(graph.get_input_jsonschema()["properties"]) == {"run", "image", "instruction", "references"}
    assert "reasoner" in graph.get_context_jsonschema()["properties"]
    assert "session" not in graph.get_context_jsonschema()["properties"]
