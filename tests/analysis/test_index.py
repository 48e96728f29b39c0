"""The index: what is in it, what is read again, and what is skipped."""

import json
import shutil
import warnings
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reasonedit_agent.analysis import index as module
from reasonedit_agent.analysis import segments
from reasonedit_agent.analysis.columns import TABLES
from reasonedit_agent.analysis.index import Index
from reasonedit_agent.analysis.query import query
from reasonedit_agent.errors import StoreError, TraceError
from reasonedit_agent.events import Called, Noted, RunEnded
from reasonedit_agent.schemas import Pick, Usage
from reasonedit_agent.tracing import EVENTS, TraceWriter, read_events
from tests.analysis.making import accepted, by_hand, realistic, rejected, write

FIXTURE = Path(__file__).parents[1] / "fixtures" / "trace_v1.jsonl"


def rows(index: Index, table: str, order: str = "ALL") -> list[dict[str, object]]:
    return query(index, f'SELECT * FROM "{table}" ORDER BY {order}').to_pylist()  # type: ignore[no-any-return]


def everything(index: Index) -> dict[str, list[dict[str, object]]]:
    return {name: rows(index, name) for name in TABLES if name != "sources"}


def test_every_line_is_a_row_and_every_fact_is_where_it_belongs(tmp_path: Path) -> None:
    raw = realistic(tmp_path, 60)
    index = Index(tmp_path)
    updated = index.update()
    lines = [(run, line) for run, told in raw.items() for line in told]
    assert (updated.runs, updated.read, updated.events, updated.problems) == (60, 60, len(lines), {})
    types = Counter(line["type"] for _, line in lines)
    assert {
        r["type"]: r["n"] for r in query(index, "SELECT type, count(*) n FROM events GROUP BY 1").to_pylist()
    } == types
    assert len(rows(index, "calls")) == types["called"]
    assert len(rows(index, "decisions")) == types["decided"]
    judged = [(run, line["round"], line["verdict"]) for run, line in lines if line["type"] == "judged"]
    found = {(r["run"], r["round"]): r for r in rows(index, "candidates")}
    for run, round_, verdict in judged:
        row = found.pop((run, round_))
        assert (row["verdict"], row["critique"]) == (verdict["kind"], verdict["critique"])
        assert {axis: row[axis] for axis in verdict["scores"]} == verdict["scores"]
    assert {r["verdict"] for r in found.values()} == {"failure"}
    assert len(rows(index, "answers")) == sum(len(verdict["answers"]) for _, _, verdict in judged)


def test_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    shutil.copy(FIXTURE, tmp_path / "a" / EVENTS)
    index = Index(tmp_path)
    index.update()
    (run,) = rows(index, "runs")
    assert (run["rounds"], run["status"], run["stopped_by"], run["kept_round"]) == (3, "accepted", "person", 3)
    candidates = rows(index, "candidates")
    assert [(c["verdict"], c["overruled"], c["failure"]) for c in candidates] == [
        ("rejected", True, None),
        ("failure", False, "lost"),
        ("accepted", False, None),
    ]
    assert candidates[0]["overall"] == 4.0  # the Reasoner's: a person rejects, and gives no scores
    assert [p["kind"] for p in rows(index, "people", "seq")] == ["accept", "reject", "reject", "accept"]
    assert [c["preference"] for c in candidates] == ["b", "b", "b"]


def test_rows_have_the_columns_that_are_documented(tmp_path: Path) -> None:
    realistic(tmp_path, 3)
    index = Index(tmp_path)
    for state in ("empty", "filled"):
        for name, table in TABLES.items():
            assert query(index, f'SELECT * FROM "{name}"').column_names == table.names, state
        index.update()


