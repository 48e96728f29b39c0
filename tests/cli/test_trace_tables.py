"""`reasonedit trace index|query|stats|diff|export|import` as they are typed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from reasonedit_agent.schemas import Pick, Rejected
from reasonedit_agent.tracing import EVENTS
from tests.analysis.making import accepted, by_hand, realistic, rejected, scores, write
from tests.analysis.test_foreign import editthinker, step1x
from tests.cli.test_cli import cli

EVIL = "<script>alert(1)</script> [bold]x[/bold] [/nothing] \x1b[31mred\x1b]0;title\x07"
SHOWN = "<script>alert(1)</script> [bold]x[/bold] [/nothing] \N{REPLACEMENT CHARACTER}[31mred"


def told(*arguments: object) -> Any:
    done = cli("trace", *arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    realistic(tmp_path / "runs", 8)
    return tmp_path / "runs"


def test_index_says_what_it_did_and_what_it_skipped(runs: Path) -> None:
    (runs / "bad").mkdir()
    (runs / "bad" / EVENTS).write_text("hello\n")
    done = cli("trace", "index", "--runs", runs)
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if "bad" in line and "line 1, is not an event" in line]
    assert "8 runs in" in done.stdout and "9 read" in done.stdout
    again = told("index", "--runs", runs)
    assert (again["runs"], again["read"]) == (8, 0) and "bad" in again["problems"]
    assert told("index", "--runs", runs, "--rebuild")["read"] == 9


def test_query_in_three_ways(runs: Path, tmp_path: Path) -> None:
    sql = "SELECT run, rounds FROM runs ORDER BY run"
    rows = told("query", sql, "--runs", runs)
    assert [row["run"] for row in rows] == sorted(path.name for path in runs.glob("2*"))
    text = cli("trace", "query", sql, "--runs", runs).stdout
    assert text.splitlines()[0].split() == ["run", "rounds"] and "8 rows." in text
    cli("trace", "query", sql, "--runs", runs, "--out", tmp_path / "rows.jsonl")
    assert [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()] == rows
    done = cli("trace", "query", "SELECT nothing FROM runs", "--runs", runs)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "failures" in done.stderr


def test_the_index_may_lie_elsewhere(runs: Path, tmp_path: Path) -> None:
    told("stats", "--runs", runs, "--index", tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "sources.parquet").exists() and not (runs / "index").exists()


def test_stats_as_text_and_as_json(runs: Path) -> None:
    groups = told("stats", "--runs", runs)
    assert sum(group["runs"] for group in groups) == 8
    text = cli("trace", "stats", "--runs", runs).stdout
    for group in groups:
        noun = "run" if group["runs"] == 1 else "runs"
        assert f"{group['runs']} {noun}: reasoner {group['parts']['reasoner']}" in text
    mixed = cli("trace", "stats", "--runs", runs, "--by", "").stdout
    assert "8 runs: all" in mixed and "different settings of the parts, mixed as asked" in mixed
    assert told("stats", "--runs", runs, "--where", "rounds > 99") == []


def test_diff_shows_where_two_runs_part(tmp_path: Path) -> None:
    write(tmp_path / "a", by_hand("a", [rejected(4, 9), accepted(9, 9)], Pick(round=2)))
    write(tmp_path / "b", by_hand("b", [rejected(4, 9), rejected(4, 9)], Pick(round=2)))
    text = cli("trace", "diff", "a", "b", "--runs", tmp_path).stdout
    assert "They part at: round 2 verdict." in text
    assert told("diff", "a", "b", "--runs", tmp_path)["parted"] == "round 2 verdict"
    assert "They are the same." in cli("trace", "diff", "a", "a", "--runs", tmp_path).stdout


def test_shadow_rounds_are_marked_and_counted_apart(tmp_path: Path) -> None:
    write(tmp_path / "a", by_hand("a", [rejected(4, 9), accepted(9, 9)], Pick(round=1), stop_after=1))
    (row,) = told("list", "--runs", tmp_path)
    assert (row["rounds"], row["shadow_rounds"]) == (1, 1)
    assert "2 shadow" in cli("trace", "show", "a", "--runs", tmp_path).stdout


def test_export_and_import(runs: Path, tmp_path: Path) -> None:
    table = told("export", "candidates", "--runs", runs, "--out", tmp_path / "candidates.csv")
    assert table["rows"] == len((tmp_path / "candidates.csv").read_text().splitlines()) - 1
    names = sorted(path.name for path in runs.glob("2*"))[:2]
    moved = told("export", *names, "--runs", runs, "--out", tmp_path / "two.zip")
    assert moved["runs"] == names and moved["missing"]  # these runs never had pictures
    taken = told("import", tmp_path / "two.zip", "--runs", tmp_path / "there")
    assert taken["runs"] == names and taken["missing"] == moved["missing"]
    both = cli("trace", "export", "runs", "rounds", "--runs", runs, "--out", tmp_path / "x.csv")
    assert both.returncode == 2
    nothing = cli("trace", "import", tmp_path / "nothing.zip", "--runs", tmp_path / "there")
    assert nothing.returncode == 2 and "does not exist" in nothing.stderr


def test_import_of_other_programs_logs(tmp_path: Path) -> None:
    editthinker(tmp_path / "logs" / "final")
    (tmp_path / "v1p2.json").write_text(json.dumps(step1x(tmp_path / "images")))
    taken = told("import", tmp_path / "logs", tmp_path / "v1p2.json", "--runs", tmp_path / "runs")
    assert len(taken["runs"]) == 2 and taken["problems"] == {}
    groups = told("stats", "--runs", tmp_path / "runs")
    assert sorted(group["parts"]["reasoner"] for group in groups) == [
        "editthinker imported",
        "step1x-edit-v1p2 imported",
    ]
    for run in taken["runs"]:
        assert cli("trace", "verify", run, "--runs", tmp_path / "runs").returncode == 0
    shutil.rmtree(tmp_path / "images")
    some = cli("trace", "import", tmp_path / "logs", tmp_path / "v1p2.json", "--runs", tmp_path / "other")
    assert some.returncode == 0 and "source image is not there" in some.stdout  # the other one is taken


def test_scripts_and_escapes_in_instructions_and_replies_are_shown_as_text(tmp_path: Path) -> None:
    verdict = Rejected(scores=scores(2, 9), critique=EVIL)
    for name in ("a", "b"):
        events = by_hand(name, [verdict], Pick(round=1))
        request = events[0].request.model_copy(update={"instruction": EVIL})  # type: ignore[union-attr]
        part = events[0].reasoner.model_copy(update={"name": EVIL})  # type: ignore[union-attr]
        changes = {"request": request, "title": EVIL, "reasoner": part}
        write(tmp_path / name, [events[0].model_copy(update=changes), *events[1:]])
    for arguments in (
        ("list",),
        ("show", "a"),
        ("stats",),
        ("diff", "a", "b"),
        ("query", "SELECT instruction FROM runs"),
        ("query", 'SELECT 1 AS "[bold]x[/bold] [/nothing]"'),
        ("query", "SELECT why FROM failures"),
    ):
        done = cli("trace", *arguments, "--runs", tmp_path)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr and "\x07" not in done.stdout
        assert "[bold]x[/bold] [/nothing]" in done.stdout, arguments
    assert SHOWN in cli("trace", "query", "SELECT why FROM failures", "--runs", tmp_path).stdout
    assert told("query", "SELECT why FROM failures", "--runs", tmp_path)[0]["why"] == EVIL


def test_the_prices_are_printed_with_day_and_source(tmp_path: Path) -> None:
    home = {"REASONEDIT_HOME": str(tmp_path)}
    own = tmp_path / "prices.toml"
    done = cli("trace", "stats", "--prices", env=home)
    assert done.returncode == 0 and f"{own} would go over the built-in table" in done.stdout, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.split()[:1] == ["H100"]]
    assert line.split()[1:4] == ["3", "hour", "2026-05"] and "third-party list" in line
    own.write_text(f'dated = "2026-11-01"\n[models."my\\u001b[31m"]\nimage = 0.04\nsource = {json.dumps(EVIL)}\n')
    shown = cli("trace", "stats", "--prices", env=home).stdout
    assert "Dated 2026-11-01." in shown and "picture made" in shown and "\x1b" not in shown and "\x07" not in shown
    told = json.loads(cli("trace", "stats", "--prices", "--json", env=home).stdout)
    assert told["own"] is True and {"name": "my\x1b[31m", "per": "picture made", "usd": 0.04, "as_of": ""}.items() <= (
        next(row for row in told["prices"] if row["name"].startswith("my")).items()
    )
    own.write_text("[models.x]\ninput = -1\n")
    wrong = cli("trace", "stats", "--prices", env=home)
    assert wrong.returncode == 2 and "models.x.input" in wrong.stderr and wrong.stderr.count("\n") == 1
