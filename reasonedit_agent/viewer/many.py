"""What a page tells of several runs: statistics and failures from the index, plots, calibration."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reasonedit_agent.analysis.failures import RULES
from reasonedit_agent.analysis.index import Index
from reasonedit_agent.analysis.query import query
from reasonedit_agent.analysis.stats import BY, statistics
from reasonedit_agent.schemas import Accepted
from reasonedit_agent.tracing import EVENTS
from reasonedit_agent.viewer import plots
from reasonedit_agent.viewer.pictures import Drawn
from reasonedit_agent.viewer.told import RunTold

__all__ = ["STATUSES", "Labels", "Row", "Rows", "labels_of", "overview"]

Rows = Sequence[Mapping[str, Any]]
"""A table: the keys of the first row are its head."""

Labels = Mapping[tuple[str, int, int], bool]
"""Whether a candidate is good, as people said, by run, round and candidate."""

STATUSES = ("accepted", "best_effort", "unsupported", "failed", "waiting", "open")
EXAMPLES = 24
"""So many failures of a kind are shown with their pictures."""

BINS = 10
GROUPS = 12


@dataclass(frozen=True)
class Row:
    """A run in the table of runs.

    Attributes:
        anchor: Of its section.
        run: Its id.
        parts: What ran it, in short.
        predicted: By round and candidate: the probability of being good that the Reasoner said, 0 to 1.
        pictures: By round and candidate; (0, 0) is the source.
        said: What people said in the run, by round and candidate.
    """

    anchor: str
    run: str
    folder: Path
    instruction: str
    status: str
    rounds: int
    score: float | None
    seconds: float
    usd: float | None
    stopped_by: str
    parts: str
    keep: tuple[int, int]
    pictures: dict[tuple[int, int], Drawn]
    predicted: dict[tuple[int, int], float] = field(default_factory=dict)
    said: dict[tuple[int, int], bool] = field(default_factory=dict)

    @property
    def source(self) -> Drawn:
        """The source's picture."""
        return self.pictures[0, 0]

    @property
    def kept(self) -> Drawn | None:
        """The result's picture; None where it is the source."""
        return self.pictures.get(self.keep) if self.keep[0] else None


def labels_of(run: RunTold) -> tuple[dict[tuple[int, int], float], dict[tuple[int, int], bool]]:
    """Return what the Reasoner said and what people said of each candidate, as far as they did.

    The Reasoner's word is its confidence, or the overall score over 10 where it tells none. A person's is the last
    answer of a review: accept or reject.
    """
    predicted, said = {}, {}
    for round_ in run.rounds:
        for result in round_.results:
            if result.judged is None:
                continue
            confidence = result.judged.confidence
            predicted[round_.index, result.index] = (
                result.judged.scores.overall / 10 if confidence is None else confidence
            )
        answers = [answer.kind for answer in round_.people if answer.node == "review"]
        if answers and answers[-1] in ("accept", "reject"):
            said[round_.index, _standing(round_.results)] = answers[-1] == "accept"
    return predicted, said


def _standing(results: Sequence[Any]) -> int:
    def order(result: Any) -> tuple[bool, float, int]:
        verdict = result.judged
        return isinstance(verdict, Accepted), verdict.scores.overall if verdict else -1.0, -result.index

    return int(max(results, key=order).index)


_DISPUTED = "disputed", "the Reasoner accepted it, and the people who labelled it did not"
_ACCEPTED = f"""SELECT '{_DISPUTED[0]}' AS kind, run, round, candidate, kept, critique AS why FROM candidates
WHERE verdict = 'accepted' AND NOT overruled ORDER BY run, round"""


def _said(row: Row, labels: Labels) -> dict[tuple[int, int], bool]:
    """Return what people said of a run's candidates: in its review, or by labels, which come later."""
    by_label = {place: labels[row.run, *place] for place in row.predicted if (row.run, *place) in labels}
    return row.said | by_label


