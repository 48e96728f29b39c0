"""A recorded run answers for its parts: the same run again, with no model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasonedit_agent.errors import UsageError
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.recording import NotRecorded, Recording
from reasonedit_agent.schemas import Candidate, Failure, History, Preference
from reasonedit_agent.testing import FunctionTool, ScriptedComparer, ScriptedReasoner, SimpleContext, canonical
from reasonedit_agent.tracing import read_events
from tests.conftest import encoded
from tests.graphs.scripts import ACCEPTED, LOST, REFINE, REJECTED, paint

POLICIES = ["accepted | rounds(3)", "rounds(3)", "accepted | rounds(4) | no_improvement(2)"]


def facts(folder: Path) -> list[dict[str, Any]]:
    """What happened, without who took part."""
    return [fact for fact in canonical(read_events(folder)) if fact["type"] != "run_started"]


@settings(max_examples=25, deadline=None)
@given(
    script=st.lists(st.sampled_from([ACCEPTED, REFINE, REJECTED, LOST]), min_size=12, max_size=12),
    policy=st.sampled_from(POLICIES),
    candidates=st.integers(1, 2),
    fails=st.booleans(),
)
def test_a_run_re_runs_from_its_trace(script: list[Any], policy: str, candidates: int, fails: bool) -> None:
    thought = Failure(reason="unsupported", message="no") if fails else None
    with tempfile.TemporaryDirectory() as name:
        runs, again = Path(name) / "runs", Path(name) / "again"
        live = EditAgent(ScriptedReasoner(script, [thought] if thought else ()), FunctionTool(paint), policy, runs=runs)
        first = live.edit(encoded(), "paint it", candidates=candidates)
        trace = str(first.trace)
        second = EditAgent(f"recorded('{trace}')", f"recorded('{trace}')", policy, runs=again).edit(
            encoded(), "paint it", candidates=candidates
        )
        assert facts(second.trace) == facts(first.trace)
        if first.ref is not None:
            assert second.data == first.data, "the pictures came along into the other store"


def record(folder: Path, script: list[Any], policy: str = "accepted | rounds(3)", wish: str = "paint it") -> str:
    agent = EditAgent(ScriptedReasoner(script), FunctionTool(paint), policy, runs=folder / "runs")
    return str(agent.edit(encoded(), wish).trace)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"instruction": "paint it red"}, "another instruction: paint it then, paint it red now"),
        ({"image": encoded(30, 20)}, "another image"),
        ({"seed": 5}, "another seeds"),
        ({"region": "sky"}, "another region"),
        ({"references": [encoded()]}, "another references"),
    ],
)
def test_a_changed_input_is_named(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    trace = record(tmp_path, [ACCEPTED])
    agent = EditAgent(f"recorded('{trace}')", f"recorded('{trace}')", runs=tmp_path / "again")
    options = {"image": encoded(), "instruction": "paint it"} | changed
    result = agent.edit(options.pop("image"), options.pop("instruction"), **options)
    assert result.status == "invalid" and says in result.error


def test_a_policy_that_wants_more_rounds_than_there_are_is_told_so(tmp_path: Path) -> None:
    trace = record(tmp_path, [REFINE, ACCEPTED])
    agent = EditAgent(f"recorded('{trace}')", f"recorded('{trace}')", "rounds(3)", runs=tmp_path / "again")
    result = agent.edit(encoded(), "paint it")
    assert result.status == "invalid" and "cannot answer: edit was asked with another" in result.error
    assert result.kept.round == 2, "what was answered is kept"


def test_the_same_question_asked_again_is_answered_in_the_order_of_then(tmp_path: Path) -> None:
    """Two candidates are one picture; the judge took one and then the other back."""
    gray = FunctionTool(lambda base, call, seed: base.convert("L").convert("RGB"))
    live = EditAgent(
        ScriptedReasoner([REJECTED, ACCEPTED, REFINE, REJECTED]), gray, "rounds(2)", runs=tmp_path / "runs"
    )
    first = live.edit(encoded(), "paint it", candidates=2)
    assert first.history is not None and len({c.image for c in first.history.rounds[0].candidates}) == 1  # type: ignore[union-attr]
    recorded = EditAgent(
        f"recorded('{first.trace}')", f"recorded('{first.trace}')", "rounds(2)", runs=tmp_path / "again"
    )
    for _ in range(2):  # the second time from the start again
        second = recorded.edit(encoded(), "paint it", candidates=2)
        assert facts(second.trace) == facts(first.trace)


def cut(folder: Path, script: list[Any], last: str) -> str:
    """Record a run whose trace ends before its last ``asked`` of a node is answered."""
    trace = record(folder, script, "rounds(2)")
    path = Path(trace) / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    end = max(n for n, line in enumerate(lines) if '"type":"asked"' in line and f'"node":"{last}"' in line)
    path.write_text("".join(lines[: end + 1]))
    return trace


@pytest.mark.parametrize(("last", "kept"), [("think", 0), ("edit", 1), ("reflect", 1)])
def test_what_an_unfinished_run_did_not_get_to_is_told_so(tmp_path: Path, last: str, kept: int) -> None:
    trace = cut(tmp_path, [REFINE, ACCEPTED], last)
    agent = EditAgent(f"recorded('{trace}')", f"recorded('{trace}')", "rounds(2)", runs=tmp_path / "again")
    result = agent.edit(encoded(), "paint it")
    assert result.status == "invalid" and "is not finished and did not get so far" in result.error
    assert f"reasonedit resume {Path(trace).name}" in result.error
    assert len(result.history.rounds if result.history else ()) == kept
    other = EditAgent(f"recorded('{trace}')", f"recorded('{trace}')", runs=tmp_path / "again").edit(encoded(), "else")
    assert last == "think" or "another instruction" in other.error, "what differs is still named"


def test_a_changed_plan_is_named(tmp_path: Path) -> None:
    recording = Recording(record(tmp_path, [ACCEPTED]))
    ctx = SimpleContext(tmp_path / "other")
    request, made = recording.request, recording.made
    assert made is not None
    history = History(request=request)
    thought = recording.thought(request, history, ctx)
    assert recording.verdict(request, thought, made, history, ctx) == ACCEPTED
    changed = thought.model_copy(update={"checklist": ("Is it red?",)})
    with pytest.raises(NotRecorded, match="another plan"):
        recording.verdict(request, changed, made, history, ctx)


def test_several_runs_answer_as_one(tmp_path: Path) -> None:
    first, second = record(tmp_path, [ACCEPTED]), record(tmp_path / "b", [REJECTED, ACCEPTED], wish="paint it red")
    spec = f"recorded('{first}', '{second}')"
    agent = EditAgent(spec, spec, runs=tmp_path / "again")
    ends = [
        agent.edit(encoded(), wish, seed=Recording(run).request.seed)
        for wish, run in zip(("paint it", "paint it red"), (first, second), strict=True)
    ]
    assert [(end.status, len(end.history.rounds)) for end in ends if end.history] == [("accepted", 1), ("accepted", 2)]


def test_the_tool_alone_can_be_recorded(tmp_path: Path) -> None:
    trace = record(tmp_path, [REFINE, ACCEPTED])
    agent = EditAgent(ScriptedReasoner([REFINE, ACCEPTED]), f"recorded('{trace}')", runs=tmp_path / "again")
    result = agent.edit(encoded(), "paint it")
    assert result.status == "accepted" and result.kept.round == 2
    spent = [event for event in read_events(result.trace) if event.type == "called"]
    assert spent and all(event.note.startswith("recorded") for event in spent)


def test_an_unknown_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run"):
        EditAgent("recorded(nothing)", "classical", runs=tmp_path)


def test_a_comparer_is_recorded_too(tmp_path: Path) -> None:
    prefers = ScriptedComparer([Preference(better="b", reason="greener"), Preference(better="tie")])
    agent = EditAgent(ScriptedReasoner([REFINE, ACCEPTED]), FunctionTool(paint), "", prefers, runs=tmp_path / "runs")
    first = agent.edit(encoded(), "paint it")
    recording = Recording(first.trace)
    assert first.history is not None
    source = Candidate.of(first.history.request.image)
    made = first.history.rounds[0].candidates[0]
    assert isinstance(made, Candidate)
    ctx = SimpleContext(tmp_path / "other")
    assert recording.preference(first.history.request, source, made, ctx).reason == "greener"
    with pytest.raises(UsageError, match="another incumbent"):
        recording.preference(first.history.request, made, made, ctx)
