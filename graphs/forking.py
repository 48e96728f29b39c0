"""Forks: a new run that takes over the first rounds of another, and goes on with other parts.

Taken over is what stands in the parent's trace up to the end of the last shared round, word for word: plan, calls,
pictures (by their hash), verdicts, comparisons, and the decisions between the rounds. From there on the new parts
decide. What the prefix cost counts as spent, as it did in the parent.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from reasonedit_agent import tracing
from reasonedit_agent.errors import StoreError, TraceError, UsageError
from reasonedit_agent.events import (
    AnyEvent,
    Asked,
    Decided,
    Noted,
    PersonAnswered,
    PersonAsked,
    RunEnded,
    images_of,
)
from reasonedit_agent.folding import Fold
from reasonedit_agent.graphs.session import Listener, Parts, Session, open_run
from reasonedit_agent.images import open_store
from reasonedit_agent.schemas import Candidate

__all__ = ["fork_run", "lend_edits", "prefix_of"]


def fork_run(
    parts: Parts,
    parent: Path,
    round_: int,
    *,
    runs: Path,
    think_again: bool = False,
    shadow: int | None = None,
    deadline: float | None = None,
    listeners: Sequence[Listener] = (),
) -> Session:
    """Write a new run that begins with the first rounds of another, and open it.

    Args:
        parts: Who goes on.
        parent: Folder of the run that is forked.
        round_: How many of its rounds are kept; 0 keeps the plan alone.
        runs: Folder of the new run; pictures that are not there yet are copied.
        think_again: Keep not even the plan.
        shadow: Rounds to record past the stop; None is what the parent was asked for.
        deadline: On `time.monotonic`'s clock.
        listeners: Called with every new event.

    Raises:
        UsageError: The parent has no such round, or no plan.
        TraceError: The parent is being written, cannot be read, or pictures of those rounds are gone.
        StoreError: The new run cannot be written.
    """
    _check_idle(parent)
    events = tracing.read_events(parent)
    prefix = prefix_of(events, round_, think_again=think_again)
    old = Fold(events).run
    run = tracing.new_run_id()
    rounds = Fold([old, *prefix]).history.rounds
    request = old.request.model_copy(update={"candidates": 1}) if parts.tool.card.deterministic else old.request
    started = old.model_copy(
        update={
            "at": round(time.time(), 4),
            "run": run,
            "request": request,
            "reasoner": parts.info("reasoner"),
            "tool": parts.info("tool"),
            "comparer": parts.info("comparer") if parts.comparer else None,
            "card": parts.tool.card,
            "policy": parts.policy.text,
            "fitted": {**getattr(parts.policy, "fitted", {}), "prices": parts.prices.frozen()},
            "key": None,
            "shadow": old.shadow if shadow is None else shadow,
            "parent": old.run,
            "parent_round": round_,
            "parent_compared": tuple(done.index for done in rounds if done.comparisons),
        }
    )
    _share_images([started, *prefix], parent, runs)
    _write(runs / run, [started, *prefix])
    session = open_run(parts, runs / run, deadline=deadline, listeners=listeners)
    lend_edits(session, parent)
    session.record(Noted(text=_told(old.run, round_, think_again)))
    return session


def prefix_of(events: Sequence[AnyEvent], round_: int, *, think_again: bool = False) -> list[AnyEvent]:
    """Return what a fork takes over: the events after the first one, up to the end of a round.

    The decision after that round is not among them, nor what a person said to its result: both come again. A person's
    approval of the plan is, unless it was a refusal.

    Args:
        events: Of the parent.
        round_: How many rounds are kept.
        think_again: Whether not even the plan is.

    Raises:
        UsageError: There is no such round or no plan, or a plan is asked for behind the first round.
    """
    whole = Fold(events)
    _check(whole, round_, think_again)
    fold, taken = Fold(events[:1]), list[AnyEvent]()
    for event in events[1:]:
        if round_ and len(fold.history.rounds) == round_:
            break
        if round_ == 0 and _is_past_plan(event, think_again):
            break
        fold.add(event)
        if not isinstance(event, RunEnded):  # an interruption that the parent went on from
            taken.append(event)
    return taken


def _is_past_plan(event: AnyEvent, think_again: bool) -> bool:
    """Whether an event comes after the plan, or from the plan on, where it is made again."""
    if think_again:
        return not isinstance(event, Noted)
    if isinstance(event, PersonAnswered):
        return event.answer.node != "approve" or event.answer.kind in ("reject", "stop")
    if isinstance(event, PersonAsked):
        return event.node != "approve"
    return isinstance(event, Decided) or (isinstance(event, Asked) and event.node == "edit")


def _check(whole: Fold, round_: int, think_again: bool) -> None:
    name, stop = whole.run.run, whole.stop
    done = len(whole.history.rounds)
    if think_again and round_:
        raise UsageError("A new plan can only be made before round 1.", hint="Fork at round 0 to think again.")
    if not 0 <= round_ <= done:
        hint = f"It has {done} complete rounds; 0 is the plan."
        raise UsageError(f"The run {name} has no round {round_}.", hint=hint)
    if stop is not None and round_ > stop:
        hint = f"It was recorded past the stop; fork at round {stop} or before."
        raise UsageError(f"Round {round_} of the run {name} is a shadow round.", hint=hint)
    if whole.history.thought is None and not think_again:
        raise UsageError(f"The run {name} has no plan to go on from.", hint="Let it think again.")


def _check_idle(parent: Path) -> None:
    """Raise while another process writes the run."""
    try:
        with (parent / tracing.EVENTS).open("rb") as file:
            idle = tracing.lock(file, wait=False)
    except OSError as error:
        raise TraceError(f"The trace {parent} cannot be read: {error.strerror}.") from error
    if not idle:
        raise TraceError(f"The run {parent.name} is going on.", hint="Fork it when it has ended.")


def _share_images(events: Sequence[AnyEvent], parent: Path, runs: Path) -> None:
    """See that every picture of the prefix is there and whole, and that the new run's store has it."""
    there, here = open_store(parent.parent / tracing.IMAGES), open_store(runs / tracing.IMAGES)
    same = parent.parent.resolve() == runs.resolve()
    missing = []
    for sha256, ref in images_of(events).items():
        try:
            data = there.get(ref)
        except StoreError:
            missing.append(sha256[:12])
            continue
        if not same:
            here.put(data)
    if missing:
        what = f"{len(missing)} pictures of these rounds are" if len(missing) > 1 else "A picture of these rounds is"
        hint = "Fork before the round that made it, or bring the pictures back."
        raise TraceError(f"{what} missing or damaged in {parent.name}: {', '.join(missing[:5])}.", hint=hint)


