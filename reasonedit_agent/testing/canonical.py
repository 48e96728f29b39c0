"""A trace without what differs from run to run, so that two traces can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reasonedit_agent.events import AnyEvent

__all__ = ["canonical"]

_ORDER = ["begin", "think", "approve", "edit", "reflect", "compare", "review", "decide", "ask", "finish"]
_VARIES = {"at", "seconds", "run", "attempt", "key", "title", "reused", "detail", "fitted"}
_VARIES |= {"parent", "parent_round", "parent_compared"}
_DROPPED = {"asked", "called", "noted", "progress", "person_asked"}


def canonical(events: Iterable[AnyEvent]) -> list[dict[str, Any]]:
    """Return the facts of a trace as plain values, sorted by round, node and candidate.

    Times, ids, usage, prices and repeats are left out; what a policy was fitted to stands in its text.
    """
    facts = []
    for event in events:
        if event.type in _DROPPED:
            continue
        fact = event.model_dump(mode="json", exclude=_VARIES)
        place = (event.round + (event.node in ("decide", "finish")) * 0.5, _ORDER.index(event.node), event.candidate)
        if (place, fact) not in facts:
            facts.append((place, fact))
    # Round k's decision belongs behind its edit and reflection; think and approve of round 0 stay in front.
    return [fact for _, fact in sorted(facts, key=lambda item: item[0])]
