"""Two runs side by side."""

from pathlib import Path

from reasonedit_agent.analysis.diff import diff
from reasonedit_agent.events import Judged, RunEnded
from reasonedit_agent.schemas import Pick
from reasonedit_agent.tracing import read_events
from tests.analysis.making import accepted, by_hand, rejected
from tests.graphs.scripts import ACCEPTED, REFINE, agent

FIXTURE = Path(__file__).parents[1] / "fixtures" / "trace_v1.jsonl"


def test_a_run_is_the_same_as_itself() -> None:
    events = read_events(FIXTURE)
    found = diff(events, events)
    assert found.parted is None and found.settings == {}
    assert found.shared == len(found.lines) > 12
    assert [line.name for line in found.lines][:4] == ["source", "instruction", "plan", "start decision"]
    assert found.lines[-1].name == "end"


def test_they_part_where_the_verdicts_do() -> None:
    a = by_hand("a", [rejected(4, 9), accepted(9, 9)], Pick(round=2))
    b = by_hand("b", [rejected(4, 9), rejected(3, 9), accepted(9, 9)], Pick(round=3))
    found = diff(a, b)
    assert (found.a, found.b, found.parted) == ("a", "b", "round 2 verdict")
    same = [line.name for line in found.lines if line.same]
    assert same == [line.name for line in found.lines[: found.shared]]
    assert same[-1] == "round 2 result"
    only = [line.name for line in found.lines if line.a is None]
    assert only == ["round 3 asked", "round 3 result", "round 3 verdict", "round 3 decision"]
    assert found.costs["rounds"] == (2, 3)
    assert found.costs["seconds"] == (0.5 + 2 * 3, 0.5 + 3 * 3)


def test_the_same_parts_with_another_seed_and_another_clock(tmp_path: Path, picture: bytes) -> None:
    runs = [agent(tmp_path, REFINE, ACCEPTED).edit(picture, "do it", seed=seed) for seed in (1, 1, 2)]
    events = [read_events(run.trace) for run in runs]
    assert diff(events[0], events[1]).parted is None
    found = diff(events[0], events[2])
    assert found.settings == {"seed": ("1", "2")}
    assert found.parted == "round 1 result"  # the scripted tool paints the seed's colour


def test_runs_that_are_open_or_failed_can_be_compared() -> None:
    whole = by_hand("a", [accepted(9, 9)], Pick(round=1))
    judged = next(number for number, event in enumerate(whole) if isinstance(event, Judged))
    cut = diff(whole, whole[:judged])
    assert cut.parted == "round 1 asked"  # a round counts once it is complete
    assert cut.costs["status"] == ("best_effort", None)
    start = diff(whole, whole[:1])
    assert start.parted == "plan"
    ended = next(event for event in whole if isinstance(event, RunEnded))
    other = [event if event is not ended else ended.model_copy(update={"status": "failed"}) for event in whole]
    assert diff(whole, other).parted == "end"
