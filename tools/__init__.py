"""Editors: parts that make pictures. Each is imported on first use, so that naming one loads nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reasonedit_agent.tools.classical import ClassicalEditor

__all__ = ["ClassicalEditor"]

_HOMES = {"ClassicalEditor": "reasonedit_agent.tools.classical"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
