"""How the page looks, and how it says what went wrong."""

from __future__ import annotations

from html import escape
from importlib import resources
from typing import Any

import gradio as gr

__all__ = ["CSS", "FRAME", "HEAD", "asset", "said", "theme", "warn"]


def asset(name: str) -> str:
    """Return a file that lies beside the templates."""
    return resources.files("reasonedit_agent.viewer.studio").joinpath("templates", name).read_text("utf-8")


CSS = asset("studio.css")
HEAD = '<meta name="description" content="Edit photos by a loop that thinks, edits and reflects.">'
FRAME = '<div class="studio">${value}</div>'
"""Around all that our templates make."""


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


_SHOWN = 12.0
"""Seconds that a line about a mistake stays: it lies over the page."""


def warn(text: str) -> None:
    """Show a line as `said` does, and go on."""
    gr.Warning(escape(text), duration=_SHOWN, title="That did not work")


def said(error: Exception) -> gr.Error:
    """Return an error as the page shows it: one line, as text."""
    return gr.Error(escape(str(error)), duration=_SHOWN, print_exception=False, title="That did not work")
