"""Many runs: browse, filter, compare, and what another policy would have done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from reasonedit_agent import registry, tracing
from reasonedit_agent.analysis.forks import started_in
from reasonedit_agent.analysis.replay import record, replay, summarise
from reasonedit_agent.errors import ReasonEditError, UsageError
from reasonedit_agent.viewer.page import seconds
from reasonedit_agent.viewer.studio.desk import Desk
from reasonedit_agent.viewer.studio.form import check_length
from reasonedit_agent.viewer.studio.look import FRAME, asset, said
from reasonedit_agent.viewer.studio.showing import Shown
from reasonedit_agent.viewer.telling import RunTold, pick_name

__all__ = ["Tables", "policy_text"]

MOST = 100
"""So many runs are shown at once."""

_STATUSES = ["any status", "accepted", "best_effort", "unsupported", "failed", "invalid", "open"]

_LINES: list[tuple[str, Callable[[RunTold], str]]] = [
    ("Asked", lambda run: run.started.request.instruction[:300]),
    ("Plan", lambda run: run.thought.instruction[:300] if run.thought else "none"),
    ("Status", lambda run: run.status.replace("_", " ")),
    ("Kept", lambda run: pick_name(run.keep)),
    ("Score", lambda run: f"{run.kept_scores.overall:.1f} of 10" if run.kept_scores else "–"),
    ("Rounds", lambda run: str(len(run.rounds))),
    ("Active", lambda run: seconds(run.elapsed)),
    ("Dollars", lambda run: "–" if run.spent.usd is None else f"{run.spent.usd:.4f}"),
    ("Stopped by", lambda run: run.ended.stopped_by if run.ended else "not yet"),
    ("Parts", lambda run: f"{run.started.reasoner.name} + {run.started.tool.name}"),
    ("Policy", lambda run: run.started.policy),
    ("Seed", lambda run: str(run.started.request.seed)),
]


def policy_text(accepted: bool, rounds: float, score: float, budget: float) -> str:
    """Return the policy that the sliders stand for; a slider at 0 says nothing."""
    said = ["accepted"] if accepted else []
    said += [f"score_at_least({score:g})"] if score else []
    said += [f"budget(seconds={budget:g})"] if budget else []
    return " | ".join([*said, f"rounds({int(rounds)})"])


class Tables:
    """The tabs over many runs.

    Args:
        desk: Whose runs they are.
        shown: Renders them.
        session: The browser's secret of a request.
    """

    def __init__(self, desk: Desk, shown: Shown, session: Callable[[gr.Request], str]) -> None:
        self.desk, self.shown, self.session = desk, shown, session
        self._told: dict[str, tuple[int, RunTold]] = {}

    def build(self) -> None:
        """Make the tabs; to be called where they stand."""
        frame: Any = {"html_template": FRAME, "apply_default_css": False}
        with gr.Tab("Runs", id="runs") as self.runs_tab:
            with gr.Row():
                self.filter = gr.Textbox("", label="Filter", placeholder="words of the instruction, a part, an id")
                self.status = gr.Dropdown(_STATUSES, value=_STATUSES[0], label="Status")
            self.table = gr.HTML(elem_id="table", js_on_load=asset("do.js"), **frame)
            self.compared = gr.HTML(elem_id="compared", **frame)
        with gr.Tab("What if", id="whatif") as self.what_tab:
            gr.HTML(
                '<div class="studio"><p>What another policy would have done over recorded runs: decided again, without '
                "any model. Where a run cannot tell, that is said.</p></div>"
            )
            with gr.Row():
                self.accepted = gr.Checkbox(label="Stop when accepted", value=True)
                self.all = gr.Checkbox(label="Over all runs that the filter shows", value=False)
            with gr.Row():
                self.rounds = gr.Slider(1, 10, value=3, step=1, label="Rounds at most", elem_id="w-rounds")
                self.score = gr.Slider(0, 10, value=0, step=0.1, label="Stop at this score (0: never)")
                self.budget = gr.Slider(0, 120, value=0, step=1, label="Stop after seconds (0: never)")
            self.text = gr.Textbox("accepted | rounds(3)", label="The same as text", elem_id="w-text")
            self.judge = gr.Button("Judge it", variant="primary", elem_id="judge")
            self.outcome = gr.HTML(elem_id="outcome", **frame)

    def wire(self, run: Any) -> list[Any]:
        """Connect them with the page's run; return the events that only read."""
        quiet: Any = {"show_progress": "hidden", "concurrency_limit": None, "trigger_mode": "always_last"}
        chosen = [self.filter, self.status]
        # One listener for all: answers that overtake each other would show an older filter's runs.
        events = [self.runs_tab.select, self.filter.change, self.status.change]
        listed = gr.on(events, self._list, chosen, [self.table], **quiet)
        sliders = [self.accepted, self.rounds, self.score, self.budget]
        # Not when a slider is let go: one that the keyboard moves never is.
        moved = [slider.input for slider in sliders]
        asked = [*sliders, run, self.all, *chosen]
        moving = gr.on(moved, self._moved, asked, [self.text, self.outcome], **quiet)
        events = [self.judge.click, self.text.submit, self.all.input, self.what_tab.select]
        judged = gr.on(events, self._what_if, [run, self.text, self.all, *chosen], [self.outcome], **quiet)
        return [listed, moving, judged]

    def opened(self, whole: list[Any], open_run: Callable[..., Iterator[Any]]) -> Any:
        """Connect what is clicked in the table; return the event, which may open another run on the page."""

        def do(data: gr.EventData, request: gr.Request) -> Iterator[Any]:
            asked = getattr(data, "_data", None) or {}
            if asked.get("do") == "compare":
                yield {self.compared: self._compare(asked.get("ticked", []), request)}
            elif asked.get("do") == "open":
                yield from open_run(str(asked.get("run", "")), request)

        quiet: Any = {"show_progress": "hidden", "concurrency_limit": None, "trigger_mode": "multiple"}
        return self.table.click(do, None, [self.compared, *whole], **quiet)

    # runs

    def _read(self, session: str, run: str) -> RunTold:
        """Return a run; read again only where its trace has grown."""
        size = (self.desk.folder(session, run) / tracing.EVENTS).stat().st_size
        known = self._told.get(run)
        if known is None or known[0] != size:
            known = self._told[run] = size, self.desk.told(session, run)
        return known[1]

    def _found(self, session: str, text: str, status: str) -> tuple[list[RunTold], list[str]]:
        words, found, problems = text.lower().split(), [], []
        for run in self.desk.listed(session):
            try:
                told = self._read(session, run)
            except ReasonEditError as error:
                problems.append(str(error))
                continue
            started = told.started
            said = f"{run} {started.request.instruction} {started.reasoner.name} {started.tool.name} {started.policy}"
            if status in (told.status, _STATUSES[0]) and all(word in said.lower() for word in words):
                found.append(told)
        return found, problems

    def _list(self, text: str, status: str, request: gr.Request) -> str:
        found, problems = self._found(self.session(request), text, status)
        empty = "No run is like that." if text or status != _STATUSES[0] else "No runs yet: edit a photo first."
        more = max(0, len(found) - MOST)
        return self.shown.render("runs.html", rows=found[:MOST], more=more, problems=problems[:5], empty=empty)

    def _compare(self, ids: list[str], request: gr.Request) -> str:
        try:
            if not 2 <= len(ids) <= 8:
                raise UsageError("Two to eight runs can be compared.", hint="Tick them in the table.")
            rows = [self._read(self.session(request), run) for run in ids]
        except ReasonEditError as error:
            raise said(error) from error
        return self.shown.render("compare.html", rows=rows, lines=_LINES)

    # what if

    def _moved(
        self,
        accepted: bool,
        rounds: float,
        score: float,
        budget: float,
        run: str,
        all_: bool,
        words: str,
        status: str,
        request: gr.Request,
    ) -> tuple[str, str]:
        text = policy_text(accepted, rounds, score, budget)
        return text, self._what_if(run, text, all_, words, status, request)

    def _what_if(self, run: str, text: str, all_: bool, words: str, status: str, request: gr.Request) -> str:
        session = self.session(request)
        try:
            check_length(policy=text)
            policy = registry.build_policy(text)
            if not all_ and not run:
                return '<p class="note">No run is open: open one under Runs, or tick that all runs are meant.</p>'
            runs = self._found(session, words, status)[0] if all_ else [self._read(session, run)]
        except ReasonEditError as error:
            raise said(error) from error
        rows, left_out = [], 0
        for told in runs:
            folder = self.desk.folder(session, told.started.run)
            recorded = record(tracing.read_events(folder), started_in(folder.parent))
            if recorded is None:
                left_out += 1
                continue
            outcome = replay(recorded, policy, policy.text)
            image = recorded.prefixes[-1].candidate(outcome.kept).image
            rows.append({"run": told, "outcome": outcome, "image": image})
        lines = [_summed(summary) for summary in summarise(row["outcome"] for row in rows)]  # type: ignore[misc]
        judged = sum(not row["outcome"].missing for row in rows)  # type: ignore[attr-defined]
        summary = {"judged": judged, "all": len(runs), "line": "; ".join(lines)} if all_ else None
        values = {"text": policy.text, "rows": rows[:MOST], "summary": summary, "left_out": left_out}
        return self.shown.render("whatif.html", **values)


def _summed(summary: Any) -> str:
    quality = "–" if summary.quality is None else f"{summary.quality.mean:.2f}"
    rounds = "–" if summary.rounds is None else f"{summary.rounds.mean:.2f}"
    return f"{' + '.join(summary.group)}: quality {quality}, {rounds} rounds"
