"""What the editing tools cost on a GPU: ``python -m benchmarks.gpu_edit --model Qwen-Image-Edit-2511=DIR ...``.

The tables of `benchmarks.tools` for published weights, in bfloat16, at several sizes: steps a second and peak memory,
where the time goes, candidates as a batch, levers with offload and quantised weights, requests that wait in line. A
model without a folder, and a machine without a GPU, is said in one line and left out.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

from benchmarks.editing import (
    BATCH_HEAD,
    ENCODING_HEAD,
    Desk,
    Model,
    batch_row,
    decibels,
    encoding_row,
    free,
    levers,
    peak,
)
from benchmarks.editing_rounds import QUEUE_HEAD, queue_rows
from benchmarks.tables import table
from reasonedit_agent.errors import ReasonEditError
from reasonedit_agent.tools.diffusers.folder import Folder

MODELS = ("Qwen-Image-Edit-2511", "FLUX.2-klein-4B", "FLUX.2-klein-9B", "Step1X-Edit-v1p2")
SIZES = (512, 768, 1024)
STEP_HEAD = ("model", "side", "steps", "s", "steps a second", "peak GB")
LEVER_HEAD = ("model", "lever", "time", "PSNR", "first call s", "peak GB", "why not")


def measured(name: str, folder: Path, side: int, device: str, steps: int | None) -> Model:
    """Return a model with its own number of steps, drawing ``side`` times ``side`` pixels."""
    read = Folder.read(str(folder))
    own = (read.adapter.distilled if read.distilled else None) or read.adapter.steps
    return Model(name, folder, {"steps": steps or own, "area": side * side, "device": device, "dtype": "bfloat16"})


def step_row(model: Model, desk: Desk, side: int, repeats: int) -> list[str]:
    """Return the steps a second of whole edits with their decoding, and the peak of memory with the weights."""
    tool = model.tool()
    desk.edit(tool)
    peak()
    seconds = sorted(desk.edit(tool, seed).seconds for seed in range(1, repeats + 1))[repeats // 2]
    return [
        model.name, str(side), str(model.steps), f"{seconds:.2f}", f"{model.steps / seconds:.2f}", f"{peak():.1f}",
    ]  # fmt: skip


def lever_lines(model: Model, desk: Desk, repeats: int) -> list[list[str]]:
    rows = []
    for each in levers(model, desk, repeats, paired=False):
        drawn = ["-", "-"] if each.ratio is None else [f"{each.ratio:.2f}", decibels(each.quality)]
        rows.append([model.name, each.lever, *drawn, f"{each.cold:.1f}", f"{each.gigabytes:.1f}", each.why])
    return rows


def one_model(name: str, folder: Path, options: Any, scratch: Path) -> None:
    """Print all tables of one model; what fails is said, and the next table comes."""
    sizes = [(side, measured(name, folder, side, options.device, options.steps)) for side in options.sizes]
    desks = {side: Desk(scratch / f"{name} {side}", (side, side)) for side in options.sizes}
    largest, model = sizes[-1]

    def encoding() -> None:
        rows = [encoding_row(each, desks[side], options.repeats) for side, each in sizes]
        table(f"{name}: where the time goes, at {options.sizes} pixels", ENCODING_HEAD, rows)

    def steps() -> None:
        rows = [step_row(each, desks[side], side, options.repeats) for side, each in sizes]
        table(f"{name}: speed and memory, median of {options.repeats}", STEP_HEAD, rows)

    def batch() -> None:
        table(f"{name}: 4 candidates at {largest} pixels", BATCH_HEAD, [batch_row(model, desks[largest], 1)])

    def pulled() -> None:
        rows = lever_lines(model, desks[largest], options.repeats)
        table(f"{name}: levers at {largest} pixels, time against the plain run", LEVER_HEAD, rows)

    def line() -> None:
        rows = queue_rows(model, scratch / f"{name} queue", (largest, largest), options.requests, options.requests // 3)
        table(f"{name}: requests of one round, a Reasoner as slow as the edit", QUEUE_HEAD, rows)

    for part in (steps, encoding, batch, line, pulled):
        try:
            part()
        except ReasonEditError as error:
            print(f"\n{name}: no table of {part.__name__}: {error}")
        free()


def folders(texts: Sequence[str]) -> dict[str, Path]:
    """Return the folders by the models' names, from texts such as ``FLUX.2-klein-4B=/models/klein``."""
    found = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not Path(path).is_dir():
            raise SystemExit(f"--model {text}: give NAME=DIR, with a folder that is there.")
        found[name] = Path(path)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=DIR", help=f"{', '.join(MODELS)}")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="sides in pixels")
    parser.add_argument("--steps", type=int, help="instead of the model's own number")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--requests", type=int, default=24, help="that wait in line")
    parser.add_argument("--device", default="cuda:0", help="cpu tries the script with a tiny model")
    options = parser.parse_args(arguments)
    given = folders(options.model)
    if options.device != "cpu" and not torch.cuda.is_available():
        print("skipped: there is no GPU here.")
        return
    for name in MODELS:
        if name not in given:
            print(f"skipped: {name}, no folder was given (--model {name}=DIR).")
    if options.device != "cpu":
        print(f"\n{torch.cuda.get_device_name(options.device)}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as scratch:
        for name, folder in given.items():
            one_model(name, folder, options, Path(scratch))


if __name__ == "__main__":
    main()
