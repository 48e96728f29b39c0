"""What the page shows of runs, as HTML: templates with everything escaped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reasonedit_agent.events import Progress
from reasonedit_agent.schemas import Ask, Continue, Decision, ImageRef, Region, Stop
from reasonedit_agent.viewer.page import clean, seconds
from reasonedit_agent.viewer.places import outline, where
from reasonedit_agent.viewer.telling import AXES, RunTold, pick_name

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Shown"]

_NAMES = {"think": "Think", "edit": "Edit", "reflect": "Reflect", "compare": "Compare", "decide": "Decide"}
_DOING = {"think": "Thinking", "edit": "Editing", "reflect": "Looking at the result", "compare": "Comparing"}


@dataclass(frozen=True)
class _Step:
    name: str
    state: str
    note: str = ""


class Shown:
    """Renders the templates of this package."""

    def __init__(self) -> None:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        self._jinja: Environment = Environment(
            loader=PackageLoader("reasonedit_agent.viewer.studio"),
            autoescape=True,  # everything, whatever a template is called
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=lambda value: "" if value is None else value if hasattr(value, "__html__") else clean(value),
        )
        self._jinja.filters["seconds"] = seconds
        self._jinja.globals.update(AXES=AXES, pick_name=pick_name, outline=outline, where=where)

    def render(self, template: str, **values: Any) -> str:
        """Return a template with its values, all of them escaped."""
        return self._jinja.get_template(template).render(**values)

    def live(self, run: RunTold, progress: Progress | None, working: bool) -> str:
        """Return what moves while a run is at work: its steps, and how far the part at work is."""
        live = None
        if working:
            node = progress.node if progress else run.next
            live = {
                "fraction": progress.fraction if progress else None,
                "label": (progress.message if progress else "") or _DOING.get(node, "Working"),
                "preview": progress.preview if progress else None,
            }
        pictures = f"picture/{run.started.run}"
        return self.render("live.html", steps=_steps(run, working), progress=live, pictures=pictures, missing=())

    def run(self, run: RunTold, working: bool, label: str = "", missing: Collection[str] = ()) -> str:
        """Return a run: before and after, the rounds with what can be done with each.

        Args:
            run: What is told.
            working: Whether a part is at work.
            label: What was said of the result on the page.
            missing: Hashes of pictures that cannot be had.
        """
        return self.render(
            "run.html",
            run=run,
            working=working,
            label=label,
            missing=missing,
            pictures=f"picture/{run.started.run}",
            title="".join(c if c.isalnum() or c in "-_." else "_" for c in run.started.title)[:60],
            decided=_decided,
        )

    def status(self, run: RunTold, progress: Progress | None, working: bool) -> str:
        """Return in one line what happens now, for the status line that screen readers follow."""
        if working:
            node = progress.node if progress else run.next
            round_ = f", round {len(run.rounds)}" if run.rounds and not run.rounds[-1].complete else ""
            return f"{(progress.message if progress else '') or _DOING.get(node, 'Working')}{round_} …"
        if run.waiting:
            return f"Your turn: {run.waiting}"
        if run.ended is None:
            return "This run is not finished."
        said = run.status.replace("_", " ").capitalize()
        return f"{said}. Kept {pick_name(run.keep)}, stopped by {run.ended.stopped_by}, {seconds(run.elapsed)}."

    def stage(
        self,
        ref: ImageRef | None,
        source: str,
        notes: Sequence[str] = (),
        missing: Collection[str] = (),
        region: Region | None = None,
    ) -> str:
        """Return the photo to draw on, with what is drawn."""
        return self.render("stage.html", ref=ref, source=source, notes=notes, missing=missing, region=region)


def _steps(run: RunTold, working: bool) -> list[_Step]:
    """Return the nodes of the loop, with what each took, and which is at work."""
    took = {node.node: node.seconds for node in run.nodes}
    order = [node for node in _NAMES if node != "compare" or run.started.comparer is not None]
    now = run.next if working else ""
    made = []
    for node in order:
        spent = took.get(node)
        done = spent is not None or (node == "decide" and (run.ended is not None or run.first is not None))
        state = "now" if node == now else "done" if done else "todo"
        count = len(run.rounds) if node == "edit" and len(run.rounds) > 1 else 0
        note = "" if spent is None else seconds(spent) + (f", {count} rounds" if count else "")
        made.append(_Step(_NAMES[node], state, note))
    return made


def _decided(decision: Decision) -> str:
    """Return a decision as a sentence."""
    action = decision.action
    if isinstance(action, Stop):
        return f"Stop: {action.detail or action.reason}"
    if isinstance(action, Continue):
        return f"Go on from {pick_name(action.base)}: {action.instruction[:300]}"
    return f"Ask: {action.question}" if isinstance(action, Ask) else ""
