"""The trace on disk: where runs live, how events are written, and how they are read again.

The trace is the source of truth; `reasonedit_agent.folding` turns it into a History.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
import warnings
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from reasonedit_agent.errors import StoreError, TraceError, UsageError
from reasonedit_agent.events import EVENT, VERSION, AnyEvent, RunStarted

__all__ = [
    "EVENTS",
    "IMAGES",
    "TraceWriter",
    "find_run",
    "home",
    "lock",
    "new_run_id",
    "parse_line",
    "read_events",
    "read_started",
    "runs_folder",
]

EVENTS = "events.jsonl"
IMAGES = "images"


# -- where runs live --------------------------------------------------------------------------------------------------


def home() -> Path:
    """Return the folder of this library's data: ``$REASONEDIT_HOME``, or the user's data folder."""
    import platformdirs

    chosen = os.environ.get("REASONEDIT_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("reasonedit"))


def runs_folder(runs: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder that holds runs, and the images that they share."""
    return Path(runs) if runs is not None else home() / "runs"


def new_run_id() -> str:
    """Return an id that sorts by time and that nobody else has."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def find_run(run: str | os.PathLike[str], runs: str | os.PathLike[str] | None = None) -> Path:
    """Return a run's folder by its id, the start of its id, or its path.

    Raises:
        UsageError: There is no such run, or several.
    """
    path = Path(run)
    if path.name == EVENTS:
        path = path.parent
    if (path / EVENTS).is_file():
        return path.resolve()
    folder = runs_folder(runs)
    entries = folder.iterdir() if path.name and folder.is_dir() else ()
    found = sorted(entry for entry in entries if entry.name.startswith(path.name) and (entry / EVENTS).is_file())
    exact = [entry for entry in found if entry.name == path.name]
    if len(exact or found) == 1:
        return (exact or found)[0].resolve()
    if not found:
        raise UsageError(f"There is no run {os.fspath(run)!r} in {folder}.", hint="`reasonedit trace list` shows them.")
    raise UsageError(f"{os.fspath(run)!r} names {len(found)} runs.", hint="Give more of the id.")


# -- writing and reading ----------------------------------------------------------------------------------------------


class TraceWriter:
    """Appends events to one run, which nobody else may write meanwhile.

    Args:
        folder: Of the run; made if need be. A torn last line (a crash in the middle of a write) is cut off.

    Raises:
        TraceError: Another process writes it.
        StoreError: The disk does not let us.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / EVENTS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("ab")
            # Whoever holds the run may be in the middle of a line: look at it only once it is ours.
            if not lock(self._file, wait=False):
                self._file.close()
                raise TraceError(f"The run {folder.name} is being written by another process.", hint="Wait for it.")
            _cut_torn_line(path)
        except OSError as error:
            raise StoreError(f"The run {folder} cannot be written: {error.strerror}.") from error

    def write(self, event: AnyEvent) -> None:
        """Append one event and hand it to the operating system."""
        try:
            self._file.write(event.model_dump_json().encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise StoreError(f"The run {self.folder} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        """Put everything on the disk and let go of the run."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StoreError(f"The run {self.folder} cannot be written: {error.strerror}.") from error
        finally:
            with contextlib.suppress(OSError):  # a full disk complains again when the buffer is dropped
                self._file.close()


def lock(file: IO[Any], *, wait: bool) -> bool:
    """Lock an open file against other openers; return whether it is ours now."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock; two writers are then the user's to avoid
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end < len(data):
        warnings.warn(f"{path}: cut off a torn last line of {len(data) - end} bytes.", stacklevel=3)
        with path.open("r+b") as file:
            file.truncate(end)


def read_events(run: str | os.PathLike[str]) -> list[AnyEvent]:
    """Return the events of a run's folder or file; a torn last line is left out with a warning.

    Raises:
        TraceError: It is empty, foreign, damaged, or of a newer version.
    """
    path = Path(run)
    if path.is_dir():
        path = path / EVENTS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TraceError(f"The trace {path} cannot be read: {error.strerror}.") from error
    lines = data.split(b"\n")
    torn = lines.pop()
    if torn:
        warnings.warn(f"{path}: its last line is torn and was left out.", stacklevel=2)
    events: list[AnyEvent] = []
    for number, line in enumerate(lines, 1):
        events.append(parse_line(path, number, line))
    if not events:
        raise TraceError(f"The trace {path} is empty.")
    return events


def read_started(folder: Path) -> RunStarted:
    """Return the first event of a run's folder, and read no further.

    Raises:
        TraceError: It is empty, foreign, damaged, or of a newer version.
    """
    path = folder / EVENTS
    try:
        with path.open("rb") as file:
            line = file.readline()
    except OSError as error:
        raise TraceError(f"The trace {path} cannot be read: {error.strerror}.") from error
    if not line.endswith(b"\n"):
        raise TraceError(f"The trace {path} is empty.")
    event = parse_line(path, 1, line[:-1])
    assert isinstance(event, RunStarted)
    return event


def parse_line(path: Path, number: int, line: bytes) -> AnyEvent:
    """Return the event of one line of a trace.

    Args:
        path: Of the trace, for the error.
        number: Of the line, from 1; the first one must be a `RunStarted` of a version that can be read.
        line: Without its end.

    Raises:
        TraceError: It is foreign, damaged, or of a newer version.
    """
    try:
        event = EVENT.validate_json(line)
    except ValidationError as error:
        raise _explain(path, number, line, error) from error
    if number == 1:
        _check_first(path, event)
    return event


def _check_first(path: Path, event: AnyEvent) -> None:
    if not isinstance(event, RunStarted):
        raise TraceError(f"{path} is not a trace: its first line is no run_started event.")
    if event.version > VERSION:
        raise _newer(path, event.version)


def _newer(path: Path, version: int) -> TraceError:
    problem = f"{path} was written by a newer version (schema {version}, this one reads up to {VERSION})."
    return TraceError(problem, hint="Upgrade reasonedit-agent.")


def _version_of(line: bytes) -> int:
    """Return the schema version that a first line names, however little else of it can be read."""
    try:
        first = json.loads(line)
        version = first["version"] if first["type"] == "run_started" else VERSION
    except (ValueError, KeyError, TypeError):
        return VERSION
    return version if isinstance(version, int) else VERSION


def _explain(path: Path, number: int, line: bytes, error: ValidationError) -> TraceError:
    first = error.errors(include_url=False)[0]
    version = _version_of(line) if number == 1 else VERSION
    if version > VERSION:
        return _newer(path, version)
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "union_tag_not_found":
        why = "it has no type"
    elif first["type"] == "union_tag_invalid":
        why = f"there is no event {first['ctx']['tag']!r}"
    else:
        why = f"{where}: {first['msg']}" if where else first["msg"]
    return TraceError(f"{path}, line {number}, is not an event of a trace: {why}.")
