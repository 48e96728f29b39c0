"""Logs of other programs, once they are read, as traces of ours.

They log no seeds, times or tokens: those are unknown (null in the index), whatever stands in the trace for them.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from reasonedit_agent import registry, tracing
from reasonedit_agent.analysis.collected import NOT_RECORDED
from reasonedit_agent.errors import ImageError, UsageError
from reasonedit_agent.events import (
    AnyEvent,
    Asked,
    Decided,
    Edited,
    Failed,
    Judged,
    Noted,
    PartInfo,
    Planned,
    RunEnded,
    RunStarted,
    Status,
)
from reasonedit_agent.folding import Fold
from reasonedit_agent.images import encode, ingest, open_store
from reasonedit_agent.schemas import (
    SOURCE,
    Candidate,
    Card,
    Continue,
    Decision,
    EditCall,
    EditRequest,
    EditStep,
    Failure,
    Geometry,
    ImageRef,
    Pick,
    Scores,
    Stop,
    Thought,
    Verdict,
    join_texts,
)

__all__ = ["GONE", "UNJUDGED", "Log", "LogRound", "Where", "flat", "last_pick", "write_log"]

UNJUDGED = Failure(reason="unsupported", message="This result was never judged.")
GONE = Failure(reason="lost", message="The picture is not there any more.")


@dataclass(frozen=True)
class LogRound:
    """What a log says of one round: from where, with which words, to which picture and verdict."""

    steps: tuple[EditStep, ...]
    image: ImageRef | None
    verdict: Verdict | Failure
    base: Pick = SOURCE


@dataclass(frozen=True)
class Log:
    """A run of another program, read.

    Attributes:
        by: Who thought and judged.
        tool: Who edited.
        title: For people.
        image: The source.
        instruction: As it was asked.
        thought: As it was rewritten.
        rounds: In order.
        keep: The result.
        stopped_by: Why it ended.
        limit: How many rounds it could have had.
        scored: Whether its verdicts' scores are its own.
        notes: What a reader should know.
        raw: What the run's id is made of, so that the same log gives the same run.
        at: When it was written, seconds since 1970.
    """

    by: str
    tool: str
    title: str
    image: ImageRef
    instruction: str
    thought: Thought
    rounds: tuple[LogRound, ...]
    keep: Pick
    stopped_by: str
    limit: int
    scored: bool
    notes: tuple[str, ...] = ()
    raw: bytes = field(default=b"", repr=False)
    at: float = 0.0


@dataclass(frozen=True)
class Where:
    """Where images are looked for, and where they go."""

    folder: Path
    runs: Path

    def image(self, *names: Any) -> ImageRef | None:
        """Store the first of the images that is there; paths, bytes and PIL images will do."""
        store = open_store(self.runs / tracing.IMAGES)
        for name in names:
            if name is None:
                continue
            if isinstance(name, bytes):
                return store.put(ingest(name).data)
            if hasattr(name, "convert"):
                return store.put(encode(name, "image/png")[0])
            for path in (self.folder / str(name), self.folder / Path(str(name)).name, Path(str(name))):
                if path.is_file():
                    return store.put(_read(path))
        return None


def _read(path: Path) -> bytes:
    try:
        return ingest(path).data
    except ImageError as error:
        raise UsageError(f"{path}: {error}") from error


def last_pick(rounds: list[LogRound]) -> Pick:
    """Return the last round whose picture is there, or the source."""
    return Pick(round=max((number for number, round_ in enumerate(rounds, 1) if round_.image), default=0))


def write_log(log: Log, runs: Path) -> Path:
    """Write a log as a trace and return the run's folder; the same log gives the same run."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(log.at))
    run = f"{stamp}-{hashlib.sha256(log.by.encode() + log.raw).hexdigest()[:6]}"
    events = _events(log, run)
    target = runs / run / tracing.EVENTS
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{tracing.EVENTS}.part")
    part.write_bytes(b"".join(event.model_dump_json().encode() + b"\n" for event in events))
    os.replace(part, target)
    return target.parent


