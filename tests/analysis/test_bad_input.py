"""What nobody wants to meet in a folder of runs, through the command line: one clear line, the right code, no loss."""

from __future__ import annotations

import json
import random
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reasonedit_agent.cli.app import run as application
from reasonedit_agent.events import Called, Noted, PartInfo
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.schemas import Failure, Pick, Rejected, Usage
from reasonedit_agent.tracing import EVENTS, IMAGES, TraceWriter
from tests.analysis.making import accepted, by_hand, rejected, scores, write
from tests.conftest import encoded

PARTS = "tests.cli.parts"
EVIL = "<script>x</script>\x1b[31m\x1b]0;title\x07"
Typed = Callable[..., "tuple[int, str, list[str]]"]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Run a command in this process: its code, what it printed, and the lines on standard error."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: object) -> tuple[int, str, list[str]]:
        monkeypatch.setattr(sys, "argv", ["reasonedit", *map(str, arguments)])
        code: Any = 0
        with warnings.catch_warnings(record=True):  # a torn line is also told as a warning, to callers in Python
            warnings.simplefilter("always")
            try:
                application()
            except SystemExit as end:
                code = end.code or 0
        told = capsys.readouterr()
        assert "\x1b" not in told.out + told.err and "\x07" not in told.out + told.err
        return code, told.out, told.err.splitlines()

    return run


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two runs, named so that they can be typed."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("good", "bad"):
        agent = EditAgent(f"{PARTS}:refining", f"{PARTS}:painter", "accepted | rounds(3)", runs=folder)
        made = agent.edit(encoded(), "do it", seed=1).trace
        shutil.move(made, folder / name)
    return folder


