"""Runs of other programs as traces of ours, so that statistics and replay work on them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from reasonedit_agent.analysis.editthinker import import_editthinker
from reasonedit_agent.analysis.step1x import import_step1x
from reasonedit_agent.errors import UsageError

__all__ = ["import_editthinker", "import_foreign", "import_step1x"]


def import_foreign(path: Path, runs: str | os.PathLike[str] | None = None) -> Path:
    """Import a JSON file of either program; its keys tell which.

    Raises:
        UsageError: It is neither, or its images are not there.
    """
    try:
        log = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as JSON ({error}).") from error
    if isinstance(log, dict) and "turns" in log and "original_instruction" in log:
        return import_editthinker(path, runs)
    if isinstance(log, dict) and "images" in log and "instruction" in log:
        return import_step1x(log, runs=runs, folder=path.parent, at=path.stat().st_mtime, title=path.stem)
    raise UsageError(
        f"{path} is no log that is known.",
        hint="EditThinker's has turns and original_instruction, that of v1p2 instruction, image and images.",
    )
