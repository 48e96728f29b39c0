"""Every policy that docs/policies.md names, on real runs: it prints back, and stops and keeps for its own reason."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reasonedit_agent.analysis.calibration import calibrate
from reasonedit_agent.analysis.fits import fitted_on
from reasonedit_agent.analysis.labelled import samples
from reasonedit_agent.analysis.labels import add_label, read_labels
from reasonedit_agent.analysis.replay import record
from reasonedit_agent.analysis.verify import verify
from reasonedit_agent.events import Called, RunStarted
from reasonedit_agent.policies import parse_policy
from reasonedit_agent.policies.fitting import as_json
from reasonedit_agent.protocols import Context
from reasonedit_agent.registry import names
from reasonedit_agent.schemas import (
    Accepted,
    Answer,
    Candidate,
    EditCall,
    EditStep,
    Failure,
    Pick,
    Preference,
    Refine,
    Rejected,
    Thought,
    Usage,
    Verdict,
)
from reasonedit_agent.testing import FunctionTool, ScriptedComparer, ScriptedReasoner, scores
from reasonedit_agent.tracing import read_events
from tests.analysis.making import scores as four
from tests.conftest import encoded
from tests.graphs.scripts import agent, paint

SPENT = Usage(seconds=1, gpu_seconds=2, prompt_tokens=100, completion_tokens=10, images=1, usd=0.04)


class Metered(FunctionTool):
    """Says what it used, and that each edit changed the rest by 2."""

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        made = await asyncio.to_thread(self._make, call, ctx)
        ctx.emit(Called(backend="metered", usage=SPENT))
        return tuple(one.model_copy(update={"measures": {"drift_outside": 2.0}}) for one in made)


MORE = (EditStep(text="more of it"),)
YES, NO = (Answer(question="Is it done?", yes=yes) for yes in (True, False))


def refine(value: float, steps: tuple[EditStep, ...] = MORE, **said: Any) -> Refine:
    return Refine(scores=scores(value), steps=steps, **said)


def accept(value: float = 9, **said: Any) -> Accepted:
    return Accepted(scores=scores(value), **said)


def reject(value: float = 2) -> Rejected:
    return Rejected(scores=scores(value))


SAME = (EditStep(text="Do  IT"),)  # the plan's one step is "do it"
LOST = Failure(reason="lost", message="gone")
WORDS = [EditStep(text=f"step {number}") for number in range(9)]


@dataclass
class Case:
    """A policy, the verdicts that it meets, and what must come of it."""

    policy: str
    script: Sequence[Verdict | Failure]
    stopped_by: str
    kept: int
    says: str
    compared: str = ""  # of each round against the incumbent: a, b or t

    def __str__(self) -> str:
        return self.policy


LOW = [refine(value, (WORDS[number],)) for number, value in enumerate((4, 5, 6, 7))]

STOPPING = [
    Case("accepted", [refine(4), accept()], "accepted", 2, "Round 2 was accepted."),
    Case("rounds(3)", LOW[:3], "rounds", 3, "3 of 3 rounds are done."),
    Case("rounds(0)", [], "rounds", 0, "0 of 0 rounds are done."),
    Case("budget(edits=2)", LOW[:2], "budget", 2, "2 edits are spent and a round takes up to 1 edits, of 2 edits."),
    Case("budget(usd=0.1)", LOW[:2], "budget", 2, "0.0800 dollars are spent and a round takes up to 0.0400"),
    Case("budget(seconds=600, gpu_seconds=5)", LOW[:2], "budget", 2, "4.0 s of GPU time are spent"),
    Case("budget(prompt_tokens=399)", LOW[:3], "budget", 3, "300 tokens read are spent"),
    Case("budget(completion_tokens=10)", LOW[:1], "budget", 1, "10 tokens written are spent"),
    Case("budget(0.000001)", [], "budget", 0, "of 1e-06 s."),  # thinking took longer
    Case("budget(5, fit=costs(seconds=6))", [], "budget", 0, "0.0 s are spent and a round takes up to 6.0 s, of 5 s."),
    Case("budget(usd=0.1, fit=FITS)", LOW[:2], "budget", 2, "a round takes up to 0.0400 dollars"),
    Case("budget(usd=0.03, fit=FITS)", [], "budget", 0, "0.0000 dollars are spent"),
    Case("score_at_least(5)", LOW[:2], "score_at_least", 2, "Round 2 reaches overall 5.0."),
    Case("score_at_least(edit_success=6, artefacts=6)", LOW[:3], "score_at_least", 3, "edit_success 6.0, artefacts"),
    Case(
        "score_at_least(over_editing=9, naturalness=3)",
        [Refine(scores=four(9, 8, 3, 3), steps=MORE), Refine(scores=four(1, 9, 3, 3), steps=MORE)],
        "score_at_least",
        1,  # the first is the better picture all the same
        "Round 2 reaches over_editing 9.0, naturalness 3.0.",
    ),
    Case(
        "checklist_done",
        [refine(4, answers=(NO,)), LOST, refine(5, answers=(YES,))],
        "checklist_done",
        3,
        "All 1 questions are answered with yes.",
    ),
    Case("no_improvement", [refine(6), refine(5)], "no_improvement", 1, "The last 1 round(s) brought nothing better."),
    Case(
        "no_improvement(2)",
        [refine(4), refine(4), refine(6), refine(5), reject()],
        "no_improvement",
        3,
        "The last 2 round(s) brought nothing better.",
    ),
    Case("unchanged_instruction", [refine(4, SAME)], "unchanged_instruction", 1, "Round 1 asks for the same again."),
    Case("drift(5)", LOW[:3], "drift", 3, "The chain of round 3 drifted by 6.0 outside the region."),
    Case("confident(0.9)", [accept(confidence=0.5), accept(confidence=0.95)], "confident", 2, "not calibrated"),
    Case(
        "confident(0.5, fit=FITS)",
        [refine(4, confidence=0.1), refine(6, confidence=0.95)],
        "confident",
        2,
        "(calibrated)",
    ),
    Case(
        "confident(0.5, risk=0.2, fit=FITS)",
        [refine(4, confidence=0.1), accept(confidence=1.0)],
        "confident",
        2,
        "(calibrated)",
    ),
    # fitted: round 1 is worth 4 or 8, a round after Refine 6 or 10, and 8 after an accepted one
    Case("expected_gain(usd=0.05, fit=FITS)", [refine(5), accept(8)], "expected_gain", 2, "expected to gain 0.00"),
    Case("expected_gain(usd=0.009, fit=FITS)", [refine(8)], "expected_gain", 1, "over 8.0 and costs 4.44."),
    Case("expected_gain(usd=0.001, fit=FITS)", [], "expected_gain", 0, "over 0.0 and costs 40.00."),
    Case("not accepted & rounds(2) | rounds(4)", [accept(), accept(), refine(5)], "not accepted & rounds", 2, ""),
]

BETTER_FIRST = [refine(8), refine(5), refine(8, (WORDS[1],))]
KEEPING = [
    Case("rounds(3); keep=reference", BETTER_FIRST, "rounds", 3, ""),  # a tie goes to the later round
    Case("rounds(3); keep=best", BETTER_FIRST, "rounds", 1, ""),  # and here to the earlier one
    Case("rounds(2); keep=last", BETTER_FIRST[:2], "rounds", 2, ""),
    Case("rounds(2); keep=harmless", BETTER_FIRST[:2], "rounds", 1, "", compared="ba"),
    Case("rounds(3); keep=harmless", BETTER_FIRST, "rounds", 3, "", compared="btb"),
    Case("rounds(2); keep=harmless", [accept(), accept()], "rounds", 0, "", compared="ta"),
]

TURNS = [accept(9) if number == 3 else refine(4, (WORDS[number],)) for number in range(4)]
PRESETS = [
    Case("reasonedit", [refine(4), reject(), refine(5)], "rounds", 3, "3 of 3"),
    Case("reasonedit", [refine(4), accept()], "accepted", 2, "Round 2"),
    Case("reasonedit(5)", [LOST, reject(), reject(), refine(6), refine(5)], "rounds", 4, "5 of 5"),
    Case("editthinker", [refine(7), refine(4, (WORDS[1],))], "rounds", 2, "2 of 2"),  # its last turn, not its best
    Case("editthinker(4)", TURNS, "accepted", 4, "Round 4"),
    Case("editthinker", [refine(8)], "score_at_least", 1, "edit_success 8.0"),
    Case("editthinker(4)", [refine(4, SAME)], "unchanged_instruction", 1, "Round 1"),
    Case("single", [reject()], "rounds", 1, "1 of 1"),
]


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of all fits, from recorded runs of scripted parts and labels on them."""
    folder = tmp_path_factory.mktemp("recorded")
    recorded = []
    for number in range(120):
        first, last = (refine(4), accept(6)) if number % 2 else (refine(8), accept(10))
        sure = number % 3 > 0
        told = last.model_copy(update={"confidence": 0.97 if sure else 0.2})
        door = agent(folder, first, told, accept(8), policy="accepted | rounds(4)", tool=Metered(paint))
        result = door.edit(encoded(colour=(number, 90, 90)), "do it", seed=number, shadow=1)
        recorded.append(record(read_events(result.trace)))
        # people disagree with the sure judge now and then, so that the map is no cliff
        label = "accept" if sure and number % 41 else "reject"
        add_label(folder, run=result.run, round=2, label=label, annotator="ann")
    found = samples(read_labels(folder), folder)
    fit = calibrate(found.samples, found.on, risks=(0.2,))
    tables = fitted_on([run for run in recorded if run is not None])
    assert tables["gains"]["refine"][0] == 6 and tables["gains"]["accepted"] == [8.0] * len(tables["gains"]["accepted"])
    file = folder / "fits.json"
    file.write_text(json.dumps({**tables, "calibration": as_json(fit.calibration)}))
    return file


