"""One order put to one server of the pool, again where that may help; every attempt is an event.

One owner per layer: `reasonedit_agent.remote.retrying` retries (tenacity), the client does not. What a server refuses
by name and is only a wish of ours is left out from then on.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import openai
from PIL import Image

from reasonedit_agent.errors import Lost, ReasonEditError, Refused, Unsupported, UsageError
from reasonedit_agent.events import Called, Noted
from reasonedit_agent.protocols import Context
from reasonedit_agent.remote.breaker import late
from reasonedit_agent.remote.clients import client_of
from reasonedit_agent.remote.faults import Fault, fault_of, scrubbed
from reasonedit_agent.remote.pool import Pool, Server
from reasonedit_agent.remote.retrying import Failed, insist
from reasonedit_agent.schemas import Usage
from reasonedit_agent.tools.images_api.dialects import Dialect
from reasonedit_agent.tools.images_api.form import EXTRAS, Form, Order
from reasonedit_agent.tools.images_api.meeting import Met, meet
from reasonedit_agent.tools.images_api.reply import body_of, pictures_of, usage_of
from reasonedit_agent.tools.images_api.settings import Settings

__all__ = ["Asker", "Drawn"]

_REFUSED = ("moderation", "content_policy", "content policy", "safety system", "guardrail", "nsfw")
_TOO_MANY = ("input images", "only a single image", "too many images", "exactly one image")
_NO_MODEL = ("model mismatch", "model_not_found", "invalid model", "no such model")
_BAD_REQUEST = (400, 403, 413, 422)


@dataclass(frozen=True)
class Drawn:
    """What one order gave, and which server's kind drew it."""

    pictures: list[Image.Image]
    met: Met


