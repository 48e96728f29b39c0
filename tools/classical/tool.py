"""The classical editor: one table of operations, run step by step in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from reasonedit_agent import operations as ops
from reasonedit_agent.errors import Lost, TimedOut, Unsupported, UsageError
from reasonedit_agent.events import AnyEvent, Called, Noted, PartInfo, Progress
from reasonedit_agent.perception.arrays import Mask, Rgb
from reasonedit_agent.perception.regions import region_mask
from reasonedit_agent.protocols import Context
from reasonedit_agent.schemas import Candidate, Card, EditCall, EditStep, Phrase, Usage
from reasonedit_agent.tools.classical.colour import black_and_white, recolour, sepia
from reasonedit_agent.tools.classical.fill import cut_out, remove, replace_background
from reasonedit_agent.tools.classical.focus import blur, sharpen
from reasonedit_agent.tools.classical.geometry import crop, flip, resize, rotate
from reasonedit_agent.tools.classical.lettering import add_text, open_font
from reasonedit_agent.tools.classical.picture import Bench, Picture
from reasonedit_agent.tools.classical.redaction import redact
from reasonedit_agent.tools.classical.style import stylise
from reasonedit_agent.tools.classical.tone import adjust, vignette
from reasonedit_agent.tools.classical.upscaling import upscale

__all__ = ["ClassicalEditor"]

_VERSION = "1"
_REFERENCES = 8

_Run = Callable[[Picture, Any, Mask, Bench], Picture]

_OPERATIONS: Final[dict[type[ops.PlainOperation], _Run]] = {
    ops.Recolour: recolour,
    ops.Adjust: adjust,
    ops.Sharpen: sharpen,
    ops.Blur: blur,
    ops.BlackAndWhite: black_and_white,
    ops.Sepia: sepia,
    ops.Vignette: vignette,
    ops.Remove: remove,
    ops.ReplaceBackground: replace_background,
    ops.CutOut: cut_out,
    ops.Crop: crop,
    ops.Resize: resize,
    ops.Rotate: rotate,
    ops.Flip: flip,
    ops.AddText: add_text,
    ops.Redact: redact,
    ops.Stylise: stylise,
    ops.Upscale: upscale,
}

# What is meant where no region is given and the whole picture would make no sense.
_PLACES: Final[dict[type[ops.PlainOperation], str]] = {ops.ReplaceBackground: "background", ops.CutOut: "subject"}

# These move every pixel: a region makes no sense, and none of it need be left.
_WHOLE: Final = (ops.Resize, ops.Rotate, ops.Flip, ops.Upscale)

# One edit at a time in this process: the work is bound by the cores, and two at once would only double the memory.
_WORKER: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="classical")


@dataclass(frozen=True, slots=True)
class _Watch:
    """Progress out, and the end of the call in."""

    emit: Callable[[AnyEvent], None]
    context: Context
    given_up: threading.Event
    steps: int

    def look(self) -> None:
        """Raise when the call was cancelled or is out of time."""
        if self.given_up.is_set() or self.context.cancelled():
            raise Lost("The edit was cancelled.", retryable=True)
        if self.context.deadline is not None and time.monotonic() > self.context.deadline:
            raise TimedOut("The edit did not end before the deadline.", hint="Give it more time or a smaller picture.")

    def note(self, text: str) -> None:
        """Write a sentence into the trace."""
        self.emit(Noted(text=text))

    def tell(self, index: int, message: str, fraction: float) -> None:
        """Report how far step ``index`` is, and look."""
        self.look()
        self.emit(Progress(fraction=(index + fraction) / self.steps, message=message))


class ClassicalEditor:
    """Executes every typed operation on the CPU; the same call gives the same pixels.

    Args:
        font: A font file for text; None is the embedded one.

    Raises:
        UsageError: The font cannot be read.
    """

    def __init__(self, font: str | Path | None = None) -> None:
        self._font = None if font is None else Path(font)
        settings: dict[str, Any] = {}
        if self._font is not None:
            try:
                settings["font_sha256"] = sha256(self._font.read_bytes()).hexdigest()
            except OSError as error:
                raise UsageError(
                    f"The font {self._font} cannot be read: {error.strerror}.", hint="Give a .ttf, .otf or .ttc file."
                ) from error
            open_font(self._font, 16)
        self._info = PartInfo(name="classical", version=_VERSION, settings=settings)

    @property
    def info(self) -> PartInfo:
        """Name, version and settings."""
        return self._info

    @property
    def card(self) -> Card:
        """All typed operations, no free text."""
        return Card(operations=ops.operation_names(), references=_REFERENCES, mask=True, deterministic=True)

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Run the steps in order; one picture serves all seeds.

        Raises:
            Unsupported: A step has no operation, or asks for what cannot be done on this picture.
            TimedOut: The deadline passed; looked at between the parts of the work.
            Lost: The run was given up.
        """
        loop = asyncio.get_running_loop()
        given_up = threading.Event()

        def emit(event: AnyEvent) -> None:
            loop.call_soon_threadsafe(ctx.emit, event)

        watch = _Watch(emit, ctx, given_up, len(call.steps))
        started = time.monotonic()
        try:
            made = await loop.run_in_executor(_WORKER, self._make, call, watch)
        except asyncio.CancelledError:
            given_up.set()  # the thread cannot be stopped: it stops itself at its next look
            raise
        finally:
            ctx.emit(Called(backend="classical", usage=Usage(seconds=time.monotonic() - started, images=1)))
        return tuple(made.model_copy(update={"seed": seed}) for seed in call.seeds)

    def _make(self, call: EditCall, watch: _Watch) -> Candidate:
        watch.look()
        picture = Picture.of(watch.context.images.open(call.base.image), call.base.geometry)
        for index, step in enumerate(call.steps):
            watch.tell(index, step.text, 0)
            picture = self._step(picture, index, step, call, watch)
        watch.look()
        image = watch.context.images.save(picture.image(), like=call.base.image)
        watch.emit(Progress(fraction=1.0, message="done"))
        return Candidate(image=image, geometry=picture.geometry)

    def _step(self, picture: Picture, index: int, step: EditStep, call: EditCall, watch: _Watch) -> Picture:
        operation = step.operation
        if operation is None:
            raise Unsupported(
                f"Step {index + 1} ({step.text!r}) has no typed operation, and the classical editor reads no text.",
                hint="Use a generative editor (such as --tool diffusers), or give the step an operation.",
            )
        kind = type(operation)
        region = step.region or call.region
        if region is None and kind in _PLACES:
            region = Phrase(text=_PLACES[kind])
        images = watch.context.images
        if kind in _WHOLE:
            mask = np.ones(picture.rgb.shape[:2], np.float32)
        else:
            mask = region_mask(region, images, picture.geometry, picture.size, picture.rgb, watch.note)
            if float(mask.max()) < 0.02:
                raise Unsupported(
                    f"The region of step {index + 1} ({operation.op}) is empty in this picture.",
                    hint="Give a region that lies inside it.",
                )

        def reference(number: int) -> Rgb:
            if number >= len(call.references):
                raise Unsupported(
                    f"Step {index + 1} asks for reference photo {number + 1}, and {len(call.references)} were given.",
                    hint="Give it with --reference.",
                )
            return Picture.of(_opaque(images.open(call.references[number])), picture.geometry).rgb

        bench = Bench(region, reference, self._font, partial(watch.tell, index, step.text))
        try:
            return _OPERATIONS[kind](picture, operation, mask, bench)
        except MemoryError as error:
            message = f"Step {index + 1} ({operation.op}) ran out of memory."
            raise Lost(message, hint="Use a smaller picture.") from error


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGBA", "LA"):
        return image
    ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
