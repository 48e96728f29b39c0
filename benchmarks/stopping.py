"""What a stop is worth: ``python -m benchmarks.stopping --runs-of classical|uneven|dit``.

Runs are recorded past their stops, policies are tuned on half of the photos, and the other half says what they keep of
the full horizon's quality, at what share of its rounds. Quality is measured by hand, never the Reasoner's own score.

- ``classical``: every supported case of the acceptance set. Quality is the share of a case's expectations that hold, 0
  to 10. The classical editor is deterministic, so past an accepted round nothing is recorded.
- ``uneven``: the tuning half alone, by an editor that misses as a generative one does: the classical editor, whose edit
  each seed lets through whole, at half its strength, or not at all (a tint of the whole photo stands there). The same
  hand-made measure labels every picture as accepted or rejected. `confident` and `expected_gain` are fitted on one half
  of the photos, and judged on the other. ``--keep FOLDER`` keeps the runs and labels for `reasonedit policy`.
- ``dit``: a tiny diffusion model with random weights, where each round differs: quality is how much of the asked shift
  in warmth a result has.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from PIL import Image
from skimage.color import rgb2lab

from benchmarks.acceptance.score import HALVES, OPEN_HALF, PHOTOS, load_cases, score
from benchmarks.tables import table
from reasonedit_agent.analysis.calibration import Calibrated, Per, calibrate
from reasonedit_agent.analysis.labelled import samples
from reasonedit_agent.analysis.labels import Label, add_labels, read_labels
from reasonedit_agent.analysis.replay import Quality, Recorded, record
from reasonedit_agent.analysis.tuning import FAMILY, Tuned, family, split, tune
from reasonedit_agent.errors import ReasonEditError, UsageError
from reasonedit_agent.events import PartInfo
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.graphs.results import EditResult
from reasonedit_agent.images import open_store
from reasonedit_agent.policies import fit_gains
from reasonedit_agent.protocols import Context
from reasonedit_agent.registry import build
from reasonedit_agent.schemas import SOURCE, Box, Candidate, EditCall, History, Pick
from reasonedit_agent.tracing import IMAGES, read_events

On = Literal["confidence", "overall"]

SHADOW = 3
HORIZON = 6
"""Rounds of each run of the uneven editor."""
TINT = (255, 160, 60)
WARMER = 8.0
"""CIE b* that "warmer" shall raise a picture by, at the full mark."""


def classical_set(folder: Path, cases: int) -> tuple[list[Recorded], Quality]:
    """Run the acceptance cases past their stops; return the runs and the hand-made quality of their picks."""
    agent = EditAgent(policy="accepted | rounds(3)", runs=folder)
    return _cases_run(agent, [case for half in HALVES for case in load_cases(half)[:cases]], folder, SHADOW, seeds=1)


def uneven_set(folder: Path, cases: int) -> tuple[list[Recorded], Quality]:
    """Run the tuning half by the uneven editor, each run as long as the others; likewise."""
    agent = EditAgent(tool=Uneven(), policy="rounds(1)", runs=folder)
    return _cases_run(agent, load_cases(OPEN_HALF)[:cases], folder, HORIZON - 1, seeds=2)


def _cases_run(
    agent: EditAgent, cases: Sequence[dict[str, Any]], folder: Path, shadow: int, seeds: int
) -> tuple[list[Recorded], Quality]:
    runs, of_run = [], {}
    for number, case in enumerate(cases):
        for seed in range(seeds * number, seeds * (number + 1)):
            try:
                run = record(read_events(edited(agent, case, seed, shadow).trace))
            except ReasonEditError:
                continue
            if run is not None and len(run.prefixes) > 1 and case.get("status", "") != "unsupported":
                runs.append(run)
                of_run[id(run.prefixes[-1])] = case
    images = open_store(folder / IMAGES)
    known: dict[tuple[str, str], float] = {}

    def quality(history: History, pick: Pick) -> float | None:
        case = of_run[id(history)]
        ref = history.candidate(pick).image
        if (key := (case["id"], ref.sha256)) not in known:
            checks = score(case, PHOTOS / case["photo"], images.path(ref), "accepted", PHOTOS)
            known[key] = 10 * sum(check.passed for check in checks) / len(checks)
        return known[key]

    return runs, quality


def edited(agent: EditAgent, case: dict[str, Any], seed: int, shadow: int) -> EditResult:
    """Run a case of the acceptance set."""
    box = case.get("region", {}).get("box")
    region = Box(left=box[0], top=box[1], right=box[2], bottom=box[3]) if box else None
    references = [PHOTOS / name for name in case.get("references", ())]
    return agent.edit(
        PHOTOS / case["photo"],
        case["instruction"],
        references=references,
        region=region,
        seed=seed,
        shadow=shadow,
        key=f"{case['id']} {seed}",  # with --keep, what is there is not run again
    )


class Uneven:
    """The classical editor; each seed lets its edit through whole, by half, or not at all."""

    def __init__(self) -> None:
        self._tool = build("tools", "classical")
        self.card = self._tool.card.model_copy(update={"deterministic": False})
        self.info = PartInfo(name="uneven", version="1")

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Edit, and weaken what came out; a result of another shape cannot be blended and stays."""
        base = ctx.images.open(call.base.image).convert("RGB")
        return tuple(self._weakened(base, found, ctx) for found in await self._tool.edit(call, ctx))

    def _weakened(self, base: Image.Image, found: Candidate, ctx: Context) -> Candidate:
        strength = float(np.random.default_rng(found.seed).choice([0.0, 0.5, 1.0]))
        done = ctx.images.open(found.image).convert("RGB")
        if not strength:
            done = Image.blend(base, Image.new("RGB", base.size, TINT), 0.1)
        elif done.size == base.size:
            done = Image.blend(base, done, strength)
        return found.model_copy(update={"image": ctx.images.save(done, like=found.image)})


