"""Folders of runs for these tests: realistic ones, and one made by hand for each question."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.traces import Making
from reasonedit_agent.events import (
    AnyEvent,
    Asked,
    Called,
    Decided,
    Edited,
    Failed,
    Judged,
    PartInfo,
    Planned,
    RunEnded,
    RunStarted,
)
from reasonedit_agent.folding import Fold
from reasonedit_agent.schemas import (
    SOURCE,
    Accepted,
    Candidate,
    Continue,
    Decision,
    EditCall,
    EditRequest,
    EditStep,
    Failure,
    Geometry,
    ImageRef,
    Pick,
    Rejected,
    Scores,
    Stop,
    Thought,
    Usage,
    Verdict,
)
from reasonedit_agent.tracing import EVENTS

STEP = EditStep(text="more of it")
POLICY = "accepted | rounds(3); keep=reference; next=rollback"


def realistic(folder: Path, runs: int, first: int = 0) -> dict[str, list[dict[str, Any]]]:
    """Write runs; return their lines as plain JSON, by run."""
    made = {}
    for number in range(first, first + runs):
        events = Making(random.Random(number)).run()
        name = f"20260101-{number:06d}"
        started = events[0].model_copy(update={"run": name})
        made[name] = write(folder / name, [started, *events[1:]])
    return made


def write(folder: Path, events: Iterable[AnyEvent]) -> list[dict[str, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [event.model_dump_json() for event in events]
    (folder / EVENTS).write_text("".join(f"{line}\n" for line in lines))
    return [json.loads(line) for line in lines]


def picture(number: int) -> ImageRef:
    return ImageRef(sha256=f"{number:064x}", width=64, height=48, media_type="image/png")


def scores(success: float, rest: float, natural: float = 9, clean: float = 9) -> Scores:
    return Scores(edit_success=success, over_editing=rest, naturalness=natural, artefacts=clean)


def rejected(*four: float) -> Rejected:
    return Rejected(scores=scores(*four), critique="no")


def accepted(*four: float) -> Accepted:
    return Accepted(scores=scores(*four))


def by_hand(
    run: str,
    verdicts: Sequence[Verdict | Failure],
    keep: Pick = SOURCE,
    *,
    stop_after: int | None = None,
    bases: dict[int, Pick] | None = None,
    reasoner: PartInfo | None = None,
    usage: Sequence[Usage] = (),
    ended: bool = True,
) -> list[AnyEvent]:
    """Return a run with these verdicts; rounds after ``stop_after`` are shadow rounds."""
    part = reasoner or PartInfo(name="judge", version="1")
    request = EditRequest(image=picture(1), instruction="do it", seed=1)
    events: list[AnyEvent] = [
        RunStarted(run=run, request=request, reasoner=part, tool=PartInfo(name="tool"), policy=POLICY),
        Asked(node="think"),
        Planned(node="think", thought=Thought(instruction="do it", steps=(STEP,)), seconds=0.5),
    ]
    stop = len(verdicts) if stop_after is None else stop_after
    for number, verdict in enumerate(verdicts, 1):
        base = (bases or {}).get(number, SOURCE)
        action = Continue(base=base, steps=(STEP,), instruction="do it", seeds=(number,))
        if number <= stop:
            decision = Decision(after=number - 1, author="policy", action=action, keep=SOURCE)
            events.append(Decided(node="decide", round=number - 1, decision=decision))
        if number == stop + 1:
            events += _end(stop, keep, ended)
        found = Candidate(image=picture(number + 1), geometry=Geometry.of(picture(1)))
        start = Candidate(image=picture(base.round + 1), geometry=Geometry.of(picture(1)))
        call = EditCall(base=start, instruction="do it", steps=(STEP,), seeds=(number,))
        events += [
            Asked(node="edit", round=number, call=call),
            Edited(node="edit", round=number, candidates=(found,), seconds=2),
        ]
        if number <= len(usage):
            events.append(Called(node="reflect", round=number, backend="judge", usage=usage[number - 1]))
        if isinstance(verdict, Failure):
            events.append(Failed(node="reflect", round=number, failure=verdict, seconds=1))
        else:
            events.append(Judged(node="reflect", round=number, verdict=verdict, seconds=1))
    if stop == len(verdicts):
        events += _end(stop, keep, ended)
    Fold(events)
    return events


def _end(after: int, keep: Pick, ended: bool) -> list[AnyEvent]:
    decision = Decision(after=after, author="policy", action=Stop(reason="rounds"), keep=keep)
    end = RunEnded(node="finish", round=after, status="best_effort", stopped_by="rounds", keep=keep)
    return [Decided(node="decide", round=after, decision=decision), *([end] if ended else [])]
