"""Out and in: runs with their pictures as a folder or a zip, and back.

An exported folder (or an unpacked zip) is itself a folder of runs: ``<run>/events.jsonl`` and ``images/<ab>/<sha256>``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reasonedit_agent import tracing
from reasonedit_agent.analysis.reading import TraceLines
from reasonedit_agent.errors import ReasonEditError, StoreError, UsageError
from reasonedit_agent.events import AnyEvent, images_of
from reasonedit_agent.images import MAX_BYTES, open_store
from reasonedit_agent.protocols import ImageStore

__all__ = ["Moved", "export_runs", "images_of", "import_runs", "safe_run"]

MAX_TRACE = 2**31
"""Largest trace file that is taken out of a zip, bytes."""


@dataclass(frozen=True)
class Moved:
    """What an export or an import did.

    Attributes:
        runs: That were written.
        images: How many pictures were written.
        missing: Pictures that the traces name and that are not there: a run is worth having without them.
        problems: By run or file: why it was left out.
    """

    runs: tuple[str, ...] = ()
    images: int = 0
    missing: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)


def export_runs(folders: Iterable[Path], out: Path) -> Moved:
    """Write runs with their pictures into a folder, or into a zip where ``out`` ends with ``.zip``.

    Args:
        folders: Of the runs; each one's pictures are looked for beside it.
        out: A zip is replaced; a folder is added to.

    Raises:
        TraceError: A trace cannot be read.
        StoreError: Something cannot be written.
    """
    runs, missing, written = [], set(), set()
    part = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _Zip(part) if out.suffix == ".zip" else _Folder(out) as target:
            for folder in folders:
                pictures = images_of(TraceLines(folder / tracing.EVENTS))
                target.copy(f"{folder.name}/{tracing.EVENTS}", folder / tracing.EVENTS)
                runs.append(folder.name)
                store = open_store(folder.parent / tracing.IMAGES)
                for sha256, ref in pictures.items():
                    if sha256 in written:
                        continue
                    try:
                        data = store.get(ref)
                    except StoreError:
                        missing.add(sha256)
                        continue
                    target.write(f"{tracing.IMAGES}/{sha256[:2]}/{sha256}", data)
                    written.add(sha256)
        if out.suffix == ".zip":
            os.replace(part, out)
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return Moved(tuple(runs), len(written), tuple(sorted(missing - written)))


class _Folder:
    def __init__(self, root: Path) -> None:
        self.root = root

    def __enter__(self) -> _Folder:
        return self

    def __exit__(self, *error: object) -> None: ...

    def write(self, name: str, data: bytes) -> None:
        self._place(name).write_bytes(data)

    def copy(self, name: str, path: Path) -> None:
        shutil.copyfile(path, self._place(name))

    def _place(self, name: str) -> Path:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target


class _Zip:
    def __init__(self, path: Path) -> None:
        self.zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)

    def __enter__(self) -> _Zip:
        return self

    def __exit__(self, *error: object) -> None:
        self.zip.close()

    def write(self, name: str, data: bytes) -> None:
        # Pictures are compressed already.
        kind = zipfile.ZIP_STORED if name.startswith(f"{tracing.IMAGES}/") else zipfile.ZIP_DEFLATED
        self.zip.writestr(name, data, compress_type=kind)

    def copy(self, name: str, path: Path) -> None:
        self.zip.write(path, name)


def safe_run(name: str) -> bool:
    """Return whether a name from outside may become a run's folder."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) is not None and name not in (tracing.IMAGES, "index")


def import_runs(source: Path, runs: Path) -> Moved:
    """Take over runs that were exported: a zip, a folder of runs, or one run's folder.

    Every trace is read before it is taken, and every picture is checked against its hash. A run that is there already
    is left as it is, and only its pictures are looked for.

    Raises:
        UsageError: There is no run in it.
        StoreError: It cannot be read, or the runs' folder cannot be written.
    """
    try:
        with _open(source) as package:
            return _take(package, runs)
    except zipfile.BadZipFile as error:
        raise UsageError(f"{source} is no zip, or a damaged one ({error}).", hint="Export it again.") from error
    except OSError as error:
        raise StoreError(f"{source} cannot be taken over: {error.strerror or error}.") from error