def test_only_what_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT_EVENTS", 60)
    realistic(tmp_path, 12)
    index = Index(tmp_path)
    assert index.update().read == 12
    assert index.update().read == 0
    realistic(tmp_path, 1, first=50)
    assert index.update().read == 1
    with (tmp_path / "20260101-000003" / EVENTS).open("a") as file:
        file.write(Called(node="think", backend="late", usage=Usage(usd=1)).model_dump_json() + "\n")
    shutil.rmtree(tmp_path / "20260101-000005")
    updated = index.update()
    assert (updated.read, updated.gone, updated.runs) == (1, 1, 12)
    assert [c["run"] for c in rows(index, "calls") if c["backend"] == "late"] == ["20260101-000003"]
    assert everything(index) == everything(rebuilt(tmp_path))


def rebuilt(runs: Path) -> Index:
    index = Index(runs, runs.parent / f"{runs.name}-again")
    index.clear()
    index.update()
    return index


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["new", "grow", "gone", "torn", "update"])), max_size=14
    )
)
def test_an_updated_index_equals_a_rebuilt_one(
    steps: list[tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_EVENTS", 30)
    runs = tmp_path / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    runs.mkdir()
    index = Index(runs)
    for number, what in steps:
        path = runs / f"20260101-{number:06d}" / EVENTS
        if what == "new":
            realistic(runs, 1, first=number)
        elif what == "update":
            index.update()
        elif path.exists() and what == "gone":
            shutil.rmtree(path.parent)
        elif path.exists():
            with path.open("a") as file:
                file.write("{" if what == "torn" else Called(backend=str(number)).model_dump_json() + "\n")
    index.update()
    assert everything(index) == everything(rebuilt(runs))


BAD = {
    "empty": ("", "is empty"),
    "future": ('{"type":"run_started","version":99,"run":"x"}\n', "newer version"),
    "foreign": ('{"messages": []}\n', "is not an event of a trace"),
    "headless": ('{"type":"noted","text":"x"}\n', "is not a trace"),
    "text": ("hello\n", "is not an event of a trace"),
    "bytes": ("\0\0\0\n", "is not an event of a trace"),
    "one torn line": ('{"type":"run_st', "is empty"),
}


def test_bad_files_are_reported_in_a_line_and_skipped(tmp_path: Path) -> None:
    realistic(tmp_path, 2)
    for name, (text, _) in BAD.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / EVENTS).write_text(text)
    lines = FIXTURE.read_text().splitlines(keepends=True)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / EVENTS).write_text("".join([*lines[:5], "{}\n", *lines[5:]]))
    nobody = [json.loads(line) for line in lines]
    for event in nobody:
        if event["type"] == "edited":
            event["candidates"] = []
    (tmp_path / "no candidates").mkdir()
    (tmp_path / "no candidates" / EVENTS).write_text("".join(json.dumps(event) + "\n" for event in nobody))
    (tmp_path / "just a folder").mkdir()
    index = Index(tmp_path)
    updated = index.update()
    assert updated.runs == 2
    for name, (_, said) in {**BAD, "damaged": ("", "line 6"), "no candidates": ("", "makes no run")}.items():
        assert said in updated.problems.pop(name)
    assert updated.problems == {}
    assert index.update().read == 0  # a bad file is not tried again until it changes
    assert {r["run"]: r["problem"] for r in rows(index, "sources") if r["segment"] is None}.keys() == {
        *BAD,
        "damaged",
        "no candidates",
    }


