"""Does the recorded policy, asked again, decide what the trace says it decided? No model is needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reasonedit_agent import registry
from reasonedit_agent.errors import TraceError
from reasonedit_agent.events import AnyEvent, Decided, RunEnded, RunStarted
from reasonedit_agent.folding import Fold
from reasonedit_agent.protocols import ImageStore, Policy
from reasonedit_agent.schemas import Candidate, Continue, Decision, History, ImageRef, Stop

__all__ = ["Mismatch", "Verification", "verify"]


@dataclass(frozen=True)
class Mismatch:
    """A decision that came out differently, or an end that does not follow from it."""

    after: int
    recorded: str
    recomputed: str


@dataclass(frozen=True)
class Verification:
    """What was checked.

    Attributes:
        recomputed: Decisions of the policy that were decided again.
        given: Decisions of people, of the graph and of a fork's parent, taken as they are.
        mismatches: Those that came out differently.
        missing: Images that the trace names and the store does not have, or has damaged.
    """

    recomputed: int
    given: int
    mismatches: tuple[Mismatch, ...]
    missing: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all came out the same and all images are there."""
        return not self.mismatches and not self.missing


def verify(events: Iterable[AnyEvent], images: ImageStore | None = None) -> Verification:
    """Decide every recorded decision of the policy again, each on the prefix of the trace before it.

    What a fork took over from its parent was decided by the parent's policy, and is taken as given.

    Args:
        events: Of one run.
        images: Its store, to check that every candidate's image is there; None leaves that out.

    Raises:
        TraceError: It is no trace.
        UsageError: The recorded policy's text cannot be read here.
    """
    left = iter(events)
    started = next(left, None)
    if not isinstance(started, RunStarted):
        raise TraceError("It is no trace: its first event is no run_started.")
    policy = registry.build_policy(started.policy)
    fold = Fold([started])
    recomputed = given = 0
    mismatches: list[Mismatch] = []
    for event in left:
        if isinstance(event, Decided):
            if event.decision.author == "policy" and event.decision.after >= started.parent_round:
                recomputed += 1
                mismatches += _decided_again(policy, fold.history, event.decision)
            else:
                given += 1
        if isinstance(event, RunEnded):
            mismatches += _check_end(fold, event)
        fold.add(event)
    return Verification(recomputed, given, tuple(mismatches), tuple(_missing(fold, images)) if images else ())


def _decided_again(policy: Policy, history: History, recorded: Decision) -> list[Mismatch]:
    if history.thought is None and isinstance(recorded.action, Continue):
        return [Mismatch(recorded.after, describe(recorded), "nothing: there is no plan before it")]
    again = policy.decide(history)
    if again == recorded:
        return []
    was, now = describe(recorded), describe(again)
    return [Mismatch(recorded.after, was, now if now != was else f"{now}, with other steps, seeds or words")]


def _check_end(fold: Fold, event: RunEnded) -> list[Mismatch]:
    """Check that the run ended with what its last decision kept."""
    decision = fold.decision
    if decision is None or not isinstance(decision.action, Stop) or event.stopped_by != decision.action.reason:
        return []
    if event.keep == decision.keep:
        return []
    return [Mismatch(decision.after, f"kept {event.keep}", f"the decision kept {decision.keep}")]


def describe(decision: Decision) -> str:
    """Return a decision as one line."""
    action = decision.action
    keep = "the source" if decision.keep.round == 0 else f"round {decision.keep.round}.{decision.keep.candidate}"
    if isinstance(action, Stop):
        return f"stop ({action.reason}), keep {keep}"
    if action.kind == "ask":
        return f"ask, keep {keep}"
    base = "the source" if action.base.round == 0 else f"round {action.base.round}.{action.base.candidate}"
    return f"continue from {base}: {action.instruction}, keep {keep}"


def _missing(fold: Fold, images: ImageStore) -> list[str]:
    refs: dict[str, ImageRef] = {fold.run.request.image.sha256: fold.run.request.image}
    for round_ in fold.history.rounds:
        for found in round_.candidates:
            if isinstance(found, Candidate):
                refs[found.image.sha256] = found.image
    missing = []
    for sha256, ref in refs.items():
        try:
            images.get(ref)
        except Exception:
            missing.append(sha256)
    return missing