@pytest.mark.parametrize("case", [*STOPPING, *KEEPING, *PRESETS], ids=str)
def test_it_stops_and_keeps_for_its_own_reason(tmp_path: Path, fits: Path, case: Case) -> None:
    text = case.policy.replace("FITS", str(fits))
    policy = parse_policy(text)
    assert parse_policy(policy.text) == policy
    better: dict[str, Any] = {"a": "a", "b": "b", "t": "tie"}
    comparer = ScriptedComparer([Preference(better=better[one]) for one in case.compared]) if case.compared else None
    thought = Thought(instruction="do it", steps=(EditStep(text="do it"),), checklist=("Is it done?",))
    reasoner = ScriptedReasoner(case.script, [thought])
    door = agent(tmp_path, policy=text, tool=Metered(paint), reasoner=reasoner, comparer=comparer)
    result = door.edit(encoded(), "do it", seed=1)
    reasoner.assert_complete()
    assert (result.stopped_by, result.kept.round if result.kept else None) == (case.stopped_by, case.kept)
    events = read_events(result.trace)
    started = events[0]
    assert isinstance(started, RunStarted)
    assert "FITS" not in started.policy and str(fits) not in started.policy  # the trace needs no file
    assert parse_policy(started.policy).text == started.policy == policy.text
    assert case.says in events[-1].detail  # type: ignore[union-attr]
    assert verify(events).passed