def test_a_torn_last_line_is_left_out_and_the_run_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "a", by_hand("a", [accepted(9, 9)], Pick(round=1)))
    with (tmp_path / "a" / EVENTS).open("a") as file:
        file.write('{"type":"call')
    index = Index(tmp_path)
    updated = index.update()
    assert updated.runs == 1 and "torn" in updated.problems["a"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert rows(index, "runs")[0]["events"] == len(read_events(tmp_path / "a"))


def test_a_run_that_is_going_on_is_open_and_is_read_when_it_has_ended(tmp_path: Path) -> None:
    events = by_hand("a", [accepted(9, 9)], Pick(round=1))
    writer = TraceWriter(tmp_path / "a")
    for event in events[:5]:
        writer.write(event)
    with pytest.raises(TraceError, match="written by another process"):
        TraceWriter(tmp_path / "a")
    index = Index(tmp_path)
    index.update()
    assert [(r["status"], r["rounds"]) for r in rows(index, "runs")] == [(None, 0)]
    for event in events[5:]:  # indexing has not locked the writer out
        writer.write(event)
    writer.close()
    assert index.update().read == 1
    assert [(r["status"], r["rounds"]) for r in rows(index, "runs")] == [("best_effort", 1)]


@pytest.mark.parametrize("harm", ["version", "sources", "segment"])
def test_an_index_of_another_version_or_a_damaged_one_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    realistic(tmp_path, 4)
    index = Index(tmp_path)
    index.update()
    before = everything(index)
    if harm == "version":
        monkeypatch.setattr(module, "VERSION", "0")
    elif harm == "sources":
        (index.folder / "sources.parquet").write_bytes(b"PAR1 no")
    else:
        next(index.folder.glob("rounds-*.parquet")).unlink()
    assert index.update().read == 4
    assert everything(index) == before
    index.update()
    assert len(list(index.folder.glob("runs-*.parquet"))) == 1  # what is left over is removed


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Index(tmp_path, tmp_path / "file" / "index").update()


def test_shadow_rounds_cost_nothing_and_are_marked(tmp_path: Path) -> None:
    usage = [Usage(usd=1.0, prompt_tokens=10)] * 3
    verdicts = [rejected(4, 9), rejected(6, 9), accepted(9, 9)]
    write(tmp_path / "a", by_hand("a", verdicts, Pick(round=1), stop_after=1, usage=usage))
    index = Index(tmp_path)
    index.update()
    (run,) = rows(index, "runs")
    assert (run["rounds"], run["shadow_rounds"], run["usd"], run["prompt_tokens"]) == (1, 2, 1.0, 10)
    assert run["seconds"] == 0.5 + 2 + 1  # think, edit and reflect of round 1
    assert [r["shadow"] for r in rows(index, "rounds")] == [False, True, True]
    assert [c["shadow"] for c in rows(index, "calls")] == [False, True, True]
    assert run["last_verdict"] == "rejected"


def test_an_interruption_is_no_outcome_once_the_run_went_on(tmp_path: Path) -> None:
    events = by_hand("a", [rejected(4, 9), accepted(9, 9)], Pick(round=2))
    interrupted = RunEnded(node="finish", round=1, status="best_effort", stopped_by="interrupted", keep=Pick(round=1))
    index = Index(tmp_path)
    # Interrupted after round 1; gone on with; stopped by its policy; and something came before its end was written.
    middle = next(n for n, event in enumerate(events) if event.round == 2)
    cut = [*events[:middle], interrupted, *events[middle:-1], Noted(round=2, text="and then the power failed")]
    write(tmp_path / "a", cut)
    index.update()
    (run,) = rows(index, "runs")
    assert (run["status"], run["stopped_by"], run["rounds"]) == (None, None, 2)


def test_what_was_not_told_is_null_and_not_zero(tmp_path: Path) -> None:
    usage = [Usage(seconds=1), Usage(seconds=1, usd=0.5)]
    write(tmp_path / "a", by_hand("a", [rejected(4, 9), rejected(4, 9)], usage=usage))
    write(tmp_path / "b", by_hand("b", [rejected(4, 9)], usage=[Usage(seconds=1)]))
    index = Index(tmp_path)
    index.update()
    a, b = rows(index, "runs")
    assert (a["usd"], a["calls"], a["unpriced_calls"]) == (0.5, 2, 1)
    assert (b["usd"], b["calls"], b["unpriced_calls"], b["prompt_tokens"]) == (None, 1, 1, None)


def test_a_runs_folder_with_odd_letters(tmp_path: Path) -> None:
    runs = tmp_path / "it's [1] *odd?"
    realistic(runs, 2)
    index = Index(runs)
    index.update()
    assert len(rows(index, "runs")) == 2