def dit_set(folder: Path, photos: int) -> tuple[list[Recorded], Quality]:
    """Run a tiny diffusion model of random weights past the stops."""
    from tests.tools.diffusers.tiny_dit import save_tiny

    model = save_tiny("Flux2KleinPipeline", folder / "model")
    agent = EditAgent(tool=f"diffusers('{model}', steps=1, area=4096)", policy="accepted | rounds(3)", runs=folder)
    runs = []
    for photo in sorted(PHOTOS.glob("*.jpg"))[:photos]:
        for seed in (1, 2):
            run = record(read_events(agent.edit(photo, "make the picture warmer", seed=seed, shadow=SHADOW).trace))
            if run is not None:
                runs.append(run)
    images = open_store(folder / IMAGES)
    warmth: dict[str, float] = {}

    def quality(history: History, pick: Pick) -> float | None:
        if pick == SOURCE:
            return 0.0
        values = []
        for ref in (history.request.image, history.candidate(pick).image):
            if ref.sha256 not in warmth:
                small = np.asarray(images.open(ref).convert("RGB").resize((64, 64)))
                warmth[ref.sha256] = float(rgb2lab(small)[..., 2].mean())
            values.append(warmth[ref.sha256])
        return float(np.clip(10 * (values[1] - values[0]) / WARMER, 0, 10))

    return runs, quality


# -- what is fitted on labels -----------------------------------------------------------------------------------------


def label(runs: Sequence[Recorded], quality: Quality, folder: Path) -> None:
    """Add what the hand-made measure says of every picture: accept where all expectations hold."""
    rows = []
    for run in runs:
        whole = run.prefixes[-1]
        for round_ in whole.rounds:
            for index, found in enumerate(round_.candidates):
                if isinstance(found, Candidate):
                    good = quality(whole, Pick(round=round_.index, candidate=index)) == 10
                    place = {"run": run.run, "round": round_.index, "candidate": index}
                    rows.append(Label(**place, label="accept" if good else "reject", annotator="measures.py"))
    add_labels(rows, folder)


def calibrated(runs: Sequence[Recorded], folder: Path, on: On, per: Per = "source") -> Calibrated:
    """Fit what the judge says of these runs to their labels."""
    found = samples(read_labels(folder), folder, only={run.run for run in runs}, on=on)
    return calibrate(found.samples, on, risks=(0.05, 0.1, 0.2), per=per)


