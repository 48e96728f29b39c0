"""What edits in the loop cost: which encodings a round finds in memory, and how busy a device is."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.editing import TEXT, Desk, Model, now
from reasonedit_agent.events import Called
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.loading import Lane
from reasonedit_agent.protocols import Context
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    EditCall,
    EditRequest,
    EditStep,
    History,
    Refine,
    Rejected,
    Thought,
    Verdict,
)
from reasonedit_agent.testing import ScriptedReasoner, scores
from reasonedit_agent.tools.diffusers.tool import DiffusersTool
from reasonedit_agent.tracing import read_events

YES, NO = Accepted(scores=scores(9)), Rejected(scores=scores(2))
DARKER, SOFTER = (Refine(scores=scores(6), steps=(EditStep(text=text),)) for text in ("a bit darker", "a bit softer"))

PATHS: tuple[tuple[str, tuple[Verdict, ...], int], ...] = (
    ("accept", (YES,), 1),
    ("refine, refine", (DARKER, SOFTER, YES), 1),
    ("reject, reject", (NO, NO, YES), 1),
    ("refine, reject", (DARKER, NO, YES), 1),
    ("reject, reject; 2 candidates", (NO, NO, YES), 2),
    ("refine, refine; 2 candidates", (DARKER, SOFTER, YES), 2),
)
"""Verdicts of the rounds, and candidates of each; the policy is ReasonEdit's."""

_COUNTS = re.compile(r"encodings: (\d+) of (\d+) known")


def hits(tool: DiffusersTool, image: bytes, verdicts: Sequence[Verdict], candidates: int) -> list[tuple[int, int]]:
    """Run one edit of several rounds, and return how many encodings each knew, and asked for: as the trace tells."""
    reasoner = ScriptedReasoner([verdict for verdict in verdicts for _ in range(candidates)])
    with tempfile.TemporaryDirectory() as runs:
        agent = EditAgent(reasoner, tool, "accepted | rounds(3); next=rollback", runs=runs)
        result = agent.edit(image, TEXT, seed=1, candidates=candidates)
        assert result.status == "accepted", result.error
        notes = [event.note for event in read_events(result.trace) if isinstance(event, Called)]
    reasoner.assert_complete()
    found = [_COUNTS.search(note) for note in notes]
    return [(int(match[1]), int(match[2])) for match in found if match]


def hit_row(model: Model, desk: Desk, **changes: Any) -> list[str]:
    """Return, for every path, known and asked encodings of its rounds, and their share after the first."""
    loaded, tool = model.loaded(**changes), model.tool(**changes)
    image, cells = desk.images.get(desk.source.image), [model.name]
    for _, verdicts, candidates in PATHS:
        loaded.model.encodings.clear()
        counts = hits(tool, image, verdicts, candidates)
        known, asked = (sum(column) for column in zip(*counts, strict=True))
        cells.append(f"{known}/{asked} ({' '.join(str(count[0]) for count in counts)})")
    return cells


class Slow(ScriptedReasoner):
    """Accepts, after as long as it is told.

    Args:
        seconds: That one reflection takes; the event loop is free meanwhile, as with a server.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def reflect(
        self,
        request: EditRequest,
        thought: Thought,
        call: EditCall,
        candidate: Candidate,
        history: History,
        ctx: Context,
    ) -> Verdict:
        await asyncio.sleep(self._seconds)
        return YES


def queue(
    tool: DiffusersTool, lane: Lane, images: Sequence[bytes], seconds: float, flying: int
) -> tuple[float, float, float]:
    """Edit pictures, so many at once, with a Reasoner that takes as long as an edit.

    Returns:
        The share of the time between the first edit's start and the last one's end that the device worked; the median
        time of an edit on the device; the seconds from first to last.
    """
    gate = asyncio.Semaphore(flying)

    async def one(agent: EditAgent, image: bytes, seed: int) -> None:
        async with gate:
            result = await agent.aedit(image, TEXT, seed=seed)
            assert result.status == "accepted", result.error

    async def all_of_them(runs: str) -> None:
        agent = EditAgent(Slow(seconds), tool, "rounds(1)", runs=runs)
        await asyncio.gather(*(one(agent, image, seed) for seed, image in enumerate(images)))

    with tempfile.TemporaryDirectory() as runs, watched(lane) as spans:
        asyncio.run(all_of_them(runs))
    assert len(spans) == len(images)
    lasted = sorted(end - start for start, end in spans)
    whole = max(end for _, end in spans) - min(start for start, _ in spans)
    return sum(lasted) / whole, lasted[len(lasted) // 2], whole


def queue_rows(model: Model, folder: Path, size: tuple[int, int], count: int, alone: int) -> list[list[str]]:
    """Return rows of `queue`: ``count`` requests, four in flight, and ``alone`` of them one after the other."""
    desk = Desk(folder, size)
    loaded, tool = model.loaded(), model.tool()
    # Another picture each time: what is known of one is of no use to the next.
    images = [desk.images.get(desk.images.save(desk.photo.rotate(number))) for number in range(count)]
    desk.edit(tool)
    seconds = desk.edit(tool, 2, base=Candidate.of(desk.images.save(desk.photo.rotate(-1)))).seconds
    rows = []
    for flying, some in ((4, images), (1, images[:alone])):
        share, lasted, whole = queue(tool, loaded.lane, some, seconds, flying)
        rows.append([
            model.name, str(len(some)), str(flying), f"{lasted:.2f}", f"{seconds:.2f}", f"{whole:.1f}",
            f"{share * 100:.1f} %",
        ])  # fmt: skip
    return rows


QUEUE_HEAD = ("model", "requests", "in flight", "an edit s", "a reflection s", "first to last s", "device busy")


@contextlib.contextmanager
def watched(lane: Lane) -> Iterator[list[tuple[float, float]]]:
    """Note when each call on a device began and ended, on the device's own thread."""
    spans: list[tuple[float, float]] = []
    submit = lane.submit

    def noting(work: Callable[..., Any], *args: object) -> Any:
        def run(*given: object) -> Any:
            start = now()
            try:
                return work(*given)
            finally:
                spans.append((start, now()))

        return submit(run, *args)

    lane.submit = noting  # type: ignore[method-assign]
    try:
        yield spans
    finally:
        del lane.submit