def _write(folder: Path, events: Sequence[AnyEvent]) -> None:
    """Write a trace at once: a crash leaves no run with half of its prefix."""
    part = folder / f"{tracing.EVENTS}.part"
    try:
        folder.mkdir(parents=True)
        part.write_bytes(b"".join(event.model_dump_json().encode() + b"\n" for event in events))
        os.replace(part, folder / tracing.EVENTS)
    except OSError as error:
        raise StoreError(f"The run {folder} cannot be written: {error.strerror}.") from error


def lend_edits(session: Session, parent: Path | None = None) -> None:
    """Let a fork look up the edits that its parent finished after the fork, where their pictures are there.

    Args:
        session: Of the fork; a run that is none, or whose parent is gone, is left as it is.
        parent: Folder of the parent; None looks beside the fork.
    """
    name = session.fold.run.parent
    if name is None:
        return
    folder = parent or session.folder.parent / name
    if not (folder / tracing.EVENTS).is_file():
        return
    there = open_store(folder.parent / tracing.IMAGES)
    try:
        lent = Fold(tracing.read_events(folder)).finished_edits
    except TraceError:  # the fork needs it no more
        return
    for key, candidates in lent.items():
        try:
            pictures = [there.get(candidate.image) for candidate in candidates if isinstance(candidate, Candidate)]
        except StoreError:
            continue
        for data in pictures:
            session.images.put(data)
        session.fold.finished_edits.setdefault(key, candidates)


def _told(parent: str, round_: int, think_again: bool) -> str:
    if think_again:
        return f"Forked from the run {parent} before its plan."
    return f"Forked from the run {parent} after its {f'round {round_}' if round_ else 'plan'}."
