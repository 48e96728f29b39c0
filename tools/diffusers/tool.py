"""The tool: a call becomes one run of a pipeline, or several, on the least busy of its devices."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
import time
from collections import Counter
from typing import Any

from PIL import Image

from reasonedit_agent.errors import Unsupported, UsageError
from reasonedit_agent.events import Called, Noted, PartInfo, Progress
from reasonedit_agent.loading import Loaded, lane
from reasonedit_agent.protocols import Context
from reasonedit_agent.schemas import Candidate, Card, EditCall, Usage
from reasonedit_agent.tools.canvas import Canvas, fitting_size
from reasonedit_agent.tools.diffusers.drawing import Job, draw
from reasonedit_agent.tools.diffusers.fitting import Sizes
from reasonedit_agent.tools.diffusers.folder import Folder
from reasonedit_agent.tools.diffusers.memory import WAITING, Room, climb, load_in_room
from reasonedit_agent.tools.diffusers.pipelines import Engine, device_name, load_engine, pick_device, weights_beside
from reasonedit_agent.tools.diffusers.settings import Settings, check_settings
from reasonedit_agent.tools.watch import Watch

__all__ = ["DiffusersTool", "diffusers_tool"]

_VERSION = "1"
_NEEDED = ("torch", "diffusers", "transformers", "accelerate", "peft", "cv2")
_BIG = 4  # GB of weights; with more a CPU draws for hours


def diffusers_tool(path: str, *, preset: str = "balanced", revision: str = "", **settings: Any) -> DiffusersTool:
    """Return an editor that draws with a pipeline of diffusers; the weights are loaded when it first edits.

    Args:
        path: A folder that ``save_pretrained`` wrote, or a hub id.
        preset: ``quality``, ``balanced``, ``fast`` or ``low-memory``.
        revision: The commit of a hub id, which must be named.
        settings: Changes to the preset: see `reasonedit_agent.tools.diffusers.settings.Settings`.

    Raises:
        UsageError: The folder is not whole, its class has no adapter, a setting is unknown or known not to work, or a
            library is missing.
    """
    if absent := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise UsageError(
            f"The diffusers tool needs {', '.join(absent)}.",
            hint="Install it: pip install 'reasonedit-agent[diffusers]'.",
        )
    wanted = Settings.of(preset, settings)
    return DiffusersTool(Folder.read(path, revision, ("transformer",) if wanted.gguf else ()), wanted)


class DiffusersTool:
    """Draws with one pipeline, on one device or on several.

    Args:
        folder: Of the pipeline.
        settings: How it draws.

    Raises:
        UsageError: A setting is known not to work with this class on this device.
    """

    def __init__(self, folder: Folder, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self._adapter = folder.adapter
        self._devices = [pick_device(name.strip()) for name in settings.device.split("+")]
        for device in dict.fromkeys(self._devices):
            check_settings(settings, self._adapter, device, distilled=folder.distilled)
        beside = {f"{name}_weights": print_ for name, print_ in weights_beside(settings).items()}
        told = {"path": folder.path.name, "class": self._adapter.pipeline, "weights": folder.fingerprint}
        self._info = PartInfo(name="diffusers", version=_VERSION, settings={**told, **settings.told(), **beside})
        self._engines: dict[str, Loaded[Engine]] = {}
        self._coming: Counter[str] = Counter()  # calls that have a device, and are not in its line yet
        self._guard = threading.Lock()

    @property
    def info(self) -> PartInfo:
        """Name, version and settings."""
        return self._info

    @property
    def sizes(self) -> Sizes:
        """Of the parts on the disk, for `reasonedit doctor`."""
        return Sizes(self._folder.sizes, f"the files of {self._folder.path}", self._adapter.pipeline)

    @property
    def card(self) -> Card:
        """It reads text, draws any number of candidates, and keeps to a region."""
        return Card(
            reads_text=True,
            references=self._adapter.references,
            mask=True,
            batch=self._settings.batch if self._adapter.batch else 1,
            needs_gpu=sum(self._folder.sizes.values()) > _BIG,
        )

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Draw one candidate per seed, all at once where memory allows.

        Raises:
            Unsupported: There are more references than the class reads, the prompt is too long or empty, or the region
                is not in the picture.
            Malformed: The model drew no numbers, or black.
            TimedOut: The deadline passed; looked at after each step.
            Lost: The run was given up, memory ran out, or too many calls wait for the device.
            BackendError: The pipeline failed.
            UsageError: The weights cannot be loaded.
        """
        self._check(call)
        watch = Watch(ctx)
        canvas = await asyncio.to_thread(self._open, call, watch)
        device = self._chosen()
        try:
            engine = await self._engine(device, ctx, watch)
            queued = engine.submit(lambda loaded: self._draw(loaded, canvas, watch))
        finally:
            with self._guard:
                self._coming[device] -= 1
        try:
            drawn, latents, seconds, note = await asyncio.wrap_future(queued)
        except asyncio.CancelledError:
            watch.give_up()  # the thread stops after the step that it is at
            raise
        alone = {"always": False, "never": True, "auto": self._inpaints(canvas)}[self._settings.paste]
        paste = canvas.mask is not None and not alone
        made = await self._finish(canvas, drawn, ctx, paste)
        if self._settings.reuse and not paste:
            for candidate, known in zip(made, latents, strict=True):
                engine.model.encodings.keep_latents(candidate.image.sha256, known)
        usage = Usage(
            seconds=seconds,
            gpu_seconds=None if engine.lane.device.startswith("cpu") else seconds,
            images=len(call.seeds),
        )
        ctx.emit(
            Called(backend=f"{self._adapter.pipeline} on {device_name(engine.lane.device)}", usage=usage, note=note)
        )
        return made

    def _open(self, call: EditCall, watch: Watch) -> Canvas:
        """Open the pictures, and make the base as large as it will be drawn, while the device does something else."""
        canvas = Canvas.of(call, watch.context.images, watch.note)
        self._seen(canvas, fitting_size(canvas.base.size, self._area, self._adapter.multiple, self._adapter.least))
        return canvas

    def _seen(self, canvas: Canvas, size: tuple[int, int]) -> Image.Image:
        """Return the base as the model is given it."""
        return canvas.resized(None if self._adapter.resizes else size, alpha=self._adapter.alpha)

    @property
    def _area(self) -> int:
        return self._settings.area or self._adapter.area

    def _check(self, call: EditCall) -> None:
        given, taken = len(call.references), self._adapter.references
        if given > taken:
            raise Unsupported(
                f"{given} reference photos were given, and {self._adapter.pipeline} reads {taken or 'none'}.",
                hint="Give fewer, or take a model that reads several, such as Qwen-Image-Edit-2511.",
            )

    def _chosen(self) -> str:
        """Return the device with the shortest line; who has chosen it counts there, also while it is being loaded."""
        with self._guard:
            device = min(self._devices, key=lambda name: lane(name).waiting + self._coming[name])
            self._coming[device] += 1
            return device

    async def _engine(self, device: str, ctx: Context, watch: Watch) -> Loaded[Engine]:
        """Return the pipeline on a device, loaded when it is first needed."""
        if device not in self._engines:
            size = sum(self._folder.sizes.values())
            ctx.emit(Progress(message=f"loading {self._adapter.pipeline} ({size:.1f} GB) onto {device}"))
            if self._settings.offload == "auto" and self._settings.on(device).offload == "none":
                ctx.emit(Noted(text=f"Nothing is offloaded on {device}: there is no other memory to move it to."))
            loaded, used = await asyncio.to_thread(
                load_in_room,
                lambda settings: load_engine(self._folder, settings, device),
                self._settings,
                device,
                watch.note,
            )
            if used != self._settings.on(device) and WAITING not in loaded.model.measures:
                loaded.model.measures.append(WAITING)
            self._engines[device] = loaded
        return self._engines[device]

    def _steps(self, call: EditCall) -> int:
        full = self._settings.steps
        if full is None:
            distilled = self._adapter.distilled if self._folder.distilled else None
            full = distilled or max(4, round(self._adapter.steps * self._settings.share))
        if call.quality == "final":
            return full
        return self._settings.draft or max(1, full // 4)

    def _inpaints(self, canvas: Canvas) -> bool:
        """Whether the class keeps to the region by itself; it takes no references then."""
        return bool(self._adapter.inpaint) and canvas.mask is not None and not canvas.references

    def _size(self, canvas: Canvas, room: Room) -> tuple[int, int]:
        return fitting_size(canvas.base.size, room.area, self._adapter.multiple, self._adapter.least)

    def _draw(self, engine: Engine, canvas: Canvas, watch: Watch) -> tuple[list[Image.Image], list[Any], float, str]:
        """Draw all seeds, in as many runs as the room allows. Runs on the device's thread.

        Returns:
            The pictures, the latents that drew each, the seconds it took, and a note for the trace.
        """
        call, adapter, settings = canvas.call, self._adapter, self._settings
        started = time.monotonic()
        masked = self._inpaints(canvas) or adapter.inpaint == adapter.pipeline
        together = adapter.batch and (adapter.inpaint_batch or not masked)
        limit = (settings.batch or len(call.seeds)) if together else 1
        engine.encodings.tally()  # a call that failed has left its counts

        def work(room: Room) -> list[tuple[Image.Image, Any]]:
            size = self._size(canvas, room)
            found: list[tuple[Image.Image, Any]] = []
            for first in range(0, len(call.seeds), room.batch):
                job = Job(
                    prompt=call.instruction,
                    base=self._seen(canvas, size),
                    size=size,
                    area=room.area,
                    references=canvas.references,
                    mask=canvas.mask_image(size) if self._inpaints(canvas) else None,
                    seeds=call.seeds[first : first + room.batch],
                    steps=self._steps(call),
                    guidance=settings.guidance,
                    previews=settings.previews,
                    known=call.base.image.sha256 if settings.reuse else "",
                )
                pictures = draw(engine, job, watch)
                found += zip(pictures, engine.encodings.take_decoded(len(pictures)), strict=True)
            return found

        room = Room(self._area, min(limit, len(call.seeds)))
        drawn, _ = climb(engine, room, work, watch.note)
        pictures, latents = (list(column) for column in zip(*drawn, strict=True))
        note = f"{self._steps(call)} steps at {pictures[0].width}x{pictures[0].height}; {engine.encodings.tally()}"
        if engine.measures:
            note += f"; since memory ran out {' and '.join(engine.measures)}"
        return pictures, latents, time.monotonic() - started, note

    async def _finish(
        self, canvas: Canvas, drawn: list[Image.Image], ctx: Context, paste: bool
    ) -> tuple[Candidate, ...]:
        finished = (
            asyncio.to_thread(canvas.finish, picture, seed, ctx.images, paste=paste)
            for picture, seed in zip(drawn, canvas.call.seeds, strict=True)
        )
        return tuple(await asyncio.gather(*finished))
