"""What single edits cost, on any device; `benchmarks.tools` and `benchmarks.gpu_edit` say which."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from reasonedit_agent.errors import ReasonEditError, UsageError
from reasonedit_agent.events import Called
from reasonedit_agent.loading import Loaded
from reasonedit_agent.schemas import Candidate, EditCall, EditStep
from reasonedit_agent.testing import SimpleContext
from reasonedit_agent.tools.diffusers import diffusers_tool
from reasonedit_agent.tools.diffusers.folder import Folder
from reasonedit_agent.tools.diffusers.pipelines import Engine, load_engine, pick_device
from reasonedit_agent.tools.diffusers.settings import Settings
from reasonedit_agent.tools.diffusers.tool import DiffusersTool

PHOTOS = Path(__file__).parents[1] / "examples" / "photos"
TEXT = "make the cup green"
Pixels = npt.NDArray[np.uint8]

LEVERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("first_block 0.05", {"cache": "first_block", "threshold": 0.05}),
    ("first_block 0.15", {"cache": "first_block", "threshold": 0.15}),
    ("first_block 0.4", {"cache": "first_block", "threshold": 0.4}),
    ("taylor", {"cache": "taylor"}),
    ("bfloat16", {"dtype": "bfloat16"}),
    ("VAE tiling", {"tiling": True}),
    ("regional compile", {"compile": "regional"}),
    ("offload=model", {"offload": "model"}),
    ("offload=group", {"offload": "group"}),
    ("layerwise cast", {"layerwise": True}),
    ("torchao-int8", {"quantise": "torchao-int8"}),
    ("torchao-fp8", {"quantise": "torchao-fp8"}),
    ("bnb-4bit", {"quantise": "bnb-4bit"}),
)
"""Name and settings. The caches skip blocks, so they stand beside "half the steps"."""


@dataclass(frozen=True)
class Made:
    """One edit.

    Attributes:
        pictures: What was drawn.
        candidates: The same as the tool told it.
        called: What the tool said about the call.
        seconds: On the device, of the tool's own clock.
        whole: From the call to the stored picture.
    """

    pictures: tuple[Pixels, ...]
    candidates: tuple[Candidate, ...]
    called: Called
    seconds: float
    whole: float


class Desk(SimpleContext):
    """A photo at a size, and edits of it; a PNG, so that nothing but the model changes a pixel."""

    def __init__(self, folder: Path, size: tuple[int, int], photo: str = "coffee.jpg") -> None:
        super().__init__(folder)
        with Image.open(PHOTOS / photo) as opened:
            self.photo = opened.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        self.source = Candidate.of(self.images.save(self.photo))

    def edit(self, tool: DiffusersTool, *seeds: int, base: Candidate | None = None, text: str = TEXT) -> Made:
        call = EditCall(base=base or self.source, instruction=text, steps=(EditStep(text=text),), seeds=seeds or (1,))
        start = time.perf_counter()
        found = asyncio.run(tool.edit(call, self))
        whole = time.perf_counter() - start
        called = [event for event in self.events if isinstance(event, Called)][-1]
        self.events.clear()
        pictures = tuple(np.asarray(self.images.open(candidate.image).convert("RGB")) for candidate in found)
        return Made(pictures, found, called, called.usage.seconds or 0.0, whole)


@dataclass(frozen=True)
class Model:
    """A pipeline on the disk, and how it is measured.

    Attributes:
        name: For the tables.
        folder: Where.
        settings: Beside the lever that is looked at; ``steps`` and ``area`` must be among them.
        skip: Levers that are left out.
    """

    name: str
    folder: Path
    settings: dict[str, Any]
    skip: tuple[str, ...] = field(default=())

    @property
    def steps(self) -> int:
        return int(self.settings["steps"])

    def tool(self, **changes: Any) -> DiffusersTool:
        return diffusers_tool(str(self.folder), preset="quality", **{**self.settings, **changes})

    def loaded(self, **changes: Any) -> Loaded[Engine]:
        """Return the copy in memory that `tool` with the same changes draws with, and its lane."""
        settings = Settings.of("quality", {**self.settings, **changes})
        return load_engine(Folder.read(str(self.folder)), settings, pick_device(settings.device))


def psnr(a: Pixels, b: Pixels) -> float:
    """Return the peak signal-to-noise ratio of two pictures in dB; infinite where they are equal."""
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def decibels(value: float) -> str:
    return "same" if math.isinf(value) else f"{value:.1f} dB"


def free() -> None:
    """Give back the memory of models that nobody holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def now() -> float:
    """Return the time in seconds, when the device has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


@contextlib.contextmanager
def clocks(engine: Engine) -> Iterator[dict[str, float]]:
    """Measure where the seconds of an edit go: ``prompt``, ``picture``, ``denoise`` and ``decode``.

    What the memory of encodings takes (hashing what is asked for) counts as encoding.
    """
    spent = dict.fromkeys(("prompt", "picture", "denoise", "decode"), 0.0)
    pipe, started = engine.pipe, [0.0]
    kept = pipe.encode_prompt, pipe.vae.encode, pipe.vae.decode

    def clocked(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = now()
            try:
                return call(*args, **kwargs)
            finally:
                spent[name] += now() - start

        return run

    def begin(*_: Any) -> None:
        started[0] = now()

    def end(*_: Any) -> None:
        spent["denoise"] += now() - started[0]

    pipe.encode_prompt, pipe.vae.encode, pipe.vae.decode = (
        clocked(name, call) for name, call in zip(("prompt", "picture", "decode"), kept, strict=True)
    )
    hooks = engine.denoiser.register_forward_pre_hook(begin), engine.denoiser.register_forward_hook(end)
    try:
        yield spent
    finally:
        pipe.encode_prompt, pipe.vae.encode, pipe.vae.decode = kept
        for hook in hooks:
            hook.remove()


def encoding_row(model: Model, desk: Desk, repeats: int) -> list[str]:
    """Return where the time of an edit goes, and the time of the same call again: its encodings are known then."""
    loaded, tool = model.loaded(), model.tool()
    engine = loaded.model
    desk.edit(tool)  # warms up
    first, again, parts = [], [], []
    for seed in range(repeats):
        engine.encodings.clear()
        with clocks(engine) as spent:
            first.append(desk.edit(tool, seed).seconds)
        parts.append(dict(spent))
        again.append(desk.edit(tool, seed).seconds)
    whole = statistics.median(first)
    share = {name: statistics.median(part[name] for part in parts) / whole for name in parts[0]}
    saved = statistics.median(1 - b / a for a, b in zip(first, again, strict=True))
    rest = 1 - sum(share.values())
    return [
        model.name, str(model.steps), f"{whole:.2f}", percent(share["prompt"]), percent(share["picture"]),
        percent(share["denoise"]), percent(share["decode"]), percent(rest), percent(saved),
    ]  # fmt: skip


ENCODING_HEAD = ("model", "steps", "s", "prompt", "picture", "denoise", "decode", "rest", "a second call saves")


def percent(value: float) -> str:
    return f"{value * 100:.0f} %"


def batch_row(model: Model, desk: Desk, repeats: int, count: int = 4) -> list[str]:
    """Return the time of candidates as one call of the pipeline, and one after the other."""
    loaded = model.loaded()
    engine, seeds = loaded.model, tuple(range(1, count + 1))
    together, apart = model.tool(), model.tool(batch=1)
    desk.edit(together)
    times: dict[str, list[float]] = {"batch": [], "single": [], "forgetful": []}
    made: dict[str, Made] = {}
    for _ in range(repeats):
        for name, tool in (("batch", together), ("single", apart)):
            engine.encodings.clear()
            made[name] = desk.edit(tool, *seeds)
            times[name].append(made[name].seconds)
        whole = 0.0
        for seed in seeds:
            engine.encodings.clear()
            whole += desk.edit(apart, seed).seconds
        times["forgetful"].append(whole)
    batch, single, forgetful = (statistics.median(found) for found in times.values())
    pairs = zip(made["batch"].pictures, made["single"].pictures, strict=True)
    apart_by = max(int(np.abs(a.astype(int) - b).max()) for a, b in pairs)
    return [
        model.name, f"{batch:.2f}", f"{single:.2f}", f"{forgetful:.2f}", f"{batch / single:.2f}",
        f"{batch / forgetful:.2f}", str(apart_by),
    ]  # fmt: skip


BATCH_HEAD = (
    "model", "one batch s", "4 calls s", "4 calls that forget s", "batch / calls", "batch / forgetful calls",
    "largest difference of a pixel",
)  # fmt: skip


@dataclass(frozen=True)
class Pulled:
    """What a lever did to one model.

    Attributes:
        lever: Its name.
        ratio: Of the time to that of the plain run; None where there is none.
        quality: PSNR to the plain run with the same seed.
        cold: Seconds of the first call, loading not counted.
        gigabytes: Peak of the device's memory; 0 without one.
        why: Why there is no number.
    """

    lever: str
    ratio: float | None = None
    quality: float = math.inf
    cold: float = 0.0
    gigabytes: float = 0.0
    why: str = ""

    def __str__(self) -> str:
        return "-" if self.ratio is None else f"{self.ratio:.2f}, {decibels(self.quality)}"


def levers(model: Model, desk: Desk, repeats: int, *, paired: bool) -> list[Pulled]:
    """Return the plain run and every lever against it, seed for seed.

    Args:
        model: Of which.
        desk: With the photo.
        repeats: Runs of each.
        paired: Whether a plain run is made beside every other one: on a noisy machine, where two copies of the model
            fit.
    """
    seeds = range(1, repeats + 1)
    tool = model.tool()
    cold = desk.edit(tool).seconds
    peak()
    plain = [desk.edit(tool, seed) for seed in seeds]
    found = [Pulled("plain", 1.0, cold=cold, gigabytes=peak())]
    half = ("half the steps", {"steps": max(1, model.steps // 2)})
    if not paired:
        del tool
    for name, settings in (half, *LEVERS):
        if name in model.skip:
            continue
        free()
        try:
            other = model.tool(**settings)
            cold = desk.edit(other).seconds
            peak()
            ratios, qualities = [], []
            for seed, known in zip(seeds, plain, strict=True):
                before = desk.edit(tool, seed).seconds if paired else known.seconds
                made = desk.edit(other, seed)
                ratios.append(made.seconds / before)
                qualities.append(psnr(made.pictures[0], known.pictures[0]))
            ratio, quality = statistics.median(ratios), statistics.median(qualities)
            found.append(Pulled(name, ratio, quality, cold, peak()))
            del other
        except UsageError as error:
            found.append(Pulled(name, why=error.args[0].rpartition(": ")[2]))
        except ReasonEditError as error:
            found.append(Pulled(name, why=f"it FAILS: {error.args[0]}"))
    return found


def peak() -> float:
    """Return the peak of the device's memory since the last look, in GB."""
    if not torch.cuda.is_available():
        return 0.0
    top = torch.cuda.max_memory_allocated() / 1e9
    torch.cuda.reset_peak_memory_stats()
    return float(top)


def lever_rows(names: Sequence[str], columns: Sequence[list[Pulled]]) -> tuple[list[list[str]], list[list[str]]]:
    """Return a table of levers by model, and one of why some have no number."""
    rows: dict[str, list[str]] = {}
    reasons: dict[tuple[str, str], list[str]] = {}
    for column, pulled in enumerate(columns):
        for each in pulled:
            rows.setdefault(each.lever, ["not run"] * len(columns))[column] = str(each)
            if each.why:
                reasons.setdefault((each.lever, each.why), []).append(names[column])
    told: dict[tuple[str, str], list[str]] = {}
    for (lever, why), models in reasons.items():
        told.setdefault(("all" if len(models) == len(names) else ", ".join(models), why), []).append(lever)
    return (
        [[lever, *cells] for lever, cells in rows.items()],
        [[", ".join(pulled), models, why] for (models, why), pulled in told.items()],
    )
