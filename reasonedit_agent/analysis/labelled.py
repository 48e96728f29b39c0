"""What judges said of labelled pictures, beside what people said of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reasonedit_agent import tracing
from reasonedit_agent.analysis.labels import Label, standing_labels
from reasonedit_agent.errors import ReasonEditError, UsageError
from reasonedit_agent.events import Judged, RunStarted
from reasonedit_agent.schemas import Accepted, Refine, Rejected

__all__ = ["Labelled", "Sample", "samples"]

Place = tuple[str, int, int]


@dataclass(frozen=True)
class Sample:
    """One labelled picture.

    Attributes:
        run: That made it.
        source: SHA-256 of the source image.
        said: The judge's confidence (0 to 1) or its overall score (0 to 10).
        accepted: Whether most people accept it.
    """

    run: str
    source: str
    said: float
    accepted: bool


@dataclass(frozen=True)
class Labelled:
    """Labels that can be fitted to.

    Attributes:
        samples: One per picture.
        on: What the judge said: ``confidence``, or ``overall`` where it has none.
        judge: Who said it.
        left_out: One line for each label or picture that is not among them, or that needs a word.
    """

    samples: tuple[Sample, ...]
    on: Literal["confidence", "overall"]
    judge: str
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Trace:
    started: RunStarted
    verdicts: dict[tuple[int, int], Accepted | Refine | Rejected]

    @property
    def judge(self) -> str:
        part = self.started.reasoner
        return part.spec or f"{part.name} {part.version}".strip()


class _Traces:
    """The traces of a folder, each read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, _Trace] = {}

    def get(self, run: str) -> _Trace:
        if run not in self._known:
            events = tracing.read_events(self.folder / run)
            verdicts: dict[tuple[int, int], Accepted | Refine | Rejected] = {}
            for event in events:
                if isinstance(event, Judged):  # not the fold's: there a person's rejection goes over the judge's
                    verdicts.setdefault((event.round, event.candidate), event.verdict)
            assert isinstance(events[0], RunStarted)
            self._known[run] = _Trace(events[0], verdicts)
        return self._known[run]

    def origin(self, run: str, round_: int) -> str:
        """Return the run that made a round: of a fork's first rounds it is the parent."""
        seen: set[str] = set()
        while run not in seen:
            seen.add(run)
            started = self.get(run).started
            if started.parent is None or round_ > started.parent_round:
                break
            run = started.parent
        return run


def samples(
    labels: Iterable[Label],
    folder: Path,
    *,
    only: Collection[str] = (),
    guideline: str | None = None,
    judge: str | None = None,
    on: Literal["confidence", "overall"] | None = None,
) -> Labelled:
    """Set labels beside the verdicts on the same pictures.

    Of several people's labels of a picture most decide; where they are even, it is left out.

    Args:
        labels: As they were added.
        folder: Of the runs.
        only: Names of the runs to take; none is all.
        guideline: Take the labels under this one alone.
        judge: Take the verdicts of this one alone.
        on: What the judge said; None is its confidence where any verdict has one, else its overall score.

    Raises:
        UsageError: There are no such labels, or they are of several judges.
    """
    chosen = [
        label
        for label in standing_labels(labels)
        if (not only or label.run in only) and (guideline is None or label.guideline == guideline)
    ]
    if not chosen:
        hint = "`reasonedit labels list` shows them; `reasonedit labels import FILE.csv` brings some."
        raise UsageError(f"There are no labels of these runs in {folder}.", hint=hint)
    traces, notes = _Traces(folder), list[str]()
    votes = _votes(chosen, traces, notes)
    versions = sorted({label.guideline for label in chosen})
    if len(versions) > 1:
        told = ", ".join(repr(name) for name in versions)
        notes.append(f"Labels under {len(versions)} guidelines are put together: {told}.")
    votes = _of_one_judge(votes, traces, judge)
    verdicts = {
        place: verdict for place in votes if (verdict := traces.get(place[0]).verdicts.get(place[1:])) is not None
    }
    if on is None:
        on = "confidence" if any(v.confidence is not None for v in verdicts.values()) else "overall"
    found, silent, even = [], 0, 0
    for place, said in votes.items():
        verdict = verdicts.get(place)
        value = None if verdict is None else verdict.scores.overall if on == "overall" else verdict.confidence
        silent += value is None
        even += sum(said) * 2 == len(said)
        if value is not None and sum(said) * 2 != len(said):
            trace = traces.get(place[0])
            source = trace.started.request.image.sha256
            found.append(Sample(place[0], source, float(value), sum(said) * 2 > len(said)))
    notes += [f"{silent} pictures have no {on} of the judge."] * bool(silent)
    notes += [f"{even} pictures were accepted by as many as rejected them."] * bool(even)
    return Labelled(tuple(found), on, next((traces.get(place[0]).judge for place in votes), ""), tuple(notes))


def _votes(labels: Iterable[Label], traces: _Traces, notes: list[str]) -> dict[Place, list[bool]]:
    votes: dict[Place, list[bool]] = defaultdict(list)
    for label in labels:
        try:
            run = traces.origin(label.run, label.round)
            traces.get(run)
        except ReasonEditError as error:
            notes.append(f"The label of {label.run} {label.round}.{label.candidate} is left out: {error}")
            continue
        votes[run, label.round, label.candidate].append(label.label == "accept")
    return votes


def _of_one_judge(votes: dict[Place, list[bool]], traces: _Traces, judge: str | None) -> dict[Place, list[bool]]:
    judges = Counter(traces.get(run).judge for run, _, _ in votes)
    told = ", ".join(f"{name} ({count})" for name, count in judges.most_common())
    if judge is not None and judge not in judges:
        raise UsageError(f"No labelled picture was judged by {judge!r}.", hint=f"Judges: {told or 'none'}.")
    if judge is None and len(judges) > 1:
        raise UsageError(f"The labels are of {len(judges)} judges: {told}.", hint="Choose one with --judge.")
    return {place: said for place, said in votes.items() if judge is None or traces.get(place[0]).judge == judge}
