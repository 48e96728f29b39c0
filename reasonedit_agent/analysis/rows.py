"""From the events of a run to the rows of the index's tables, through the one fold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from reasonedit_agent.analysis.collected import Collected, Row, counts, whole
from reasonedit_agent.analysis.parts import label, parts_key
from reasonedit_agent.events import AnyEvent, RunStarted
from reasonedit_agent.schemas import (
    Ask,
    Candidate,
    Comparison,
    Continue,
    Decision,
    Failure,
    History,
    Pick,
    Preference,
    Round,
    Scores,
    Stop,
    Usage,
    join_texts,
    standing,
)

__all__ = ["Rows", "rows_of"]

Rows = dict[str, list[Row]]


def rows_of(run: str, events: Iterable[AnyEvent]) -> Rows:
    """Return the rows of one run by table, each row in the order of `TABLES`.

    Raises:
        TraceError: It is no trace.
    """
    c = Collected(run)
    for event in events:
        c.add(event)
    c.finish()
    history = c.fold.history
    decisions = {decision.after: decision for decision in history.decisions}
    places = [(round_, index) for round_ in history.rounds for index in range(len(round_.verdicts))]
    return {
        "runs": [_run(c, c.fold.run, history)],
        "rounds": [_round(c, history, round_, decisions) for round_ in history.rounds],
        "candidates": [_candidate(c, round_, index) for round_, index in places],
        "answers": [row for round_, index in places for row in _answers(c, round_, index)],
        "calls": c.calls,
        "decisions": list(_decisions(c, decisions)),
        "people": c.people,
        "events": c.events,
    }


def _run(c: Collected, started: RunStarted, history: History) -> Row:
    request, ended = started.request, c.outcome
    real = [round_ for round_ in history.rounds if not c.shadow(round_.index)]
    spent, calls, unpriced = Usage(), 0, 0
    for number, (usage, some, without) in c.spent.items():
        if not c.shadow(number):
            spent, calls, unpriced = spent.plus(usage), calls + some, unpriced + without
    keep = ended.keep if ended else None
    kept = _scores_at(c, history, keep) if keep else None
    return (
        c.run,
        started.title,
        started.at,
        request.instruction,
        request.image.width,
        request.image.height,
        request.image.sha256,
        request.seed,
        label(started.reasoner),
        label(started.tool),
        label(started.comparer),
        started.policy,
        parts_key(started),
        ended.status if ended else None,
        ended.stopped_by if ended else None,
        ended.error or None if ended else None,
        len(real),
        len(history.rounds) - len(real),
        standing(real[0])[1].kind if real else None,
        standing(real[-1])[1].kind if real else None,
        keep.round if keep else None,
        keep.candidate if keep else None,
        kept.overall if kept else None,
        kept.semantic * kept.perceptual if kept else None,
        c.elapsed,
        *counts(spent),
        calls,
        unpriced,
        c.lines,
        started.parent,
        started.parent_round if started.parent is not None else None,
        c.taken,
        *_own(c, spent, calls, unpriced),
    )


def _own(c: Collected, spent: Usage, calls: int, unpriced: int) -> Row:
    """Return what a run cost without what it took over; None stays None."""
    taken, taken_calls, taken_unpriced = c.taken_spent
    pairs = zip(counts(spent), counts(taken), strict=True)
    costs = (None if whole_ is None else whole_ - (before or 0) for whole_, before in pairs)
    seconds = None if c.elapsed is None else c.elapsed - c.taken_seconds
    return seconds, *costs, calls - taken_calls, unpriced - taken_unpriced


def _round(c: Collected, history: History, round_: Round, decisions: dict[int, Decision]) -> Row:
    index, verdict = standing(round_)
    before, after = decisions.get(round_.index - 1), decisions.get(round_.index)
    base = before.action.base if before and isinstance(before.action, Continue) else None
    action = after.action if after else None
    scores = c.scores(round_, index)
    best = _scores_at(c, history, after.keep) if after else None
    operations = [step.operation.op for step in round_.call.steps if step.operation is not None]
    return (
        c.run,
        round_.index,
        c.shadow(round_.index),
        base.round if base else None,
        base.candidate if base else None,
        round_.call.instruction,
        ", ".join(operations),
        round_.call.quality,
        len(round_.call.seeds),
        verdict.kind,
        index,
        scores.overall if scores else None,
        scores.semantic * scores.perceptual if scores else None,
        best.overall if best else None,
        action.kind if action else None,
        action.reason if isinstance(action, Stop) else None,
        round_.seconds if c.timed else None,
    )


def _candidate(c: Collected, round_: Round, index: int) -> Row:
    found, verdict = round_.candidates[index], round_.verdicts[index]
    made = found if isinstance(found, Candidate) else None
    failure = verdict if isinstance(verdict, Failure) else None
    judged = None if isinstance(verdict, Failure) else verdict
    place = (round_.index, index)
    ended = c.outcome
    scores = c.scores(round_, index)
    compared = next((one for one in round_.comparisons if one.candidate == index), None)
    steps = getattr(verdict, "steps", None)
    return (
        c.run,
        *place,
        c.shadow(round_.index),
        standing(round_)[0] == index,
        ended is not None and (ended.keep.round, ended.keep.candidate) == place,
        made.image.sha256 if made else None,
        made.image.width if made else None,
        made.image.height if made else None,
        whole(made.seed) if made else None,
        verdict.kind,
        c.overruled(round_, index),
        failure.reason if failure else None,
        (c.failed.get(place) or ("reflect" if made else "edit")) if failure else None,
        failure.message if failure else None,
        *(_axes(scores) if scores else (None,) * 8),
        judged.confidence if judged else None,
        judged.critique if judged else None,
        join_texts(steps) if steps else None,
        _preference(compared),
        json.dumps(made.measures, sort_keys=True) if made and made.measures else None,
    )


def _answers(c: Collected, round_: Round, index: int) -> Iterator[Row]:
    for number, answer in enumerate(getattr(round_.verdicts[index], "answers", ())):
        yield c.run, round_.index, index, number, answer.question, answer.yes, answer.note


def _decisions(c: Collected, standing_: dict[int, Decision]) -> Iterator[Row]:
    for seq, decision in c.decisions:
        action, keep = decision.action, decision.keep
        base = action.base if isinstance(action, Continue) else None
        yield (
            c.run,
            seq,
            decision.after,
            decision.author,
            action.kind,
            action.reason if isinstance(action, Stop) else None,
            _detail(action),
            base.round if base else None,
            base.candidate if base else None,
            keep.round,
            keep.candidate,
            standing_.get(decision.after) is decision,
        )


def _scores_at(c: Collected, history: History, pick: Pick) -> Scores | None:
    """Return the scores of a pick; None for the source, and where there are none."""
    if not 1 <= pick.round <= len(history.rounds):
        return None
    round_ = history.rounds[pick.round - 1]
    return c.scores(round_, pick.candidate) if pick.candidate < len(round_.verdicts) else None


def _detail(action: Continue | Stop | Ask) -> str:
    if isinstance(action, Stop):
        return action.detail
    return action.question if isinstance(action, Ask) else action.instruction


def _axes(scores: Scores) -> Row:
    four = (scores.edit_success, scores.over_editing, scores.naturalness, scores.artefacts)
    return (*four, scores.semantic, scores.perceptual, scores.overall, scores.semantic * scores.perceptual)


def _preference(compared: Comparison | None) -> str | None:
    if compared is None:
        return None
    return compared.result.better if isinstance(compared.result, Preference) else "failure"
