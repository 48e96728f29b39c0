"""What of the page changes as a run goes on, and when another picture or run is taken up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from itertools import count
from typing import Any

import gradio as gr

from reasonedit_agent.errors import UsageError
from reasonedit_agent.schemas import ImageRef, Pick, Region
from reasonedit_agent.viewer.places import written
from reasonedit_agent.viewer.studio import labelling
from reasonedit_agent.viewer.studio.desk import Desk
from reasonedit_agent.viewer.studio.form import Form
from reasonedit_agent.viewer.studio.job import Job
from reasonedit_agent.viewer.studio.look import said
from reasonedit_agent.viewer.studio.plans import choices
from reasonedit_agent.viewer.studio.showing import Shown
from reasonedit_agent.viewer.told import RunTold, pick_name

__all__ = ["Screen", "Updates"]

Updates = dict[Any, Any]
"""New values by the field that takes them."""

PAUSE = 0.4
"""Seconds between two updates of a run that is watched."""

STATUS, INSTRUCTION = "#status .studio", "#instruction textarea"
"""Where a reader is led (`Screen.look`)."""


class Screen:
    """Makes the updates of the tab Edit.

    Args:
        desk: Where runs come from.
        shown: Renders them.
        form: The fields.
    """

    def __init__(self, desk: Desk, shown: Shown, form: Form) -> None:
        self.desk, self.shown, self.form = desk, shown, form
        self._turns: dict[str, int] = {}
        self._looks = count()

    def turn(self, page: str) -> Callable[[], bool]:
        """Give a page to what it is to show now; return whether that still has it.

        Args:
            page: One loading of the page, as Gradio names it.
        """
        mine = self._turns[page] = self._turns.get(page, 0) + 1
        return lambda: self._turns[page] == mine

    def watch(self, session: str, run: str, job: Job | None, shown: Callable[[], bool]) -> Iterator[Updates]:
        """Yield what changes, as it happens, until the job is done or its page shows something else."""
        seen, sent = -1, Updates()
        while job is not None and not job.done and shown():
            version = job.wait(max(seen, 0), PAUSE)
            if version == seen:
                continue
            seen, now = version, self.updates(session, run, job)
            # What is drawn again is taken from the edit that is watched: little at a time, and not too often.
            yield {field: value for field, value in now.items() if field not in sent or sent[field] != value}
            sent = now
            job.rest(PAUSE)
        if not shown():
            yield {self.form.run: gr.skip()}  # Gradio sends what was yielded last once more at the end
            return
        yield self.updates(session, run, None)
        if job is not None and job.error:
            raise said(UsageError(job.error))

    def view(self, told: RunTold, working: bool) -> str:
        """Return a run as HTML, with what was said of its result."""
        label = labelling.given(self.desk.runs, told.started.run, told.keep) if told.ended else ""
        missing = self.desk.missing(told.images)
        return self.shown.run(told, working, label, missing)

    def updates(self, session: str, run: str, job: Job | None) -> Updates:
        """Return all that shows a run as it is now."""
        told, working = self.desk.told(session, run), job is not None
        progress = job.progress if job else None
        waits = bool(told.waiting) and not working
        plan = told.thought if waits and told.next == "approve" else None
        found = choices(plan)
        return {
            self.form.run: run,
            self.form.status: escape(self.shown.status(told, progress, working)),
            self.form.live: self.shown.live(told, progress, working),
            self.form.view: self.view(told, working),
            self.form.ask: gr.update(visible=waits),
            self.form.steps: gr.update(choices=found, value=[value for _, value in found], visible=bool(plan)),
            self.form.whole: gr.update(visible=bool(plan)),
            self.form.plan: plan.model_dump_json(indent=2) if plan else "",
            self.form.advice: gr.update(value=""),
            self.form.halt: gr.update(interactive=working),
            **({self.form.go: gr.update(interactive=False)} if working else {}),
        }

    def look(self, where: str, says: str = "") -> Updates:
        """Lead the reader to an element: it is scrolled into view and has the focus, and the status line says why."""
        status = {self.form.status: escape(says)} if says else {}
        return {self.form.look: f"{next(self._looks)} {where}", **status}

    def pick(self, told: RunTold, pick: Pick) -> Updates:
        """Put a picture of a run on the stage, to go on from.

        Raises:
            UsageError: There is no such picture.
        """
        name = pick_name(pick, told.started.request.candidates > 1).capitalize()
        says = f"{name} is the photo to edit now. Say what to change next, and press Edit."
        return {
            **self._stage(told, _picture(told, pick)),
            self.form.region: "",
            self.form.instruction: gr.update(value=""),
            **self.look(INSTRUCTION, says),
        }

    def asked(self, told: RunTold) -> Updates:
        """Put a run's photo on the stage, and into the fields what was asked of it."""
        started, request = told.started, told.started.request
        return {
            **self._stage(told, request.image, request.region),
            self.form.region: written(request.region),
            self.form.instruction: request.instruction,
            self.form.approve: started.approve,
            self.form.review: started.review,
            self.form.candidates: request.candidates,
        }

    def undo(self, session: str, told: RunTold) -> Updates:
        """Go back to the photo before a run, and to the run that made that photo, if one did."""
        parent = self.desk.owners.parent(told.started.run)
        seen = bool(parent) and self.desk.owners.may_see(session, parent)
        before = self.updates(session, parent, None) if seen else Updates()
        says = "Undone: the photo before is there again, with what was asked. Change it, and press Edit."
        return before | self.asked(told) | self.look(INSTRUCTION, says)

    def _stage(self, told: RunTold, ref: ImageRef, region: Region | None = None) -> Updates:
        run, notes = told.started.run, ["The next edit starts from this picture."]
        stage = self.shown.stage(ref, run, notes, self.desk.missing([ref]), region)
        return {self.form.picked: f"{run}/{ref.sha256}", self.form.stage: stage}


def _picture(told: RunTold, pick: Pick) -> ImageRef:
    for round_ in told.rounds:
        for result in round_.results:
            if (round_.index, result.index) == (pick.round, pick.candidate) and result.candidate:
                return result.candidate.image
    raise UsageError("There is no such picture in this run.")
