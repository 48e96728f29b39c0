"""SQL and frames."""

import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from reasonedit_agent.analysis import columns, failures, frames
from reasonedit_agent.analysis.columns import TABLES
from reasonedit_agent.analysis.index import Index
from reasonedit_agent.analysis.query import query
from reasonedit_agent.errors import UsageError
from tests.analysis.making import realistic


def test_frames_are_the_same_in_all_three(tmp_path: Path) -> None:
    raw = realistic(tmp_path, 20)
    arrow = frames(runs=tmp_path)
    assert arrow.keys() == {*TABLES, "failures"}
    types = {"text": pa.string(), "int": pa.int64(), "real": pa.float64(), "flag": pa.bool_()}
    for name, table in TABLES.items():
        assert arrow[name].schema.types == [types[column.type] for column in table.columns]
    polars = frames("runs", "rounds", runs=tmp_path, kind="polars")
    pandas = frames("runs", "rounds", runs=tmp_path, kind="pandas")
    for name in ("runs", "rounds"):
        assert isinstance(polars[name], pl.DataFrame) and isinstance(pandas[name], pd.DataFrame)
        assert polars[name].to_arrow().to_pylist() == arrow[name].to_pylist()
        assert list(pandas[name].columns) == TABLES[name].names and len(pandas[name]) == arrow[name].num_rows
    assert set(polars["runs"]["run"]) == set(raw)


def test_frames_follow_the_runs(tmp_path: Path) -> None:
    assert frames("runs", runs=tmp_path)["runs"].num_rows == 0
    realistic(tmp_path, 2)
    assert frames("runs", runs=tmp_path, update=False)["runs"].num_rows == 0
    assert frames("runs", runs=tmp_path)["runs"].num_rows == 2


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [(("nothing",), {}, "no table 'nothing'"), ((), {"kind": "excel"}, "no frames of 'excel'")],
)
def test_wrong_names_are_told(tmp_path: Path, arguments: tuple[str, ...], options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        frames(*arguments, runs=tmp_path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("package", ["pyarrow", "duckdb", "polars", "pandas"])
def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    realistic(tmp_path, 1)
    monkeypatch.setitem(sys.modules, package, None)
    kind = package if package in ("polars", "pandas") else "pyarrow"
    with pytest.raises(UsageError, match=f"needs {package}.*analysis"):
        frames("runs", runs=tmp_path, kind=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sql",
    [
        "selec",
        "SELECT nothing FROM runs",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM '{secret}'",
        "COPY runs TO '{written}'",
        "ATTACH '{written}' AS other",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '99GB'",
    ],
)
def test_a_query_only_reads_the_index(tmp_path: Path, sql: str) -> None:
    realistic(tmp_path / "runs", 1)
    (tmp_path / "secret.csv").write_text("a\n1\n")
    index = Index(tmp_path / "runs")
    index.update()
    with pytest.raises(UsageError) as caught:
        query(index, sql.format(secret=tmp_path / "secret.csv", written=tmp_path / "written"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "written").exists()


def test_all_columns_and_all_rules_are_documented() -> None:
    docs = Path(__file__).parents[2] / "docs"
    assert columns.document() in (docs / "trace_tables.md").read_text()
    page = (docs / "traces.md").read_text()
    assert failures.document() in page
    assert all(f"`{name}`" in page for name in (*TABLES, "failures"))
