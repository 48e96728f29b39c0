"""What forks share with their parents counts once: in costs, in intervals, and among the photos."""

from pathlib import Path

import pytest

from reasonedit_agent.analysis.forks import started_in
from reasonedit_agent.analysis.index import Index
from reasonedit_agent.analysis.replay import record, replay, summarise
from reasonedit_agent.analysis.stats import statistics
from reasonedit_agent.analysis.tuning import tune
from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies import parse_policy
from reasonedit_agent.tracing import read_events
from tests.conftest import encoded
from tests.graphs.scripts import ACCEPTED, REFINE, REJECTED, agent


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_costs_of_a_fork_are_its_own(tmp_path: Path, kept: int) -> None:
    parent = agent(tmp_path, REFINE, REJECTED, ACCEPTED).edit(encoded(), "x", seed=1)
    rest = [REFINE, REJECTED, ACCEPTED][kept:]
    fork = agent(tmp_path, *rest).fork(parent.run, round=kept)
    assert parent.history is not None and fork.history is not None
    index = Index(tmp_path)
    index.update()
    (group,) = statistics(index)
    assert (group["runs"], group["forks"]) == (2, 1)
    # Counted from the raw events behind the shared ones, the plan among them.
    lines = read_events(fork.trace)
    mark = next(n for n, e in enumerate(lines) if e.type == "noted" and e.text.startswith("Forked from"))
    both = [*read_events(parent.trace), *lines[mark:]]
    timed = [e for e in both if e.type in ("planned", "edited", "judged")]
    assert group["cost"]["seconds"]["total"] == pytest.approx(sum(e.seconds for e in timed))
    assert sum(node["n"] for node in group["nodes"].values()) == sum(not getattr(e, "reused", False) for e in timed)
    assert sum(step["n"] for step in group["transitions"]) == 4 + 4 - kept
    assert sum(row["runs"] for row in group["gain"]) == 3 + 3 - kept


def test_a_run_and_its_forks_are_one(tmp_path: Path) -> None:
    parent = agent(tmp_path, REFINE, ACCEPTED).edit(encoded(), "x", seed=1)
    for _ in range(4):
        agent(tmp_path, ACCEPTED).fork(parent.run, round=1)
    other = agent(tmp_path, ACCEPTED).edit(encoded(colour=(1, 2, 3)), "x", seed=1)
    find = started_in(tmp_path)
    runs = [run for file in tmp_path.glob("*/events.jsonl") if (run := record(read_events(file.parent), find))]
    assert {run.family for run in runs} == {parent.run, other.run}
    text = "accepted | rounds(1)"
    (summary,) = summarise(replay(run, parse_policy(text), text) for run in runs)
    assert summary.runs == 6 and summary.quality is not None and summary.quality.count == 2
    assert summary.quality.mean == (4 + 9) / 2  # five times 4 would give 4.83
    with pytest.raises(UsageError, match="6 runs of 2 photos are too few"):
        tune(runs, (text,))


def test_a_fork_with_another_part_is_not_mixed_with_its_parent(tmp_path: Path) -> None:
    from reasonedit_agent.testing import FunctionTool

    parent = agent(tmp_path, REFINE, ACCEPTED).edit(encoded(), "x", seed=1)
    fork = agent(tmp_path, ACCEPTED, tool=FunctionTool(lambda base, call, seed: base.rotate(180))).fork(
        parent.run, round=1
    )
    old, new = (record(read_events(run.trace), started_in(tmp_path)) for run in (parent, fork))
    assert old is not None and new is not None
    assert new.group[1].startswith(f"{old.group[1]}, then ") and new.group[0] == old.group[0]
    alone = record(read_events(fork.trace))
    assert alone is not None and alone.group != new.group and alone.family == parent.run
