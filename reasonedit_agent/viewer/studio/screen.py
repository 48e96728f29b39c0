"""What of the page changes as a run goes on, and when another picture or run is taken up."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import gradio as gr

from reasonedit_agent.errors import UsageError
from reasonedit_agent.schemas import ImageRef
from reasonedit_agent.viewer.studio import labelling
from reasonedit_agent.viewer.studio.desk import Desk
from reasonedit_agent.viewer.studio.form import Form
from reasonedit_agent.viewer.studio.job import Job
from reasonedit_agent.viewer.studio.look import said
from reasonedit_agent.viewer.studio.plans import choices
from reasonedit_agent.viewer.studio.showing import Shown
from reasonedit_agent.viewer.told import RunTold

__all__ = ["Screen", "Updates"]

Updates = dict[Any, Any]
"""New values by the field that takes them."""

PAUSE = 0.4
"""Seconds between two updates of a run that is watched."""


class Screen:
    """Makes the updates of the tab Edit.

    Args:
        desk: Where runs come from.
        shown: Renders them.
        form: The fields.
    """

    def __init__(self, desk: Desk, shown: Shown, form: Form) -> None:
        self.desk, self.shown, self.form = desk, shown, form

    def watch(self, session: str, run: str, job: Job | None) -> Iterator[Updates]:
        """Yield what changes, as it happens, until the job is done."""
        seen, sent = -1, Updates()
        while job is not None and not job.done:
            now = self.updates(session, run, job)
            # What is drawn again is taken from the edit that is watched: little at a time, and not too often.
            yield {field: value for field, value in now.items() if field not in sent or sent[field] != value}
            sent = now
            seen = job.wait(max(seen, 0), 5)
            job.rest(PAUSE)
        yield self.updates(session, run, None)
        if job is not None and job.error:
            raise said(UsageError(job.error))

    def view(self, told: RunTold, job: Job | None, working: bool) -> str:
        """Return a run as HTML, with what was said of its result."""
        label = labelling.given(self.desk.runs, told.started.run, told.keep) if told.ended else ""
        missing = self.desk.missing(told.images)
        return self.shown.run(told, job.progress if job else None, working, label, missing)

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
            self.form.view: self.view(told, job, working),
            self.form.ask: gr.update(visible=waits),
            self.form.steps: gr.update(choices=found, value=[value for _, value in found], visible=bool(plan)),
            self.form.whole: gr.update(visible=bool(plan)),
            self.form.plan: plan.model_dump_json(indent=2) if plan else "",
            self.form.advice: gr.update(value=""),
            self.form.halt: gr.update(interactive=working),
            **({self.form.go: gr.update(interactive=False)} if working else {}),
        }

    def pick(self, run: str, ref: ImageRef) -> Updates:
        """Put a picture of a run on the stage, to go on from."""
        note = "The next edit starts from this picture."
        return {
            self.form.picked: f"{run}/{ref.sha256}",
            self.form.stage: self.shown.stage(ref, run, [note], self.desk.missing([ref])),
            self.form.region: "",
            self.form.instruction: gr.update(value=""),
        }

    def undo(self, session: str, told: RunTold) -> Updates:
        """Go back to the photo before a run, and to the run that made that photo, if one did."""
        before, run, parent = told.started.request.image, told.started.run, self.desk.owners.parent(told.started.run)
        if parent and self.desk.owners.may_see(session, parent):
            return self.updates(session, parent, None) | self.pick(run, before)
        return self.pick(run, before) | {self.form.instruction: told.started.request.instruction}
