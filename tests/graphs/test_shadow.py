"""Rounds past the stop: recorded, marked, and without any effect on the result."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from reasonedit_agent.analysis.verify import verify
from reasonedit_agent.events import RunEnded
from reasonedit_agent.folding import Fold
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.schemas import Card
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner
from reasonedit_agent.tracing import read_events
from tests.graphs.scripts import ACCEPTED, LOST, REFINE, REJECTED, agent, paint


def told(result: Any) -> tuple[Any, ...]:
    """What a caller reads of a result."""
    history = result.history
    return result.status, result.kept, result.stopped_by, result.ref, history.spent.images, history.decisions


@pytest.mark.parametrize(
    ("verdicts", "policy"),
    [
        ([REFINE, ACCEPTED, REFINE, ACCEPTED], "accepted | rounds(3)"),
        ([REFINE, REJECTED, ACCEPTED, REFINE], "accepted | rounds(2)"),
        ([ACCEPTED, LOST, ACCEPTED], "accepted"),
    ],
)
def test_the_result_is_what_it_is_without(tmp_path: Path, picture: bytes, verdicts: list[Any], policy: str) -> None:
    plain = agent(tmp_path / "plain", *verdicts, policy=policy).edit(picture, "x", seed=3)
    shadowed = agent(tmp_path / "shadowed", *verdicts, policy=policy).edit(picture, "x", seed=3, shadow=2)
    assert told(plain) == told(shadowed)
    assert plain.history is not None and shadowed.history is not None
    stop = len(plain.history.rounds)
    marks = [round_.shadow for round_ in shadowed.history.rounds]
    assert marks == [False] * stop + [True] * 2
    assert shadowed.history.rounds[:stop] == tuple(
        round_.model_copy(update={"seconds": recorded.seconds, "usage": recorded.usage})
        for round_, recorded in zip(plain.history.rounds, shadowed.history.rounds, strict=False)
    )
    events = read_events(shadowed.trace)
    assert verify(events).passed and isinstance(events[-1], RunEnded)
    ends = [event for event in events if isinstance(event, RunEnded)]
    assert len(ends) == 2 and ends[0].model_copy(update={"at": 0}) == ends[1].model_copy(update={"at": 0})


def test_a_deterministic_tool_records_none_after_accepted(tmp_path: Path, picture: bytes) -> None:
    tool = FunctionTool(paint, Card(reads_text=True, batch=0, deterministic=True))
    reasoner = ScriptedReasoner([REFINE, ACCEPTED])
    result = EditAgent(reasoner, tool, "accepted | rounds(1)", runs=tmp_path).edit(picture, "x", shadow=5)
    assert result.history is not None
    assert [round_.shadow for round_ in result.history.rounds] == [False, True]
    notes = [event.text for event in read_events(result.trace) if event.type == "noted"]
    assert notes == ["No more rounds are recorded past the stop: the tool would make the same picture again."]


def test_a_shadow_that_cannot_be_made_says_so(tmp_path: Path, picture: bytes) -> None:
    """The script has no more verdicts: that is a failure of the round, never of the run."""
    result = agent(tmp_path, ACCEPTED).edit(picture, "x", shadow=2)
    assert result.status == "accepted" and result.history is not None
    assert [round_.verdicts[0].kind for round_ in result.history.rounds] == ["accepted", "failure", "failure"]


async def test_given_up_in_a_shadow_round(tmp_path: Path, picture: bytes) -> None:
    begun = asyncio.Event()

    class Slow(FunctionTool):
        count = 0

        async def edit(self, call: Any, ctx: Any) -> Any:
            self.count += 1
            if self.count == 2:
                begun.set()
                await asyncio.sleep(3600)
            return await super().edit(call, ctx)

    made = EditAgent(ScriptedReasoner([ACCEPTED, ACCEPTED]), Slow(paint), "accepted", runs=tmp_path)
    task = asyncio.create_task(made.aedit(picture, "x", shadow=1))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (run,) = [folder for folder in tmp_path.iterdir() if (folder / "events.jsonl").exists()]
    result = made.resume(run.name)
    assert result.status == "accepted" and result.stopped_by == "accepted"


def test_killed_in_a_shadow_round_it_only_ends(tmp_path: Path, picture: bytes) -> None:
    result = agent(tmp_path, REFINE, ACCEPTED, REFINE, REFINE).edit(picture, "x", shadow=2)
    events = read_events(result.trace)
    for cut in range(len(events)):
        fold = Fold(events[:cut])
        if fold.stop is not None and len(fold.history.rounds) + (fold.open is not None) > fold.stop:
            assert fold.next in ("finish", None)
            assert fold.history.spent.images == 2