def _events(log: Log, run: str) -> list[AnyEvent]:
    """Return the trace of a log. A decision that our policy would have taken is its; another is given by the graph."""
    policy = f"accepted | rounds({log.limit}); keep=reference; next=rollback"
    settings: dict[str, JsonValue] = {"seconds": NOT_RECORDED}
    if not log.scored:
        settings["scores"] = NOT_RECORDED
    started = RunStarted(
        at=log.at,
        run=run,
        title=log.title,
        request=EditRequest(image=log.image, instruction=log.instruction, seed=0),
        reasoner=PartInfo(name=log.by, version="imported", settings=settings),
        tool=PartInfo(name=log.tool, version="imported"),
        card=Card(reads_text=True),
        policy=policy,
    )
    made = _Made(started, policy)
    for note in ("imported; seeds, times and tokens were not recorded", *log.notes):
        made.emit(Noted(text=note))
    made.emit(Asked(node="think"), Planned(node="think", thought=log.thought))
    for number, round_ in enumerate(log.rounds, 1):
        made.go_on(round_)
        made.round(number, round_)
    kept = log.rounds[log.keep.round - 1].verdict.kind if log.keep.round else ""
    made.stop(Stop(reason=log.stopped_by), log.keep)
    image = made.fold.history.candidate(log.keep).image if log.keep.round else None
    status: Status = "accepted" if kept == "accepted" else "best_effort"
    made.emit(
        RunEnded(
            node="finish",
            round=len(log.rounds),
            status=status,
            stopped_by=log.stopped_by,
            keep=log.keep,
            image=image,
        )
    )
    return made.events


class _Made:
    """A trace that is being made, with its fold."""

    def __init__(self, started: RunStarted, policy: str) -> None:
        self.events: list[AnyEvent] = []
        self.fold = Fold()
        self._policy = registry.build_policy(policy)
        self._at = started.at
        self.emit(started)

    def emit(self, *events: AnyEvent) -> None:
        for event in events:
            stamped = event.model_copy(update={"at": self._at})
            self.events.append(stamped)
            self.fold.add(stamped)

    def go_on(self, round_: LogRound) -> None:
        ours = self._policy.decide(self.fold.history)
        known = ours.action if isinstance(ours.action, Continue) else None
        if known is None or (known.base, known.steps) != (round_.base, round_.steps):
            words, seeds = join_texts(round_.steps), known.seeds if known else (0,)
            action = Continue(base=round_.base, steps=round_.steps, instruction=words, seeds=seeds)
            ours = Decision(after=ours.after, author="graph", action=action, keep=ours.keep)
        self.emit(Decided(node="decide", round=ours.after, decision=ours))

    def stop(self, stop: Stop, keep: Pick) -> None:
        ours = self._policy.decide(self.fold.history)
        if not (isinstance(ours.action, Stop) and (ours.action.reason, ours.keep) == (stop.reason, keep)):
            ours = Decision(after=ours.after, author="graph", action=stop, keep=keep)
        self.emit(Decided(node="decide", round=ours.after, decision=ours))

    def round(self, number: int, round_: LogRound) -> None:
        history = self.fold.history
        action = history.decisions[-1].action
        assert isinstance(action, Continue)
        base = history.candidate(action.base)
        call = EditCall(base=base, instruction=action.instruction, steps=action.steps, seeds=action.seeds)
        self.emit(Asked(node="edit", round=number, call=call))
        if round_.image is None:
            self.emit(Failed(node="edit", round=number, failure=GONE))
            return
        candidate = Candidate(image=round_.image, geometry=Geometry.of(round_.image))
        self.emit(Edited(node="edit", round=number, candidates=(candidate,)), Asked(node="reflect", round=number))
        if isinstance(round_.verdict, Failure):
            self.emit(Failed(node="reflect", round=number, failure=round_.verdict))
        else:
            self.emit(Judged(node="reflect", round=number, verdict=round_.verdict))


def flat(value: float) -> Scores:
    """Return four scores of one value."""
    return Scores(edit_success=value, over_editing=value, naturalness=value, artefacts=value)
