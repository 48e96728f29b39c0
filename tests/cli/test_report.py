"""`reasonedit report`: the table of what other policies would have done, and the labels that lie beside the runs."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reasonedit_agent.schemas import Accepted, Refine
from tests.viewer import making

SCRIPT = str(Path(sys.executable).with_name("reasonedit"))


def reasonedit(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)


def tables(page: Path) -> dict[str, list[dict[str, str]]]:
    """The tables of a report by their captions; of several with the same caption, the first."""
    found: dict[str, list[dict[str, str]]] = {}
    for table in re.findall(r"<table>(.*?)</table>", page.read_text(), re.DOTALL):
        caption = re.search(r"<caption>(.*?)</caption>", table)
        cells = [
            [html.unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
            for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
        ]
        assert caption
        found.setdefault(caption[1], [dict(zip(cells[0], row, strict=True)) for row in cells[1:]])
    return found


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three runs: accepted at once, twice in round 2."""
    folder = tmp_path_factory.mktemp("report") / "runs"
    one = [making.judged(Accepted, 9, 8, 0.9)]
    two = [making.judged(Refine, 4, 8, 0.3), making.judged(Accepted, 9, 8, 0.9)]
    return [making.run(folder, verdicts, seed=seed).trace for seed, verdicts in enumerate([one, two, two])]


@pytest.fixture
def runs(names: list[Path]) -> Path:
    """Their folder."""
    return names[0].parent


def test_policies_are_judged_over_one_run(names: list[Path], runs: Path, tmp_path: Path) -> None:
    out, run = tmp_path / "out.html", names[1].name
    policies = ("--policy", "rounds(1)", "--policy", "accepted | rounds(3)", "--policy", "rounds(4)")
    done = reasonedit("report", run, "--runs", runs, "-o", out, *policies)
    assert done.returncode == 0, done.stderr
    rows = tables(out)["The same run under other policies"]
    assert [(row["policy"], row["stops after"], row["kept"], row["score"]) for row in rows] == [
        ("rounds(1)", "1", "round 1", "5.441"),  # VIEScore: sqrt(min(4, 8) * min(8.1, 7.4))
        ("accepted | rounds(3)", "2", "round 2", "7.694"),  # sqrt(min(9, 8) * 7.4)
        ("rounds(4)", "–", "–", "–"),
    ]
    assert rows[2]["why"] == "this run cannot tell: it wants round 3, and 2 were recorded"


def test_policies_over_several_runs_are_what_policy_replay_says(runs: Path, tmp_path: Path) -> None:
    out, policies = tmp_path / "out.html", ("--policy", "rounds(1)", "--policy", "accepted | rounds(3)")
    assert reasonedit("report", runs, "-o", out, *policies).returncode == 0
    rows = tables(out)["The same runs under other policies"]
    told = json.loads(reasonedit("policy", "replay", "--runs", runs, "--json", *policies).stdout)["policies"]
    assert [row["policy"] for row in rows] == [summary["policy"] for summary in told] == ["rounds(1)", policies[3]]
    for row, summary in zip(rows, told, strict=True):
        assert row["runs"] == "3" == str(summary["runs"])
        for name, key in (("score", "quality"), ("rounds", "rounds")):
            assert row[name].split()[0] == f"{summary[key]['mean']:.2f}"
    assert rows[1]["rounds"].startswith("1.67")
    assert len(tables(out)) > 2 and "What if" in out.read_text()


def test_labels_beside_the_runs_are_shown_and_calibrate(names: list[Path], runs: Path, tmp_path: Path) -> None:
    first, second, third = (path.name for path in names)
    csv = tmp_path / "labels.csv"
    lines = [
        (first, 1, "accept", "ada"),
        (second, 1, "reject", "ada"),
        (second, 2, "accept", "ada"),
        (second, 2, "reject", "bob"),  # even: left out
        (third, 2, "reject", "ada"),
        (third, 2, "accept", "ada"),  # she changed her mind
        (third, 2, "reject", "bob"),
        (third, 2, "reject", "eve"),
    ]
    csv.write_text("run,round,label,annotator\n" + "".join(",".join(map(str, line)) + "\n" for line in lines))
    assert reasonedit("labels", "import", csv, "--runs", runs).returncode == 0
    with (runs / "labels.jsonl").open("a") as file:
        file.write("no label\n")
    out = tmp_path / "out.html"
    done = reasonedit("report", runs, "-o", out)
    assert done.returncode == 0 and "labels.jsonl, line 9, is no label" in done.stderr
    assert tables(out)["Calibration"] == [
        {"said": "0.3", "accepted by people": "0", "labels": "1"},
        {"said": "0.9", "accepted by people": "0.5", "labels": "2"},
    ]
    text = out.read_text()
    assert text.count("Labelled good") == 1 and text.count("Labelled bad") == 2
    assert "Disputed: 1 time in 1 run" in text  # accepted by the Reasoner, and most people rejected it
    done = reasonedit("report", third, "--runs", runs, "-o", out)
    assert done.returncode == 0 and out.read_text().count("Labelled bad") == 1


def test_a_wrong_policy_is_one_line(runs: Path, tmp_path: Path) -> None:
    done = reasonedit("report", runs, "-o", tmp_path / "out.html", "--policy", "roundz(1)")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "roundz" in done.stderr
    assert not (tmp_path / "out.html").exists()
