"""The trace: where runs live, how events are written and read, and how they fold to a History.

The trace is the source of truth. Folding it is the one way to a `History`, and the one way to know which node comes
next: a fresh run, a resume and a fork take the same path.
"""

from __future__ import annotations

import os
import secrets
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from reasonedit_agent.errors import StoreError, TraceError, UsageError
from reasonedit_agent.events import (
    EVENT,
    VERSION,
    AnyEvent,
    Asked,
    Called,
    Compared,
    Decided,
    Edited,
    Failed,
    Judged,
    Node,
    PersonAnswered,
    Planned,
    RunEnded,
    RunStarted,
)
from reasonedit_agent.schemas import (
    Accepted,
    Candidate,
    Comparison,
    Continue,
    Decision,
    EditCall,
    Failure,
    History,
    HumanAnswer,
    Refine,
    Rejected,
    Round,
    Scores,
    Stop,
    Thought,
    Usage,
)

__all__ = ["Fold", "TraceWriter", "find_run", "fold", "home", "new_run_id", "read_events", "runs_folder"]

EVENTS = "events.jsonl"
IMAGES = "images"


# -- where runs live --------------------------------------------------------------------------------------------------


def home() -> Path:
    """Return the folder of this library's data: ``$REASONEDIT_HOME``, or the user's data folder."""
    import platformdirs

    chosen = os.environ.get("REASONEDIT_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("reasonedit"))


def runs_folder(runs: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder that holds runs, and the images that they share."""
    return Path(runs) if runs is not None else home() / "runs"


def new_run_id() -> str:
    """Return an id that sorts by time and that nobody else has."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def find_run(run: str | os.PathLike[str], runs: str | os.PathLike[str] | None = None) -> Path:
    """Return a run's folder by its id, the start of its id, or its path.

    Raises:
        UsageError: There is no such run, or several.
    """
    path = Path(run)
    if path.name == EVENTS:
        path = path.parent
    if (path / EVENTS).is_file():
        return path.resolve()
    folder = runs_folder(runs)
    found = sorted(entry for entry in folder.glob(f"{path.name}*") if (entry / EVENTS).is_file())
    exact = [entry for entry in found if entry.name == path.name]
    if len(exact or found) == 1:
        return (exact or found)[0].resolve()
    if not found:
        raise UsageError(f"There is no run {os.fspath(run)!r} in {folder}.", hint="`reasonedit trace list` shows them.")
    raise UsageError(f"{os.fspath(run)!r} names {len(found)} runs.", hint="Give more of the id.")


# -- writing and reading ----------------------------------------------------------------------------------------------


class TraceWriter:
    """Appends events to one run, which nobody else may write meanwhile.

    Args:
        folder: Of the run; made if need be. A torn last line (a crash in the middle of a write) is cut off.

    Raises:
        TraceError: Another process writes it.
        StoreError: The disk does not let us.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / EVENTS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _cut_torn_line(path)
            self._file: IO[bytes] = path.open("ab")
        except OSError as error:
            raise StoreError(f"The run {folder} cannot be written: {error.strerror}.") from error
        _lock(self._file, folder)

    def write(self, event: AnyEvent) -> None:
        """Append one event and hand it to the operating system."""
        try:
            self._file.write(event.model_dump_json().encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise StoreError(f"The run {self.folder} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        """Put everything on the disk and let go of the run."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StoreError(f"The run {self.folder} cannot be written: {error.strerror}.") from error
        finally:
            try:
                self._file.close()
            except OSError:  # a full disk complains again when the buffer is dropped
                pass


def _lock(file: IO[bytes], folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has no flock; two writers are then the user's to avoid
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise TraceError(f"The run {folder.name} is being written by another process.", hint="Wait for it.") from error


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end < len(data):
        warnings.warn(f"{path}: cut off a torn last line of {len(data) - end} bytes.", stacklevel=3)
        with path.open("r+b") as file:
            file.truncate(end)


def read_events(run: str | os.PathLike[str]) -> list[AnyEvent]:
    """Return the events of a run's folder or file; a torn last line is left out with a warning.

    Raises:
        TraceError: It is empty, foreign, damaged, or of a newer version.
    """
    path = Path(run)
    if path.is_dir():
        path = path / EVENTS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TraceError(f"The trace {path} cannot be read: {error.strerror}.") from error
    lines = data.split(b"\n")
    torn = lines.pop()
    if torn:
        warnings.warn(f"{path}: its last line is torn and was left out.", stacklevel=2)
    events: list[AnyEvent] = []
    for number, line in enumerate(lines, 1):
        try:
            event = EVENT.validate_json(line)
        except ValidationError as error:
            raise _explain(path, number, line, error) from error
        if number == 1:
            _check_first(path, event)
        events.append(event)
    if not events:
        raise TraceError(f"The trace {path} is empty.")
    return events


def _check_first(path: Path, event: AnyEvent) -> None:
    if not isinstance(event, RunStarted):
        raise TraceError(f"{path} is not a trace: its first line is no run_started event.")
    if event.version > VERSION:
        raise TraceError(
            f"{path} was written by a newer version (schema {event.version}, this one reads up to {VERSION}).",
            hint="Upgrade reasonedit-agent.",
        )


def _explain(path: Path, number: int, line: bytes, error: ValidationError) -> TraceError:
    first = error.errors(include_url=False)[0]
    if number == 1 and b'"version":' in line and b'"run_started"' in line:
        import json

        try:
            version = json.loads(line)["version"]
        except (ValueError, KeyError, TypeError):
            version = VERSION
        if isinstance(version, int) and version > VERSION:
            return TraceError(
                f"{path} was written by a newer version (schema {version}, this one reads up to {VERSION}).",
                hint="Upgrade reasonedit-agent.",
            )
    where = ".".join(str(part) for part in first["loc"])
    return TraceError(f"{path}, line {number}, is not an event of a trace: {where}: {first['msg']}.")


# -- folding ----------------------------------------------------------------------------------------------------------


@dataclass
class _OpenRound:
    """A round under way, as far as the trace has it."""

    index: int
    call: EditCall
    candidates: tuple[Candidate | Failure, ...] | None = None
    verdicts: dict[int, Accepted | Refine | Rejected | Failure] = field(default_factory=dict)
    comparisons: dict[int, Comparison] = field(default_factory=dict)
    edit_seconds: float = 0.0
    judge_seconds: float = 0.0
    compare_seconds: float = 0.0

    def produced(self) -> list[int]:
        """Return the indexes of the candidates that there are."""
        found = self.candidates or ()
        return [index for index, value in enumerate(found) if isinstance(value, Candidate)]


class Fold:
    """The state of a run, folded event by event.

    Attributes:
        started: The first event.
        ended: The outcome, unless the run is open.
        waiting: The node whose question a person has not answered, or None.
        finished_edits: Candidates by the key of their edit.
        failure: Why thinking gave no plan, if it did not.
    """

    def __init__(self, events: Iterable[AnyEvent] = ()) -> None:
        self.started: RunStarted | None = None
        self.ended: RunEnded | None = None
        self.finished_edits: dict[str, tuple[Candidate, ...]] = {}
        self.failure: Failure | None = None
        self.open: _OpenRound | None = None
        self._thought: Thought | None = None
        self._approval: HumanAnswer | None = None
        self._rounds: tuple[Round, ...] = ()
        self._decisions: dict[int, Decision] = {}
        self._human: tuple[HumanAnswer, ...] = ()
        self._spent = Usage()
        self._elapsed = 0.0
        self._keys: dict[int, str] = {}
        self._asked: dict[tuple[Node, int, int], int] = {}
        self._history: History | None = None
        for event in events:
            self.add(event)

    # what is known

    @property
    def run(self) -> RunStarted:
        """The first event.

        Raises:
            TraceError: There is none yet.
        """
        if self.started is None:
            raise TraceError("The trace has no run_started event.")
        return self.started

    @property
    def history(self) -> History:
        """All that a policy sees now."""
        if self._history is None:
            decisions = tuple(self._decisions[k] for k in sorted(self._decisions))
            self._history = History.model_construct(
                request=self.run.request,
                thought=self._thought,
                rounds=self._rounds,
                decisions=decisions,
                spent=self._spent,
                elapsed=self._elapsed,
                human=self._human,
            )
        return self._history

    def attempt(self, node: Node, round_: int, candidate: int = 0) -> int:
        """Return the number of the next attempt at a call."""
        return self._asked.get((node, round_, candidate), 0) + 1

    @property
    def decision(self) -> Decision | None:
        """The decision after the rounds so far, if it was taken."""
        return self._decisions.get(len(self._rounds))

    @property
    def next(self) -> Node | None:
        """The node that comes next; None when the run has ended."""
        if self.started is None:
            return "begin"
        if self.ended is not None:
            return None
        if self._thought is None:
            return "think" if self.failure is None else "finish"
        if self.open is not None:
            return self._next_in_round(self.open)
        if self.started.approve and self._approval is None:
            return "approve"
        done = len(self._rounds)
        if self.started.review and done and self.history.answer("review", done) is None and self._action is None:
            return "review"
        action = self._action
        if action is None:
            return "decide"
        if isinstance(action, Stop):
            return "finish"
        if isinstance(action, Continue):
            return "edit"
        return "decide" if self.history.answer("decide", done) else "ask"

    @property
    def _action(self) -> object:
        return self.decision.action if self.decision else None

    def _next_in_round(self, open_: _OpenRound) -> Node:
        if open_.candidates is None:
            return "edit"
        if len(open_.verdicts) < len(open_.candidates):
            return "reflect"
        return "compare"

    # what happens

    def add(self, event: AnyEvent) -> None:
        """Take one event in; a repeat of a fact that is known changes nothing."""
        self._history = None
        if self.ended is not None and not isinstance(event, RunEnded):
            self.ended = None
        if isinstance(event, RunStarted):
            self.started = self.started or event
        elif isinstance(event, Asked):
            self._add_asked(event)
        elif isinstance(event, Planned):
            self._add_plan(event)
        elif isinstance(event, Called):
            self._spent = self._spent.plus(event.usage)
        elif isinstance(event, Edited | Judged | Compared):
            self._add_result(event)
        elif isinstance(event, Failed):
            self._add_failure(event)
        elif isinstance(event, Decided):
            self._add_decision(event)
        elif isinstance(event, PersonAnswered):
            self._add_answer(event.answer)
        elif isinstance(event, RunEnded):
            self.ended = event

    def _add_asked(self, event: Asked) -> None:
        place = (event.node, event.round, event.candidate)
        self._asked[place] = max(self._asked.get(place, 0), event.attempt)
        if event.call is not None and self.open is None and event.round == len(self._rounds) + 1:
            self.open = _OpenRound(event.round, event.call)

    def _add_plan(self, event: Planned) -> None:
        if self._thought is None:
            self._thought = event.thought
            self._approval = None
            self.failure = None
            self._elapsed += event.seconds

    def _add_result(self, event: Edited | Judged | Compared) -> None:
        open_ = self.open
        if isinstance(event, Edited) and event.key:
            self.finished_edits.setdefault(event.key, event.candidates)
        if open_ is None or event.round != open_.index:
            return
        if isinstance(event, Edited):
            if open_.candidates is None:
                open_.candidates = event.candidates
                open_.edit_seconds = event.seconds
        elif isinstance(event, Judged):
            if event.candidate not in open_.verdicts:
                open_.verdicts[event.candidate] = event.verdict
                open_.judge_seconds = max(open_.judge_seconds, event.seconds)
        elif event.candidate not in open_.comparisons:
            open_.comparisons[event.candidate] = event.comparison
            open_.compare_seconds = max(open_.compare_seconds, event.seconds)
        self._close_round()

    def _add_failure(self, event: Failed) -> None:
        if event.node == "think":
            if self._thought is None:
                self.failure = event.failure
                self._elapsed += event.seconds
            return
        open_ = self.open
        if open_ is None or event.round != open_.index:
            return
        if event.node == "edit" and open_.candidates is None:
            open_.candidates = (event.failure,) * len(open_.call.seeds)
            open_.verdicts = dict.fromkeys(range(len(open_.call.seeds)), event.failure)
            open_.edit_seconds = event.seconds
        elif event.node == "reflect":
            open_.verdicts.setdefault(event.candidate, event.failure)
            open_.judge_seconds = max(open_.judge_seconds, event.seconds)
        self._close_round()

    def _close_round(self) -> None:
        open_ = self.open
        if open_ is None or open_.candidates is None or len(open_.verdicts) < len(open_.candidates):
            return
        if self.run.comparer is not None and len(open_.comparisons) < len(open_.produced()):
            return
        seconds = open_.edit_seconds + open_.judge_seconds + open_.compare_seconds
        self._elapsed += seconds
        done = Round.model_construct(
            index=open_.index,
            call=open_.call,
            candidates=open_.candidates,
            verdicts=tuple(open_.verdicts[index] for index in range(len(open_.candidates))),
            comparisons=tuple(open_.comparisons[index] for index in sorted(open_.comparisons)),
            shadow=False,
            seconds=seconds,
        )
        self._rounds = (*self._rounds, done)
        self.open = None

    def _add_decision(self, event: Decided) -> None:
        decision = event.decision
        known = self._decisions.get(decision.after)
        # The first decision of an author stands; a person's or the graph's goes over the policy's.
        if known is None or (known.author == "policy" and decision.author != "policy"):
            self._decisions[decision.after] = decision

    def _add_answer(self, answer: HumanAnswer) -> None:
        self._human = (*self._human, answer)
        if answer.node == "approve":
            self._approval = answer
            self._thought = answer.thought or self._thought
        elif answer.kind in ("reject", "advice") and self._rounds:
            self._rounds = (*self._rounds[:-1], _overruled(self._rounds[-1], answer))
        if answer.kind == "advice":
            self._thought = None


def _overruled(round_: Round, answer: HumanAnswer) -> Round:
    """Return the round with a person's rejection in place of the Reasoner's verdicts."""
    nothing = Scores(edit_success=0, over_editing=0, naturalness=0, artefacts=0)
    rejected = Rejected(scores=nothing, critique=answer.text or "A person rejected it.")
    verdicts = tuple(verdict if isinstance(verdict, Failure) else rejected for verdict in round_.verdicts)
    return round_.model_copy(update={"verdicts": verdicts})


def fold(events: Iterable[AnyEvent]) -> History:
    """Return the History of a trace, or of a prefix of it."""
    return Fold(events).history

