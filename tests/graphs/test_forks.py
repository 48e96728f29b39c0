"""Forks: the same first rounds, word for word; another way from there on."""

from __future__ import annotations

import fcntl
import hashlib
from pathlib import Path
from typing import Any

import pytest

from reasonedit_agent.analysis.diff import diff
from reasonedit_agent.analysis.verify import verify
from reasonedit_agent.errors import TraceError, UsageError
from reasonedit_agent.events import AnyEvent, Compared, Decided, Edited, Planned, RunStarted
from reasonedit_agent.folding import Fold
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.images import open_store
from reasonedit_agent.schemas import EditStep, Preference, Thought
from reasonedit_agent.testing import FunctionTool, ScriptedComparer, ScriptedReasoner, canonical
from reasonedit_agent.tracing import read_events
from tests.graphs.scripts import ACCEPTED, REFINE, REJECTED, CountingTool, agent

VERDICTS = (REFINE, REJECTED, ACCEPTED)


def started(events: list[AnyEvent]) -> RunStarted:
    assert isinstance(events[0], RunStarted)
    return events[0]


def rounds_of(events: list[AnyEvent], last: int) -> list[AnyEvent]:
    """The lines of a trace up to the end of a round, counted without the fold: one candidate, no comparer."""
    ends = [n for n, event in enumerate(events) if event.node == "reflect" and event.type == "judged"]
    return events[1 : ends[last - 1] + 1]


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_with_the_same_parts_it_is_the_same_run(tmp_path: Path, picture: bytes, kept: int) -> None:
    parent = agent(tmp_path, *VERDICTS).edit(picture, "x", seed=7)
    before = (parent.trace / "events.jsonl").read_bytes()
    rest = ScriptedReasoner(VERDICTS[kept:])
    fork = agent(tmp_path, reasoner=rest).fork(parent.run, round=kept)
    rest.assert_complete()
    old, new = read_events(parent.trace), read_events(fork.trace)
    assert canonical(new) == canonical(old)
    assert (fork.status, fork.kept, fork.ref) == (parent.status, parent.kept, parent.ref)
    assert (started(new).parent, started(new).parent_round) == (parent.run, kept)
    assert verify(new, open_store(tmp_path / "images")).passed
    assert diff(old, new).parted is None
    if kept:
        prefix = rounds_of(old, kept)
        assert new[1 : len(prefix) + 1] == prefix  # times too
    assert (parent.trace / "events.jsonl").read_bytes() == before


def test_what_the_parent_finished_is_not_made_again(tmp_path: Path, picture: bytes) -> None:
    count = tmp_path / "count"
    parent = agent(tmp_path, *VERDICTS, tool=CountingTool(count)).edit(picture, "x", seed=7)
    made = count.read_text()
    assert made.count("\n") == 3
    files = {path for path in (tmp_path / "images").rglob("*") if path.is_file()}
    fork = agent(tmp_path, REJECTED, ACCEPTED, tool=CountingTool(count)).fork(parent.run, round=1)
    assert count.read_text() == made
    assert {path for path in (tmp_path / "images").rglob("*") if path.is_file()} == files
    edits = [event for event in read_events(fork.trace) if isinstance(event, Edited)]
    assert [event.reused for event in edits] == [False, True, True]


def test_another_policy_decides_from_there_on(tmp_path: Path, picture: bytes) -> None:
    parent = agent(tmp_path, *VERDICTS).edit(picture, "x", seed=7)
    fork = agent(tmp_path, policy="rounds(2); keep=last").fork(parent.run, round=2)
    assert fork.history is not None and parent.history is not None
    assert (fork.stopped_by, fork.kept.round, len(fork.history.rounds)) == ("rounds", 2, 2)
    assert fork.history.rounds == parent.history.rounds[:2]
    assert fork.history.decisions[:2] == parent.history.decisions[:2]
    checked = verify(read_events(fork.trace))
    assert (checked.recomputed, checked.given) == (1, 2)
    found = diff(read_events(parent.trace), read_events(fork.trace))
    assert found.parted == "round 2 decision" and "policy" in found.settings


