"""Any server that speaks OpenAI's chat completions; vLLM first.

One owner per layer: `retrying` retries (tenacity), the client does not. Every attempt is an event. What changes
between attempts that the server refused is one frozen value, `_Shape`: whether pictures carry their bytes, how large
they are, how much room the reply has, and what the server turned out not to know.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar

import openai
from openai.types import Model
from openai.types.chat import ChatCompletion

from reasonedit_agent.errors import Lost, Malformed, ReasonEditError, Refused, UsageError
from reasonedit_agent.events import Called, Noted, PartInfo
from reasonedit_agent.protocols import Context
from reasonedit_agent.reasoners.backends.chances import chances
from reasonedit_agent.reasoners.backends.pictures import Shown, fewer_pixels, shown
from reasonedit_agent.reasoners.backends.special import defused
from reasonedit_agent.reasoners.dialects import make_dialect
from reasonedit_agent.reasoners.dialects.base import Prompt, Reply, Turn
from reasonedit_agent.reasoners.dialects.strict import unbounded
from reasonedit_agent.reasoners.prompted import PromptedReasoner
from reasonedit_agent.registry import Call
from reasonedit_agent.remote.breaker import late
from reasonedit_agent.remote.clients import client_of
from reasonedit_agent.remote.faults import Fault, fault_of
from reasonedit_agent.remote.pool import Pool, Server
from reasonedit_agent.remote.retrying import Failed, insist
from reasonedit_agent.remote.urls import api_urls, check_key_name
from reasonedit_agent.schemas import ImageRef, Usage

__all__ = ["OpenAIBackend", "openai_reasoner"]

T = TypeVar("T")

_OF_SCHEMAS = ("response_format", "schema", "grammar")
"""What servers say when they do not take a schema, or this one."""

_CHANGES = 10
"""How often a request's shape may change before it is given up."""


def openai_reasoner(
    url: str = "http://localhost:8000/v1",
    model: str = "",
    dialect: str | Call = "json",
    *,
    prompts: str = "",
    key: str = "OPENAI_API_KEY",
    timeout: float = 120.0,
    retries: int = 4,
    patience: float = 30.0,
    pixels: int = 1024 * 1024,
    room: int = 8192,
    seeds: bool = True,
    usd_in: float | None = None,
    usd_out: float | None = None,
) -> PromptedReasoner:
    """Return a reasoner and comparer on a server.

    Args:
        url: Of the API; several, with commas between them, make a pool.
        model: Its name on the server; empty is the only one that the server has.
        dialect: ``json``, ``reasonedit``, ``editthinker``, or one with settings: ``reasonedit(judge=rewritten)``.
        prompts: A file with words of your own.
        key: Name of the environment variable that holds the API key.
        timeout: Seconds that one attempt may take.
        retries: Further attempts after a fault that may pass.
        patience: Seconds that a server which answered before and is gone (it restarts) is waited for, beside the
            retries. One that never answered is not waited for.
        pixels: Most pixels of a picture that is sent; larger ones are made smaller.
        room: Most tokens of a reply, also when it was cut off and is asked for again.
        seeds: Whether sampled replies get a seed; the engine of vLLM's CPU build (0.32) can die of one.
        usd_in: US dollars per million prompt tokens, for the trace's costs.
        usd_out: US dollars per million tokens of replies.

    Raises:
        UsageError: The URL is none, or there is no such dialect.
    """
    backend = OpenAIBackend(
        url,
        model,
        key=key,
        timeout=timeout,
        retries=retries,
        patience=patience,
        pixels=pixels,
        room=room,
        seeds=seeds,
        prices=None if usd_in is None or usd_out is None else (usd_in, usd_out),
    )
    return PromptedReasoner(backend, make_dialect(dialect, prompts))


@dataclass(frozen=True)
class _Shape:
    """How a prompt is put to a server."""

    pixels: int
    room: int
    with_bytes: bool = False
    with_chances: bool = True
    schema: Literal["bounded", "plain", "text"] = "bounded"
    room_as: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    with_sampling: bool = True