class _Package:
    """What an import reads from: traces by run, pictures by hash."""

    def traces(self) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Yield each run with what reads its trace."""
        yield from ()

    def image(self, sha256: str) -> bytes | None:
        """Return a picture's bytes, or None."""
        return None

    def __enter__(self) -> _Package:
        return self

    def __exit__(self, *error: object) -> None: ...


class _FolderPackage(_Package):
    def __init__(self, root: Path) -> None:
        single = (root / tracing.EVENTS).is_file()
        self.root = root.parent if single else root
        self.names = [root.name] if single else sorted(p.parent.name for p in root.glob(f"*/{tracing.EVENTS}"))

    def traces(self) -> Iterator[tuple[str, Callable[[], bytes]]]:
        for name in self.names:
            yield name, (self.root / name / tracing.EVENTS).read_bytes

    def image(self, sha256: str) -> bytes | None:
        path = self.root / tracing.IMAGES / sha256[:2] / sha256
        return path.read_bytes() if path.is_file() and path.stat().st_size <= MAX_BYTES else None


class _ZipPackage(_Package):
    def __init__(self, path: Path) -> None:
        self.zip = zipfile.ZipFile(path)

    def __exit__(self, *error: object) -> None:
        self.zip.close()

    def traces(self) -> Iterator[tuple[str, Callable[[], bytes]]]:
        for name in self.zip.namelist():
            run, _, file = name.partition("/")
            if file == tracing.EVENTS:
                yield run, lambda name=name: self._read(name, MAX_TRACE)  # type: ignore[misc]

    def image(self, sha256: str) -> bytes | None:
        name = f"{tracing.IMAGES}/{sha256[:2]}/{sha256}"
        return self._read(name, MAX_BYTES) if name in self.zip.NameToInfo else None

    def _read(self, name: str, limit: int) -> bytes:
        with self.zip.open(name) as file:  # never trust the size that the zip tells
            data = file.read(limit + 1)
        if len(data) > limit:
            raise UsageError(f"{name} in the zip is larger than {limit // 2**20} MiB.")
        return data


def _open(source: Path) -> _Package:
    if source.is_dir():
        return _FolderPackage(source)
    if not source.exists():
        raise UsageError(f"{source} does not exist.", hint="Give a zip or a folder of runs.")
    return _ZipPackage(source)


def _take(package: _Package, runs: Path) -> Moved:
    done, problems, missing, count = [], {}, set(), 0
    store = open_store(runs / tracing.IMAGES)
    found = False
    for run, read in package.traces():
        found = True
        try:
            events = _take_trace(run, read(), runs)
        except ReasonEditError as error:
            problems[run] = str(error)
            continue
        done.append(run)
        for sha256 in images_of(events):
            if _take_image(package.image(sha256), sha256, store):
                count += 1
            else:
                missing.add(sha256)
    if not found:
        raise UsageError("There is no run in it.", hint="A run is a folder with events.jsonl in it.")
    return Moved(tuple(done), count, tuple(sorted(missing)), problems)


def _take_image(data: bytes | None, sha256: str, store: ImageStore) -> bool:
    """Store a picture; return whether there is one, and it is what its name says."""
    if data is None or hashlib.sha256(data).hexdigest() != sha256:
        return False
    try:
        store.put(data)
    except StoreError:
        raise
    except Exception:  # Pillow has many ways to say that it is no picture
        return False
    return True


def _take_trace(run: str, data: bytes, runs: Path) -> list[AnyEvent]:
    """Write a trace under its run's name once it was read as one."""
    if not safe_run(run):
        raise UsageError(f"{run!r} is no name of a run.")
    target = runs / run / tracing.EVENTS
    if target.exists():
        if target.read_bytes() != data:
            raise UsageError("Another run of this name is there already.")
        return list(TraceLines(target))
    part = target.with_name(f"{tracing.EVENTS}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(data)
    try:
        events = list(TraceLines(part))
        os.replace(part, target)
    except ReasonEditError:
        part.unlink()
        part.parent.rmdir()
        raise
    return events
