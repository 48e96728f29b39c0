"""The tab Edit: what can be put in, and where it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from reasonedit_agent.errors import UsageError
from reasonedit_agent.viewer.studio.look import FRAME, asset
from reasonedit_agent.viewer.studio.showing import Shown
from reasonedit_agent.viewer.studio.workshop import Part

__all__ = ["Form", "check_length"]

LONGEST = 4000
"""Characters of a field beside the instruction and the plan, which say themselves how long they may be."""

POLICIES = [
    ("The usual one", ""),
    ("Once, without looking back", "rounds(1)"),
    ("At most three rounds", "accepted | rounds(3)"),
    ("At most a minute", "accepted | budget(seconds=60)"),
]


def check_length(**fields: str) -> None:
    """Refuse a huge paste before anything reads it.

    Args:
        **fields: Texts by what they are called.

    Raises:
        UsageError: One is too long.
    """
    for name, text in fields.items():
        if len(text) > LONGEST:
            hint = f"At most {LONGEST:,} are taken."
            raise UsageError(f"The {name.replace('_', ' ')} has {len(text):,} characters.", hint=hint)


class Form:
    """The fields and buttons of the tab; they are made where it stands.

    Args:
        parts: All that have a name.
        shown: Renders them.
    """

    def __init__(self, parts: Sequence[Part], shown: Shown) -> None:
        self.run = gr.Textbox("", visible=False, label="Run")
        self.picked = gr.Textbox("", visible=False, label="Picture")
        self.look = gr.Textbox("", visible=False, label="Look here")
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                self._asked(shown)
                self._parts(parts, shown)
            with gr.Column(scale=3, min_width=320):
                self._answered()

    def _asked(self, shown: Shown) -> None:
        kinds = [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif"]
        self.photo = gr.File(label="Photo", file_types=kinds, height=130, elem_id="photo")
        self.stage = self._html(shown.stage(None, ""), "stage", "stage.js")
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

    def _parts(self, parts: Sequence[Part], shown: Shown) -> None:
        with gr.Accordion("Who does it, and when to stop", open=False):
            able = {role: [p.name for p in parts if p.role == role and not p.lacks] for role in ("reasoner", "tool")}
            free: Any = {"allow_custom_value": True, "info": "A name, or a text with settings."}
            self.reasoner = gr.Dropdown(able["reasoner"], value="embedded", label="Reasoner", **free)
            self.tool = gr.Dropdown(able["tool"], value="classical", label="Tool", **free)
            self.policy = gr.Dropdown(POLICIES, value="", label="Policy", allow_custom_value=True)
            self.candidates = gr.Slider(1, 8, value=1, step=1, label="Results per round")
            self.seed = gr.Textbox("", label="Seed", placeholder="drawn")
            absent = [part for part in parts if part.lacks]
            gr.HTML(f'<div class="studio">{shown.render("parts.html", absent=absent)}</div>')

    def _answered(self) -> None:
        self.status = gr.HTML(
            elem_id="status", html_template='<div class="studio" role="status" tabindex="-1">${value}</div>'
        )
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
        with gr.Column(elem_id="view"):
            # Apart: what moves is drawn again several times a second, the pictures of the rounds are not.
            self.live = self._html("", "live", "live.js")
            self.view = self._html("", "run", "do.js")

    def _html(self, value: str, name: str, script: str) -> Any:
        return gr.HTML(value, elem_id=name, html_template=FRAME, js_on_load=asset(script), apply_default_css=False)
