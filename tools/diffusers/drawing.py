"""One call of a pipeline: its arguments, its steps as they end, and what came out."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from types import FunctionType, MethodType
from typing import Any

import numpy as np
from PIL import Image

from reasonedit_agent.errors import BackendError, Malformed, ReasonEditError, Unsupported
from reasonedit_agent.tools.diffusers.adapters import Adapter
from reasonedit_agent.tools.diffusers.folder import first_line
from reasonedit_agent.tools.diffusers.memory import ran_out
from reasonedit_agent.tools.diffusers.pipelines import Engine
from reasonedit_agent.tools.diffusers.previews import Previews
from reasonedit_agent.tools.watch import Watch

__all__ = ["Job", "arguments", "draw"]


@dataclass(frozen=True)
class Job:
    """What is drawn.

    Attributes:
        prompt: The instruction.
        base: The picture, at the size that is drawn unless the class resizes in a way of its own.
        size: Width and height that are drawn.
        area: Pixels that were wanted.
        references: Further pictures.
        mask: White where to draw, of the size that is drawn, for a class that edits within one; None is everywhere.
        seeds: One per candidate.
        steps: Denoising steps.
        guidance: Its scale, or None for the class's own.
        previews: Every how many steps an unfinished picture is shown; 0 is never.
        known: Hash of the base, when its latents may stand for its pixels; else empty.
    """

    prompt: str
    base: Image.Image
    size: tuple[int, int]
    area: int
    references: tuple[Image.Image, ...]
    mask: Image.Image | None
    seeds: tuple[int, ...]
    steps: int
    guidance: float | None = None
    previews: int = 0
    known: str = ""


def draw(engine: Engine, job: Job, watch: Watch) -> list[Image.Image]:
    """Run the pipeline once and return one picture per seed. Blocks; runs on the device's thread.

    Raises:
        Lost: The call was given up; looked at after each step.
        TimedOut: The deadline passed.
        Unsupported: The prompt is longer than the encoder reads.
        Malformed: The model drew no numbers.
        BackendError: The pipeline failed.
        MemoryError: Memory ran out (or the library's own error for that).
    """
    import torch

    masks = engine.adapter.inpaint == engine.adapter.pipeline
    pipe = engine.inpaint if job.mask is not None and not masks else engine.pipe
    _check_prompt(engine.pipe, engine.adapter, job.prompt)
    watch.look()
    previews = None
    if job.previews:
        previews = Previews(engine.denoiser, job.base, noise_last=engine.adapter.noise_last)

    def after_step(_: Any, step: int, __: Any, values: dict[str, Any]) -> dict[str, Any]:
        # Raised through the pipeline: it stops at once, and nothing of it is left in memory.
        watch.tell((step + 1) / job.steps, f"step {step + 1} of {job.steps}")
        if previews is not None and (step + 1) % job.previews == 0 and step + 1 < job.steps:
            previews.show(values["latents"], engine.pipe.scheduler, step, watch)
        return values

    given = arguments(engine.adapter, job, inpaint=masks or job.mask is not None)
    if engine.adapter.callback:
        given["callback_on_step_end"] = after_step
    let_go = _looked_after(engine, watch)
    given["generator"] = [torch.Generator("cpu").manual_seed(seed) for seed in job.seeds]
    try:
        engine.encodings.start_from(job.known)
        made = np.asarray(_callable(pipe, engine.adapter, math.prod(job.size))(**given, output_type="np").images)
    except ReasonEditError:
        raise
    except Exception as error:  # the edge: pipelines raise whatever their parts raise
        if ran_out(error):
            raise
        raise BackendError(
            f"{type(pipe).__name__} failed: {type(error).__name__}: {first_line(error)}.",
            hint="This is a fault of the model's files or of its adapter's row.",
        ) from error
    finally:
        engine.encodings.start_from("")  # an edit that failed before the VAE was asked leaves nothing to the next one
        let_go()
        if previews is not None:
            previews.close()
        engine.pipe.maybe_free_model_hooks()
    if not np.isfinite(made).all():
        raise Malformed(
            "The model drew values that are no numbers.",
            hint="Its dtype is too narrow (float16) or its weights are broken: try dtype=bfloat16 or float32.",
        )
    return [Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)) for picture in made]


def _looked_after(engine: Engine, watch: Watch) -> Callable[[], None]:
    """Let a class that does not call back be stopped where it calls its denoiser; return what ends that."""
    if engine.adapter.callback:
        return lambda: None
    remove: Callable[[], None] = engine.denoiser.register_forward_pre_hook(lambda *_: watch.look()).remove
    return remove


def arguments(adapter: Adapter, job: Job, *, inpaint: bool) -> dict[str, Any]:
    """Return what a pipeline is called with, beside callback, generators and the kind of output.

    Args:
        adapter: Of the class.
        job: What is drawn.
        inpaint: Whether the class that edits within a mask is called.
    """
    pictures = [job.base, *job.references]
    given: dict[str, Any] = {
        "prompt": job.prompt,
        adapter.image: pictures if adapter.listed and not inpaint else job.base,
        "num_inference_steps": job.steps,
        **adapter.extra,
    }
    if adapter.batch:
        given["num_images_per_prompt"] = len(job.seeds)
    if adapter.sized:
        given |= {"width": job.size[0], "height": job.size[1]}
    if adapter.guidance:
        given[adapter.guidance] = adapter.scale if job.guidance is None else job.guidance
    if adapter.negative is not None and given.get(adapter.guidance, 0) > 1:
        given["negative_prompt"] = adapter.negative
    if adapter.resize == "area":
        given[adapter.resize_name[0]] = math.prod(job.size)
    if adapter.resize == "side":
        given[adapter.resize_name[0]] = round(math.sqrt(job.area))
    if inpaint:
        mask = job.mask or Image.new("L", job.size, 255)
        given |= {"mask_image": mask, **adapter.inpaint_extra}
    return given


def _callable(pipe: Any, adapter: Adapter, area: int) -> Any:
    """Return the pipeline's call, at the size that is wanted.

    Some classes take the size of the pictures that they read from their module's globals, whatever they are told. They
    get a copy of their ``__call__`` with globals of its own, so that nothing of the module changes.
    """
    if adapter.resize != "globals":
        return pipe
    import torch

    raw: Any = inspect.unwrap(type(pipe).__call__)
    own = dict(raw.__globals__)
    for name in adapter.resize_name:
        known = own[name]
        if callable(known):
            own[name] = lambda _, ratio, known=known: known(area, ratio)
        else:
            own[name] = min(known, area)
    call = FunctionType(raw.__code__, own, raw.__name__, raw.__defaults__, raw.__closure__)
    call.__kwdefaults__ = raw.__kwdefaults__
    return torch.no_grad()(MethodType(call, pipe))


def _check_prompt(pipe: Any, adapter: Adapter, prompt: str) -> None:
    if not prompt.strip():
        raise Unsupported("There is no text that says what to do.", hint="This editor reads text: give the steps one.")
    if not adapter.tokenizer:
        return
    tokenizer = attrgetter(adapter.tokenizer)(pipe)
    count = len(tokenizer(prompt, add_special_tokens=False, truncation=False, verbose=False)["input_ids"])
    if count > adapter.tokens:
        raise Unsupported(
            f"The instruction has {count} tokens, and this model reads {adapter.tokens}.",
            hint="Say it shorter, or do it in two edits.",
        )