NEXT = [
    # the base and the words of rounds 2, 3 and 4 after Refine, Rejected and a failure
    ("rollback", [(1, "step 1"), (0, "do it"), (0, "do it")]),
    ("source", [(0, "step 1"), (0, "do it"), (0, "do it")]),
    ("previous", [(1, "step 1"), (2, "do it"), (2, "do it")]),
    ("reanchored", [(0, "do it step 1"), (0, "do it"), (0, "do it")]),
    ("reanchored(drift=1)", [(0, "do it step 1"), (0, "do it"), (0, "do it")]),
    ("reanchored(drift=3)", [(1, "step 1"), (0, "do it"), (0, "do it")]),
]


@pytest.mark.parametrize(("following", "expected"), NEXT)
def test_the_next_round_is_the_one_that_is_named(
    tmp_path: Path, following: str, expected: list[tuple[int, str]]
) -> None:
    text = f"rounds(4); next={following}"
    assert parse_policy(parse_policy(text).text) == parse_policy(text)
    script = [refine(4, (WORDS[1],)), reject(), LOST, accept()]
    result = agent(tmp_path, *script, policy=text, tool=Metered(paint)).edit(encoded(), "do it", seed=1)
    assert result.history is not None
    done = [decision.action for decision in result.history.decisions[1:4]]
    assert [(a.base.round, " ".join(step.text for step in a.steps)) for a in done] == expected  # type: ignore[union-attr]
    assert len({round_.call.seeds for round_ in result.history.rounds}) == 4
    assert verify(read_events(result.trace)).passed


@pytest.mark.parametrize("inner", ["", "(source)", "(previous)", "(reanchored)"])
def test_a_draft_is_made_again_at_full_quality(tmp_path: Path, inner: str) -> None:
    text = f"accepted | rounds(3); next=draft_then_final{inner}"
    assert parse_policy(parse_policy(text).text) == parse_policy(text)
    result = agent(tmp_path, refine(4), accept(8), accept(9), policy=text).edit(encoded(), "do it", seed=1)
    assert result.history is not None
    draft, final = (round_.call for round_ in result.history.rounds[1:])
    assert [round_.call.quality for round_ in result.history.rounds] == ["draft", "draft", "final"]
    assert (final.base, final.steps, final.seeds) == (draft.base, draft.steps, draft.seeds)
    assert (result.kept, result.stopped_by) == (Pick(round=3), "accepted")
    assert verify(read_events(result.trace)).passed


@pytest.mark.parametrize(
    ("policy", "script", "question"),
    [
        ("confident(0.5, risk=0.1)", [accept(confidence=0.9)], "the risk of 0.1 cannot be bounded"),
        ("confident(0.5, fit=FITS)", [accept()], "Round 1 was accepted, with no probability."),
        ("budget(usd=1)", [refine(4)], "The budget cannot be judged: unknown is usd"),
    ],
)
def test_a_person_is_asked_where_it_cannot_tell(
    tmp_path: Path, fits: Path, policy: str, script: list[Verdict], question: str
) -> None:
    door = agent(tmp_path, *script, policy=policy.replace("FITS", str(fits)))  # a tool that nobody priced
    result = door.edit(encoded(), "do it", seed=1)
    assert result.status == "waiting" and result.question is not None and question in result.question["question"]
    done = door.resume(result.run, "accept")
    assert (done.status != "waiting", done.kept) == (True, Pick(round=1))


def test_no_policy_is_left_out() -> None:
    """Every registered name is run above; one of its own would be added here."""
    texts = " ".join(case.policy for case in (*STOPPING, *KEEPING, *PRESETS))
    assert [name for name in names("policies") if name not in texts] == []
    keeps, nexts = set(names("keep_policies")), set(names("next_policies"))
    assert keeps == {"reference", "best", "last", "harmless"}
    assert nexts == {text.partition("(")[0] for text, _ in NEXT} | {"draft_then_final"}
