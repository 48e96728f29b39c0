"""The page: what can be put in, what is shown, and which of the desk's doors each button opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import gradio as gr

from reasonedit_agent.errors import ReasonEditError, UsageError
from reasonedit_agent.images import open_store
from reasonedit_agent.schemas import ImageRef, Pick
from reasonedit_agent.tracing import IMAGES
from reasonedit_agent.viewer.studio import labelling
from reasonedit_agent.viewer.studio.desk import Desk, Job
from reasonedit_agent.viewer.studio.plans import changed, choices
from reasonedit_agent.viewer.studio.showing import Shown
from reasonedit_agent.viewer.studio.tables import Tables
from reasonedit_agent.viewer.telling import RunTold

__all__ = ["CSS", "HEAD", "Page", "asset", "theme"]

Updates = dict[Any, Any]

POLICIES = [
    ("The usual one", ""),
    ("Once, without looking back", "rounds(1)"),
    ("At most three rounds", "accepted | rounds(3)"),
    ("At most a minute", "accepted | budget(seconds=60)"),
]


def asset(name: str) -> str:
    """Return a file that lies beside the templates."""
    return resources.files("reasonedit_agent.viewer.studio").joinpath("templates", name).read_text("utf-8")


CSS = asset("studio.css")
HEAD = '<meta name="description" content="Edit photos by a loop that thinks, edits and reflects.">'
_TO_URL = """run => {
  const url = new URL(location);
  run ? url.searchParams.set('run', run) : url.searchParams.delete('run');
  history.replaceState(null, '', url);
}"""
_FROM_URL = "() => new URL(location).searchParams.get('run') || ''"


def theme() -> Any:
    """Return the look: fonts of the system, so that none is fetched."""
    fonts: Any = ["system-ui", "sans-serif"]
    mono: Any = ["ui-monospace", "monospace"]
    made = gr.themes.Default(primary_hue="blue", neutral_hue="slate", font=fonts, font_mono=mono)
    return made.set(
        body_text_color_subdued="#4b5563",
        body_text_color_subdued_dark="#b6bfcc",
        block_label_text_color="#334155",
        block_label_text_color_dark="#e2e8f0",
        block_title_text_color="#334155",
        block_title_text_color_dark="#e2e8f0",
        block_info_text_color="#4b5563",
        block_info_text_color_dark="#b6bfcc",
        input_placeholder_color="#5b6472",
        input_placeholder_color_dark="#aab4c2",
        button_primary_background_fill="#1d4ed8",
        button_primary_background_fill_dark="#1d4ed8",
        button_primary_background_fill_hover="#1e40af",
        button_primary_background_fill_hover_dark="#1e40af",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
    )


def said(error: Exception) -> gr.Error:
    """Return an error as the page shows it: one line, as text."""
    return gr.Error(escape(str(error)), duration=None, print_exception=False, title="That did not work")


class Page:
    """The blocks, and what happens when one is used.

    Args:
        desk: What they work on.
        session: Reads the browser's secret from a request; None where it has none.
    """

    def __init__(self, desk: Desk, session: Callable[[Any], str | None]) -> None:
        self.desk, self._session, self.shown = desk, session, Shown()
        with gr.Blocks(title="reasonedit studio", analytics_enabled=False, fill_width=True) as blocks:
            gr.HTML(
                '<header class="studio studio-top"><h1>reasonedit studio</h1>'
                "<p>Drop a photo, say what to change, watch it being edited and judged, and correct it.</p></header>"
            )
            self.run = gr.Textbox("", visible=False, label="Run")
            self.picked = gr.Textbox("", visible=False, label="Picture")
            with gr.Tabs() as self.tabs:
                with gr.Tab("Edit", id="edit"), gr.Row():
                    with gr.Column(scale=2, min_width=320):
                        self._left()
                    with gr.Column(scale=3, min_width=320):
                        self._right()
                self.tables = Tables(desk, self.shown, self.session)
                self.tables.build()
            self._wire(blocks)
        blocks.queue(default_concurrency_limit=None, max_size=200)
        self.blocks = blocks

    def session(self, request: gr.Request) -> str:
        """Return the browser's secret.

        Raises:
            gr.Error: It has none.
        """
        found = self._session(request)
        if found is None:
            raise said(UsageError("This page has no cookie.", hint="Allow cookies for this address, and reload it."))
        return found

    # what is there

    def _left(self) -> None:
        kinds = [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif"]
        self.photo = gr.File(label="Photo", file_types=kinds, height=130, elem_id="photo")
        self.stage = self._html(self.shown.stage(None, ""), "stage", "stage.js")
        self.instruction = gr.Textbox(
            "",
            label="What to change",
            placeholder="make the cup green, but keep the saucer",
            lines=3,
            elem_id="instruction",
        )
        self.region = gr.Textbox(
            "",
            label="Where (optional)",
            placeholder="draw on the photo, or write: the cup",
            max_lines=3,
            elem_id="region",
        )
        with gr.Row():
            self.go = gr.Button("Edit", variant="primary", elem_id="go")
            self.halt = gr.Button("Stop", interactive=False, elem_id="stop")
        with gr.Row():
            self.approve = gr.Checkbox(label="Show me the plan first", elem_id="approve")
            self.review = gr.Checkbox(label="Ask me after each round", elem_id="review")
        with gr.Accordion("Who does it, and when to stop", open=False):
            able = {
                role: [p.name for p in self.desk.workshop.parts if p.role == role and not p.lacks]
                for role in ("reasoner", "tool")
            }
            free: Any = {"allow_custom_value": True, "info": "A name, or a text with settings."}
            self.reasoner = gr.Dropdown(able["reasoner"], value="embedded", label="Reasoner", **free)
            self.tool = gr.Dropdown(able["tool"], value="classical", label="Tool", **free)
            self.policy = gr.Dropdown(POLICIES, value="", label="Policy", allow_custom_value=True)
            self.candidates = gr.Slider(1, 8, value=1, step=1, label="Results per round")
            self.seed = gr.Textbox("", label="Seed", placeholder="drawn")
            absent = [part for part in self.desk.workshop.parts if part.lacks]
            gr.HTML(f'<div class="studio">{self.shown.render("parts.html", absent=absent)}</div>')

    def _right(self) -> None:
        self.status = gr.HTML(elem_id="status", html_template='<div class="studio" role="status">${value}</div>')
        with gr.Column(visible=False, elem_id="ask") as self.ask:
            self.steps = gr.CheckboxGroup(label="What will be done (untick what should not)", elem_id="steps")
            with gr.Accordion("The whole plan, to edit (JSON)", open=False, visible=False) as self.whole:
                self.plan = gr.Textbox("", label="Plan", lines=12, max_lines=24, elem_id="plan")
            self.advice = gr.Textbox(
                "", label="Or say it differently", placeholder="a little warmer, and leave the saucer", elem_id="advice"
            )
            with gr.Row():
                self.yes = gr.Button("Go on", variant="primary", elem_id="yes")
                self.advise = gr.Button("Do as I said", elem_id="advise")
                self.no = gr.Button("Reject", elem_id="no")
        self.view = self._html("", "view", "do.js")

    def _html(self, value: str, name: str, script: str) -> Any:
        frame = '<div class="studio">${value}</div>'
        return gr.HTML(value, elem_id=name, html_template=frame, js_on_load=asset(script), apply_default_css=False)

    def _wire(self, blocks: Any) -> None:
        whole = [self.run, self.picked, self.status, self.view, self.stage, self.ask, self.steps, self.plan]
        whole += [self.whole, self.advice, self.halt, self.go, self.region, self.instruction, self.tabs]
        quiet: Any = {"show_progress": "hidden", "concurrency_limit": None}
        parts = [self.reasoner, self.tool, self.policy]
        self.photo.upload(self._take_in, [self.photo], [self.picked, self.stage, self.region, self.photo], **quiet)
        self.stage.select(self._drawn, None, [self.region], **quiet)
        asked = [self.picked, self.instruction, self.region, *parts]
        asked += [self.candidates, self.seed, self.approve, self.review]
        each: Any = {**quiet, "trigger_mode": "multiple"}
        events = [
            self.go.click(self._start, asked, whole, **quiet),
            self.yes.click(self._accept, [self.run, self.steps, self.plan], whole, **quiet),
            self.advise.click(self._advise, [self.run, self.advice], whole, **quiet),
            self.advice.submit(self._advise, [self.run, self.advice], whole, **quiet),
            self.no.click(self._reject, [self.run], whole, **quiet),
            self.view.click(self._do, [self.run, *parts], whole, **each),
            blocks.load(self._restore, [self.run], whole, js=_FROM_URL, **quiet),
            self.tables.wire(self.run, whole, self._open),
        ]
        for event in events:
            # Only now: while a listener is at work, Gradio drops a second click on its button.
            event.then(self._ready, [self.run], [self.go], **quiet)
        self.halt.click(self._stop, [self.run], whole, **quiet)
        blocks.load(self._stay, None, [gr.State()], **quiet)
        self.run.change(None, self.run, None, js=_TO_URL)

    # what happens

    async def _stay(self) -> AsyncIterator[str]:
        """Keep the page's stream open: one that Gradio closes loses the answer to what is clicked meanwhile."""
        while True:
            yield ""
            await asyncio.sleep(600)

    def _ready(self, run: str) -> Any:
        return gr.update(interactive=self.desk.job(run) is None)

    def _take_in(self, path: str | None, request: gr.Request) -> Updates:
        if not path:
            return {self.photo: gr.update()}
        try:
            ref, notes = self.desk.draft(self.session(request), Path(path))
        except ReasonEditError as error:
            # An error would leave the file in its field, where no other could be dropped.
            gr.Warning(escape(str(error).replace(path, Path(path).name)), duration=None, title="That did not work")
            return {self.photo: None}
        finally:
            Path(path).unlink(missing_ok=True)
        stage = self.shown.stage(ref, "draft", notes)
        return {self.picked: f"draft/{ref.sha256}", self.stage: stage, self.region: "", self.photo: None}

    def _drawn(self, data: gr.EventData) -> str:
        return str(getattr(data, "_data", {}).get("region", ""))[:4000]

    def _start(
        self,
        picked: str,
        instruction: str,
        region: str,
        reasoner: str,
        tool: str,
        policy: str,
        candidates: float,
        seed: str,
        approve: bool,
        review: bool,
        request: gr.Request,
    ) -> Iterator[Updates]:
        session = self.session(request)
        try:
            if not picked:
                raise UsageError("There is no photo yet.", hint="Drop one into the field Photo.")
            where, sha256 = picked.split("/", 1)
            ref = self.desk.picture(session, where, sha256)
            store = open_store(self.desk.runs / IMAGES)
            options: dict[str, Any] = {"candidates": int(candidates), "approve": approve, "review": review}
            if region.strip():
                options["region"] = self.desk.workshop.region(region)
            if seed.strip():
                options["seed"] = _whole(seed)
            parent = self._parent(session, where, ref)
            job = self.desk.start(session, store.get(ref), instruction, (reasoner, tool, policy), parent, **options)
        except ReasonEditError as error:
            raise said(error) from error
        yield from self._watch(session, job.run, job)

    def _go_on(self, request: gr.Request, run: str, answer: str | None, thought: Any = None) -> Iterator[Updates]:
        session = self.session(request)
        try:
            job = self.desk.go_on(session, run, answer, thought)
        except ReasonEditError as error:
            raise said(error) from error
        yield from self._watch(session, run, job)

    def _accept(self, run: str, steps: list[int], plan: str, request: gr.Request) -> Iterator[Updates]:
        try:
            told = self.desk.told(self.session(request), run)
            thought = changed(told.thought, steps, plan) if told.next == "approve" and told.thought else None
        except ReasonEditError as error:
            raise said(error) from error
        yield from self._go_on(request, run, "accept", thought)

    def _advise(self, run: str, advice: str, request: gr.Request) -> Iterator[Updates]:
        if not advice.strip():
            raise said(UsageError("There is nothing said yet.", hint="Write what should be different."))
        yield from self._go_on(request, run, advice)

    def _reject(self, run: str, request: gr.Request) -> Iterator[Updates]:
        yield from self._go_on(request, run, "reject")

    def _stop(self, run: str, request: gr.Request) -> Updates:
        session = self.session(request)
        try:
            self.desk.stop(session, run)
            return self._updates(session, run, None)
        except ReasonEditError as error:
            raise said(error) from error

    def _do(
        self, run: str, reasoner: str, tool: str, policy: str, data: gr.EventData, request: gr.Request
    ) -> Iterator[Updates]:
        """Carry out a button inside the view."""
        session, asked = self.session(request), getattr(data, "_data", None) or {}
        what = asked.get("do")
        try:
            told = self.desk.told(session, run)
            if what == "resume":
                yield from self._go_on(request, run, None)
            elif what == "continue":
                pick = Pick(round=int(asked["round"]), candidate=int(asked["candidate"]))
                yield self._pick(run, _picture(told, pick))
            elif what == "undo":
                yield self._undo(session, told)
            elif what == "fork":
                job = self.desk.fork(session, run, int(asked["round"]), (reasoner, tool, policy))
                yield from self._watch(session, job.run, job)
            elif what in ("label-accept", "label-reject"):
                labelling.add(self.desk.runs, run, told.keep, what == "label-accept")
                yield {self.view: self._view(told, None, False)}
        except ReasonEditError as error:
            raise said(error) from error

    def _pick(self, run: str, ref: ImageRef) -> Updates:
        """Put a picture of a run on the stage, to go on from."""
        note = "The next edit starts from this picture."
        return {
            self.picked: f"{run}/{ref.sha256}",
            self.stage: self.shown.stage(ref, run, [note]),
            self.region: "",
            self.instruction: gr.update(value=""),
        }

    def _undo(self, session: str, told: RunTold) -> Updates:
        """Go back to the photo before a run, and to the run that made that photo, if one did."""
        before, run, parent = told.started.request.image, told.started.run, self.desk.parent(told.started.run)
        if parent and self.desk.may_see(session, parent):
            return self._updates(session, parent, None) | self._pick(run, before)
        return self._pick(run, before) | {self.instruction: told.started.request.instruction}

    def _parent(self, session: str, where: str, ref: ImageRef) -> str:
        """Return the run that made a picture: the one where it is, unless that started from it."""
        if where == "draft":
            return ""
        source = self.desk.told(session, where).started.request.image
        return self.desk.parent(where) if ref.sha256 == source.sha256 else where

    def _open(self, run: str, request: gr.Request) -> Iterator[Updates]:
        """Show a run that is chosen from the table."""
        yield {self.tabs: gr.Tabs(selected="edit")}
        yield from self._restore(run, request)

    def _restore(self, run: str, request: gr.Request) -> Iterator[Updates]:
        """Show the run that the address names; watch it where it is at work."""
        session = self.session(request)
        if not run:
            yield {self.status: "Ready."}
            return
        try:
            told = self.desk.told(session, run)
        except ReasonEditError as error:
            yield {self.status: escape(str(error)), self.run: ""}
            return
        first = self._pick(run, told.started.request.image)
        yield first | {self.run: run, self.instruction: told.started.request.instruction}
        yield from self._watch(session, run, self.desk.job(run))

    # what is shown

    def _watch(self, session: str, run: str, job: Job | None) -> Iterator[Updates]:
        """Yield what changes, as it happens, until the job is done."""
        seen = -1
        while job is not None and not job.done:
            yield self._updates(session, run, job)
            seen = job.wait(max(seen, 0), 5)
        yield self._updates(session, run, None)
        if job is not None and job.error:
            raise said(UsageError(job.error))

    def _view(self, told: RunTold, job: Job | None, working: bool) -> str:
        label = labelling.given(self.desk.runs, told.started.run, told.keep) if told.ended else ""
        return self.shown.run(told, job.progress if job else None, working, label)

    def _updates(self, session: str, run: str, job: Job | None) -> Updates:
        told, working = self.desk.told(session, run), job is not None
        progress = job.progress if job else None
        waits = bool(told.waiting) and not working
        plan = told.thought if waits and told.next == "approve" else None
        found = choices(plan)
        return {
            self.run: run,
            self.status: escape(self.shown.status(told, progress, working)),
            self.view: self._view(told, job, working),
            self.ask: gr.update(visible=waits),
            self.steps: gr.update(choices=found, value=[value for _, value in found], visible=bool(plan)),
            self.whole: gr.update(visible=bool(plan)),
            self.plan: plan.model_dump_json(indent=2) if plan else "",
            self.advice: gr.update(value=""),
            self.halt: gr.update(interactive=working),
            **({self.go: gr.update(interactive=False)} if working else {}),
        }


def _picture(told: RunTold, pick: Pick) -> ImageRef:
    for round_ in told.rounds:
        for result in round_.results:
            if (round_.index, result.index) == (pick.round, pick.candidate) and result.candidate:
                return result.candidate.image
    raise UsageError("There is no such picture in this run.")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"The seed {text[:20]!r} is no whole number.", hint="Leave it empty to draw one.") from None