def test_a_decision_after_the_fork_is_still_checked(tmp_path: Path, picture: bytes) -> None:
    parent = agent(tmp_path, *VERDICTS).edit(picture, "x", seed=7)
    fork = agent(tmp_path, ACCEPTED, policy="accepted | rounds(5)").fork(parent.run, round=1)
    events = read_events(fork.trace)
    last = next(n for n in range(len(events) - 1, -1, -1) if isinstance(events[n], Decided))
    decided: Any = events[last]
    other = decided.decision.model_copy(update={"keep": decided.decision.keep.model_copy(update={"round": 1})})
    assert not verify([*events[:last], decided.model_copy(update={"decision": other})]).passed


def test_another_tool_goes_on(tmp_path: Path, picture: bytes) -> None:
    def invert(base: Any, call: Any, seed: int) -> Any:
        from PIL import ImageOps

        return ImageOps.invert(base)

    parent = agent(tmp_path, *VERDICTS).edit(picture, "x", seed=7)
    fork = agent(tmp_path, ACCEPTED, tool=FunctionTool(invert)).fork(parent.run, round=1)
    assert fork.history is not None and parent.history is not None
    assert fork.history.rounds[0] == parent.history.rounds[0]
    assert fork.history.rounds[1].candidates != parent.history.rounds[1].candidates
    assert started(read_events(fork.trace)).tool.name == "invert"


@pytest.mark.parametrize("again", [False, True])
def test_the_plan_is_kept_unless_it_is_made_again(tmp_path: Path, picture: bytes, again: bool) -> None:
    parent = agent(tmp_path, ACCEPTED).edit(picture, "x", seed=7)
    plan = Thought(instruction="y", steps=(EditStep(text="y"),))
    reasoner = ScriptedReasoner([ACCEPTED], [plan])
    fork = agent(tmp_path, reasoner=reasoner).fork(parent.run, round=0, think_again=again)
    assert fork.history is not None and fork.history.thought is not None
    assert fork.history.thought.instruction == ("y" if again else "x")
    assert len([event for event in read_events(fork.trace) if isinstance(event, Planned)]) == 1
    assert verify(read_events(fork.trace)).passed


def test_a_comparer_added_or_taken_away(tmp_path: Path, picture: bytes) -> None:
    """Shared rounds are complete as the parent had them, whoever compares later; also in a fork of a fork."""
    parent = agent(tmp_path, *VERDICTS).edit(picture, "x", seed=7)
    comparer = ScriptedComparer([Preference(better="b")] * 3)
    policy = "rounds(4); keep=harmless"
    more = agent(tmp_path, REJECTED, REJECTED, policy=policy, comparer=comparer).fork(parent.run, round=2)
    events = read_events(more.trace)
    assert more.history is not None
    assert [bool(round_.comparisons) for round_ in more.history.rounds] == [False, False, True, True]
    assert len([event for event in events if isinstance(event, Compared)]) == 2 and verify(events).passed
    less = agent(tmp_path, REJECTED, policy="rounds(4)").fork(more.run, round=3)
    assert less.history is not None
    assert [bool(round_.comparisons) for round_ in less.history.rounds] == [False, False, True, False]
    assert less.history.rounds[:3] == more.history.rounds[:3]
    assert started(read_events(less.trace)).parent_compared == (3,)


def test_a_fork_lies_in_the_agents_own_folder(tmp_path: Path, picture: bytes) -> None:
    parent = agent(tmp_path / "a", *VERDICTS).edit(picture, "x", seed=7)
    fork = agent(tmp_path / "b", REJECTED, ACCEPTED).fork(parent.trace, round=1)
    assert fork.trace.parent == (tmp_path / "b").resolve() or fork.trace.parent == tmp_path / "b"
    assert verify(read_events(fork.trace), open_store(tmp_path / "b" / "images")).passed
    assert hashlib.sha256(fork.data).hexdigest() == parent.ref.sha256  # type: ignore[union-attr]


def test_a_killed_fork_goes_on(tmp_path: Path, picture: bytes) -> None:
    count = tmp_path / "count"
    parent = agent(tmp_path, *VERDICTS, tool=CountingTool(count)).edit(picture, "x", seed=7)
    fork = agent(tmp_path, REJECTED, ACCEPTED, tool=CountingTool(count)).fork(parent.run, round=1)
    lines = (fork.trace / "events.jsonl").read_text().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if "Forked from" in line) + 1
    (fork.trace / "events.jsonl").write_text("".join(lines[:cut]))
    again = agent(tmp_path, REJECTED, ACCEPTED, tool=CountingTool(count)).resume(fork.run)
    assert again.status == "accepted" and count.read_text().count("\n") == 3


