"""What the editing tools cost on a CPU: ``python -m benchmarks.tools``.

Tiny pipelines with random weights of every tested class, and one of middle size (FLUX.2 klein with 61 million
parameters in its transformer, 54 in its text encoder), since tiny models show little but overhead.

1. The share of an edit that encoding is, and what a call saves whose encodings are known.
2. Which encodings the rounds of an edit find in memory.
3. Four candidates as one batch, and one after the other.
4. Levers: time, and PSNR against the plain run with the same seed; "half the steps" beside them.
5. Drift of a chain of rounds, by decode and encode, and by latents that are kept.
6. How busy the device is when requests wait for it.
7. The way of a photo to the model and back.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image

from benchmarks.editing import (
    BATCH_HEAD,
    ENCODING_HEAD,
    PHOTOS,
    TEXT,
    Desk,
    Model,
    batch_row,
    decibels,
    encoding_row,
    lever_rows,
    levers,
    psnr,
)
from benchmarks.editing_rounds import PATHS, QUEUE_HEAD, hit_row, queue_rows
from benchmarks.tables import table
from reasonedit_agent.images import FolderStore
from reasonedit_agent.schemas import Candidate, EditCall
from reasonedit_agent.tools.canvas import Canvas, fitting_size
from reasonedit_agent.tools.diffusers.pipelines import Engine
from tests.fixtures.step1x.golden import folder as step1x_folder
from tests.tools.diffusers.tiny_dit import TINY, save_tiny

KLEIN = "Flux2KleinPipeline"
STEP1X = {"Step1XEditPipeline": "v1p1", "Step1XEditPipelineV1P2": "v1p2"}
LEARNT_FROM = ("coffee.jpg", "chelsea_cat.jpg", "astronaut.jpg", "china.jpg", "bridge_sky.jpg", "castle.jpg")


def tiny(name: str, folder: Path) -> Path:
    return step1x_folder(STEP1X[name], folder / STEP1X[name]) if name in STEP1X else save_tiny(name, folder / name)


def klein(folder: Path, layers: tuple[int, int], heads: int, text: int, vae: Any = None) -> Path:
    """Save a FLUX.2 klein of a given size with random weights.

    Args:
        folder: Where.
        layers: Double and single blocks.
        heads: Of attention, 64 channels each.
        text: Width of the text encoder, whose 28 layers stay.
        vae: To take instead of a random one.
    """
    small = diffusers.Flux2KleinPipeline.from_pretrained(tiny(KLEIN, folder / "parts"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vae = vae or random_vae((32, 64, 128, 128))
        config = transformers.Qwen3Config(
            hidden_size=text,
            intermediate_size=3 * text,
            num_hidden_layers=28,
            num_attention_heads=max(1, text // 64),
            num_key_value_heads=max(1, text // 64),
            head_dim=64,
            vocab_size=len(small.tokenizer),
            max_position_embeddings=4096,
            pad_token_id=small.tokenizer.pad_token_id,
        )
        transformer = diffusers.Flux2Transformer2DModel(
            in_channels=4 * vae.config.latent_channels,
            num_layers=layers[0],
            num_single_layers=layers[1],
            attention_head_dim=64,
            num_attention_heads=heads,
            joint_attention_dim=3 * text,
            axes_dims_rope=(16, 16, 16, 16),
            guidance_embeds=False,
        )
        encoder = transformers.Qwen3ForCausalLM(config).eval()
    pipe = diffusers.Flux2KleinPipeline(
        scheduler=small.scheduler, vae=vae, text_encoder=encoder, tokenizer=small.tokenizer, transformer=transformer
    )
    pipe.save_pretrained(folder / "klein")
    return folder / "klein"


def random_vae(widths: tuple[int, int, int, int], channels: int = 16) -> Any:
    return diffusers.AutoencoderKLFlux2(block_out_channels=widths, latent_channels=channels, norm_num_groups=8).eval()


def learnt_vae(steps: int) -> Any:
    """Return a small autoencoder that has learnt six photos for a minute or two: good enough to see a drift."""
    photos = []
    for name in LEARNT_FROM:
        with Image.open(PHOTOS / name) as opened:
            small = opened.convert("RGB").resize((192, 128), Image.Resampling.LANCZOS)
        photos.append(diffusers.image_processor.VaeImageProcessor().preprocess(small)[0])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vae = random_vae((16, 32, 32, 32)).train()
        optimiser = torch.optim.AdamW(vae.parameters(), 2e-3)
        plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=max(2, steps))
        for _ in range(steps):
            crops = []
            for _ in range(4):
                photo = photos[int(torch.randint(len(photos), ()))]
                top, left = int(torch.randint(65, ())), int(torch.randint(129, ()))
                crops.append(photo[:, top : top + 64, left : left + 64])
            pixels = torch.stack(crops)
            seen = vae.decode(vae.encode(pixels).latent_dist.mode()).sample
            loss = (seen - pixels).abs().mean() + ((seen - pixels) ** 2).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
            optimiser.step()
            plan.step()
            optimiser.zero_grad()
    return vae.eval()


@contextlib.contextmanager
def changing_nothing(engine: Engine) -> Iterator[list[torch.Tensor]]:
    """Let a klein draw the picture that it was given; yield the latents that were decoded, as they come.

    The velocity from the noise straight to the tokens of the base ends at them, whatever the steps.
    """
    transformer, vae, seen = engine.denoiser, engine.pipe.vae, []
    decode = vae.decode

    def forward(hidden_states: Any, timestep: Any, **_: Any) -> tuple[Any]:
        noise, base = hidden_states.chunk(2, dim=1)
        velocity = (noise - base) / timestep.view(-1, 1, 1)
        return (torch.cat([velocity, torch.zeros_like(base)], dim=1),)

    def decoding(latents: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(latents)
        return decode(latents, *args, **kwargs)

    transformer.forward, vae.decode = forward, decoding
    try:
        yield seen
    finally:
        del transformer.forward
        vae.decode = decode


def drift_rows(name: str, model: Model, desk: Desk, rounds: int) -> list[list[str]]:
    """Return the PSNR of a chain of edits that change nothing, and the distance of latents that are kept."""
    rows = []
    for reuse in (False, True):
        loaded, tool = model.loaded(), model.tool(reuse=reuse)
        engine = loaded.model
        base, psnrs, distances = desk.source, [], []
        with changing_nothing(engine) as decoded, torch.no_grad():
            for seed in range(1, rounds + 1):
                made = desk.edit(tool, seed, base=base)
                base = made.candidates[0]
                psnrs.append(psnr(made.pictures[0], np.asarray(desk.photo)))
                kept = decoded[-1]
                size = (kept.shape[3] * 8, kept.shape[2] * 8)
                small = desk.images.open(base.image).resize(size, Image.Resampling.LANCZOS)
                again = engine.pipe.vae.encode(engine.pipe.image_processor.preprocess(small)).latent_dist.mode()
                distances.append(float((again - kept).norm() / kept.norm()))
        how = "latents kept" if reuse else "decode and encode"
        rows.append([name, how, *map(decibels, psnrs), f"{distances[0]:.2f}", f"{distances[-1]:.2f}"])
    return rows


def way_rows(folder: Path, sizes: Sequence[tuple[int, int]]) -> list[list[str]]:
    """Return what a photo's way to a model that draws one megapixel takes, and back, without the model."""
    rows, images = [], FolderStore(folder)
    folder.mkdir(exist_ok=True)
    with Image.open(PHOTOS / "coffee.jpg") as opened:
        photo = opened.convert("RGB")
    for size in sizes:
        for media in ("PNG", "JPEG"):
            file = folder / f"photo.{media.lower()}"
            photo.resize(size).save(file, media)
            call = EditCall(base=Candidate.of(images.put(file.read_bytes())), instruction=TEXT, steps=(), seeds=(1,))
            marks = [time.perf_counter()]
            canvas = Canvas.of(call, images)
            marks.append(time.perf_counter())
            drawn = canvas.rgb.resize(fitting_size(size, 1024 * 1024, 16), Image.Resampling.LANCZOS)
            marks.append(time.perf_counter())
            canvas.finish(drawn, 1, images, paste=False)
            marks.append(time.perf_counter())
            spans = [f"{(b - a) * 1e3:.0f}" for a, b in itertools.pairwise(marks)]
            rows.append([f"{size[0]} x {size[1]} {media}", *spans])
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--small", action="store_true", help="few classes, few steps: whether it runs, in a minute")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--parts", default="1234567", help="which of the tables, by their numbers above")
    options = parser.parse_args(arguments)
    # The other half of the machine serves the event loop; and tiny models wait for a second thread.
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        Benchmark(Path(folder), small=options.small, repeats=options.repeats).run(options.parts)


