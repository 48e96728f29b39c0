"""Out and in again: tables, runs, and what a stranger may have put into a zip."""

import csv
import hashlib
import json
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from reasonedit_agent.analysis.exchange import export_runs, images_of, import_runs
from reasonedit_agent.analysis.index import Index
from reasonedit_agent.analysis.query import query
from reasonedit_agent.analysis.table_files import write_table
from reasonedit_agent.analysis.verify import verify
from reasonedit_agent.errors import StoreError, UsageError
from reasonedit_agent.images import open_store
from reasonedit_agent.tracing import EVENTS, IMAGES, read_events
from tests.analysis.making import realistic
from tests.graphs.scripts import ACCEPTED, REFINE, agent


@pytest.fixture
def run(tmp_path: Path, picture: bytes) -> Path:
    return agent(tmp_path / "runs", REFINE, ACCEPTED).edit(picture, "do it", seed=1).trace


@pytest.mark.parametrize("out", ["out", "out.zip"])
def test_there_and_back(run: Path, tmp_path: Path, out: str) -> None:
    moved = export_runs([run], tmp_path / out)
    assert (moved.runs, moved.images, moved.missing) == ((run.name,), 3, ())
    there = tmp_path / "there"
    taken = import_runs(tmp_path / out, there)
    assert (taken.runs, taken.images, taken.missing, taken.problems) == ((run.name,), 3, (), {})
    assert (there / run.name / EVENTS).read_bytes() == (run / EVENTS).read_bytes()
    assert verify(read_events(there / run.name), open_store(there / IMAGES)).passed
    assert import_runs(tmp_path / out, there).runs == (run.name,)  # once more changes nothing


def test_an_exported_folder_and_an_unpacked_zip_are_folders_of_runs(run: Path, tmp_path: Path) -> None:
    export_runs([run], tmp_path / "folder")
    export_runs([run], tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as package:
        assert {info.compress_type for info in package.infolist()} <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
        package.extractall(tmp_path / "unpacked")
    for root in ("folder", "unpacked"):
        assert verify(read_events(tmp_path / root / run.name), open_store(tmp_path / root / IMAGES)).passed
    assert import_runs(tmp_path / "folder" / run.name, tmp_path / "one").images == 3  # one run's folder


def test_missing_images_are_told_and_borne(run: Path, tmp_path: Path) -> None:
    store = open_store(run.parent / IMAGES)
    gone = next(iter(images_of(read_events(run)).values()))
    store.path(gone).unlink()  # type: ignore[union-attr]
    moved = export_runs([run], tmp_path / "out.zip")
    assert (moved.images, moved.missing) == (2, (gone.sha256,))
    taken = import_runs(tmp_path / "out.zip", tmp_path / "there")
    assert (taken.runs, taken.images, taken.missing) == ((run.name,), 2, (gone.sha256,))


def test_another_run_of_the_same_name_is_left_alone(run: Path, tmp_path: Path) -> None:
    export_runs([run], tmp_path / "out.zip")
    mine = tmp_path / "there" / run.name / EVENTS
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    taken = import_runs(tmp_path / "out.zip", tmp_path / "there")
    assert taken.runs == () and "Another run" in taken.problems[run.name]
    assert mine.read_text() == "mine"


def test_what_a_stranger_put_into_a_zip(run: Path, tmp_path: Path) -> None:
    good = (run / EVENTS).read_bytes()
    sha256 = next(iter(images_of(read_events(run))))
    noise = b"no picture at all"
    named = hashlib.sha256(noise).hexdigest()
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as package:
        package.writestr(f"../{EVENTS}", good)
        package.writestr(f"..%2f/{EVENTS}", good)
        package.writestr(f"images/{EVENTS}", good)
        package.writestr(f"index/{EVENTS}", good)
        package.writestr(f".hidden/{EVENTS}", good)
        package.writestr("deep/er/events.jsonl", good)
        package.writestr(f"text/{EVENTS}", "hello\n")
        package.writestr(f"future/{EVENTS}", '{"type":"run_started","version":99}\n')
        package.writestr(f"good/{EVENTS}", good.replace(sha256.encode(), named.encode()))
        package.writestr(f"images/{named[:2]}/{named}", noise)
        package.writestr("images/../../escaped", noise)
    there = tmp_path / "a" / "there"
    taken = import_runs(tmp_path / "bad.zip", there)
    assert taken.runs == ("good",) and taken.images == 0 and named in taken.missing
    assert taken.problems.keys() == {"..", "..%2f", "images", "index", ".hidden", "text", "future"}
    assert [path.name for path in there.iterdir()] == ["good"]
    assert not list(tmp_path.rglob("escaped"))


def test_a_damaged_image_is_not_taken(run: Path, tmp_path: Path) -> None:
    export_runs([run], tmp_path / "out")
    first = next(path for path in (tmp_path / "out" / IMAGES).rglob("*") if path.is_file())
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    taken = import_runs(tmp_path / "out", tmp_path / "there")
    assert (taken.images, taken.missing) == (2, (first.name,))


@pytest.mark.parametrize("name", ["nothing.zip", "text.zip", "empty"])
def test_what_is_no_export_is_one_clear_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.zip").write_text("hello")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"exist|no zip|no run"):
        import_runs(tmp_path / name, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_tables_as_files_hold_the_same_rows(tmp_path: Path) -> None:
    realistic(tmp_path / "runs", 30)
    index = Index(tmp_path / "runs")
    index.update()
    table = query(index, "SELECT * FROM candidates ORDER BY run, round")
    for ending in ("parquet", "csv", "jsonl"):
        write_table(table, tmp_path / f"out.{ending}")
    assert pq.read_table(tmp_path / "out.parquet").equals(table)
    rows = table.to_pylist()
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()] == rows
    with (tmp_path / "out.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["critique"] for row in read] == [row["critique"] or "" for row in rows]
    assert [float(row["overall"] or -1) for row in read] == [-1 if r["overall"] is None else r["overall"] for r in rows]
    assert not list(tmp_path.glob("*.part"))


def test_a_table_without_a_format_or_a_place_is_refused(tmp_path: Path) -> None:
    realistic(tmp_path / "runs", 1)
    index = Index(tmp_path / "runs")
    index.update()
    with pytest.raises(UsageError, match="ending"):
        write_table(query(index, "SELECT * FROM runs"), tmp_path / "runs.xlsx")
    with pytest.raises(UsageError, match="cannot hold"):
        write_table(query(index, "SELECT list(run) AS runs FROM runs"), tmp_path / "lists.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        write_table(query(index, "SELECT * FROM runs"), tmp_path / "file" / "runs.csv")
