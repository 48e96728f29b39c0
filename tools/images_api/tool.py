"""The tool: a call becomes a request per candidate, or one for all; the pictures come back into the base's place."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from PIL import Image

from reasonedit_agent.errors import Unsupported
from reasonedit_agent.events import Noted, PartInfo, Progress
from reasonedit_agent.protocols import Context
from reasonedit_agent.remote.urls import api_urls, check_key_name
from reasonedit_agent.schemas import Candidate, Card, EditCall
from reasonedit_agent.tools.canvas import Canvas, fitting_size
from reasonedit_agent.tools.images_api.asking import Asker, Drawn
from reasonedit_agent.tools.images_api.dialects import Dialect, dialect_named
from reasonedit_agent.tools.images_api.form import Order, mask_png, png
from reasonedit_agent.tools.images_api.frames import Frame
from reasonedit_agent.tools.images_api.settings import Settings
from reasonedit_agent.tools.watch import Watch

__all__ = ["ImagesTool", "images_tool"]

_VERSION = "1"
_REFERENCES = 3  # of a server whose kind is not known yet


def images_tool(
    url: str = "http://localhost:8000/v1",
    model: str = "",
    *,
    dialect: str = "auto",
    key: str = "OPENAI_API_KEY",
    **settings: Any,
) -> ImagesTool:
    """Return an editor behind a server that answers ``POST /v1/images/edits``.

    Args:
        url: Of the API; several, with commas between them, make a pool.
        model: Its name on the server; empty is the only one that the server has.
        dialect: ``vllm-omni``, ``sglang``, ``lightx2v``, ``openai``, ``plain``, or ``auto``: the server is asked.
        key: Name of the environment variable that holds the API key.
        settings: See `reasonedit_agent.tools.images_api.settings.Settings`.

    Raises:
        UsageError: The URL is none, there is no such dialect or setting, or the dialect does not take a setting.
    """
    check_key_name(key)
    return ImagesTool(api_urls(url), model, dialect_named(dialect), key, Settings.of(settings))


class ImagesTool:
    """Edits by a server.

    Args:
        urls: Of the API, several of one kind make a pool.
        model: Its name there; empty is the only one.
        dialect: How it is asked; None is found out.
        key: Name of the environment variable that holds the API key.
        settings: How it is asked.

    Attributes:
        asker: Its ``pool`` drains a server, and takes it back.

    Raises:
        UsageError: The dialect does not take a setting.
    """

    def __init__(self, urls: list[str], model: str, dialect: Dialect | None, key: str, settings: Settings) -> None:
        if dialect is not None:
            settings.check(dialect)
        self.asker = Asker(urls, model, dialect, key, settings)
        self._model, self._dialect, self._settings = model, dialect, settings

    @property
    def info(self) -> PartInfo:
        """Name, version and settings; no key."""
        told: dict[str, Any] = {"url": ", ".join(server.url for server in self.asker.pool.servers)}
        told |= {"model": self._model, "dialect": self._dialect.name if self._dialect else "auto"}
        return PartInfo(name="images", version=_VERSION, settings={**told, **self._settings.told()})

    @property
    def card(self) -> Card:
        """It reads text, keeps to a region, and makes any number of candidates; the server has the GPU."""
        references = self._settings.references
        if references is None:
            references = self._dialect.pictures - 1 if self._dialect else _REFERENCES
        return Card(reads_text=True, references=references, mask=True, batch=0, needs_gpu=False)

    async def edit(self, call: EditCall, ctx: Context) -> tuple[Candidate, ...]:
        """Ask for one candidate per seed. Cancelling it closes the connection.

        Raises:
            Unsupported: There is no text, there are too many references, or the region is not in the picture.
            UsageError: The server, its model, the key or a setting is the wrong one.
            Refused: The model declined.
            Malformed: The reply holds too few pictures, none, or a black one.
            Lost: The server gave no answer, however often it was asked.
            TimedOut: There was none in time.
        """
        if not call.instruction.strip():
            raise Unsupported(
                "There is no text that says what to do.", hint="This editor reads text: give the steps one."
            )
        met = await self.asker.meet(ctx)
        taken = self.card.references
        if len(call.references) > taken:
            raise Unsupported(
                f"{len(call.references)} reference photos were given, and this editor takes {taken or 'none'}.",
                hint="Give fewer; where the model reads more, say so: references=.",
            )
        canvas = await asyncio.to_thread(Canvas.of, call, ctx.images, Watch(ctx).note)
        frame = Frame.of(canvas.base.size, self._settings, met.dialect, met.model)
        order = await asyncio.to_thread(self._order, canvas, frame, met.dialect)
        ctx.emit(Progress(message=f"waiting for {met.model or 'the server'}"))
        drawn = await self._all(_orders(order, call.seeds, met.dialect), ctx)
        seeds = call.seeds if met.dialect.seeds else [None] * len(call.seeds)
        pairs = list(zip(drawn, seeds, strict=True))
        return tuple([await asyncio.to_thread(self._finish, canvas, frame, one, seed, ctx) for one, seed in pairs])

    def _order(self, canvas: Canvas, frame: Frame, dialect: Dialect) -> Order:
        pictures = [png(frame.put(canvas.rgb)), *(png(self._small(reference)) for reference in canvas.references)]
        mask = b""
        if canvas.mask is not None and dialect.mask:
            mask = mask_png(frame.put(canvas.mask_image(canvas.base.size), border=0), dialect)
        draft = canvas.call.quality == "draft"
        return Order(canvas.call.instruction, tuple(pictures), mask, frame.asked, draft=draft)

    def _small(self, picture: Image.Image) -> Image.Image:
        """Return a reference photo with no more pixels than ``area``."""
        if picture.width * picture.height <= self._settings.area:
            return picture
        return picture.resize(fitting_size(picture.size, self._settings.area, 1), Image.Resampling.LANCZOS)

    async def _all(self, orders: list[Order], ctx: Context) -> list[Image.Image]:
        """Put all orders, some at the same time; the first that fails ends the others."""
        free = asyncio.Semaphore(self._settings.parallel)

        async def one(order: Order) -> Drawn:
            async with free:
                return await self.asker.draw(order, ctx)

        tasks = [asyncio.create_task(one(order)) for order in orders]
        try:
            return [picture for drawn in await asyncio.gather(*tasks) for picture in drawn.pictures]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _finish(self, canvas: Canvas, frame: Frame, drawn: Image.Image, seed: int | None, ctx: Context) -> Candidate:
        paste = canvas.mask is not None and self._settings.paste
        # Where the server takes no seeds, nobody knows which one made it.
        made = canvas.finish(frame.cut(drawn), seed or 0, ctx.images, paste=paste).model_copy(update={"seed": seed})
        found = frame.against(drawn.size) if frame.asked != "auto" else {}
        if not found:
            return made
        drew, kept = (f"{wide}x{high}" for wide, high in (drawn.size, made.image.size))
        note = f"The server was asked for {frame.asked} and drew {drew}: brought to {kept}"
        if "served_stretch" in found:
            note += f", which stretches it by {found['served_stretch']:.2f}"
        ctx.emit(Noted(text=f"{note}."))
        return made.model_copy(update={"measures": {**made.measures, **found}})


def _orders(order: Order, seeds: tuple[int, ...], dialect: Dialect) -> list[Order]:
    """Return a request per seed, or requests for all candidates together."""
    if dialect.seeds:
        return [replace(order, seed=seed) for seed in seeds]
    counts = [min(dialect.most, len(seeds) - first) for first in range(0, len(seeds), dialect.most)]
    return [replace(order, count=count) for count in counts]