def overview(rows: Sequence[Row], labels: Labels) -> dict[str, Any]:
    """Return what the template ``many.html`` needs beside the rows.

    Raises:
        UsageError: duckdb, pyarrow or matplotlib is missing.
    """
    with tempfile.TemporaryDirectory(prefix="reasonedit-report-") as folder:
        # An index of these runs only, wherever they lie; theirs is left alone.
        for row in rows:
            place = Path(folder, row.anchor)
            place.mkdir()
            shutil.copyfile(row.folder / EVENTS, place / EVENTS)
        index = Index(folder)
        index.update()
        groups = statistics(index, (*BY, "parts"))
        found = query(index, "SELECT * FROM failures ORDER BY run, round").to_pylist()
        accepted = query(index, _ACCEPTED).to_pylist() if labels else []
    anchors = {(row.anchor, *place): said for row in rows for place, said in _said(row, labels).items()}
    found += [it for it in accepted if anchors.get((it["run"], it["round"], it["candidate"])) is False]
    return {
        "counts": Counter(row.status for row in rows),
        "plots": [plot for plot in (_rounds(rows), *_costs(groups), _calibration(rows, labels), _kinds(found)) if plot],
        "groups": [_group(group, _letter(place)) for place, group in enumerate(groups)],
        "failures": _failures(found, {row.anchor: row for row in rows}),
        "parts": sorted({row.parts for row in rows}),
        "rounds": sorted({row.rounds for row in rows}),
    }


def _plot(title: str, svg: str, rows: Rows, about: str = "") -> dict[str, Any]:
    from markupsafe import Markup

    # The drawing is ours, and ElementTree escaped the texts in it.
    return {"title": title, "svg": Markup(svg), "rows": rows, "about": about}


def _rounds(rows: Sequence[Row]) -> dict[str, Any]:
    counts = {status: Counter(row.rounds for row in rows if row.status == status) for status in STATUSES}
    numbers = sorted({row.rounds for row in rows})
    table = [{"rounds": n, **{s: counts[s][n] for s in STATUSES if counts[s]}} for n in numbers]
    named = {status.replace("_", " "): counts[status] for status in STATUSES}
    label = f"Histogram of the rounds of {len(rows)} runs, by status; the table beneath has the numbers."
    return _plot("Rounds per run", plots.stacked(named, "rounds", "runs", "rounds", label), table)


def _name(group: Mapping[str, Any]) -> str:
    parts = group["parts"]
    # Eight digits tell settings apart; they are worth showing only where nothing else does.
    return ", ".join(str(parts[name]) for name in BY if parts[name] is not None) + f" [{parts['parts'][:4]}]"