def fitted_family(runs: Sequence[Recorded], folder: Path) -> tuple[str, ...]:
    """Return policies with fits of the half of the runs that `tune` tunes on."""
    ours, _ = split(runs)
    gains = fit_gains(run.prefixes[-1] for run in ours)
    found = [f"expected_gain(seconds={worth}, fit={gains}) | rounds({HORIZON})" for worth in (0.5, 1, 2, 5, 10, 30)]
    for on in get_args(On):
        try:
            fit = calibrated(ours, folder, on).calibration
        except UsageError:  # it says nothing: the table of fits tells so
            continue
        found += [f"confident({p}, fit={fit}) | rounds({HORIZON})" for p in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)]
    return tuple(found)


def fits_table(runs: Sequence[Recorded], folder: Path) -> None:
    """Print what the judge's words are worth, by the labels of all runs."""
    rows: list[list[object]] = []
    for on in get_args(On):
        try:
            fit = calibrated(runs, folder, on)
        except UsageError as error:
            rows.append([on, "", "", "", str(error)])
            continue
        rows.append(
            [
                on,
                f"{fit.fitted} of {fit.sources[0]} photos",
                f"{fit.held_out} of {fit.sources[1]} photos",
                f"{fit.ece_before:.3f}, {fit.ece:.3f}",
                f"{fit.brier:.3f}",
            ]
        )
        for per in ("source", "label"):
            for bound in calibrated(runs, folder, on, per).risks:
                at = "not bounded" if bound.threshold is None else f"from {bound.threshold:.2f} on"
                seen = f"{bound.bad} of {bound.accepted} bad, bound {bound.bound:.2f}"
                told = seen if bound.accepted else f"too few: {bound.needed} without a bad one are needed"
                rows.append([f"{on}: at most {bound.risk:g} bad", f"one label per {per}", "", at, told])
    table("What the judge's words are worth", ("on", "fitted on", "judged on", "ECE before, after", "Brier"), rows)


# -- the tables -------------------------------------------------------------------------------------------------------

HEAD = (
    "runs of",
    "runs (with later rounds)",
    "policy",
    "held out",
    "quality kept",
    "rounds paid",
    "first not accepted",
)
SETS = {"classical": (classical_set, 24, 1000), "uneven": (uneven_set, 24, 1000), "dit": (dit_set, 16, 20)}
"""What makes the runs, of how many cases or photos with ``--small`` and without."""


def row(name: str, runs: Sequence[Recorded], tuned: Tuned) -> list[str]:
    """Return a line of the table; a fit in a policy is not written out."""
    later = f"{tuned.later} (n={tuned.later.count})" if tuned.later else "none"
    past = sum(len(run.prefixes) > 2 for run in runs)
    policy = re.sub(r"fit=gains\(.*?\)", "fit=FILE", tuned.policy)
    policy = policy.replace("|", "\\|")  # a cell of Markdown
    policy = re.sub(r"fit=calibration\(on=(\w+).*?\)", r"fit=FILE on \1", policy)
    return [name, f"{len(runs)} ({past})", f"`{policy}`", f"{tuned.held_out}", str(tuned.share), str(tuned.cost), later]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs-of", choices=SETS, action="append", help="these alone; several times")
    parser.add_argument("--small", action="store_true", help="a few cases, to see that it runs")
    parser.add_argument("--keep", type=Path, help="a folder where runs and labels stay, and are found again")
    options = parser.parse_args(arguments)
    lines = []
    for name in options.runs_of or SETS:
        with tempfile.TemporaryDirectory() as scratch:
            folder = options.keep / name if options.keep else Path(scratch)
            make, few, all_ = SETS[name]
            runs, quality = make(folder, few if options.small else all_)
            texts = family(FAMILY)
            if name == "uneven":
                label(runs, quality, folder)
                fits_table(runs, folder)
                fitted = fitted_family(runs, folder)
                single = ("rounds(0)", *texts[:HORIZON], *fitted)
                lines += [row(name, runs, tune(runs, [text], quality=quality)) for text in single]
                texts = (*texts, *fitted)
            tuned = tune(runs, texts, quality=quality)
            lines.append(row(name, runs, tuned))
            lines[-1][2] += f", tuned, of {len(texts)}"
    table("What a stop is worth", HEAD, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
