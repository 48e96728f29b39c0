"""Which parts made a run: names for people, and a key that differs where anything about a part differs."""

from __future__ import annotations

import hashlib
import json

from pydantic import JsonValue

from reasonedit_agent.events import PartInfo, RunStarted

__all__ = ["group_of", "label", "parts_key"]


def label(part: PartInfo | None) -> str | None:
    """Return the text that builds a part, or its name and version; None without a part."""
    return None if part is None else part.spec or f"{part.name} {part.version}".strip()


def parts_key(started: RunStarted) -> str:
    """Return eight hexadecimal digits that differ where a part, its settings, the policy or its fit differ."""
    parts = (started.reasoner, started.tool, started.comparer)
    fitted = {name: value for name, value in started.fitted.items() if name != "prices"}  # they say what, not who
    return _digits([_told(part) for part in parts], started.policy, fitted)


def group_of(started: RunStarted) -> tuple[str, str, str]:
    """Return reasoner, tool and comparer, each as a text that differs where anything about the part differs.

    The policy is no part of it: that is what a replay changes. Where there are settings, eight hexadecimal digits stand
    for them. Without a comparer its text is empty.
    """
    reasoner, tool, comparer = (_name(part) for part in (started.reasoner, started.tool, started.comparer))
    return reasoner, tool, comparer


def _name(part: PartInfo | None) -> str:
    if part is None:
        return ""
    shown = f"{part.spec or part.name} {part.version}".strip()
    return f"{shown} #{_digits(_told(part))}" if part.settings else shown


def _told(part: PartInfo | None) -> JsonValue:
    return part.model_dump(mode="json") if part else None


def _digits(*told: JsonValue) -> str:
    text = json.dumps(told[0] if len(told) == 1 else list(told), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
