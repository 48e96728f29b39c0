"""The index: Parquet beside the runs, made from their JSON lines and rebuilt from them at any time.

::

    runs/index/sources.parquet            what was read: run, size, time, segment, problem; written last
    runs/index/<table>-<segment>.parquet  the rows of many runs

A run is read again when its file's size or time differs. Rows never change in place: the segments that held a changed
run are written anew without it, and files that ``sources`` does not name are left-overs.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reasonedit_agent import tracing
from reasonedit_agent.analysis.columns import TABLES
from reasonedit_agent.analysis.reading import TraceLines
from reasonedit_agent.analysis.rows import rows_of
from reasonedit_agent.analysis.segments import FACTS, Segments, Source, arrow_table, segment_file, write_parquet
from reasonedit_agent.errors import StoreError, TraceError, UsageError

__all__ = ["FOLDER", "VERSION", "Index", "Updated", "needs"]

FOLDER = "index"
"""Its folder among the runs."""

VERSION = "2"
"""Of the tables; an index of another version is built anew."""


def needs(package: str) -> UsageError:
    """Return what to say when a package of the extra is not there."""
    return UsageError(f"This needs {package}.", hint=f"`pip install 'reasonedit-agent[analysis]' {package}` brings it.")


@dataclass(frozen=True)
class Updated:
    """What an update did.

    Attributes:
        runs: In the index now.
        read: Runs that were new or changed.
        gone: Runs that are no longer there.
        events: Lines that were read.
        problems: By run: why it was skipped, or what was left out of it.
    """

    runs: int
    read: int
    gone: int
    events: int
    problems: dict[str, str] = field(default_factory=dict)


class Index:
    """The index of a folder of runs.

    Args:
        runs: The folder; None is the usual place.
        folder: Where the index lies; ``runs/index`` when None.

    Raises:
        UsageError: pyarrow is missing.
    """

    def __init__(self, runs: str | os.PathLike[str] | None = None, folder: Path | None = None) -> None:
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise needs("pyarrow") from error
        self.runs = tracing.runs_folder(runs)
        self.folder = folder or self.runs / FOLDER

    def update(self, progress: Callable[[int, int], None] | None = None) -> Updated:
        """Read what is new or changed; a trace that cannot be read is reported and skipped.

        Args:
            progress: Told how many of the runs to read were read.

        Raises:
            StoreError: The index cannot be written.
        """
        if not self.runs.is_dir() and not self._sources_file.exists():
            return Updated(0, 0, 0, 0, {})  # a mistyped folder is not made
        try:
            with self._mine(), _without_gc():
                return self._update(progress)
        except OSError as error:
            raise StoreError(f"The index {self.folder} cannot be written: {error.strerror or error}.") from error

    def files(self) -> dict[str, list[str]]:
        """Return the Parquet files of each table; none before the first update."""
        import pyarrow.parquet as pq

        if not self._sources_file.exists():
            return {name: [] for name in TABLES}
        column = pq.read_table(self._sources_file, columns=["segment"]).column("segment")
        segments = sorted(segment for segment in column.unique().to_pylist() if segment is not None)
        files = {name: [str(segment_file(self.folder, name, segment)) for segment in segments] for name in FACTS}
        return {**files, "sources": [str(self._sources_file)]}

    def clear(self) -> None:
        """Remove the index; the traces stay."""
        if self.folder.is_dir():
            for path in self.folder.glob("*.parquet"):
                path.unlink()

    @property
    def _sources_file(self) -> Path:
        return self.folder / "sources.parquet"

    @contextmanager
    def _mine(self) -> Iterator[None]:
        """Hold the index, so that two updates follow each other."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as file:
            tracing.lock(file, wait=True)
            yield

    def _load(self) -> dict[str, Source]:
        """Return the sources by run; nothing of another version, or of a damaged index."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._sources_file.exists():
            return {}
        try:
            table = pq.read_table(self._sources_file)
        except (pa.ArrowInvalid, OSError):
            return {}
        if (table.schema.metadata or {}).get(b"version") != VERSION.encode():
            return {}
        columns = [table.column(name).to_pylist() for name in TABLES["sources"].names]
        sources = {row[0]: Source(*row[1:]) for row in zip(*columns, strict=True)}
        segments = {source.segment for source in sources.values() if source.segment is not None}
        lost = {s for s in segments if not all(segment_file(self.folder, name, s).exists() for name in FACTS)}
        return {run: source for run, source in sources.items() if source.segment not in lost}

    def _save(self, sources: dict[str, Source]) -> None:
        names = TABLES["sources"].names
        rows = [(run, *(getattr(source, name) for name in names[1:])) for run, source in sorted(sources.items())]
        table = arrow_table("sources", rows).replace_schema_metadata({"version": VERSION})
        write_parquet(table, self._sources_file)

    def _update(self, progress: Callable[[int, int], None] | None) -> Updated:
        old = self._load()
        found = dict(_scan(self.runs))
        todo = sorted(run for run, (size, time) in found.items() if not _same(old.get(run), size, time))
        gone = old.keys() - found.keys()
        self._tidy(old)
        sources = {run: source for run, source in old.items() if run in found}
        if not todo and not gone and self._sources_file.exists():
            return _report(sources, 0, 0, 0)
        writer = Segments(self.folder, sources)
        writer.reopen(gone | set(todo))
        events = 0
        for number, run in enumerate(todo, 1):
            events += self._read(run, *found[run], writer)
            if progress and (number % 500 == 0 or number == len(todo)):
                progress(number, len(todo))
        writer.flush()
        self._save(sources)
        return _report(sources, len(todo), len(gone), events)

    def _read(self, run: str, size: int, modified: int, writer: Segments) -> int:
        lines = TraceLines(self.runs / run / tracing.EVENTS)
        try:
            rows = rows_of(run, lines)
        except TraceError as error:
            writer.sources[run] = Source(size, modified, problem=str(error))
            return 0
        except (ValueError, LookupError, TypeError) as error:  # lines that are events, and together make no run
            writer.sources[run] = Source(size, modified, problem=f"{lines.path} makes no run ({error!r}).")
            return 0
        count = len(rows["events"])
        problem = f"its last line ({lines.torn} bytes) is torn and was left out" if lines.torn else ""
        writer.add(run, rows, Source(size, modified, events=count, problem=problem))
        return count

    def _tidy(self, sources: dict[str, Source]) -> None:
        """Remove left-overs of updates that did not finish, and of segments that were written anew."""
        named = {source.segment for source in sources.values()}
        for path in self.folder.glob("*-*.parquet"):
            number = path.stem.rpartition("-")[2]
            if number.isdigit() and int(number) not in named:
                path.unlink()
        for path in self.folder.glob("*.part"):
            path.unlink()


@contextmanager
def _without_gc() -> Iterator[None]:
    """Hold the collector back: millions of rows without a cycle among them cost it a quarter of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _scan(runs: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield size and time of each trace file."""
    if not runs.is_dir():
        return
    with os.scandir(runs) as entries:
        for entry in entries:
            try:
                stat = os.stat(os.path.join(entry.path, tracing.EVENTS))
            except OSError:  # no run
                continue
            yield entry.name, (stat.st_size, stat.st_mtime_ns)


def _same(known: Source | None, size: int, modified: int) -> bool:
    return known is not None and (known.size, known.modified) == (size, modified)


def _report(sources: dict[str, Source], read: int, gone: int, events: int) -> Updated:
    indexed = sum(source.segment is not None for source in sources.values())
    problems = {run: source.problem for run, source in sorted(sources.items()) if source.problem}
    return Updated(indexed, read, gone, events, problems)
