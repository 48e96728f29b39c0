"""A killed run resumes and repeats no finished edit."""

import subprocess
import sys
from pathlib import Path

import pytest

from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.testing import ScriptedReasoner
from reasonedit_agent.tracing import read_events
from tests.conftest import encoded
from tests.graphs.scripts import ACCEPTED, REFINE, CountingTool

SCRIPT = """
import os, sys
from pathlib import Path
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.testing import ScriptedReasoner
from tests.conftest import encoded
from tests.graphs.scripts import ACCEPTED, REFINE, CountingTool

folder, node, round_ = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def watch(event):
    if event.type == sys.argv[4] and event.node == node and event.round == round_:
        os._exit(9)

agent = EditAgent(ScriptedReasoner([REFINE, REFINE, ACCEPTED]), CountingTool(folder / "edits"), runs=folder)
agent.edit(encoded(), "do it", seed=5, candidates=2, on_event=watch)
"""


@pytest.mark.parametrize(
    ("node", "round_", "kind", "edits_left", "verdicts_left"),
    [
        ("think", 0, "asked", 3, 6),
        ("think", 0, "planned", 3, 6),
        ("edit", 1, "asked", 3, 6),
        ("edit", 1, "edited", 2, 6),
        ("reflect", 1, "judged", 2, 5),
        ("decide", 1, "decided", 2, 4),
        ("edit", 2, "edited", 1, 4),
    ],
)
def test_killed_and_resumed(
    tmp_path: Path, node: str, round_: int, kind: str, edits_left: int, verdicts_left: int
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), node, str(round_), kind],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert killed.returncode == 9
    (folder,) = [entry.parent for entry in tmp_path.glob("*/events.jsonl")]
    before = (tmp_path / "edits").read_text().splitlines() if (tmp_path / "edits").exists() else []

    script = [REFINE] * 4 + [ACCEPTED] * 2
    reasoner = ScriptedReasoner(script[len(script) - verdicts_left :])
    result = EditAgent(reasoner, CountingTool(tmp_path / "edits"), runs=tmp_path).resume(folder)
    after = (tmp_path / "edits").read_text().splitlines()

    assert result.status == "accepted"
    assert result.kept.round == 3
    assert len(after) - len(before) == edits_left
    reasoner.assert_complete()
    types = [event.type for event in read_events(folder)]
    assert types.count("edited") == 3
    assert types.count("judged") == 6


def test_a_finished_edit_is_looked_up_after_a_rewound_trace(tmp_path: Path) -> None:
    """The edit's event is there, its round is asked for again: the tool is not called."""
    agent = EditAgent(ScriptedReasoner([ACCEPTED]), CountingTool(tmp_path / "edits"), runs=tmp_path)
    result = agent.edit(encoded(), "do it", seed=5)
    path = result.trace / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    asked = next(i for i, line in enumerate(lines) if '"type":"asked"' in line and '"node":"edit"' in line)
    edited = next(i for i, line in enumerate(lines) if '"type":"edited"' in line)
    # As if the decision and the round had been lost while an earlier attempt's result was kept.
    path.write_text("".join([*lines[: asked - 1], lines[edited]]))
    again = EditAgent(ScriptedReasoner([ACCEPTED]), CountingTool(tmp_path / "edits"), runs=tmp_path).resume(
        result.trace
    )
    assert again.status == "accepted"
    assert len((tmp_path / "edits").read_text().splitlines()) == 1
    assert [event.reused for event in read_events(result.trace) if event.type == "edited"] == [False, True]


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    agent = EditAgent(ScriptedReasoner([REFINE, ACCEPTED]), CountingTool(tmp_path / "edits"), runs=tmp_path)
    result = agent.edit(encoded(), "do it")
    before = (result.trace / "events.jsonl").read_bytes()
    again = agent.resume(result.run)
    assert (again.status, again.kept, again.ref) == (result.status, result.kept, result.ref)
    assert (result.trace / "events.jsonl").read_bytes() == before
