"""Whole policies by one name: a text that stands alone, or is combined further (``reasonedit | budget(60)``)."""

from __future__ import annotations

from reasonedit_agent.policies.combining import AnyOf
from reasonedit_agent.policies.following import Rollback, Source
from reasonedit_agent.policies.keeping import Last, Reference
from reasonedit_agent.policies.policy import CombinedPolicy
from reasonedit_agent.policies.stopping import AcceptedPolicy, Rounds, ScoreAtLeast, UnchangedInstruction

__all__ = ["editthinker", "reasonedit", "single"]


def reasonedit(tries: int = 3) -> CombinedPolicy:
    """Return the released loop of Step1X-Edit v1p2: success or three tries, its roll-back, its selection.

    Args:
        tries: ``max_try_cnt``; one of them is the first edit.
    """
    return CombinedPolicy(AnyOf((AcceptedPolicy(), Rounds(tries))), Reference(), Rollback())


def editthinker(turns: int = 2) -> CombinedPolicy:
    """Return EditThinker's loop: the source edited anew until the prompt stays, both scores reach 8, or turns are out.

    It returns its last turn. Its two scores are min(edit success, over-editing) and min(naturalness, artefacts).

    Args:
        turns: ``--max_edit_turns``.
    """
    enough = ScoreAtLeast(edit_success=8, over_editing=8, naturalness=8, artefacts=8)
    members = (AcceptedPolicy(), UnchangedInstruction(), enough, Rounds(turns))
    return CombinedPolicy(AnyOf(members), Last(), Source())


def single() -> CombinedPolicy:
    """Return one edit, as the released pipeline makes without reflection; it is judged all the same, for the trace."""
    return CombinedPolicy(Rounds(1), Reference(), Rollback())