def test_what_people_said_to_the_plan_stands_and_to_the_last_round_does_not(tmp_path: Path, picture: bytes) -> None:
    made = agent(tmp_path, ACCEPTED)
    waiting = made.edit(picture, "x", seed=7, approve=True, review=True)
    waiting = made.resume(waiting.run, "accept")
    parent = made.resume(waiting.run, "accept")
    assert parent.status == "accepted"
    first = agent(tmp_path, ACCEPTED).fork(parent.run, round=0)
    assert first.status == "waiting" and first.question is not None and first.question["node"] == "review"
    second = agent(tmp_path).fork(parent.run, round=1)
    assert second.question is not None and second.question["node"] == "review"


def test_a_refused_plan_is_asked_about_again(tmp_path: Path, picture: bytes) -> None:
    made = agent(tmp_path)
    parent = made.resume(made.edit(picture, "x", approve=True).run, "reject")
    fork = made.fork(parent.run, round=0)
    assert fork.status == "waiting" and fork.question is not None and fork.question["node"] == "approve"


def test_an_interruption_is_not_taken_over(tmp_path: Path, picture: bytes) -> None:
    parent = agent(tmp_path, *VERDICTS).edit(picture, "x", seed=7)
    events = read_events(parent.trace)
    end = events[-1].model_copy(update={"stopped_by": "interrupted"})
    cut = next(n for n, event in enumerate(events) if event.type == "planned") + 1
    lines = [event.model_dump_json() + "\n" for event in (*events[:cut], end, *events[cut:])]
    (parent.trace / "events.jsonl").write_text("".join(lines))
    fork = agent(tmp_path, ACCEPTED).fork(parent.run, round=0)
    assert fork.status == "accepted"
    assert [event.type for event in read_events(fork.trace)].count("run_ended") == 1


def test_bad_input_is_one_line(tmp_path: Path, picture: bytes) -> None:
    made = agent(tmp_path, REFINE, ACCEPTED, REFINE)
    parent = made.edit(picture, "x", seed=7, shadow=1)
    with pytest.raises(UsageError, match=r"no round 9. It has 3 complete rounds"):
        made.fork(parent.run, round=9)
    with pytest.raises(UsageError, match=r"no round -1"):
        made.fork(parent.run, round=-1)
    with pytest.raises(UsageError, match=r"Round 3 .* shadow round.* round 2 or before"):
        made.fork(parent.run, round=3)
    with pytest.raises(UsageError, match=r"There is no run 'nothing'"):
        made.fork("nothing", round=0)
    with pytest.raises(UsageError, match=r"only be made before round 1"):
        made.fork(parent.run, round=1, think_again=True)
    with pytest.raises(UsageError, match=r"The reasoner of this run .scripted. was handed over as an object"):
        EditAgent.of_run(parent.run, tmp_path)
    with (parent.trace / "events.jsonl").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(TraceError, match=r"is going on. Fork it when it has ended"):
            made.fork(parent.run, round=1)
    runs = sorted(tmp_path.iterdir())
    candidate: Any = Fold(read_events(parent.trace)).history.rounds[1].candidates[0]
    gone = tmp_path / "images" / candidate.image.sha256[:2] / candidate.image.sha256
    gone.unlink()
    with pytest.raises(TraceError, match=f"missing or damaged in {parent.run}: {candidate.image.sha256[:12]}"):
        made.fork(parent.run, round=2)
    assert sorted(tmp_path.iterdir()) == runs
    assert agent(tmp_path, REFINE, ACCEPTED).fork(parent.run, round=1).status == "accepted"


def test_a_run_without_a_plan(tmp_path: Path, picture: bytes) -> None:
    from reasonedit_agent.schemas import Failure

    unable = ScriptedReasoner([], [Failure(reason="unsupported", message="No.")])
    parent = agent(tmp_path, reasoner=unable).edit(picture, "x")
    with pytest.raises(UsageError, match=r"has no plan to go on from. Let it think again"):
        agent(tmp_path).fork(parent.run, round=0)
    assert agent(tmp_path, ACCEPTED).fork(parent.run, round=0, think_again=True).status == "accepted"
