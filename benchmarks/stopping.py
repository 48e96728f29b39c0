"""What a tuned stop is worth: ``python -m benchmarks.stopping``.

Every supported case of the acceptance set is run once with rounds past the stop, and policies are tuned on half of the
photos. Quality is the set's hand-made measure (the share of a case's expectations that hold, 0 to 10), never the
Reasoner's own score. The classical editor is deterministic, so past an accepted round nothing is recorded. The same is
done with a seeded tool, a tiny diffusion model with random weights, where each round differs: there quality is how much
of the asked shift in warmth a result has, measured by hand.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from skimage.color import rgb2lab

from benchmarks.acceptance.score import PHOTOS, load_cases, score
from benchmarks.tables import table
from reasonedit_agent.analysis.replay import Quality, Recorded, record
from reasonedit_agent.analysis.tuning import FAMILY, Tuned, family, tune
from reasonedit_agent.errors import ReasonEditError
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.images import open_store
from reasonedit_agent.schemas import SOURCE, Box, History, Pick
from reasonedit_agent.tracing import IMAGES, read_events

SHADOW = 3
WARMER = 8.0
"""CIE b* that "warmer" shall raise a picture by, at the full mark."""


def accepted_set(folder: Path, cases: int) -> tuple[list[Recorded], Quality]:
    """Run the acceptance cases past their stops; return the runs and the hand-made quality of their picks."""
    agent = EditAgent(policy="accepted | rounds(3)", runs=folder)
    runs, by_run = [], {}
    for half in ("tuning", "frozen", "held_out"):
        for case in load_cases(half)[:cases]:
            box = case.get("region", {}).get("box")
            region = Box(left=box[0], top=box[1], right=box[2], bottom=box[3]) if box else None
            references = [PHOTOS / name for name in case.get("references", ())]
            photo = PHOTOS / case["photo"]
            try:
                made = agent.edit(
                    photo, case["instruction"], references=references, region=region, seed=1, shadow=SHADOW
                )
            except ReasonEditError:
                continue
            run = record(read_events(made.trace))
            if run is not None and len(run.prefixes) > 1 and case.get("status", "") != "unsupported":
                runs.append(run)
                by_run[id(run.prefixes[-1])] = case
    images = open_store(folder / IMAGES)
    known: dict[tuple[str, str], float] = {}

    def quality(history: History, pick: Pick) -> float | None:
        case = by_run[id(history)]
        ref = history.candidate(pick).image
        if (key := (case["id"], ref.sha256)) not in known:
            checks = score(case, PHOTOS / case["photo"], images.path(ref), "accepted", PHOTOS)
            known[key] = 10 * sum(check.passed for check in checks) / len(checks)
        return known[key]

    return runs, quality


def seeded_set(folder: Path, photos: int) -> tuple[list[Recorded], Quality]:
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


def row(name: str, runs: Sequence[Recorded], tuned: Tuned) -> list[str]:
    """Return a line of the table."""
    later = f"{tuned.later} (n={tuned.later.count})" if tuned.later else "none"
    past = sum(len(run.prefixes) > 2 for run in runs)
    share, cost = tuned.share, tuned.cost
    return [name, f"{len(runs)} ({past})", tuned.policy, f"{tuned.held_out}", str(share), str(cost), later]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few cases, to see that it runs")
    options = parser.parse_args(arguments)
    head = [
        "runs of",
        "runs (with later rounds)",
        "tuned policy",
        "held out",
        "quality kept",
        "rounds paid",
        "first not accepted",
    ]
    lines = []
    for name, make, count in (
        ("embedded, classical", accepted_set, 16 if options.small else 1000),
        ("embedded, tiny DiT", seeded_set, 16 if options.small else 20),
    ):
        with tempfile.TemporaryDirectory() as folder:
            runs, quality = make(Path(folder), count)
            tuned = tune(runs, family(FAMILY), quality=quality)
            lines.append(row(name, runs, tuned))
    table("What a tuned stop is worth", head, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
