"""One run per key: the same request under the same key gets the run that is there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reasonedit_agent import tracing
from reasonedit_agent.errors import StoreError, UsageError
from reasonedit_agent.events import RunStarted
from reasonedit_agent.folding import Fold
from reasonedit_agent.graphs.session import Parts, Session, check_instruction
from reasonedit_agent.images import ingest
from reasonedit_agent.schemas import Phrase

__all__ = ["start_once"]


def start_once(
    parts: Parts,
    runs: Path,
    key: str,
    start: Callable[[], Session],
    image: str | os.PathLike[str] | bytes,
    instruction: str,
    options: dict[str, Any],
) -> Session | Path:
    """Start a run under a key, or return the folder of the one that has it.

    The key's file is locked until the run's first event is written, so that two callers cannot both be first.

    Args:
        parts: What edits.
        runs: Folder of the runs.
        key: The key.
        start: Starts the run.
        image: What is to be edited.
        instruction: What is asked for.
        options: The other arguments of `EditAgent.aedit`.

    Raises:
        UsageError: The key was used for another request.
        StoreError: The folder cannot be written.
    """
    file = runs / "keys" / hashlib.sha256(key.encode()).hexdigest()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a+", encoding="utf-8") as held:
            tracing.lock(held, wait=True)
            held.seek(0)
            folder = runs / (held.read().strip() or "none")
            if (folder / tracing.EVENTS).is_file():
                started = Fold(tracing.read_events(folder)).run
                if not _same(started, parts, image, instruction, options):
                    raise UsageError(
                        f"The idempotency key {key!r} was used for another request (run {started.run}).",
                        hint="Use another key.",
                    )
                return folder
            session = start()
            held.truncate(0)
            held.write(session.folder.name)
            return session
    except OSError as error:
        raise StoreError(f"{runs} cannot be written: {error.strerror}.") from error


def _same(
    started: RunStarted,
    parts: Parts,
    image: str | os.PathLike[str] | bytes,
    instruction: str,
    options: dict[str, Any],
) -> bool:
    """Whether a run was asked for the same, by the same parts."""
    request = started.request
    sources = [ingest(source) for source in (image, *options.get("references", ()))]
    seed, region = options.get("seed"), options.get("region")
    return (
        [hashlib.sha256(source.data).hexdigest() for source in sources]
        == [request.image.sha256, *(ref.sha256 for ref in request.references)]
        and check_instruction(instruction) == request.instruction
        and (Phrase(text=region) if isinstance(region, str) else region) == request.region
        and (1 if parts.tool.card.deterministic else options.get("candidates", 1)) == request.candidates
        and seed in (None, request.seed)
        and options.get("approve", False) == started.approve
        and options.get("review", False) == started.review
        and options.get("shadow", 0) == started.shadow
        and parts.policy.text == started.policy
        and parts.info("reasoner") == started.reasoner
        and parts.info("tool") == started.tool
    )
