"""Runs an agent over the acceptance set and reports: ``python -m benchmarks.acceptance.run``.

What is measured against the hand-made regions: the share of cases that pass; how often reflection accepts what fails
(false accept) and does not accept what passes (false reject), over every candidate of every round; and how many cases
later rounds improve or spoil. Any backend can be scored: ``--reasoner``, ``--tool`` and ``--policy`` are those of
`reasonedit edit`.
"""

from __future__ import annotations

import argparse
import collections
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.acceptance.score import HALVES, OPEN_HALF, PHOTOS, load_cases, passes, score
from benchmarks.tables import table
from reasonedit_agent.errors import ReasonEditError
from reasonedit_agent.graphs.agent import EditAgent, EditResult
from reasonedit_agent.schemas import Box, Candidate

SUFFIX = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


@dataclass(frozen=True)
class Outcome:
    """What became of one case.

    Attributes:
        case: As in the file.
        passed: Whether the kept image passes.
        first: Whether round 1's image passes; None without one.
        judged: For each candidate whether it was accepted and whether it passes.
        status: Of the run.
        failed: The checks that did not hold.
        rounds: Seconds of each.
    """

    case: dict[str, Any]
    passed: bool
    first: bool | None
    judged: tuple[tuple[bool, bool], ...]
    status: str
    failed: tuple[str, ...]
    rounds: tuple[float, ...]


def run_case(agent: EditAgent, case: dict[str, Any], out: Path) -> Outcome:
    """Edit one case's photo, keep what came out in ``out``, and measure every round."""
    photo = PHOTOS / case["photo"]
    box = case.get("region", {}).get("box")
    region = Box(left=box[0], top=box[1], right=box[2], bottom=box[3]) if box else None
    references = [PHOTOS / name for name in case.get("references", ())]
    try:
        result = agent.edit(photo, case["instruction"], references=references, region=region, seed=1)
    except ReasonEditError as error:
        (out / f"{case['id']}.json").write_text(json.dumps({"status": "invalid", "error": str(error)}))
        return Outcome(case, False, None, (), "invalid", (str(error),), ())
    kept = None
    if result.ref is not None and result.status not in ("unsupported", "failed"):
        kept = result.save(out / f"{case['id']}{SUFFIX[result.ref.media_type]}")
    record = {"status": result.status, "trace": str(result.trace), "error": result.error, "rounds": result.rounds()}
    (out / f"{case['id']}.json").write_text(json.dumps(record, ensure_ascii=False, indent=1))
    checks = score(case, photo, kept, result.status, PHOTOS)
    judged = tuple(judge_rounds(case, photo, result))
    failed = tuple(f"{c.kind}({c.region}) {c.value:.3g} not in [{c.low:g}, {c.high:g}]" for c in checks if not c.passed)
    seconds = tuple(round_.seconds for round_ in result.history.rounds) if result.history else ()
    first = judged[0][1] if judged else None
    return Outcome(case, passes(checks), first, judged, result.status, failed, seconds)


def judge_rounds(case: dict[str, Any], photo: Path, result: EditResult) -> list[tuple[bool, bool]]:
    """Return for each candidate whether reflection accepted it, and whether it passes by hand-made measure."""
    found = []
    images = result.trace.parent / "images"
    with tempfile.TemporaryDirectory() as folder:
        for round_ in result.history.rounds if result.history else ():
            for candidate, verdict in zip(round_.candidates, round_.verdicts, strict=True):
                if isinstance(candidate, Candidate):
                    sha256 = candidate.image.sha256
                    named = Path(folder) / f"{sha256}{SUFFIX[candidate.image.media_type]}"
                    named.write_bytes((images / sha256[:2] / sha256).read_bytes())
                    passed = passes(score(case, photo, named, "best_effort", PHOTOS))
                    found.append((verdict.kind == "accepted", passed))
    return found


def share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({part / whole:.0%})" if whole else "0/0"


def report(outcomes: Sequence[Outcome], half: str, show_failures: bool) -> None:
    """Print the tables of one half, and before them its failing cases where asked to."""
    for outcome in outcomes:
        if show_failures and not outcome.passed:
            case, why = outcome.case, "; ".join(outcome.failed)
            print(f"FAIL {case['id']} [{outcome.status}] {case['instruction']!r}: {why}")
    by_operation: dict[str, list[bool]] = collections.defaultdict(list)
    by_language: dict[str, list[bool]] = collections.defaultdict(list)
    for outcome in outcomes:
        by_operation[outcome.case["operation"]].append(outcome.passed)
        by_language[outcome.case["language"]].append(outcome.passed)
    rows = [[name, share(sum(found), len(found))] for name, found in sorted(by_operation.items())]
    rows += [[f"in {name}", share(sum(found), len(found))] for name, found in sorted(by_language.items())]
    table(
        f"Acceptance, {half} half",
        ["", "passed"],
        [*rows, ["all", share(sum(o.passed for o in outcomes), len(outcomes))]],
    )
    verdicts = [pair for outcome in outcomes for pair in outcome.judged]
    accepted = [passed for accepted, passed in verdicts if accepted]
    others = [passed for accepted, passed in verdicts if not accepted]
    several = [outcome for outcome in outcomes if len(outcome.rounds) > 1]
    seconds = [value for outcome in outcomes for value in outcome.rounds]
    rows = [
        ["false accepts: accepted, but fails by hand-made measure", share(accepted.count(False), len(accepted))],
        ["false rejects: not accepted, but passes", share(others.count(True), len(others))],
        ["cases with more than one round", share(len(several), len(outcomes))],
        [
            "of those, improved by later rounds",
            share(sum(o.passed and o.first is False for o in several), len(several)),
        ],
        [
            "of those, spoiled by later rounds",
            share(sum(not o.passed and o.first is True for o in several), len(several)),
        ],
        ["median seconds of a round", f"{statistics.median(seconds):.2f}" if seconds else "-"],
    ]
    table(f"Reflection, {half} half", ["", ""], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, report, and return 0 where at least 90 % of each half pass."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--half", choices=[*HALVES, "both", "all"], default="both", help="both: tuning and frozen")
    parser.add_argument(
        "--show-failures", action="store_true", help="print the failing cases of any half, not of tuning alone"
    )
    parser.add_argument("--only", default="", help="part of a case's id")
    parser.add_argument("--reasoner", default="embedded")
    parser.add_argument("--tool", default="classical")
    parser.add_argument("--policy", default="")
    parser.add_argument("--out", type=Path, default=Path("out/acceptance"))
    options = parser.parse_args(arguments)
    agent = EditAgent(options.reasoner, options.tool, options.policy, runs=options.out / "runs")
    good = True
    for half in {"both": ("tuning", "frozen"), "all": HALVES}.get(options.half, (options.half,)):
        out = options.out / half
        out.mkdir(parents=True, exist_ok=True)
        outcomes = []
        for case in load_cases(half):
            if options.only in case["id"]:
                for suffix in SUFFIX.values():
                    (out / f"{case['id']}{suffix}").unlink(missing_ok=True)
                outcomes.append(run_case(agent, case, out))
                print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        report(outcomes, half, options.show_failures or half == OPEN_HALF)
        good = good and sum(o.passed for o in outcomes) >= 0.9 * len(outcomes)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
