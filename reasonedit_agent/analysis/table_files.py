"""A table as a file: Parquet, CSV or JSON lines."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reasonedit_agent.analysis.plain import dumps
from reasonedit_agent.errors import StoreError, UsageError

__all__ = ["write_table"]


def write_table(table: Any, path: Path) -> None:
    """Write a `pyarrow.Table` as Parquet, CSV or JSON lines, as the file's ending says; an existing file is replaced.

    Raises:
        UsageError: The ending is another one, or CSV cannot hold a column.
        StoreError: The file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    writers: dict[str, Callable[[Any, Path], Any]] = {
        ".parquet": lambda table, path: pa.parquet.write_table(table, path, compression="zstd"),
        ".csv": lambda table, path: pa.csv.write_csv(table, path),
        ".jsonl": _write_jsonl,
    }
    if path.suffix not in writers:
        raise UsageError(f"{path.name} has no ending that says the format.", hint="Take .parquet, .csv or .jsonl.")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writers[path.suffix](table, part)
        os.replace(part, path)
    except pa.ArrowInvalid as error:
        raise UsageError(f"{path.name} cannot hold this table: {error}.", hint="Take .jsonl or .parquet.") from error
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _write_jsonl(table: Any, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for batch in table.to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                file.write(dumps(row) + "\n")