class OpenAIBackend:
    """Calls chat completions of one server, or of a pool; the arguments are those of `openai_reasoner`.

    Raises:
        UsageError: A URL is none.
    """

    def __init__(
        self,
        url: str,
        model: str = "",
        *,
        key: str = "OPENAI_API_KEY",
        timeout: float = 120.0,
        retries: int = 4,
        patience: float = 30.0,
        pixels: int = 1024 * 1024,
        room: int = 8192,
        seeds: bool = True,
        prices: tuple[float, float] | None = None,
    ) -> None:
        check_key_name(key)
        self.pool = Pool(api_urls(url))
        self._model, self._key = model, key
        self._timeout, self._retries, self._patience = timeout, retries, patience
        self._pixels, self._room = pixels, room
        self._seeds, self._prices = seeds, prices

    @property
    def info(self) -> PartInfo:
        """Name, version, and what changes the answers; no key."""
        urls = [server.url for server in self.pool.servers]
        settings: dict[str, Any] = {
            "url": ", ".join(urls),
            "model": self._model,
            "pixels": self._pixels,
            "room": self._room,
        }
        settings |= {} if self._seeds else {"seeds": False}
        return PartInfo(name="openai", version="1", settings=settings)

    async def complete(self, prompt: Prompt, ctx: Context) -> Reply:
        """Ask until there is a reply, a fault that stays, or no time.

        Raises:
            UsageError: The key, the model's name, or the model itself is the wrong one.
            TimedOut: There was no answer in time.
            Lost: The server gave none, however often it was asked.
            Refused: The model declined.
            Malformed: The reply was cut off at the most room that it may have.
        """
        shape = _Shape(self._pixels, min(prompt.max_tokens, self._room))
        for _ in range(_CHANGES):
            attempt = partial(self._attempt, prompt, shape, ctx)
            answer = await insist(attempt, ctx, retries=self._retries, patience=self._patience)
            if isinstance(answer, Fault):
                answer = self._otherwise(prompt, shape, answer, ctx)
            if isinstance(answer, Reply):
                return answer
            shape = answer
        raise Lost("The server refuses the request in every shape.", hint="The trace has each attempt.")

    # -- one attempt

    async def _attempt(self, prompt: Prompt, shape: _Shape, ctx: Context, number: int) -> Reply | _Shape:
        try:
            with self.pool.take() as server:
                return await self._call(server, prompt, shape, ctx, number)
        except Lost as nobody:
            fault = Fault(nobody, retry_after=self.pool.pause())
            raise Failed(fault.of(any(server.answered for server in self.pool.servers))) from nobody

    async def _call(self, server: Server, prompt: Prompt, shape: _Shape, ctx: Context, number: int) -> Reply | _Shape:
        started = time.monotonic()
        left = self._timeout if ctx.deadline is None else min(self._timeout, ctx.deadline - started)
        named = {"backend": self._model or server.url, "prompt": prompt.name, "prompt_sha256": prompt.sha256}
        try:
            async with asyncio.timeout(max(left, 0.001)):
                client = await client_of(server.url, self._secret, self._timeout)
                model = await _odd(self._served(server, client, ctx))
                named["backend"] = model
                pictures = [shown(ref, shape.pixels) for ref in prompt.images]
                urls = await self._urls(pictures, server, shape, ctx)
                fields = self._fields(server, model, prompt, shape, zip(pictures, urls, strict=True))
                answer = await _odd(client.chat.completions.create(**fields))
            if not isinstance(answer, ChatCompletion) or not answer.choices:
                raise ValueError(f"got {str(answer)[:80]!r}")
        except UsageError as error:
            if len(self.pool.servers) == 1:
                raise
            self.pool.failed(server, str(error))  # another one may have the model, or take the key
            raise Failed(Fault(Lost(error.message, hint=error.hint, retryable=True))) from error
        except (openai.OpenAIError, OSError, ValueError) as error:
            fault = fault_of(error, url=server.url, key_name=self._key, secret=self._secret).of(server.answered)
            if fault.server_down and not late(ctx):
                self.pool.failed(server, fault.error.message)
            usage = Usage(seconds=time.monotonic() - started)
            ctx.emit(Called(**named, usage=usage, error=fault.error.message, note=f"attempt {number}"))
            raise Failed(fault) from error
        self.pool.succeeded(server)
        server.hold([picture.name for picture in pictures])
        reply, finish = self._told(answer, prompt, ctx, named, time.monotonic() - started, number)
        if finish != "length":
            return reply
        used = answer.usage.total_tokens if answer.usage else 0
        wrote = answer.usage.completion_tokens if answer.usage else shape.room
        if server.context is not None and used >= server.context - 1 and wrote < prompt.max_tokens:
            return self._smaller(prompt, shape, Lost(f"The context of {server.context} tokens is full."), ctx)
        return self._roomier(shape, reply)

    def _told(
        self, answer: ChatCompletion, prompt: Prompt, ctx: Context, named: dict[str, str], seconds: float, number: int
    ) -> tuple[Reply, str]:
        """Emit what came and what it cost; return the reply and why it ended."""
        choice = answer.choices[0]
        text, usage = choice.message.content or "", answer.usage
        reasoning = getattr(choice.message, "reasoning", None) or getattr(choice.message, "reasoning_content", None)
        details = usage.prompt_tokens_details if usage else None
        cost = Usage(
            seconds=seconds,
            prompt_tokens=usage.prompt_tokens if usage else None,
            cached_tokens=details.cached_tokens if details else None,
            completion_tokens=usage.completion_tokens if usage else None,
            images=len(prompt.images),
            usd=_usd(usage.prompt_tokens, usage.completion_tokens, self._prices) if usage else None,
        )
        note = f"attempt {number}, ended by {choice.finish_reason}"
        ctx.emit(Called(**named, raw=text, reasoning=str(reasoning or ""), usage=cost, note=note))
        if choice.message.refusal or choice.finish_reason == "content_filter":
            raise Refused("The model declined.", raw=choice.message.refusal or text)
        spread = None
        if prompt.choice and choice.logprobs and choice.logprobs.content:
            tokens = (
                (t.token, {t.token: t.logprob, **{o.token: o.logprob for o in t.top_logprobs}})
                for t in choice.logprobs.content
            )
            spread = chances(prompt.choice, tokens)
        return Reply(text, spread), choice.finish_reason

    def _roomier(self, shape: _Shape, reply: Reply) -> _Shape:
        if shape.room >= self._room:
            raise Malformed(f"The reply was cut off after {shape.room} tokens.", raw=reply.text)
        return replace(shape, room=min(2 * shape.room, self._room))

    # -- what a refused request becomes

    def _otherwise(self, prompt: Prompt, shape: _Shape, fault: Fault, ctx: Context) -> _Shape:
        """Return another shape that the server may take, or raise what the fault means."""
        said = fault.body.lower()
        if "cache miss" in said and not shape.with_bytes:
            return replace(shape, with_bytes=True)
        if fault.status == 400 and shape.with_chances and "logprob" in said:
            return replace(shape, with_chances=False)
        if fault.status == 400 and shape.schema != "text" and any(word in said for word in _OF_SCHEMAS):
            return replace(shape, schema="plain" if shape.schema == "bounded" else "text")
        if fault.status == 400 and "max_completion_tokens" in said and shape.room_as == "max_tokens":
            return replace(shape, room_as="max_completion_tokens")
        if fault.status == 400 and shape.with_sampling and ("'temperature'" in said or "'top_p'" in said):
            return replace(shape, with_sampling=False)
        if fault.status == 400 and any(word in said for word in ("context length", "too long", "max_model_len")):
            return self._smaller(prompt, shape, fault.error, ctx)
        if fault.status == 400 and prompt.images and ("not a multimodal" in said or "image input" in said):
            raise UsageError(f"The model takes no pictures: {fault.body[:200]}", hint="Serve a vision-language model.")
        raise fault.error

    def _smaller(self, prompt: Prompt, shape: _Shape, problem: ReasonEditError, ctx: Context) -> _Shape:
        hint = "Serve the model with more context (--max-model-len)."
        return replace(shape, pixels=fewer_pixels(prompt.images, shape.pixels, problem.message, ctx, hint=hint))

    # -- the request

    async def _urls(
        self, pictures: list[Shown], server: Server, shape: _Shape, ctx: Context
    ) -> list[dict[str, str] | None]:
        """Return the bytes of each picture, or None where a vLLM server holds it under its name."""
        known = [server.is_vllm and p.name in server.held and not shape.with_bytes for p in pictures]
        return [
            None if held else {"url": await asyncio.to_thread(picture.data_url, ctx.images)}
            for held, picture in zip(known, pictures, strict=True)
        ]

    def _fields(
        self,
        server: Server,
        model: str,
        prompt: Prompt,
        shape: _Shape,
        pictures: Iterator[tuple[Shown, dict[str, str] | None]],
    ) -> dict[str, Any]:
        turns = list(prompt.turns)
        if prompt.schema and shape.schema == "text":
            turns.append(Turn("user", (f"The format, as a JSON schema: {prompt.schema}",)))

        def part(piece: str | ImageRef) -> dict[str, Any]:
            if isinstance(piece, str):
                return {"type": "text", "text": defused(piece)}
            picture, url = next(pictures)
            named = {"uuid": picture.name} if server.is_vllm else {}
            return {"type": "image_url", "image_url": url, **named}

        messages = [
            {"role": turn.role, "content": defused(turn.parts[0])}
            if turn.role != "user" and isinstance(turn.parts[0], str)
            else {"role": turn.role, "content": [part(piece) for piece in turn.parts]}
            for turn in turns
        ]
        fields: dict[str, Any] = {
            "model": model,
            "messages": messages,
            shape.room_as: shape.room,
        }
        if shape.with_sampling:
            fields |= {"temperature": prompt.temperature, "top_p": prompt.top_p}
        if prompt.seed is not None and self._seeds:
            fields["seed"] = prompt.seed % 2**31
        if prompt.schema and shape.schema != "text":
            name = prompt.name.split("@")[0].replace("/", "_")
            schema = prompt.schema if shape.schema == "bounded" else unbounded(prompt.schema)
            fields["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": name, "schema": schema, "strict": True},
            }
        if prompt.choice and shape.with_chances:
            fields |= {"logprobs": True, "top_logprobs": 5}
        return fields

    async def _served(self, server: Server, client: openai.AsyncOpenAI, ctx: Context) -> str:
        """Return the model's name on the server, which is asked once what it has."""
        if not server.models:
            found = await self._listed(server, client, ctx)
            server.is_vllm = any(model.owned_by == "vllm" for model in found)
            lengths = [length for model in found if (length := getattr(model, "max_model_len", None))]
            server.context = lengths[0] if lengths else None
            server.models = tuple(model.id for model in found) or ((self._model,) if self._model else ())
        names = server.models
        if self._model and self._model not in names:
            raise UsageError(f"{server.url} has no model {self._model!r}.", hint=f"It has: {', '.join(names[:20])}.")
        if not self._model and len(names) != 1:
            raise UsageError(f"{server.url} has {len(names)} models.", hint=f"Name one: {', '.join(names[:20])}.")
        return self._model or names[0]

    async def _listed(self, server: Server, client: openai.AsyncOpenAI, ctx: Context) -> list[Model]:
        try:
            return [model async for model in await client.models.list()]
        except openai.APIStatusError as error:
            if error.status_code not in (404, 405):
                raise
            if not self._model:
                hint = "Name the model (model=). The URL of an API mostly ends in /v1."
                raise UsageError(f"{server.url} does not list its models.", hint=hint) from None
        ctx.emit(Noted(text=f"{server.url} does not list its models: that it has {self._model!r} is taken on trust."))
        return []

    @property
    def _secret(self) -> str:
        return os.environ.get(self._key, "")


async def _odd(call: Awaitable[T]) -> T:
    """Wait for a call of the client; a body that it stumbles over is the server's fault, not a bug of ours."""
    try:
        return await call
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"the body is none that was asked for ({error})") from error


def _usd(prompt: int, completion: int, prices: tuple[float, float] | None) -> float | None:
    return None if prices is None else (prompt * prices[0] + completion * prices[1]) / 1e6