class Benchmark:
    """The models, and the tables over them.

    Args:
        folder: For models and pictures.
        small: Whether it is only tried.
        repeats: Of each measurement.
    """

    def __init__(self, folder: Path, *, small: bool, repeats: int) -> None:
        self.folder, self.small, self.repeats = folder, small, 1 if small else repeats
        names = (KLEIN,) if small else (*TINY, *STEP1X)
        self.size = (96, 64) if small else (192, 128)
        shared: dict[str, Any] = {"area": self.size[0] * self.size[1], "device": "cpu"}
        skip = ("regional compile",) if small else ()
        self.tiny = [
            Model(name, tiny(name, folder / "tiny"), {**shared, "steps": 4 if small else 12}, skip) for name in names
        ]
        shape: tuple[tuple[int, int], int, int] = ((1, 1), 1, 64) if small else ((4, 10), 8, 384)
        place = klein(folder / "middle", *shape)
        # Guidance 1 is one call a step, as with the distilled checkpoint; 4 steps are what that one draws in.
        middle = {**shared, "guidance": 1.0}
        self.middle = Model("klein, middle size", place, {**middle, "steps": 4 if small else 12}, skip)
        self.distilled = Model("klein, middle size", place, {**middle, "steps": 2 if small else 4}, skip)
        self.desk = Desk(folder / "images", self.size)

    def run(self, parts: str) -> None:
        for part in parts:
            getattr(self, f"part_{part}")()

    def part_1(self) -> None:
        models = (*self.tiny, self.middle, self.distilled)
        rows = [encoding_row(model, self.desk, self.repeats) for model in models]
        table(f"Where the time of an edit goes, median of {self.repeats}; one candidate", ENCODING_HEAD, rows)

    def part_2(self) -> None:
        rows = [hit_row(model, self.desk) for model in (*self.tiny, self.middle)]
        kept = Model("the same, latents kept", self.middle.folder, self.middle.settings)
        rows.append(hit_row(kept, self.desk, reuse=True))
        table(
            "Encodings that were known, of all that were asked for (of each round)",
            ["model", *(path for path, _, _ in PATHS)],
            rows,
        )

    def part_3(self) -> None:
        rows = [batch_row(model, self.desk, self.repeats) for model in (*self.tiny, self.distilled)]
        table(f"4 candidates, median of {self.repeats}", BATCH_HEAD, rows)

    def part_4(self) -> None:
        models = (*self.tiny, self.middle)
        found = [levers(model, self.desk, self.repeats, paired=True) for model in models]
        names = [model.name for model in models]
        rows, reasons = lever_rows(names, found)
        table(
            f"Levers: time against the plain run beside it, PSNR to it with the same seed; {self.middle.steps} steps, "
            f"median of {self.repeats}",
            ["lever", *names],
            rows,
        )
        table("Levers without a number", ["lever", "model", "why"], reasons)
        compiled = [
            [name, f"{each.cold:.0f}"]
            for name, pulled in zip(names, found, strict=True)
            for each in pulled
            if each.lever == "regional compile" and each.ratio is not None
        ]
        table("First call with regional compile", ["model", "s"], compiled)

    def part_5(self) -> None:
        steps, rounds, rows = (2 if self.small else 900), 5, []
        torch.manual_seed(0)
        for name, vae in (("random", random_vae((16, 32, 32, 32))), ("learnt", learnt_vae(steps))):
            place = klein(self.folder / name, (1, 1), 1, 64, vae)
            settings = {"area": self.size[0] * self.size[1], "device": "cpu", "steps": 2, "guidance": 1.0}
            model = Model(name, place, settings)
            for factor in (1, 2):
                desk = Desk(self.folder / f"{name} {factor}", (self.size[0] * factor, self.size[1] * factor))
                rows += drift_rows(f"{name}, photo {factor} times as wide as drawn", model, desk, rounds)
        heads = [f"round {number}" for number in range(1, rounds + 1)]
        table(
            "Edits that change nothing, each on the result of the one before: PSNR to the source, and the relative "
            "distance of the latents that drew a picture from those that it encodes to",
            ["VAE", "between rounds", *heads, "distance, round 1", f"round {rounds}"],
            rows,
        )

    def part_6(self) -> None:
        settings = {**self.middle.settings, "steps": 1 if self.small else 2}
        model = Model(self.middle.name, self.middle.folder, settings)
        count, alone = (6, 3) if self.small else (24, 8)
        rows = queue_rows(model, self.folder / "queue", self.size, count, alone)
        table("Requests of one round, a Reasoner as slow as the edit (aim with 4: at least 95 %)", QUEUE_HEAD, rows)

    def part_7(self) -> None:
        sizes = [(300, 200)] if self.small else [(1216, 832), (4000, 3000)]
        rows = way_rows(self.folder / "way", sizes)
        table("Around the model, ms", ["photo", "open", "to the size drawn", "back, encode, hash and store"], rows)


if __name__ == "__main__":
    main()
