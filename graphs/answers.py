"""What a person said to a run that waits, read as an event."""

from __future__ import annotations

from typing import Literal

from reasonedit_agent.errors import UsageError
from reasonedit_agent.events import PersonAnswered
from reasonedit_agent.folding import Fold
from reasonedit_agent.schemas import HumanAnswer, Thought

__all__ = ["answered"]

_WORDS: dict[str, Literal["accept", "reject", "stop", "advice"]] = {
    "accept": "accept",
    "yes": "accept",
    "y": "accept",
    "ok": "accept",
    "reject": "reject",
    "no": "reject",
    "n": "reject",
    "stop": "stop",
}


def answered(fold: Fold, answer: str | None, thought: Thought | None) -> PersonAnswered:
    """Return what a person said, as the event that is recorded.

    Args:
        fold: The run, which waits.
        answer: ``accept``, ``reject``, ``stop``, or advice in words; None with a plan means accept.
        thought: The plan as a person changed it.

    Raises:
        UsageError: The run asks nothing, or nothing like that.
    """
    node = fold.next
    if node not in ("approve", "review", "ask"):
        raise UsageError(f"The run {fold.run.run} asks nothing.", hint="Resume it without an answer.")
    if thought is not None and node != "approve":
        raise UsageError("A plan can only be given while the run waits for approval.")
    text = "accept" if answer is None else answer.strip()
    if not text:
        raise UsageError("The answer is empty.", hint="Say accept, reject, stop, or give advice.")
    kind = _WORDS.get(text.lower().rstrip(".!"), "advice")
    given = HumanAnswer(
        node="decide" if node == "ask" else node,
        after=len(fold.history.rounds),
        kind=kind,
        text=text if kind == "advice" else "",
        thought=thought,
    )
    return PersonAnswered(node=node, round=given.after, answer=given)
