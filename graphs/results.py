"""What a run comes back with."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reasonedit_agent import tracing
from reasonedit_agent.errors import StoreError, UsageError
from reasonedit_agent.events import RunEnded, Status
from reasonedit_agent.folding import Fold
from reasonedit_agent.images import encode, open_store
from reasonedit_agent.schemas import Candidate, Failure, History, ImageRef, Pick, Round, standing

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MEDIA", "SUFFIX", "EditResult", "load_result", "result_of"]


@dataclass(frozen=True)
class EditResult:
    """The outcome of a run.

    Attributes:
        run: The run's id.
        status: ``accepted``, ``best_effort``, ``unsupported``, ``failed``, ``waiting`` (for a person) or ``invalid``.
        kept: Which candidate is the result; round 0 is the source.
        stopped_by: The policy's reason, ``person``, ``interrupted``, ``deadline``, or a failure's reason.
        detail: The same as a sentence.
        history: Rounds, verdicts, decisions and cost.
        trace: Folder of the run.
        error: Why there is no better result, or an empty text.
        question: What a person is asked, while waiting: ``node``, ``question`` and ``file``.
        ref: Name of the kept image, or None.
    """

    run: str
    status: Status
    kept: Pick
    stopped_by: str
    detail: str
    history: History | None
    trace: Path
    error: str = ""
    question: dict[str, Any] | None = None
    ref: ImageRef | None = None

    @cached_property
    def image(self) -> Image:
        """The kept image, decoded: mode RGB or RGBA.

        Raises:
            UsageError: There is none.
        """
        return open_store(self.trace.parent / tracing.IMAGES).open(self._kept())

    @property
    def data(self) -> bytes:
        """The kept image, encoded as the trace has it."""
        return open_store(self.trace.parent / tracing.IMAGES).get(self._kept())

    @property
    def path(self) -> Path | None:
        """The kept image's file in the store; its name is its hash."""
        return open_store(self.trace.parent / tracing.IMAGES).path(self.ref) if self.ref else None

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the kept image; nothing is left half-written, and a file of that name is replaced.

        Args:
            path: A folder (also one that is not there yet), where it is named after the source; or a file, whose
                suffix (.png, .jpg, .webp) says the format.

        Raises:
            UsageError: The suffix is of no known format, or the format has no transparency and the image needs it.
            StoreError: It cannot be written.
        """
        target, ref = Path(path), self._kept()
        if target.is_dir() or not target.suffix:
            title = Fold(tracing.read_events(self.trace)).run.title
            target = target / f"{title}-edited{SUFFIX[ref.media_type]}"
        data = self._encoded(target)
        part = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            os.replace(part, target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StoreError(f"{target} cannot be written: {error.strerror}.") from error
        return target

    def _encoded(self, target: Path) -> bytes:
        wanted = MEDIA.get(target.suffix.lower())
        if wanted is None:
            raise UsageError(f"{target.name} has no suffix of a format.", hint="Use .png, .jpg or .webp.")
        if wanted == self._kept().media_type:
            return self.data
        data, got = encode(self.image, wanted)
        if got != wanted:
            raise UsageError("The image has transparent parts; JPEG has none.", hint="Save it as .png.")
        return data

    def rounds(self) -> list[dict[str, Any]]:
        """Return the rounds as plain values: verdict, scores, critique, seconds, and the candidates' images."""
        return [_describe(round_) for round_ in self.history.rounds] if self.history else []

    def _kept(self) -> ImageRef:
        if self.ref is None:
            raise UsageError(f"The run has no image: it is {self.status}.", hint=self.error)
        return self.ref


SUFFIX = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
"""File suffix by media type."""

MEDIA: dict[str, Literal["image/png", "image/jpeg", "image/webp"]] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
"""Media type by file suffix."""


def _describe(round_: Round) -> dict[str, Any]:
    index, verdict = standing(round_)
    if isinstance(verdict, Failure):
        said: dict[str, Any] = {"verdict": verdict.reason, "scores": None, "critique": verdict.message}
    else:
        said = {"verdict": verdict.kind, "scores": verdict.scores.model_dump(), "critique": verdict.critique}
    return {
        "round": round_.index,
        "candidate": index,
        **said,
        "seconds": round(round_.seconds, 3),
        "images": [c.image.sha256 if isinstance(c, Candidate) else None for c in round_.candidates],
    }


def load_result(folder: Path, question: dict[str, Any] | None = None) -> EditResult:
    """Return the result of a run as its trace has it."""
    fold = Fold(tracing.read_events(folder))
    ended = fold.ended
    if ended is None:
        return EditResult(
            run=fold.run.run,
            status="waiting",
            kept=fold.history.decisions[-1].keep if fold.history.decisions else Pick(round=0),
            stopped_by="",
            detail="",
            history=fold.history,
            trace=folder,
            question=question or {"node": fold.next, "question": "The run is not finished.", "file": None},
            error=f"{fold.refusal.message} {fold.refusal.hint}".strip() if fold.refusal else "",
        )
    return result_of(fold.run.run, ended, fold.history, folder)


def result_of(run: str, ended: RunEnded, history: History | None, folder: Path) -> EditResult:
    """Return the result that a run's last event states."""
    return EditResult(
        run=run,
        status=ended.status,
        kept=ended.keep,
        stopped_by=ended.stopped_by,
        detail=ended.detail,
        history=history,
        trace=folder,
        error=ended.error,
        ref=ended.image,
    )
