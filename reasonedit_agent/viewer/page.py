"""The page's frame: templates with escaping, and a policy that lets nothing in from outside."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

from reasonedit_agent.errors import UsageError

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Frame", "clean", "number", "seconds"]


def clean(value: Any) -> str:
    """Return text without characters that a page may not hold (controls, halves of characters)."""
    return _UNFIT.sub("\ufffd", str(value))


def number(value: float | int | None) -> str:
    """Return a number for people; a dash for what nobody told."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def seconds(value: float | None) -> str:
    """Return a duration for people."""
    if value is None:
        return "–"
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Frame:
    """Renders the templates of this package.

    Raises:
        UsageError: Jinja2 is missing.
    """

    def __init__(self) -> None:
        try:
            from jinja2 import Environment, PackageLoader, StrictUndefined
        except ImportError as error:
            hint = "`pip install 'reasonedit-agent[report]'` brings it."
            raise UsageError("A report needs Jinja2.", hint=hint) from error
        self._jinja: Environment = Environment(
            loader=PackageLoader("reasonedit_agent.viewer"),
            autoescape=True,  # everything, whatever a template is called
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            # All that is printed passes here; `Markup` (what the templates themselves wrote) is left as it is.
            finalize=lambda value: "" if value is None else value if hasattr(value, "__html__") else clean(value),
        )
        self._jinja.filters.update(number=number, seconds=seconds)

    def render(self, template: str, **values: Any) -> str:
        """Return a template with its values, all of them escaped."""
        return self._jinja.get_template(template).render(**values)

    def top(self, title: str) -> str:
        """Return the page's start: its policy, style and script."""
        from markupsafe import Markup

        style, script = _asset("report.css").strip(), _asset("report.js").strip()
        policy = (
            f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        )
        # Both are files of this package, and neither holds an end tag.
        return self.render("top.html", title=title, style=Markup(style), policy=Markup(policy))

    def foot(self, **values: Any) -> str:
        """Return the page's end."""
        from markupsafe import Markup

        return self.render("foot.html", script=Markup(_asset("report.js").strip()), **values)


def _asset(name: str) -> str:
    return resources.files("reasonedit_agent.viewer").joinpath("templates", name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
