"""One pass over a run's events: what the rows of the index are made of."""

from __future__ import annotations

from typing import Any

from reasonedit_agent.analysis.columns import TABLES
from reasonedit_agent.analysis.forks import Prefix
from reasonedit_agent.events import (
    AnyEvent,
    Called,
    Compared,
    Decided,
    Edited,
    Failed,
    Judged,
    Noted,
    PersonAnswered,
    PersonAsked,
    Planned,
    RunEnded,
    RunStarted,
)
from reasonedit_agent.folding import Fold
from reasonedit_agent.schemas import Decision, Failure, Round, Scores, Stop, Usage, Verdict

__all__ = ["NOT_RECORDED", "Collected", "Row", "counts", "whole"]

Row = tuple[Any, ...]

NOT_RECORDED = "not recorded"
"""What an import writes into the reasoner's settings, under ``scores`` or ``seconds``, where they stand for nothing."""

_NOTHING = Usage()
_ROUND, _SHADOW = (TABLES["calls"].names.index(name) for name in ("round", "shadow"))
_TIMED = (Planned, Edited, Judged, Compared, Failed)


class Collected:
    """What one pass over a run's events takes down, beside the fold.

    Attributes:
        run: Its name.
        fold: Of all events.
        lines: How many there were.
        timed: Whether the seconds in the trace stand for something.
        calls: Rows of the table `calls`; `finish` says which are shadows.
        spent: By round: usage, how many calls cost something, and how many of those have no price.
        decisions: With their lines.
        failed: The node that failed, by round and candidate.
        events: Rows of the table `events`.
        people: Rows of the table `people`.
        taken: Lines that a fork took over from its parent.
        taken_spent: What those lines spent, how many calls cost something, and how many of those have no price.
        taken_seconds: Active seconds of those lines.
    """

    def __init__(self, run: str) -> None:
        self.run = run
        self.fold = Fold()
        self.lines = 0
        self.timed = True
        self.calls: list[Row] = []
        self.spent: dict[int, tuple[Usage, int, int]] = {}
        self.decisions: list[tuple[int, Decision]] = []
        self.failed: dict[tuple[int, int], str] = {}
        self.events: list[Row] = []
        self.people: list[Row] = []
        self.taken = 0
        self.taken_spent: tuple[Usage, int, int] = (_NOTHING, 0, 0)
        self.taken_seconds = 0.0
        self._prefix = Prefix()
        self._judged: dict[tuple[int, int], Verdict] = {}
        self._stops: dict[int, tuple[int, float]] = {}  # line and elapsed of each stop, by the rounds before it
        self._ended: tuple[int, RunEnded] | None = None

    def add(self, event: AnyEvent) -> None:
        """Take one event."""
        self.fold.add(event)
        seq, self.lines = self.lines, self.lines + 1
        failure = event.failure if isinstance(event, Failed) else None
        if isinstance(event, RunStarted):
            self.timed = event.reasoner.settings.get("seconds") != NOT_RECORDED
        elif isinstance(event, Called):
            self._add_call(seq, event)
        elif isinstance(event, Judged):
            self._judged.setdefault((event.round, event.candidate), event.verdict)
        elif isinstance(event, Failed):
            self.failed[event.round, event.candidate] = event.node
        elif isinstance(event, Decided):
            self.decisions.append((seq, event.decision))
            if isinstance(event.decision.action, Stop):
                self._stops.setdefault(event.decision.after, (seq, self.fold.history.elapsed))
        elif isinstance(event, RunEnded):
            self._ended = seq, event
        elif isinstance(event, PersonAnswered):
            said = event.answer
            self.people.append((self.run, seq, event.at, said.node, said.after, said.kind, said.text))
        self._follow_prefix(seq, event)
        self.events.append(
            (
                self.run,
                seq,
                event.at,
                event.type,
                event.node,
                event.round,
                event.candidate,
                event.attempt,
                event.seconds if self.timed and isinstance(event, _TIMED) else None,
                event.reused if isinstance(event, Edited) else None,
                failure.reason if failure else None,
                _text_of(event),
            )
        )

    def _follow_prefix(self, seq: int, event: AnyEvent) -> None:
        last = self._prefix.ends(event, self.fold)
        if last is None:
            return
        self.taken, self.taken_seconds = seq + last, self.fold.history.elapsed
        for usage, calls, unpriced in self.spent.values():
            before = self.taken_spent
            self.taken_spent = before[0].plus(usage), before[1] + calls, before[2] + unpriced

    def _add_call(self, seq: int, call: Called) -> None:
        """Take down a row and not the event: a trace can have a million calls."""
        usage = call.usage
        where = (call.node, call.round, call.candidate, call.attempt)
        words = (call.backend, call.prompt, call.prompt_sha256, call.raw, call.reasoning, call.error, call.note)
        self.calls.append((self.run, seq, call.at, *where, False, *words, usage.seconds, *counts(usage)))
        if usage != _NOTHING:
            spent, calls, unpriced = self.spent.get(call.round, (_NOTHING, 0, 0))
            unpriced += usage.usd is None and not call.error
            self.spent[call.round] = (spent.plus(usage), calls + 1, unpriced)

    def finish(self) -> None:
        """Work out what needs the whole run."""
        history = self.fold.history
        self._scored = self.fold.run.reasoner.settings.get("scores") != NOT_RECORDED
        self._stop = self.fold.stop
        self._line, elapsed = self._stops.get(-1 if self._stop is None else self._stop, (-1, history.elapsed))
        if any(self.shadow(row[_ROUND]) for row in self.calls):
            self.calls = [(*row[:_SHADOW], self.shadow(row[_ROUND]), *row[_SHADOW + 1 :]) for row in self.calls]
        self.elapsed: float | None = elapsed if self.timed else None
        """Active seconds to the stop."""

    @property
    def outcome(self) -> RunEnded | None:
        """The outcome; shadow rounds after it do not open the run again."""
        if self.fold.ended is None and self._ended and self._stop is not None and self._ended[0] > self._line:
            return self._ended[1]
        return self.fold.ended

    def shadow(self, round_: int) -> bool:
        """Return whether a round lies past the stop."""
        return self._stop is not None and round_ > self._stop

    def overruled(self, round_: Round, index: int) -> bool:
        """Return whether a person put their verdict in the place of the Reasoner's."""
        verdict = round_.verdicts[index]
        return not isinstance(verdict, Failure) and self._judged.get((round_.index, index), verdict) is not verdict

    def scores(self, round_: Round, index: int) -> Scores | None:
        """Return the scores that the Reasoner gave, whatever a person said then."""
        verdict = round_.verdicts[index]
        first = self._judged.get((round_.index, index), None if isinstance(verdict, Failure) else verdict)
        if first is None or isinstance(verdict, Failure) or not self._scored:
            return None
        return first.scores


def _text_of(event: AnyEvent) -> str | None:
    if isinstance(event, Noted):
        return event.text
    if isinstance(event, PersonAsked):
        return event.question
    return event.failure.message if isinstance(event, Failed) else None


def whole(number: int | None) -> int | None:
    """Return a number that fits a column of 64 bits; a stranger's tool may draw larger seeds."""
    return number if number is not None and -(2**63) <= number < 2**63 else None


def counts(usage: Usage) -> Row:
    """Return what a call cost beside seconds, in the order of the columns."""
    return (
        usage.gpu_seconds,
        whole(usage.prompt_tokens),
        whole(usage.cached_tokens),
        whole(usage.completion_tokens),
        whole(usage.images),
        usage.usd,
    )
