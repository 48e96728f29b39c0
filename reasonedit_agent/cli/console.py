"""Consoles for people: no control characters of others, no broken rows in a pipe, no end at a closed one."""

from __future__ import annotations

from typing import Any

from rich.console import Console

__all__ = ["PlainConsole", "console", "printable"]


def printable(text: str) -> str:
    """Return the text without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


class PlainConsole(Console):
    """Prints what models and people wrote as text; falls silent where nobody reads."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; texts lose what a terminal would obey."""
        super().print(*(printable(o) if isinstance(o, str) else o for o in objects), **options)

    def on_broken_pipe(self) -> None:
        """Fall silent: the run goes on, and its result is written."""
        self.quiet = True


def console() -> PlainConsole:
    """Return one for standard output: as wide as the terminal, and wide enough for every row in a pipe or a file."""
    made = PlainConsole(highlight=False, soft_wrap=True)
    if not made.is_terminal:
        made.width = max(made.width, 200)
    return made
