"""Queries over the index: SQL by DuckDB, and whole tables as frames."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Literal

from reasonedit_agent.analysis.columns import TABLES, arrow_schema
from reasonedit_agent.analysis.failures import failures_sql
from reasonedit_agent.analysis.index import Index, needs
from reasonedit_agent.errors import UsageError

if TYPE_CHECKING:
    import duckdb

__all__ = ["Kind", "connect", "frames", "query"]

Kind = Literal["pyarrow", "polars", "pandas"]

MEMORY = "1GB"
"""What DuckDB may take; what does not fit goes to the disk."""


def connect(index: Index) -> duckdb.DuckDBPyConnection:
    """Return a connection with a view for each table of the index, and one for `failures`.

    It reads nothing but the index and writes nothing anywhere, whatever the SQL says.

    Raises:
        UsageError: duckdb is missing.
    """
    try:
        import duckdb
    except ImportError as error:
        raise needs("duckdb") from error

    connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY, "threads": min(4, os.cpu_count() or 1)})
    for name, files in index.files().items():
        table = TABLES[name]
        if files:
            columns = ", ".join(f'"{column}"' for column in table.names)
            listed = ", ".join(_quoted(file) for file in files)
            connection.execute(f'CREATE VIEW "{name}" AS SELECT {columns} FROM read_parquet([{listed}])')
        else:
            connection.register(f"{name}_empty", arrow_schema(name).empty_table())
            connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM {name}_empty')
    connection.execute(f"CREATE VIEW failures AS {failures_sql()}")
    # Once as it is, once as the pattern that the views read by: both are checked.
    folders = ", ".join(_quoted(f"{index.folder}/", pattern) for pattern in (False, True))
    connection.execute(f"SET allowed_directories = [{folders}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _quoted(file: str, pattern: bool = True) -> str:
    """Return a path as SQL text; DuckDB takes what it reads for a pattern."""
    path = os.path.abspath(file) + ("/" if file.endswith("/") else "")
    return "'" + (re.sub(r"([*?\[])", r"[\1]", path) if pattern else path).replace("'", "''") + "'"


def query(index: Index, sql: str) -> Any:
    """Return the answer to a query as a `pyarrow.Table`.

    Raises:
        UsageError: The SQL has an error, or asks for something outside the index.
    """
    connection = connect(index)
    import duckdb

    try:
        answer = connection.sql(sql)
        if answer is None:
            raise UsageError("The query gives no rows.", hint="Write one that selects.")
        return answer.to_arrow_table()
    except duckdb.Error as error:
        problem = str(error).split("\n")[0].strip(" .!")
        hint = f"The tables are {', '.join(TABLES)} and failures; docs/traces.md has their columns."
        raise UsageError(f"The query fails: {problem}.", hint=hint) from error
    finally:
        connection.close()


def frames(
    *tables: str, runs: str | os.PathLike[str] | None = None, kind: Kind = "pyarrow", update: bool = True
) -> dict[str, Any]:
    """Return tables of the index as frames, by name.

    Args:
        tables: Names of tables (`TABLES` documents their columns) or ``failures``; all of them when none is named.
        runs: The folder of the runs; None is the usual place.
        kind: ``pyarrow`` gives `pyarrow.Table`, ``polars`` and ``pandas`` their `DataFrame`.
        update: Whether to read new and changed runs first.

    Raises:
        UsageError: A name is unknown, or a package is missing.
        StoreError: The index cannot be written.
    """
    known = (*TABLES, "failures")
    unknown = [name for name in tables if name not in known]
    if unknown:
        raise UsageError(f"There is no table {unknown[0]!r}.", hint=f"There are {', '.join(known)}.")
    if kind not in ("pyarrow", "polars", "pandas"):
        raise UsageError(f"There are no frames of {kind!r}.", hint="Take pyarrow, polars or pandas.")
    index = Index(runs)
    if update:
        index.update()
    return {name: _convert(query(index, f'SELECT * FROM "{name}"'), kind) for name in tables or known}


def _convert(table: Any, kind: Kind) -> Any:
    try:
        if kind == "polars":
            import polars

            return polars.from_arrow(table)
        if kind == "pandas":
            import pandas  # noqa: F401

            return table.to_pandas()
    except ImportError as error:
        raise needs(kind) from error
    return table