def _costs(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for key, unit in (("seconds", "seconds"), ("usd", "US dollars")):
        told = [(_letter(place), g["cost"].get(key, {})) for place, g in enumerate(groups)]
        values = [(name, float(cost["per_accepted"])) for name, cost in told if cost.get("per_accepted")][:GROUPS]
        if not values:
            continue
        about = "What all runs of a group that ended took, over its accepted ones; the groups are named beneath."
        if len(told) > len(values):
            about += f" {len(values)} of {len(told)} groups are shown: the largest that tell it and accepted anything."
        label = f"Cost per accepted edit in {unit}, for {len(values)} groups; the table beneath has the numbers."
        svg = plots.horizontal(values, f"{unit} per accepted edit", f"cost-{key}", label)
        rows = [{"group": name, unit: value} for name, value in values]
        found.append(_plot(f"Cost per accepted edit, {unit}", svg, rows, about))
    return found


def _calibration(rows: Sequence[Row], labels: Labels) -> dict[str, Any] | None:
    pairs = []
    for row in rows:
        good = _said(row, labels)
        pairs += [(row.predicted[place], value) for place, value in good.items() if place in row.predicted]
    if not pairs:
        return None
    bins = []
    for number in range(BINS):
        inside = [(p, good) for p, good in pairs if min(int(p * BINS), BINS - 1) == number]
        if inside:
            n = len(inside)
            bins.append((sum(p for p, _ in inside) / n, sum(good for _, good in inside) / n, n))
    error = sum(abs(p - share) * n for p, share, n in bins) / len(pairs)
    noun = "label" if len(pairs) == 1 else "labels"
    label = f"Reliability diagram of {len(pairs)} {noun}; the table beneath has the numbers."
    table = [{"said": round(p, 3), "accepted by people": round(s, 3), "labels": n} for p, s, n in bins]
    about = (
        f"{len(pairs)} {noun}; expected calibration error {error:.3f}. The Reasoner's word is its confidence, "
        "or the overall score over 10 where it tells none. On the dashed line it is right."
    )
    return _plot("Calibration", plots.calibration(bins, "calibration", label), table, about)


def _kinds(found: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    counts = Counter(kind for kind, _ in {(row["kind"], row["run"]) for row in found})
    if not counts:
        return None
    values = [(kind, float(n)) for kind, n in counts.most_common()]
    label = f"Runs by kind of failure, {len(values)} kinds; the table beneath has the numbers."
    rows = [{"kind": kind, "runs": int(n)} for kind, n in values]
    return _plot("Failures by kind", plots.horizontal(values, "runs that show it", "kinds", label), rows)


def _letter(place: int) -> str:
    """Return a short name of a group: A to Z, then AA."""
    return ("" if place < 26 else _letter(place // 26 - 1)) + chr(ord("A") + place % 26)


def _group(group: Mapping[str, Any], letter: str) -> dict[str, Any]:
    """Return the tables of a group of runs."""
    costs = [
        {
            "cost": name,
            "in all": cost["total"],
            "per edit": cost["per_edit"],
            "per accepted edit": cost["per_accepted"],
            "runs that told it": f"{cost['runs_known']} of {cost['runs']}",
        }
        for name, cost in group["cost"].items()
        if cost["runs_known"]
    ]
    nodes = [
        {"node": name, "times": n["n"], "median, s": n["p50"], "95th percentile, s": n["p95"]}
        for name, n in group["nodes"].items()
    ]
    gains = [
        {
            "round": gain["round"],
            "runs": gain["runs"],
            "kept score": gain["score"],
            "gain": gain["gain"],
            "better": f"{gain['better']} of {gain['known']}",
        }
        for gain in group["gain"]
    ]
    moves = [{"verdicts": f"{move['from']} → {move['to']}", "times": move["n"]} for move in group["transitions"]]
    titles = ("Costs", "Times of the nodes", "What each round gained", "From verdict to verdict")
    tables = [
        {"title": title, "rows": rows} for title, rows in zip(titles, (costs, nodes, gains, moves), strict=True) if rows
    ]
    return {"letter": letter, "name": _name(group), "runs": group["runs"], "tables": tables}


def _failures(found: Sequence[Mapping[str, Any]], rows: Mapping[str, Row]) -> list[dict[str, Any]]:
    kinds = []
    for name, about in (*((rule.kind, rule.about) for rule in RULES), _DISPUTED):
        mine = [failure for failure in found if failure["kind"] == name]
        if not mine:
            continue
        examples = []
        for failure in mine[:EXAMPLES]:
            row = rows[failure["run"]]
            examples.append(
                {
                    "anchor": row.anchor,
                    "source": row.source,
                    "made": row.pictures.get((failure["round"], failure["candidate"])) if failure["round"] else None,
                    "instruction": row.instruction[:120],
                    "round": failure["round"],
                    "kept": failure["kept"],
                    "why": (failure["why"] or "")[:160],
                }
            )
        runs = len({failure["run"] for failure in mine})
        kinds.append({"name": name, "about": about, "found": len(mine), "runs": runs, "examples": examples})
    return sorted(kinds, key=lambda kind: -kind["runs"])
