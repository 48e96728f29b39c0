"""The page: what can be put in, what is shown, and which of the desk's doors each button opens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from reasonedit_agent.errors import ReasonEditError, UsageError
from reasonedit_agent.images import open_store
from reasonedit_agent.schemas import ImageRef, Pick
from reasonedit_agent.tracing import IMAGES
from reasonedit_agent.viewer.studio import labelling
from reasonedit_agent.viewer.studio.desk import Desk
from reasonedit_agent.viewer.studio.form import Form, check_length
from reasonedit_agent.viewer.studio.job import Job
from reasonedit_agent.viewer.studio.look import asset, said, warn
from reasonedit_agent.viewer.studio.plans import changed
from reasonedit_agent.viewer.studio.screen import STATUS, Screen, Updates
from reasonedit_agent.viewer.studio.showing import Shown
from reasonedit_agent.viewer.studio.tables import Tables

__all__ = ["Page"]

_TO_URL = """run => {
  const url = new URL(location);
  run ? url.searchParams.set('run', run) : url.searchParams.delete('run');
  history.replaceState(null, '', url);
}"""
_LINGER = 5.0
"""Seconds that a page may ask for something without opening a stream again."""

_TO_STAGE = "text => document.dispatchEvent(new CustomEvent('region', {detail: text}))"
_FROM_URL = "() => new URL(location).searchParams.get('run') || ''"


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
            with gr.Tabs() as self.tabs:
                with gr.Tab("Edit", id="edit"):
                    self.form = Form(desk.workshop.parts, self.shown)
                    self.screen = Screen(desk, self.shown, self.form)
                self.tables = Tables(desk, self.shown, self.session)
                self.tables.build()
            self._wire(blocks)
        # As many calls at once as pages may be open; Gradio's own limit is 40, and a run that is watched takes one.
        blocks.max_threads = 200
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

    def _wire(self, blocks: Any) -> None:
        form = self.form
        whole = [form.run, form.picked, form.status, form.view, form.stage, form.ask, form.steps, form.plan]
        whole += [form.whole, form.advice, form.halt, form.go, form.region, form.instruction, self.tabs]
        whole += [form.live, form.look, form.approve, form.review, form.candidates]
        quiet: Any = {"show_progress": "hidden", "concurrency_limit": None}
        parts = [form.reasoner, form.tool, form.policy]
        taken = form.photo.upload(
            self._take_in, [form.photo], [form.picked, form.stage, form.region, form.photo], **quiet
        )
        drawn = form.stage.select(self._drawn, None, [form.region], **quiet)
        asked = [form.picked, form.instruction, form.region, *parts]
        asked += [form.candidates, form.seed, form.approve, form.review]
        each: Any = {**quiet, "trigger_mode": "multiple"}
        events = [
            form.go.click(self._start, asked, whole, **quiet),
            form.yes.click(self._accept, [form.run, form.steps, form.plan], whole, **quiet),
            form.advise.click(self._advise, [form.run, form.advice], whole, **quiet),
            form.advice.submit(self._advise, [form.run, form.advice], whole, **quiet),
            form.no.click(self._reject, [form.run], whole, **quiet),
            form.view.click(self._do, [form.run, *parts], whole, **each),
            blocks.load(self._restore, [form.run], whole, js=_FROM_URL, **quiet),
            self.tables.opened(whole, self._open),
        ]
        for event in events:
            # Only now: while a listener is at work, Gradio drops a second click on its button.
            event.then(self._ready, [form.run], [form.go], **quiet)
        halted = form.halt.click(self._stop, [form.run], whole, **quiet)
        for event in [*events, taken, drawn, halted, *self.tables.wire(form.run)]:
            event.then(self._linger, None, None, trigger_mode="once", **quiet)
        form.run.change(None, form.run, None, js=_TO_URL)
        form.region.change(None, form.region, None, js=_TO_STAGE)
        form.look.change(None, form.look, None, js=asset("look.js"))

    # what happens

    async def _linger(self) -> None:
        """Keep the page's stream open for a while: as Gradio closes it, the answer to a click just then is lost.

        Not for good: a browser opens six streams to one address, and a seventh page would never load.
        """
        await asyncio.sleep(_LINGER)

    def _ready(self, run: str) -> Any:
        return gr.update(interactive=self.desk.job(run) is None)

    def _take_in(self, path: str | None, request: gr.Request) -> Updates:
        if not path:
            return {self.form.photo: gr.update()}
        try:
            ref, notes = self.desk.draft(self.session(request), Path(path))
        except ReasonEditError as error:
            # An error would leave the file in its field, where no other could be dropped.
            warn(str(error).replace(path, Path(path).name))
            return {self.form.photo: None}
        finally:
            Path(path).unlink(missing_ok=True)
        stage = self.shown.stage(ref, "draft", notes)
        return {
            self.form.picked: f"draft/{ref.sha256}",
            self.form.stage: stage,
            self.form.region: "",
            self.form.photo: None,
        }

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
            check_length(region=region, seed=seed, reasoner=reasoner, tool=tool, policy=policy)
            where, sha256 = picked.split("/", 1)
            ref = self.desk.picture(session, where, sha256)
            store = open_store(self.desk.runs / IMAGES)
            options: dict[str, Any] = {"candidates": int(candidates), "approve": approve, "review": review}
            if region.strip():
                options["region"] = self.desk.workshop.region(region)
            if seed.strip():
                options["seed"] = _whole(seed)
            parent = self._parent(session, where, ref)
            options["title"] = self.desk.title(session, where, sha256)
            shown = self.screen.turn(_page(request))
            job = self.desk.start(session, store.get(ref), instruction, (reasoner, tool, policy), parent, **options)
        except ReasonEditError as error:
            raise said(error) from error
        yield from self._watch(session, job.run, job, shown)

    def _watch(self, session: str, run: str, job: Job | None, shown: Callable[[], bool]) -> Iterator[Updates]:
        """Show a run that was set to work by a press of a button: lead the reader to where it is told."""
        return _first(self.screen.look(STATUS), self.screen.watch(session, run, job, shown))

    def _go_on(self, request: gr.Request, run: str, answer: str | None, thought: Any = None) -> Iterator[Updates]:
        session = self.session(request)
        try:
            self.desk.folder(session, run)
        except ReasonEditError as error:
            raise said(error) from error
        shown = self.screen.turn(_page(request))
        try:
            job: Job | None = self.desk.go_on(session, run, answer, thought)
        except ReasonEditError as error:
            warn(str(error))
            job = self.desk.job(run)  # another tab may have been quicker: this one follows
        yield from self._watch(session, run, job, shown)

    def _accept(self, run: str, steps: list[int], plan: str, request: gr.Request) -> Iterator[Updates]:
        try:
            told = self.desk.told(self.session(request), run)
            thought = changed(told.thought, steps, plan) if told.next == "approve" and told.thought else None
        except ReasonEditError as error:
            raise said(error) from error
        yield from self._go_on(request, run, "accept", thought)

    def _advise(self, run: str, advice: str, request: gr.Request) -> Iterator[Updates]:
        try:
            if not advice.strip():
                raise UsageError("There is nothing said yet.", hint="Write what should be different.")
            check_length(advice=advice)
        except ReasonEditError as error:
            raise said(error) from error
        yield from self._go_on(request, run, advice)

    def _reject(self, run: str, request: gr.Request) -> Iterator[Updates]:
        yield from self._go_on(request, run, "reject")

    def _stop(self, run: str, request: gr.Request) -> Updates:
        session = self.session(request)
        try:
            self.desk.stop(session, run)
            return self.screen.updates(session, run, None) | self.screen.look(STATUS)
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
                yield self.screen.pick(told, pick)
            elif what == "undo":
                self.screen.turn(_page(request))
                yield self.screen.undo(session, told)
            elif what == "fork":
                check_length(reasoner=reasoner, tool=tool, policy=policy)
                job = self.desk.fork(session, run, int(asked["round"]), (reasoner, tool, policy))
                yield from self._watch(session, job.run, job, self.screen.turn(_page(request)))
            elif what in ("label-accept", "label-reject"):
                labelling.add(self.desk.runs, run, told.keep, what == "label-accept")
                look = self.screen.look(f"#view [data-do={what}]")
                yield {self.form.view: self.screen.view(told, False), **look}
        except ReasonEditError as error:
            raise said(error) from error

    def _parent(self, session: str, where: str, ref: ImageRef) -> str:
        """Return the run that made a picture: the one where it is, unless that started from it."""
        if where == "draft":
            return ""
        source = self.desk.told(session, where).started.request.image
        return self.desk.owners.parent(where) if ref.sha256 == source.sha256 else where

    def _open(self, run: str, request: gr.Request) -> Iterator[Updates]:
        """Show a run that is chosen from the table."""
        led = {self.tabs: gr.Tabs(selected="edit"), **self.screen.look(STATUS)}
        yield from _first(led, self._restore(run, request))

    def _restore(self, run: str, request: gr.Request) -> Iterator[Updates]:
        """Show the run that the address names; watch it where it is at work."""
        session = self.session(request)
        if not run:
            yield {self.form.status: "Ready."}
            return
        try:
            told = self.desk.told(session, run)
        except ReasonEditError as error:
            yield {self.form.status: escape(str(error)), self.form.run: ""}
            return
        shown = self.screen.turn(_page(request))
        yield from _first(self.screen.asked(told), self.screen.watch(session, run, self.desk.job(run), shown))


def _page(request: gr.Request) -> str:
    """Return what Gradio calls one loading of the page: a browser may have several."""
    return str(request.session_hash)


def _first(led: Updates, updates: Iterator[Updates]) -> Iterator[Updates]:
    """Add to the first of them alone: the reader may be elsewhere when more comes."""
    for update in updates:
        yield update | led
        led = {}


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"The seed {text[:20]!r} is no whole number.", hint="Leave it empty to draw one.") from None
