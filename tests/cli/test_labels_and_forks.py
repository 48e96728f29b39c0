"""`reasonedit fork`, `labels` and `policy calibrate` as they are typed."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from reasonedit_agent.cli.calibrate import calibrate
from reasonedit_agent.policies import parse_policy
from reasonedit_agent.schemas import Accepted
from reasonedit_agent.tracing import read_events
from tests.analysis.making import by_hand, picture, scores, write
from tests.cli.test_cli import PARTS, cli


def edited(tmp_path: Path, *more: object) -> Any:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (64, 48), (200, 40, 30)).save(photo)
    parts = ["--reasoner", f"{PARTS}:refining", "--tool", f"{PARTS}:painter"]
    done = cli("edit", photo, "x", "--out", tmp_path, "--runs", tmp_path / "runs", "--json", *parts, *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_fork_is_a_run_of_its_own(tmp_path: Path) -> None:
    parent = Path(edited(tmp_path, "--seed", "3")["trace"])
    runs = ["--runs", tmp_path / "runs", "--out", tmp_path]
    done = cli("fork", parent.name, "--round", "1", "--policy", "rounds(1)", "--json", *runs)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["status"], len(told["rounds"]), told["stopped_by"]) == ("best_effort", 1, "rounds")
    child = Path(told["trace"])
    assert child.parent == parent.parent and child != parent
    first: Any = read_events(child)[0]
    assert (first.parent, first.parent_round) == (parent.name, 1)
    where = ["--runs", tmp_path / "runs"]
    assert cli("trace", "verify", child.name, *where).returncode == 0
    assert "They part at: round 1 decision." in cli("trace", "diff", parent.name, child.name, *where).stdout
    other = cli("fork", parent.name, "--round", "1", "--reasoner", f"{PARTS}:accepting", *runs)
    assert other.returncode == 0 and "accepted, round 2" in other.stdout, other.stdout + other.stderr


def test_a_fork_that_cannot_be(tmp_path: Path) -> None:
    parent = Path(edited(tmp_path)["trace"])
    runs = ["--runs", tmp_path / "runs", "--out", tmp_path]
    for arguments, code, said in (
        ([parent.name, "--round", "7"], 2, "has no round 7. It has 2 complete rounds"),
        (["nothing", "--round", "1"], 2, "There is no run 'nothing'"),
        ([parent.name, "--round", "1", "--policy", "rounds("], 2, "column"),
        ([parent.name, "--round", "1", "--think-again"], 2, "only be made before round 1"),
    ):
        done = cli("fork", *arguments, *runs)
        assert done.returncode == code and said in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert len(list((tmp_path / "runs").glob("*/events.jsonl"))) == 1


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Runs of an overconfident judge on 300 photos, with what people said of them in a CSV."""
    folder, rng = tmp_path / "runs", random.Random(0)
    rows = ["run,round,label,annotator,guideline"]
    for number in range(300):
        name = f"20260101-{number:03d}"
        confidence = rng.random()
        first, *rest = by_hand(name, [Accepted(scores=scores(9, 9), confidence=confidence)])
        request = first.request.model_copy(update={"image": picture(1000 + number)})  # type: ignore[union-attr]
        write(folder / name, [first.model_copy(update={"request": request}), *rest])
        rows.append(f"{name},1,{'accept' if rng.random() < confidence**2 + 0.05 else 'reject'},ann,v1")
    (tmp_path / "labels.csv").write_text("\n".join([*rows, "nobody,1,accept,ann,v1"]) + "\n")
    return folder


def test_labels_in_and_a_calibration_out(runs: Path, tmp_path: Path) -> None:
    where = ["--runs", runs]
    done = cli("labels", "import", tmp_path / "labels.csv", *where)
    assert done.returncode == 0 and "300 labels added" in done.stdout and "1 left out" in done.stdout
    assert done.stderr == f"left out: line 302: there is no run 'nobody' in {runs}.\n"
    assert "0 labels added" in cli("labels", "import", tmp_path / "labels.csv", *where).stdout
    assert len(json.loads(cli("labels", "list", *where, "--json").stdout)) == 300
    assert "20260101-007" in cli("labels", "list", *where, "--run", "20260101-007").stdout

    app = typer.Typer()
    app.command()(calibrate)
    fit = tmp_path / "fit.json"
    options = ["--runs", str(runs), "--out", str(fit), "--risk", "0.4", "--risk", "0.01"]
    drawn = []
    for kind in ("png", "svg"):
        pytest.importorskip("matplotlib")
        drawn.append(tmp_path / f"plot.{kind}")
        result = CliRunner().invoke(app, [*options, "--plot", str(drawn[-1])])
        assert result.exit_code == 0, result.output
    Image.open(drawn[0]).verify()
    assert "<svg" in drawn[1].read_text()
    assert "Judge judge 1, by its confidence; platt." in result.output and "ECE 0." in result.output
    assert "at most 0.01 bad accepts: too few labels, 299 accepted ones" in result.output
    report = json.loads(fit.read_text())
    bounded = {risk["risk"]: risk["threshold"] for risk in report["report"]["risks"]}
    assert 0 < bounded[0.4] < 1 and bounded[0.01] is None
    assert report["report"]["ece"] < report["report"]["ece_before"]
    policy = parse_policy(f"confident(0.5, risk=0.4, fit={fit}) | rounds(3)")
    assert parse_policy(policy.text) == policy and "labels=" in policy.text


def test_labels_that_cannot_be(runs: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    for text, said in (("run,round\n", "no column 'label'"), ("run,round,label\nx,1,accept\n", "no run 'x'")):
        bad.write_text(text)
        done = cli("labels", "import", bad, "--runs", runs)
        assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert "No labels" in cli("labels", "list", "--runs", runs).stdout


def test_fits_of_recorded_runs_are_written_and_used(tmp_path: Path) -> None:
    edited(tmp_path, "--shadow", "1")
    fit, where = tmp_path / "fit.json", ["--runs", tmp_path / "runs"]
    done = cli("policy", "replay", "--fits", fit, *where)
    assert done.returncode == 0 and f"What rounds of 1 run cost and gained is in {fit}." in done.stdout, done.stderr
    tables = json.loads(fit.read_text())
    assert tables["gains"]["refine"] == [8.0] and tables["gains"]["first"] == [4.0] and tables["costs"]["seconds"] > 0
    policy = f"expected_gain(seconds=60, fit={fit}) | rounds(3)"
    told = edited(tmp_path, "--policy", policy)
    assert (told["stopped_by"], len(told["rounds"])) == ("expected_gain", 2)  # after an 8 nothing is gained
    both = cli("policy", "replay", "--policy", policy, *where)
    assert "2" in both.stdout and "asks a person" not in both.stdout, both.stderr
    # two settings of a part are not fitted together
    edited(tmp_path, "--reasoner", f"{PARTS}:accepting")
    mixed = cli("policy", "replay", "--fits", tmp_path / "no.json", *where)
    assert mixed.returncode == 2 and "made by different parts" in mixed.stderr and mixed.stderr.count("\n") == 1
    assert not (tmp_path / "no.json").exists()
    for wrong in (tmp_path / "no.txt", tmp_path / "nowhere" / "fit.json"):
        assert cli("policy", "replay", told["trace"], "--fits", wrong, *where).returncode == 2
