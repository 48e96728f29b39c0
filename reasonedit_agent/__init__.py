"""Edits images by a loop: a Reasoner thinks, a tool edits, the Reasoner reflects, a policy decides when to stop."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasonedit_agent.errors import ReasonEditError as ReasonEditError
    from reasonedit_agent.graphs.agent import EditAgent as EditAgent
    from reasonedit_agent.graphs.results import EditResult as EditResult

__all__ = ["EditAgent", "EditResult", "ReasonEditError", "__version__"]

__version__ = "0.1.0"

_HOMES = {
    "EditAgent": "reasonedit_agent.graphs.agent",
    "EditResult": "reasonedit_agent.graphs.results",
    "ReasonEditError": "reasonedit_agent.errors",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing the package stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
