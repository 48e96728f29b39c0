"""Whose a run is: a file beside the runs, with one line per run that a browser started."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

from reasonedit_agent.errors import StoreError

__all__ = ["FILE", "Owners"]

FILE = "studio.jsonl"


class Owners:
    """Who started each run, and from what.

    Args:
        runs: Folder of the runs.
    """

    def __init__(self, runs: Path) -> None:
        self._path = runs / FILE
        self._known: dict[str, dict[str, str]] = {}
        self._read = 0
        self._lock = threading.Lock()

    def may_see(self, session: str, run: str) -> bool:
        """Whether a browser may see a run: its own, and those that no browser started."""
        return self._of(run).get("owner") in (None, _name(session))

    def add(self, session: str, run: str, parent: str = "") -> None:
        """Write down whose run it is, and whose result it started from.

        Raises:
            StoreError: It cannot be written.
        """
        line = json.dumps({"run": run, "owner": _name(session), "parent": parent})
        try:
            # It begins with an end: a line that a crash tore must not take this one with it.
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"\n{line}\n")
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}.") from error

    def parent(self, run: str) -> str:
        """Return the run whose picture a run started from; empty where it was a photo."""
        return self._of(run).get("parent", "")

    def _of(self, run: str) -> dict[str, str]:
        with self._lock:
            size = self._path.stat().st_size if self._path.is_file() else 0
            if size != self._read:
                self._read = size
                for line in self._path.read_text("utf-8", errors="replace").splitlines():
                    if told := _line(line):
                        self._known.setdefault(told.get("run", ""), told)
            return self._known.get(run, {})


def _line(text: str) -> dict[str, str]:
    """Return what a line says; nothing of one that a crash tore."""
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _name(session: str) -> str:
    """Return what stands in the file for a browser: not its secret."""
    return hashlib.sha256(session.encode()).hexdigest()[:24]
