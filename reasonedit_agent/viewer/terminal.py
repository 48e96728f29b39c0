"""Small pictures in a terminal: by Kitty's protocol or Sixel where it has one, as coloured half blocks where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reasonedit_agent.protocols import ImageStore
from reasonedit_agent.schemas import ImageRef
from reasonedit_agent.viewer.pictures import thumbnail

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["filmstrip"]

COLUMNS = 24
"""Of one picture, in characters."""

SIDE = 320
"""Longest side of what is sent, pixels."""


def filmstrip(console: Console, store: ImageStore, pictures: Sequence[tuple[str, ImageRef]]) -> list[Table]:
    """Return rows of named pictures as wide as the console; none where it shows no pictures.

    It shows none when it is a pipe or a file, has few or no colours (``NO_COLOR``, ``TERM=dumb``), or when
    textual-image, of the extra ``report``, is not installed.
    """
    if not console.is_terminal or console.no_color or console.color_system in (None, "standard"):
        return []
    try:
        from textual_image.renderable import Image  # asks the terminal what it can when it is first imported
    except ImportError:
        return []
    from rich.table import Table
    from rich.text import Text

    drawn = [(name, thumbnail(store, ref, SIDE)) for name, ref in pictures]
    across = max(1, console.width // (COLUMNS + 2))
    rows = []
    for start in range(0, len(drawn), across):
        part = drawn[start : start + across]
        table = Table.grid(padding=(0, 2, 0, 0))
        for _ in part:
            table.add_column(width=COLUMNS)
        shown = [
            Text("(missing)") if found is None else Image(found, width=COLUMNS, height="auto") for _, found in part
        ]
        table.add_row(*shown)
        table.add_row(*(Text(name) for name, _ in part))
        rows.append(table)
    return rows