@pytest.fixture
def runs(recorded: Path, tmp_path: Path) -> Path:
    shutil.copytree(recorded, tmp_path / "runs")
    return tmp_path / "runs"


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda data: b"".join(change(data.splitlines(keepends=True)))


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda data: b"", "is empty"),
    "torn in its first line": (lambda data: data[:90], "is empty"),
    "of a newer version": (
        lambda data: data.replace(b'"version":1', b'"version":99', 1).replace(b'"planned"', b'"pondered"'),
        "written by a newer version (schema 99, this one reads up to 1). Upgrade reasonedit-agent.",
    ),
    "foreign": (lambda data: b'{"hello": 1}\n{"a": 2}\n', "line 1, is not an event of a trace: it has no type."),
    "foreign lines": (lambda data: b"time,level\n12:00,info\n", "line 1, is not an event of a trace: Invalid JSON"),
    "binary": (lambda data: bytes(range(256)) * 9, "line 1, is not an event of a trace: Invalid JSON"),
    "without its first line": (lines(lambda all_: all_[1:]), "its first line is no run_started event"),
    "damaged in the middle": (
        lines(lambda all_: [*all_[:3], b"\0" * 40 + b"\n", *all_[4:]]),
        "line 4, is not an event",
    ),
    "with an unknown event": (
        lines(lambda all_: [*all_[:3], b'{"type": "\\u001b[31mhacked"}\n', *all_[3:]]),
        r"line 4, is not an event of a trace: there is no event '\x1b[31mhacked'.",
    ),
    "with a wrong value": (
        lambda data: data.replace(b'"after":1', b'"after":"soon"', 1),
        "decided.decision.after: Input should be a valid integer",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_trace_that_cannot_be_read(typed: Typed, runs: Path, tmp_path: Path, kind: str) -> None:
    change, why = BROKEN[kind]
    file = runs / "bad" / EVENTS
    file.write_bytes(change(file.read_bytes()))
    left = file.read_bytes()
    before = sorted(path for path in runs.rglob("*") if path.is_file())
    for command in (
        ["trace", "show", "bad"],
        ["trace", "show", "bad", "--json"],
        ["trace", "verify", "bad"],
        ["trace", "diff", "good", "bad"],
        ["trace", "export", "bad", "--out", tmp_path / "out.zip"],
        ["policy", "replay", "bad", "--policy", "rounds(1)"],
        ["policy", "replay", "bad", "--fits", tmp_path / "fit.json"],
        ["fork", "bad", "--round", "1", "--out", tmp_path],
    ):
        code, out, err = typed(*command, "--runs", runs)
        if "--json" in command:
            assert (code, err) == (4, []) and why in out.replace("\\\\", "\\"), command
            continue
        assert (code, len(err), out) == (4, 1, ""), (command, err, out)
        assert why in err[0] and str(file) in err[0], command
    assert not (tmp_path / "out.zip").exists() and not (tmp_path / "fit.json").exists()
    assert before == sorted(path for path in runs.rglob("*") if path.is_file())
    # beside a good one it is named and left out
    code, out, err = typed("policy", "replay", "--policy", "rounds(1)", "--runs", runs)
    assert code == 0 and len(err) == 1 and err[0].startswith("left out: ") and why in err[0]
    code, out, err = typed("trace", "stats", "--runs", runs)
    assert code == 0 and "1 run: " in out and len(err) == 1 and err[0].startswith("skipped: ") and why in err[0]
    code, out, err = typed("trace", "list", "--runs", runs)
    assert code == 0 and err == [] and "accepted" in out and str(file)[-20:] in out.replace("\n", "")
    assert file.read_bytes() == left


def test_a_torn_last_line_is_left_out_and_nothing_else(typed: Typed, runs: Path, tmp_path: Path) -> None:
    file = runs / "bad" / EVENTS
    file.write_bytes(file.read_bytes()[:-40])
    left = file.read_bytes()
    said = f"{file}: its last line is torn and was left out."
    for command, shown in (
        (["show", "bad"], "Not finished; next:"),
        (["verify", "bad"], "decisions of the policy came out again"),
        (["diff", "good", "bad"], "They part at: "),
    ):
        code, out, err = typed("trace", *command, "--runs", runs)
        assert (code, err) == (0, [said]) and shown in out, command
    code, out, err = typed("policy", "replay", "bad", "--policy", "accepted | rounds(3)", "--runs", runs)
    assert (code, err) == (0, [said]) and "8.00 [one value]" in out
    code, out, err = typed("trace", "stats", "--runs", runs)
    assert code == 0 and "2 runs:" in out and "open 1" in out
    code, out, err = typed("trace", "export", "bad", "--out", tmp_path / "out", "--runs", runs)
    assert (code, err) == (0, []) and (tmp_path / "out" / "bad" / EVENTS).read_bytes() == left
    code, out, err = typed("fork", "bad", "--round", "1", "--policy", "rounds(1)", "--runs", runs, "--out", tmp_path)
    assert code == 0, err
    assert file.read_bytes() == left


def test_pictures_that_are_gone(typed: Typed, runs: Path, tmp_path: Path) -> None:
    shutil.rmtree(runs / IMAGES)
    where = ("--runs", runs)
    code, out, err = typed("trace", "verify", "bad", *where)
    assert code == 4 and len(err) == 1 and "is missing or damaged" in err[0]
    code, out, err = typed("trace", "show", "bad", *where)
    assert (code, err) == (0, []) and "accepted" in out
    code, out, err = typed("trace", "export", "bad", "--out", tmp_path / "out", *where)
    assert (code, err) == (0, []) and "; 3 missing." in out
    for command in (["trace", "stats"], ["policy", "replay", "bad", "--policy", "rounds(1)"]):
        code, out, err = typed(*command, *where)
        assert (code, err) == (0, []), command
    code, out, err = typed("fork", "bad", "--round", "1", *where, "--out", tmp_path)
    assert (code, len(err)) == (4, 1) and "2 pictures of these rounds are missing or damaged in bad" in err[0]
    assert sorted(path.parent.name for path in runs.glob(f"*/{EVENTS}")) == ["bad", "good"]


def test_two_writers_on_one_run(typed: Typed, runs: Path, tmp_path: Path) -> None:
    file = runs / "bad" / EVENTS
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))  # it is not finished
    writer = TraceWriter(runs / "bad")
    left = file.read_bytes()
    try:
        code, _, err = typed("resume", "bad", "--runs", runs, "--out", tmp_path)
    finally:
        writer.close()
    assert (code, len(err)) == (4, 1) and "is being written by another process. Wait for it." in err[0]
    assert file.read_bytes() == left
    assert typed("resume", "bad", "--runs", runs, "--out", tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("accepted | soon", 12, "There is no policy 'soon'"),
        ("rounds(", 8, ""),
        ("accepted |", 11, ""),
        ("rounds(3) rounds(2)", 11, ""),
        ("rounds(3); keep=worst", 17, "'worst'"),
        ("rounds(3); hold=best", 12, ""),
        ("accepted | budget(usd=much)", 12, "much"),
        ("accepted | rounds(-1)", 12, "whole number"),
        ("accepted | confident(0.9, fit=nowhere.json)", 12, "cannot be read"),
        ("accepted | \x1b[31mred", 12, ""),
    ],
)
def test_a_policy_with_an_error(typed: Typed, runs: Path, tmp_path: Path, text: str, column: int, why: str) -> None:
    for command in (
        ["policy", "replay", "--policy", text],
        ["policy", "tune", "--family", text],
        ["fork", "good", "--round", "1", "--policy", text, "--out", tmp_path],
    ):
        code, out, err = typed(*command, "--runs", runs)
        assert (code, len(err), out) == (2, 1, ""), (command, err)
        assert f"at column {column}" in err[0] and why in err[0], err


