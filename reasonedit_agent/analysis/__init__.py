"""Reading traces: verify and replay without any model; an index with tables, queries and statistics over many runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasonedit_agent.analysis.query import frames as frames

__all__ = ["frames"]


def __getattr__(name: str) -> Any:
    """Load `frames` when it is first used: verify and replay need none of its packages."""
    if name != "frames":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from reasonedit_agent.analysis.query import frames

    return frames