class Asker:
    """Puts orders to servers.

    Args:
        urls: Of their APIs.
        model: Its name there; empty is the only one.
        dialect: How they are asked; None is found out.
        key: Name of the environment variable that holds the API key.
        settings: Time-outs, retries, prices.
    """

    def __init__(self, urls: list[str], model: str, dialect: Dialect | None, key: str, settings: Settings) -> None:
        self.pool = Pool(urls)
        self._model, self._dialect, self._key, self._settings = model, dialect, key, settings
        self._met: dict[str, Met] = {}
        self._without: frozenset[str] = frozenset()

    async def meet(self, ctx: Context) -> Met:
        """Return what the first server that answers is.

        Raises:
            UsageError: The model or the key is the wrong one, or a setting is not for such a server.
            Lost: No server answers.
            TimedOut: Not in time.
        """
        found = await self._insist(None, ctx)
        if isinstance(found, Drawn):
            return found.met
        raise found.error

    async def look(self, server: Server, ctx: Context) -> Met:
        """Return what one server of the pool is; it is asked once, for its models, and draws nothing.

        Raises:
            UsageError: The model or the key is the wrong one, or a setting is not for such a server.
            Lost: It does not answer.
            TimedOut: Not in time.
        """
        try:
            return (await self._call(server, None, ctx, 1)).met
        except Failed as failed:
            raise failed.fault.error from None

    async def draw(self, order: Order, ctx: Context) -> Drawn:
        """Return the pictures of an order.

        Raises:
            UsageError: The server edits no pictures, has no such model, refuses the key, or answers with addresses.
            Unsupported: It takes fewer pictures.
            Refused: The model declined.
            Malformed: The reply holds too few pictures, or none.
            Lost: The server gave no answer, however often it was asked.
            TimedOut: There was none in time.
        """
        for _ in range(len(EXTRAS) + 1):
            found = await self._insist(order, ctx)
            if isinstance(found, Drawn):
                return found
            self._learn(found, order, ctx)
        raise Lost("The server refuses the request in every shape.", hint="The trace has each attempt.")

    async def _insist(self, order: Order | None, ctx: Context) -> Drawn | Fault:
        attempt = partial(self._attempt, order, ctx)
        return await insist(attempt, ctx, retries=self._settings.retries, patience=self._settings.patience)

    # -- one attempt

    async def _attempt(self, order: Order | None, ctx: Context, number: int) -> Drawn:
        try:
            with self.pool.take() as server:
                return await self._call(server, order, ctx, number)
        except Lost as nobody:
            fault = Fault(nobody, retry_after=self.pool.pause())
            raise Failed(fault.of(any(server.answered for server in self.pool.servers))) from None

    async def _call(self, server: Server, order: Order | None, ctx: Context, number: int) -> Drawn:
        started = time.monotonic()
        left = self._settings.timeout if ctx.deadline is None else min(self._settings.timeout, ctx.deadline - started)
        told = Called(backend=self._model or server.url, note=f"attempt {number}")
        try:
            async with asyncio.timeout(max(left, 0.001)):
                drawn, usage = await self._exchange(server, order, ctx, started)
        except (openai.OpenAIError, OSError, ValueError) as error:
            raise Failed(self._fault(error, server, ctx, told, started)) from None
        except ReasonEditError as error:
            spent = Usage(seconds=time.monotonic() - started)
            ctx.emit(told.model_copy(update={"error": error.message, "usage": spent}))
            if isinstance(error, UsageError) and len(self.pool.servers) > 1:
                self._lose(server, error.message)  # another one may have the model, or take the key
                raise Failed(Fault(Lost(error.message, hint=error.hint, retryable=True))) from None
            raise
        self.pool.succeeded(server)
        if order is not None:
            ctx.emit(told.model_copy(update={"backend": drawn.met.model or server.url, "usage": usage}))
        return drawn

    async def _exchange(self, server: Server, order: Order | None, ctx: Context, started: float) -> tuple[Drawn, Usage]:
        client = await client_of(server.url, self._secret, self._settings.timeout)
        met = await self._known(server, client, ctx)
        if order is None:
            return Drawn([], met), Usage()
        form = Form.of(order, met.dialect, self._settings, met.model, self._without)
        answer = await client.post(
            "/images/edits",
            cast_to=openai.HttpxBinaryResponseContent,
            body=form.fields,
            files=form.files,
            options={"headers": {"Content-Type": "multipart/form-data"}},
        )
        headers = answer.response.headers
        server.answered = True

        def read() -> tuple[dict[str, Any], list[Image.Image]]:
            body = body_of(answer.text, headers.get("content-type", ""))
            return body, pictures_of(body, order.count, met.dialect)

        body, pictures = await asyncio.to_thread(read)  # megabytes of text
        seconds = time.monotonic() - started
        cost = headers.get("x-litellm-response-cost")
        return Drawn(pictures, met), usage_of(body, cost, order.count, seconds, self._settings)

    async def _known(self, server: Server, client: openai.AsyncOpenAI, ctx: Context) -> Met:
        if server.url not in self._met:
            met = await meet(client, server.url, self._model, self._dialect, lambda text: ctx.emit(Noted(text=text)))
            self._settings.check(met.dialect)
            kinds = {other.dialect.name for other in self._met.values()} | {met.dialect.name}
            if len(kinds) > 1:
                raise UsageError(
                    f"The servers are of several kinds: {', '.join(sorted(kinds))}.", hint="Take one kind."
                )
            self._met[server.url] = met
        return self._met[server.url]

    def _fault(self, error: Exception, server: Server, ctx: Context, told: Called, started: float) -> Fault:
        """Return what an exception means, once it is an event and the pool knows."""
        secret = self._secret
        found = fault_of(error, url=server.url, key_name=self._key, secret=secret, wanted="pictures", kind="editor").of(
            server.answered
        )
        if found.server_down and not late(ctx):
            self._lose(server, found.error.message)
        spent = Usage(seconds=time.monotonic() - started)
        ctx.emit(told.model_copy(update={"error": found.error.message, "usage": spent}))
        return found

    def _lose(self, server: Server, problem: str) -> None:
        self.pool.failed(server, problem)
        self._met.pop(server.url, None)  # it may be another process when it comes back

    @property
    def _secret(self) -> str:
        return os.environ.get(self._key, "")

    # -- what a refused request means

    def _learn(self, fault: Fault, order: Order, ctx: Context) -> None:
        """Leave out what the server refused, if that is ours to leave out; else raise what the fault means."""
        said, url = fault.body.lower(), self.pool.servers[0].url
        text = scrubbed(fault.body[:300], self._secret)
        if fault.status in _BAD_REQUEST and any(word in said for word in _REFUSED):
            raise Refused(f"The server declined: {text}", raw=fault.body[:2000])
        if fault.status in _BAD_REQUEST and any(word in said for word in _TOO_MANY):
            raise Unsupported(f"The server's model takes fewer pictures: {text}", hint="Give fewer reference photos.")
        if any(word in said for word in _NO_MODEL) or ("model" in said and "does not exist" in said):
            known = ", ".join(next(iter(self._met.values())).models[:20]) if self._met else ""
            hint = f"It has: {known}." if known else "Name the model as the server does (model=)."
            raise UsageError(f"{url} does not have this model: {text}", hint=hint)
        if fault.status in (404, 405, 501):
            hint = "The URL of an API mostly ends in /v1; a server of a language model edits no pictures."
            raise UsageError(f"{url} has no images/edits ({fault.status}).", hint=hint)
        if fault.status == 413:
            raise UsageError(f"{url} takes no request as large as this one.", hint="Send smaller pictures: area=.")
        wished = [name for name in EXTRAS if name in said and name not in self._without and self._ours(name, order)]
        if fault.status not in (400, 422) or not wished:
            raise fault.error
        self._without |= {wished[0]}
        ctx.emit(Noted(text=f"{url} takes no {wished[0]}: it is left out."))

    def _ours(self, name: str, order: Order) -> bool:
        """Whether something was sent, and nobody but us wished it."""
        sent = {"size": self._settings.size == "fit", "mask": bool(order.mask), "quality": not self._settings.quality}
        return sent.get(name, True)