def test_labels_of_runs_that_are_not_there(typed: Typed, runs: Path, tmp_path: Path) -> None:
    csv = tmp_path / "labels.csv"
    csv.write_text(f"run,round,label,comment\nnobody{EVIL},1,accept,x\ngood,9,accept,x\ngood,2,perhaps,x\n")
    code, out, err = typed("labels", "import", csv, "--runs", runs)
    assert (code, len(err)) == (2, 1) and "no row that can be used (3 rows)" in err[0]
    csv.write_text(f'run,round,label,comment\nnobody{EVIL},1,accept,x\ngood,2,accept,"{EVIL}"\n')
    code, out, err = typed("labels", "import", csv, "--runs", runs)
    assert code == 0 and len(err) == 1 and "line 2: there is no run 'nobody" in err[0] and "1 labels added" in out
    code, out, err = typed("labels", "list", "--runs", runs)
    assert (code, err) == (0, []) and "<script>x</script>" in out and "nobody" not in out
    code, out, err = typed("policy", "calibrate", "--runs", runs)
    assert (code, len(err)) == (2, 1) and "too few labels: 1 accepted and 0 rejected" in err[0]


def test_words_that_a_terminal_would_obey(typed: Typed, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    broken = Failure(reason="refused", message=EVIL)
    events = by_hand("a", [Rejected(scores=scores(2, 9), critique=EVIL), broken, accepted(9, 9)], Pick(round=1))
    reply = Called(node="reflect", round=1, backend=EVIL, raw=EVIL, reasoning=EVIL, note=EVIL, error=EVIL)
    events[-2:-2] = [reply, Noted(text=EVIL)]
    first: Any = events[0]
    part = PartInfo(name=EVIL, version=EVIL, settings={"words": EVIL})
    request = first.request.model_copy(update={"instruction": EVIL})
    changed = {"request": request, "title": EVIL, "reasoner": part, "tool": part, "policy": "rounds(1)"}
    write(runs / "a", [first.model_copy(update=changed), *events[1:]])
    write(runs / "b\x1b[31m", [first.model_copy(update=changed), *events[1:-4]])
    (runs / "c\x1b[31m").mkdir()
    (runs / "c\x1b[31m" / EVENTS).write_text("{}\n")
    for command in (
        ["trace", "list"],
        ["trace", "show", "a"],
        ["trace", "verify", "a"],
        ["trace", "stats"],
        ["trace", "diff", "a", "b"],
        ["policy", "replay", "--policy", "rounds(1)"],
        ["policy", "replay", "a", "--policy", "confident(0.5)"],
        ["trace", "export", "runs", "--out", tmp_path / "runs.csv"],
        ["trace", "index"],
    ):
        code, out, _ = typed(*command, "--runs", runs)  # `typed` looks at each character
        assert out or code, command
    assert "<script>x</script>" in typed("trace", "show", "a", "--runs", runs)[1]


def test_clocks_that_jump_change_nothing(typed: Typed, runs: Path) -> None:
    commands = (["trace", "stats"], ["policy", "replay", "--policy", "rounds(1)", "--policy", "accepted | rounds(3)"])

    def told() -> list[Any]:
        found = []
        for command in commands:
            code, out, err = typed(*command, "--json", "--runs", runs)
            assert (code, err) == (0, [])
            found.append(json.loads(out))
        return found

    before, rng = told(), random.Random(0)
    for name in ("good", "bad"):
        file = runs / name / EVENTS
        jumped = [json.loads(line) for line in file.read_text().splitlines()]
        for event in jumped:
            event["at"] = rng.choice([-1e9, 0.0, 1.7e9 - rng.random() * 1e6, 4e9])
        file.write_text("".join(json.dumps(event) + "\n" for event in jumped))
    assert told() == before
    for name in ("good", "bad"):
        assert typed("trace", "verify", name, "--runs", runs)[0] == 0
        assert typed("trace", "show", name, "--runs", runs)[0] == 0


def test_runs_of_different_parts_are_grouped_and_never_mixed(typed: Typed, tmp_path: Path) -> None:
    for name, steps in (("a", 50), ("b", 4), ("c", 4)):
        events = by_hand(name, [rejected(4, 9), accepted(9, 9)], Pick(round=2))
        tool = PartInfo(name="diffusers", version="1", settings={"steps": steps})
        write(tmp_path / name, [events[0].model_copy(update={"tool": tool}), *events[1:]])
    code, out, err = typed("policy", "replay", "--policy", "rounds(0)", "--json", "--runs", tmp_path)
    assert (code, err) == (0, [])
    assert [found["runs"] for found in json.loads(out)["policies"]] == [1, 2]
    code, out, err = typed("policy", "replay", "--policy", "rounds(0)", "--runs", tmp_path)
    assert [line.split(" #")[0] for line in out.splitlines() if line.startswith("judge 1")] == [
        "judge 1 with diffusers 1"
    ] * 2
    for command in (["tune"], ["replay", "--fits", tmp_path / "fit.json"]):
        code, out, err = typed("policy", *command, "--runs", tmp_path)
        assert (code, len(err)) == (2, 1) and "made by different parts: judge 1 with diffusers 1 #" in err[0]


def test_a_long_trace_is_read_line_by_line(typed: Typed, tmp_path: Path) -> None:
    """A million lines would need gigabytes as a list; 5,000 show the same."""
    import tracemalloc

    events = by_hand("a", [accepted(9, 9)], Pick(round=1))
    call = Called(node="reflect", round=1, backend="judge", raw="so " * 30, usage=Usage(prompt_tokens=9))
    at = next(number for number, event in enumerate(events) if event.type == "judged")
    write(tmp_path / "a", [*events[:at], *[call] * 5_000, *events[at:]])
    for command in (["show"], ["verify"], ["export", "--out", tmp_path / "out"]):
        tracemalloc.start()
        code, _, _ = typed("trace", command[0], "a", *command[1:], "--runs", tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert code in (0, 4) and peak < 6e6, (command, peak)  # as a list they are 17 MB
    assert "5000" in typed("trace", "show", "a", "--runs", tmp_path)[1]


def test_a_folder_that_is_not_there_is_not_made(typed: Typed, tmp_path: Path) -> None:
    for command, told in (
        (["trace", "list"], "No runs in"),
        (["trace", "stats"], "No runs."),
        (["trace", "index"], "0 runs in"),
        (["trace", "query", "SELECT run FROM runs"], "0 rows."),
    ):
        code, out, err = typed(*command, "--runs", tmp_path / "typo")
        assert (code, err) == (0, []) and told in out, command
    code, out, err = typed("policy", "replay", "--policy", "single", "--runs", tmp_path / "typo")
    assert (code, out, len(err)) == (2, "", 1) and "There is no run with a plan in" in err[0]
    assert not (tmp_path / "typo").exists()
