"""What a tuned stop is worth: ``python -m benchmarks.stopping``.

Every supported case of the acceptance set is run once with rounds past the stop, and policies are tuned on half of the
photos. Quality is the set's hand-made measure (the share of a case's expectations that hold, 0 to 10), never the
Reasoner's own score. The classical editor is deterministic, so past an accepted round nothing is recorded. The same is
done with a seeded tool, a tiny diffusion model with random weights, where each round differs: there quality is how much
of the asked shift in warmth a result has, measured by hand.

``--labels FOLDER`` does another thing: it runs the tuning half alone, has the same hand-made measure say accept or
reject to every picture, and writes that as labels.csv beside the runs, for `reasonedit labels import` and `reasonedit
policy calibrate`. So that there is something to reject, each case is edited three times: by the classical editor, by
the same at half its strength, and by a tint of the whole photo, which fulfils no request.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from PIL import Image
from skimage.color import rgb2lab

from benchmarks.acceptance.score import OPEN_HALF, PHOTOS, load_cases, passes, score
from benchmarks.tables import table
from reasonedit_agent.analysis.replay import Quality, Recorded, record
from reasonedit_agent.analysis.tuning import FAMILY, Tuned, family, tune
from reasonedit_agent.errors import ReasonEditError
from reasonedit_agent.events import PartInfo
from reasonedit_agent.graphs.agent import EditAgent
from reasonedit_agent.graphs.results import EditResult
from reasonedit_agent.images import open_store
from reasonedit_agent.protocols import Context
from reasonedit_agent.registry import build
from reasonedit_agent.schemas import SOURCE, Box, Candidate, EditCall, Failure, History, Pick
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
            try:
                made = edited(agent, case, shadow=SHADOW)
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


def edited(agent: EditAgent, case: dict[str, Any], **options: Any) -> EditResult:
    """Run a case of the acceptance set."""
    box = case.get("region", {}).get("box")
    region = Box(left=box[0], top=box[1], right=box[2], bottom=box[3]) if box else None
    references = [PHOTOS / name for name in case.get("references", ())]
    return agent.edit(
        PHOTOS / case["photo"], case["instruction"], references=references, region=region, seed=1, **options
    )


class Weaker:
    """The classical editor, with its result blended into the base, or a tint in its place.

    Args:
        strength: Of the edit, 0 to 1; 0 tints the whole picture.
    """

    def __init__(self, strength: float) -> None:
        self._tool = build("tools", "classical")
        self.card = self._tool.card
        self.info = PartInfo(name="weaker", version="1", settings={"strength": strength})
        self._strength = strength

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Edit, and weaken what came out; a result of another shape cannot be blended and stays."""
        base = ctx.images.open(call.base.image).convert("RGB")
        made = await self._tool.edit(call, ctx)
        return tuple(self._weakened(base, found, ctx) for found in made)

    def _weakened(self, base: Image.Image, found: Candidate, ctx: Context) -> Candidate:
        done = ctx.images.open(found.image).convert("RGB")
        if not self._strength:
            done = Image.blend(base, Image.new("RGB", base.size, (255, 160, 60)), 0.1)
        elif done.size == base.size:
            done = Image.blend(base, done, self._strength)
        return found.model_copy(update={"image": ctx.images.save(done, like=found.image)})


def labelled_set(folder: Path, cases: int) -> Path:
    """Run the tuning half and label every picture by the hand-made measure; return the CSV.

    Args:
        folder: For ``runs`` and ``labels.csv``.
        cases: At most so many.
    """
    images = open_store(folder / "runs" / IMAGES)
    rows = ["run,round,candidate,label,annotator,guideline"]
    for tool in (build("tools", "classical"), Weaker(0.5), Weaker(0.0)):
        agent = EditAgent("embedded", tool, runs=folder / "runs")
        for case in load_cases(OPEN_HALF)[:cases]:
            try:
                result = edited(agent, case)
            except ReasonEditError:
                continue
            for round_ in result.history.rounds if result.history else ():
                for index, (found, verdict) in enumerate(zip(round_.candidates, round_.verdicts, strict=True)):
                    if isinstance(found, Candidate) and not isinstance(verdict, Failure):
                        checks = score(case, PHOTOS / case["photo"], images.path(found.image), "accepted", PHOTOS)
                        label = "accept" if passes(checks) else "reject"
                        rows.append(f"{result.run},{round_.index},{index},{label},measures.py,acceptance tuning")
    file = folder / "labels.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


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
    parser.add_argument("--labels", type=Path, help="only run and label the tuning half, into this folder")
    options = parser.parse_args(arguments)
    if options.labels is not None:
        options.labels.mkdir(parents=True, exist_ok=True)
        print(labelled_set(options.labels, 4 if options.small else 1000))
        return 0
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
