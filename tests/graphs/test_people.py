"""Approve, review and ask: an answer is an event first, and the graph goes on from the trace alone."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from reasonedit_agent.analysis.verify import verify
from reasonedit_agent.errors import UsageError
from reasonedit_agent.graphs.session import build_parts, start_run
from reasonedit_agent.graphs.state import Context
from reasonedit_agent.graphs.think_edit_reflect import build_graph
from reasonedit_agent.policies import CombinedPolicy
from reasonedit_agent.schemas import EditStep, Failure, Thought
from reasonedit_agent.testing import FunctionTool, ScriptedReasoner
from reasonedit_agent.tracing import read_events
from tests.graphs.scripts import ACCEPTED, LOST, REFINE, AskAfter, agent, paint

OTHER = Thought(instruction="other", steps=(EditStep(text="other"),))


def test_approve_accept(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, ACCEPTED)
    waiting = a.edit(picture, "do it", approve=True)
    assert waiting.status == "waiting"
    assert waiting.question is not None and waiting.question["node"] == "approve"
    assert Thought.model_validate_json(Path(waiting.question["file"]).read_bytes()).instruction == "do it"
    result = a.resume(waiting.run, "accept")
    assert (result.status, result.kept.round) == ("accepted", 1)


def test_approve_with_a_changed_plan(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, ACCEPTED)
    waiting = a.edit(picture, "do it", approve=True)
    result = a.resume(waiting.run, thought=OTHER)
    assert result.history is not None
    assert result.history.rounds[0].call.instruction == "other"
    assert result.history.thought == OTHER


@pytest.mark.parametrize("answer", ["reject", "stop"])
def test_approve_reject_edits_nothing(tmp_path: Path, picture: bytes, answer: str) -> None:
    a = agent(tmp_path)
    result = a.resume(a.edit(picture, "do it", approve=True).run, answer)
    assert (result.status, result.kept.round, result.stopped_by) == ("best_effort", 0, "person")


def test_approve_advice_thinks_again_and_asks_again(tmp_path: Path, picture: bytes) -> None:
    reasoner = ScriptedReasoner([ACCEPTED], [OTHER, OTHER])
    a = agent(tmp_path, reasoner=reasoner)
    waiting = a.resume(a.edit(picture, "do it", approve=True).run, "but darker")
    assert waiting.status == "waiting"
    assert waiting.history is not None and waiting.history.human[0].text == "but darker"
    assert a.resume(waiting.run, "accept").status == "accepted"
    reasoner.assert_complete()


def test_review_accept_overrules_the_verdict(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, REFINE)
    result = a.resume(a.edit(picture, "do it", review=True).run, "accept")
    assert (result.status, result.kept.round, result.stopped_by) == ("accepted", 1, "person")


def test_review_reject_goes_back_to_the_source(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, ACCEPTED, REFINE)
    waiting = a.resume(a.edit(picture, "do it", review=True).run, "reject")
    assert waiting.history is not None
    assert [r.call.base.image for r in waiting.history.rounds] == [waiting.history.request.image] * 2
    assert waiting.history.decisions[1].author == "person"
    result = a.resume(waiting.run, "stop")
    assert (result.kept.round, result.stopped_by) == (2, "person")


def test_review_advice_makes_a_new_plan_and_starts_again(tmp_path: Path, picture: bytes) -> None:
    reasoner = ScriptedReasoner([REFINE, ACCEPTED], [OTHER, OTHER.model_copy(update={"instruction": "newer"})])
    a = agent(tmp_path, reasoner=reasoner)
    waiting = a.resume(a.edit(picture, "do it", review=True).run, "make it newer")
    assert waiting.history is not None and waiting.history.rounds[1].call.instruction == "newer"
    assert waiting.history.rounds[1].call.base.image == waiting.history.request.image


@pytest.mark.parametrize("node", ["approve", "review"])
def test_advice_that_cannot_be_followed_is_asked_for_again(tmp_path: Path, picture: bytes, node: str) -> None:
    no = Failure(reason="unsupported", message="no dogs")
    a = agent(tmp_path, reasoner=ScriptedReasoner([REFINE], [OTHER, no]))
    waiting = a.edit(picture, "do it", approve=node == "approve", review=node == "review")
    again = a.resume(waiting.run, "add a dog")
    assert (again.status, again.error) == ("waiting", "no dogs")
    assert again.question is not None and again.question["node"] == node
    assert again.history is not None and again.history.thought == OTHER
    assert [r.verdicts for r in again.history.rounds] == ([] if node == "approve" else [(REFINE,)])
    result = a.resume(again.run, "Yes.") if node == "review" else a.resume(again.run, "stop")
    assert result.stopped_by == "person"
    assert verify(read_events(result.trace)).passed


@pytest.mark.parametrize("answer", ["accept", "stop"])
def test_a_failed_round_has_nothing_to_accept(tmp_path: Path, picture: bytes, answer: str) -> None:
    def broken(base: Any, call: Any, seed: int) -> Any:
        raise ValueError("no")

    a = agent(tmp_path, tool=FunctionTool(broken))
    result = a.resume(a.edit(picture, "do it", review=True).run, answer)
    assert (result.status, result.kept.round, result.stopped_by) == ("failed", 0, "person")


def test_an_empty_answer_is_none(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path)
    waiting = a.edit(picture, "do it", approve=True)
    for answer in ("", "  "):
        with pytest.raises(UsageError, match="empty"):
            a.resume(waiting.run, answer)


@pytest.mark.parametrize(("answer", "rounds", "status"), [("accept", 1, "accepted"), ("stop", 1, "best_effort")])
def test_a_policy_may_ask(tmp_path: Path, picture: bytes, answer: str, rounds: int, status: str) -> None:
    a = agent(tmp_path, REFINE, policy=CombinedPolicy(AskAfter()))
    waiting = a.edit(picture, "do it")
    assert waiting.question is not None and waiting.question["question"] == "Good enough?"
    result = a.resume(waiting.run, answer)
    assert result.history is not None
    assert (len(result.history.rounds), result.status, result.stopped_by) == (rounds, status, "person")


def test_a_policy_that_asks_may_be_told_to_go_on(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, REFINE, LOST, policy=CombinedPolicy(AskAfter()))
    waiting = a.resume(a.edit(picture, "do it").run, "reject")
    assert waiting.status == "waiting"
    assert waiting.history is not None and len(waiting.history.rounds) == 2


def test_wrong_answers_are_refused(tmp_path: Path, picture: bytes) -> None:
    a = agent(tmp_path, ACCEPTED)
    done = a.edit(picture, "do it")
    with pytest.raises(UsageError, match="has ended"):
        a.resume(done.run, "accept")
    waiting = agent(tmp_path, REFINE).edit(picture, "do it", review=True)
    with pytest.raises(UsageError, match="waits for approval"):
        a.resume(waiting.run, thought=OTHER)
    assert read_events(waiting.trace)[-1].type == "person_asked"


def of_run(tmp_path: Path, picture: bytes) -> tuple[Context, dict[str, Any], str]:
    parts = build_parts(ScriptedReasoner([ACCEPTED]), FunctionTool(paint), "accepted")
    session = start_run(parts, picture, "do it", runs=tmp_path, approve=True)
    return Context(session=session), {"configurable": {"thread_id": "t"}}, session.fold.run.run


async def test_langgraphs_own_resume_in_memory(tmp_path: Path, picture: bytes) -> None:
    await through_command(tmp_path, picture, InMemorySaver())


async def test_langgraphs_own_resume_in_sqlite(tmp_path: Path, picture: bytes) -> None:
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "checkpoints.sqlite")) as saver:
        await through_command(tmp_path, picture, saver)


async def through_command(tmp_path: Path, picture: bytes, saver: Any) -> None:
    graph = build_graph(saver)
    context, config, run = of_run(tmp_path, picture)
    session = context.session
    state = await graph.ainvoke({"run": run}, config, context=context)  # type: ignore[arg-type]
    assert state["__interrupt__"][0].value["node"] == "approve"
    reopened = Context(session=type(session)(session.parts, session.folder, session.images, resumed=True))
    state = await graph.ainvoke(Command(resume={"kind": "accept"}), config, context=reopened)  # type: ignore[arg-type]
    assert state["status"] == "accepted"
    assert [e.answer.kind for e in read_events(session.folder) if e.type == "person_answered"] == ["accept"]
