"""What lies beside the traces in a report: people's labels, and what other policies would have done."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reasonedit_agent import tracing
from reasonedit_agent.analysis.chance import Interval
from reasonedit_agent.analysis.forks import started_in
from reasonedit_agent.analysis.labels import read_labels, standing_labels
from reasonedit_agent.analysis.replay import Outcome, Summary, record, replay, summarise
from reasonedit_agent.errors import ReasonEditError
from reasonedit_agent.protocols import Policy
from reasonedit_agent.viewer.told import pick_name

__all__ = ["labels_beside", "what_if"]


def labels_beside(folders: Iterable[Path], problems: list[str] | None = None) -> dict[tuple[str, int, int], bool]:
    """Return whether candidates are good, by run, round and candidate, as the labels beside the runs say.

    Of several people's labels of a picture most decide; where they are even, it is left out.

    Args:
        folders: Of the runs.
        problems: Gets one line for each line of a file of labels that is none.

    Raises:
        StoreError: A file of labels cannot be read.
    """
    asked = defaultdict[Path, set[str]](set)
    for folder in folders:
        asked[folder.parent].add(folder.name)
    found = {}
    for place, runs in asked.items():
        votes = defaultdict[tuple[str, int, int], list[bool]](list)
        for label in standing_labels(read_labels(place, problems)):
            if label.run in runs:
                votes[label.run, label.round, label.candidate].append(label.label == "accept")
        found.update({key: sum(said) * 2 > len(said) for key, said in votes.items() if sum(said) * 2 != len(said)})
    return found


def what_if(folders: Iterable[Path], policies: Mapping[str, Policy]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """Return what policies would have done: rows by the run's id, and under ``""`` rows over all runs.

    A run that cannot be read or has no plan is in no row; the report names the former itself.

    Args:
        folders: Of the runs.
        policies: By what they are called in the tables.
    """
    rows: dict[str, Sequence[Mapping[str, Any]]] = {}
    outcomes: list[Outcome] = []
    for folder in folders:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the report tells that a line is torn
                recorded = record(tracing.read_events(folder), started_in(folder.parent))
        except ReasonEditError:
            continue
        if recorded is None:
            continue
        several = len(recorded.prefixes[-1].rounds[0].candidates) > 1 if recorded.prefixes[-1].rounds else False
        judged = [replay(recorded, policy, text) for text, policy in policies.items()]
        rows[recorded.run] = [_row(outcome, several) for outcome in judged]
        outcomes += judged
    rows[""] = _over_all(outcomes)
    return rows


def _row(outcome: Outcome, several: bool) -> dict[str, Any]:
    if outcome.missing:
        blank = dict.fromkeys(("stops after", "kept", "score", "seconds", "US dollars"))
        return {"policy": outcome.policy, **blank, "why": f"this run cannot tell: {outcome.missing}"}
    return {
        "policy": outcome.policy,
        "stops after": outcome.rounds,
        "kept": pick_name(outcome.kept, several),
        "score": outcome.quality,
        "seconds": outcome.seconds,
        "US dollars": outcome.spent.usd,
        "why": outcome.stopped_by,
    }


def _over_all(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    summaries = summarise(outcomes)
    parts = len({summary.group for summary in summaries}) > 1
    return [_summed(summary, parts) for summary in summaries]


def _summed(summary: Summary, parts: bool) -> dict[str, Any]:
    def told(value: Interval | None) -> str:
        return "–" if value is None else str(value).replace(" ", "\u00a0")  # a mean is not parted from its interval

    return {
        "policy": summary.policy,
        **({"parts": " + ".join(summary.group)} if parts else {}),
        "runs": summary.runs,
        "score": told(summary.quality),
        "rounds": told(summary.rounds),
        "seconds": told(summary.seconds),
        "US dollars": told(summary.usd),
        "lost to the best stop": told(summary.regret),
        "not judged": "; ".join(f"{count} × {reason}" for reason, count in summary.unjudged) or "–",
    }
