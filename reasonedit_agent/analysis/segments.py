"""Segments of the index: the rows of many runs in one Parquet file per table, written once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasonedit_agent.analysis.collected import Row
from reasonedit_agent.analysis.columns import TABLES, arrow_schema
from reasonedit_agent.analysis.rows import Rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FACTS", "SEGMENT_EVENTS", "Segments", "Source", "arrow_table", "segment_file", "write_parquet"]

SEGMENT_EVENTS = 100_000
"""A segment is full with so many events; one that is less than half full is merged with the next."""

FACTS = tuple(name for name in TABLES if name != "sources")
"""The tables that are kept in segments."""


@dataclass(frozen=True)
class Source:
    """One trace file, as it was when it was read."""

    size: int
    modified: int
    segment: int | None = None
    events: int = 0
    problem: str = ""


def segment_file(folder: Path, table: str, segment: int) -> Path:
    """Return the file of a table's rows in a segment."""
    return folder / f"{table}-{segment:06d}.parquet"


class Segments:
    """Gathers rows, and writes a segment whenever there are enough.

    Args:
        folder: Of the index.
        sources: By run; the segment of each run that was written is noted there.
    """

    def __init__(self, folder: Path, sources: dict[str, Source]) -> None:
        self.folder = folder
        self.sources = sources
        self._next = max((s.segment for s in sources.values() if s.segment is not None), default=0) + 1
        self._rows: Rows = {name: [] for name in FACTS}
        self._kept: dict[str, list[pa.Table]] = {name: [] for name in FACTS}
        self._runs: list[str] = []
        self._events = 0

    def reopen(self, without: Iterable[str]) -> None:
        """Take over the rows of segments that held one of these runs, or are small, without these runs."""
        without = set(without)
        held: dict[int, list[str]] = {}
        touched = set()
        for run, source in list(self.sources.items()):
            if source.segment is not None:
                held.setdefault(source.segment, []).append(run)
                if run in without:
                    touched.add(source.segment)
        # A run that is gone is no longer among the sources: its segment is told by its rows.
        for segment, runs in sorted(held.items()):
            size = sum(self.sources[run].events for run in runs)
            if segment in touched or size < SEGMENT_EVENTS // 2 or self._has_others(segment, runs):
                self._take_over(segment, [run for run in runs if run not in without])

    def _has_others(self, segment: int, runs: list[str]) -> bool:
        import pyarrow.parquet as pq

        return bool(pq.read_metadata(segment_file(self.folder, "runs", segment)).num_rows != len(runs))

    def _take_over(self, segment: int, runs: list[str]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        wanted = pa.array(runs, pa.string())
        for name in FACTS:
            table = pq.read_table(segment_file(self.folder, name, segment))
            self._kept[name].append(table.filter(pc.is_in(table.column("run"), value_set=wanted)))
        self._runs += runs
        self._events += sum(self.sources[run].events for run in runs)
        self._flush_if_full()

    def add(self, run: str, rows: Rows, source: Source) -> None:
        """Take the rows of a run that was read."""
        for name, found in rows.items():
            self._rows[name] += found
        self.sources[run] = source
        self._runs.append(run)
        self._events += source.events
        self._flush_if_full()

    def _flush_if_full(self) -> None:
        if self._events >= SEGMENT_EVENTS:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered as one segment."""
        import pyarrow as pa

        if not self._runs:
            return
        for name in FACTS:
            table = pa.concat_tables([*self._kept[name], arrow_table(name, self._rows[name])])
            write_parquet(table, segment_file(self.folder, name, self._next))
            self._kept[name], self._rows[name] = [], []
        for run in self._runs:
            old = self.sources[run]
            self.sources[run] = Source(old.size, old.modified, self._next, old.events, old.problem)
        self._runs, self._events = [], 0
        self._next += 1


def arrow_table(name: str, rows: list[Row]) -> Any:
    """Return rows as a `pyarrow.Table` with the columns of the table."""
    import pyarrow as pa

    schema = arrow_schema(name)
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a file that is there whole or not at all."""
    import pyarrow.parquet as pq

    part = path.with_suffix(".part")
    pq.write_table(table, part, compression="zstd")
    os.replace(part, path)
