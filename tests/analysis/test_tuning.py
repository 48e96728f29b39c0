"""Tuning: the Pareto set against brute force, the split by photo, and the command."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reasonedit_agent.analysis.replay import Recorded, record, replay
from reasonedit_agent.analysis.tuning import FAMILY, family, split, tune
from reasonedit_agent.errors import UsageError
from reasonedit_agent.policies import parse_policy
from reasonedit_agent.schemas import Accepted, EditStep, History, Pick, Refine, Rejected
from reasonedit_agent.testing import scores
from reasonedit_agent.tracing import read_events
from tests.conftest import encoded
from tests.graphs.scripts import agent

SCRIPT = str(Path(sys.executable).with_name("reasonedit"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty runs of four rounds on twenty photos: the third round is the best in most of them, the fourth in none."""
    place, draw = tmp_path_factory.mktemp("runs"), random.Random(3)
    for index in range(40):
        rise = sorted(draw.uniform(2, 9) for _ in range(3)) if index % 4 else [draw.uniform(2, 9) for _ in range(3)]
        verdicts: list[Any] = [Refine(scores=scores(round(v, 1)), steps=(EditStep(text="more"),)) for v in rise]
        if index % 5 == 0:
            verdicts[0] = Accepted(scores=scores(9))
        photo = encoded(colour=(index // 2, 60, 90))
        agent(place, *verdicts, Rejected(scores=scores(1)), policy="rounds(1)").edit(photo, "x", seed=index, shadow=3)
    return place


@pytest.fixture(scope="module")
def runs(folder: Path) -> list[Recorded]:
    found = [record(read_events(file.parent)) for file in sorted(folder.glob("*/events.jsonl"))]
    return [run for run in found if run is not None]


def test_a_family_is_written_out() -> None:
    assert family(["rounds({1,2})", "accepted | rounds(3)"]) == ("rounds(1)", "rounds(2)", "accepted | rounds(3)")
    assert len(family(FAMILY)) == 6 + 4 * 5 + 2 * 4 + 6 + 2 * 4
    with pytest.raises(UsageError, match="not closed"):
        family(["rounds({1,2)"])
    with pytest.raises(UsageError, match="error at column"):
        family(["rounds({0,x})"])


def test_all_runs_of_a_photo_are_on_one_side(runs: list[Recorded]) -> None:
    ours, others = split(runs)
    photos = [{run.prefixes[0].request.image.sha256 for run in side} for side in (ours, others)]
    assert len(ours) + len(others) == 40 and not photos[0] & photos[1] and min(map(len, photos)) > 3


def test_the_front_is_what_no_policy_beats(runs: list[Recorded]) -> None:
    texts = (
        "rounds(1)",
        "rounds(2)",
        "rounds(3)",
        "rounds(4)",
        "accepted | rounds(3)",
        "no_improvement(1) | rounds(4)",
    )
    tuned = tune(runs, texts)
    ours, _ = split(runs)
    means = {}
    for text in texts:
        outcomes = [replay(run, parse_policy(text), text) for run in ours]
        means[text] = (
            sum(o.quality or 0 for o in outcomes) / len(outcomes),
            sum(o.rounds for o in outcomes) / len(outcomes),
        )
    beaten = {
        a
        for a, b in itertools.permutations(texts, 2)
        if means[b][0] >= means[a][0] and means[b][1] <= means[a][1] and means[b] != means[a]
    }
    assert {point.policy for point in tuned.front} == set(texts) - beaten
    assert [point.cost for point in tuned.front] == sorted(point.cost for point in tuned.front)
    # The cheapest that keeps 99 % of the full horizon, and the fourth round brings nothing.
    assert tuned.policy in ("rounds(3)", "accepted | rounds(3)")
    assert tuned.share.mean > 0.97 and tuned.cost.mean <= 0.75
    assert tuned.later is not None and tuned.later.count < tuned.held_out


def test_too_few(runs: list[Recorded]) -> None:
    with pytest.raises(UsageError, match="too few"):
        tune(runs[:1], ("rounds(1)",))
    with pytest.raises(UsageError, match="No policy of the family can be judged"):
        tune(runs, ("rounds(9)",))
    with pytest.raises(UsageError, match="is not known"):  # scripted calls have no price, and that is not 0
        tune(runs, ("rounds(1)",), cost="usd")
    free = [dataclasses.replace(run, prefixes=tuple(map(_for_nothing, run.prefixes))) for run in runs]
    with pytest.raises(UsageError, match="cost no dollars"):  # a share of nothing would say that nothing is saved
        tune(free, ("rounds(1)",), cost="usd")


def _for_nothing(history: History) -> History:
    return history.model_copy(update={"unpriced": 0, "spent": history.spent.model_copy(update={"usd": 0.0})})


def test_a_held_out_half_that_says_nothing(folder: Path, runs: list[Recorded]) -> None:
    short = [dataclasses.replace(run, prefixes=run.prefixes[:2], actions=run.actions[:1]) for run in runs]
    with pytest.raises(UsageError, match="held-out runs 0 have more than one recorded round"):
        tune(short, ("rounds(1)",))
    _, others = split(runs)
    dumb = others[0].run

    def quality(history: History, pick: Pick) -> float | None:
        return None if history is others[0].prefixes[-1] else 0.0 if history is others[1].prefixes[-1] else 5.0

    tuned = tune(runs, ("rounds(1)", "rounds(2)"), quality=quality)
    assert dumb and (tuned.unjudged, tuned.held_out) == (2, len(others) - 2)  # unknown, and a share of nothing


def test_runs_are_chosen_by_a_condition(folder: Path, tmp_path: Path) -> None:
    def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [SCRIPT, "policy", *arguments, "--runs", str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    some = cli("replay", "--policy", "rounds(1)", "--where", "first_verdict = 'accepted'", "--json")
    assert json.loads(some.stdout)["runs"] == 8, some.stderr
    none, wrong = cli("tune", "--where", "rounds > 99"), cli("tune", "--where", "nothing = 1")
    assert none.returncode == wrong.returncode == 2 and "no run" in none.stderr and "query fails" in wrong.stderr


def test_from_the_command_line(folder: Path, tmp_path: Path) -> None:
    def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [SCRIPT, "policy", *arguments, "--runs", str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    run = cli("replay", "--policy", "rounds(1)", "--policy", "rounds(3)", "--policy", "rounds(7)", "--json")
    one, three, seven = json.loads(run.stdout)["policies"]
    assert one["runs"] == three["runs"] == 40 and one["quality"]["mean"] < three["quality"]["mean"]
    assert seven["runs"] == 0 and seven["unjudged"] == {"it wants round N, and N were recorded": 40}
    shown = cli("replay", "--policy", "rounds(1)")
    assert "rounds(1)" in shown.stdout and "scripted" in shown.stdout, shown.stderr
    out = tmp_path / "policy.txt"
    tuned = cli("tune", "--family", "rounds({1,2,3,4})", "--out", str(out))
    assert tuned.returncode == 0 and "held-out" in tuned.stdout, tuned.stderr
    assert out.read_text() == "rounds(3); keep=reference; next=rollback\n"
    fit = tmp_path / "fit.json"
    cli("replay", "--policy", "rounds(1)", "--fits", str(fit))
    fitted = cli("tune", "--family", f"expected_gain(seconds=99, fit={fit}) | rounds(3)", "--out", str(out))
    fit.unlink()  # what is written stands without the file
    assert "expected_gain" in parse_policy(out.read_text()).text, fitted.stderr
    assert cli("replay").returncode == 2
    wrong = cli("replay", "--policy", "rounds(")
    assert wrong.returncode == 2 and "column" in wrong.stderr


def test_a_run_that_cannot_be_read_is_told_and_left_out(folder: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(folder, tmp_path / "runs")
    (tmp_path / "runs" / "foreign").mkdir()
    (tmp_path / "runs" / "foreign" / "events.jsonl").write_text('{"hello": 1}\n')
    command = [SCRIPT, "policy", "replay", "--policy", "rounds(1)", "--runs", str(tmp_path / "runs"), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (
        run.returncode == 0
        and "left out: " in run.stderr
        and "foreign" in run.stderr
        and json.loads(run.stdout)["runs"] == 40
    )
