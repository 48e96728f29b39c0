"""What a person says of a result, for calibration: labels as `reasonedit_agent.analysis.labels` keeps them."""

from __future__ import annotations

from pathlib import Path

from reasonedit_agent.analysis.labels import add_label, read_labels
from reasonedit_agent.schemas import Pick

__all__ = ["WHO", "add", "given"]

WHO = "studio"
"""The annotator of what is said on the page."""


def add(runs: Path, run: str, pick: Pick, accepted: bool) -> None:
    """Write down whether a person accepts a picture.

    Raises:
        UsageError: There is no such picture.
        StoreError: It cannot be written.
    """
    said = "accept" if accepted else "reject"
    add_label(runs, run=run, round=pick.round, candidate=pick.candidate, label=said, annotator=WHO)


def given(runs: Path, run: str, pick: Pick) -> str:
    """Return what was said last of a picture on the page: ``accept``, ``reject``, or nothing."""
    place = run, pick.round, pick.candidate, WHO
    said = [x.label for x in read_labels(runs) if (x.run, x.round, x.candidate, x.annotator) == place]
    return said[-1] if said else ""
