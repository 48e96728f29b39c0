"""Any chat model of LangChain: an object, or a text that ``init_chat_model`` reads.

One owner per layer: `retrying` retries (tenacity); the model's own retries (``max_retries``) are switched off in a copy
of it, so that every attempt is an event. The model knows its keys and time-outs. What changes between two attempts is
what it turned out not to take: a keyword that it refuses by name, pictures too large for its context, too little room
for the reply.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import openai

from reasonedit_agent.errors import Lost, Malformed, ReasonEditError, Refused, TimedOut, UsageError
from reasonedit_agent.events import Called, PartInfo
from reasonedit_agent.protocols import Context
from reasonedit_agent.reasoners.backends.chances import chances
from reasonedit_agent.reasoners.backends.langchain_models import chat_model, secrets_of
from reasonedit_agent.reasoners.backends.pictures import fewer_pixels, shown
from reasonedit_agent.reasoners.backends.special import defused
from reasonedit_agent.reasoners.dialects import make_dialect
from reasonedit_agent.reasoners.dialects.base import Prompt, Reply, Turn
from reasonedit_agent.reasoners.dialects.strict import unbounded
from reasonedit_agent.reasoners.prompted import PromptedReasoner
from reasonedit_agent.registry import Call
from reasonedit_agent.remote.faults import Fault, may_pass, retry_after, scrubbed
from reasonedit_agent.remote.retrying import Failed, insist
from reasonedit_agent.schemas import ImageRef, Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

__all__ = ["LangChainBackend", "langchain_reasoner"]

_CUT = ("length", "max_tokens")
_OF_SCHEMAS = ("response_format", "schema", "grammar")
"""What providers say when they do not take a schema, or this one."""
_BOUNDS = "bounds"
"""Stands among what a model refused for the bounds in a schema, which go before the schema does."""
_DECLINED = ("content_filter", "refusal", "safety")


def langchain_reasoner(
    model: BaseChatModel | str,
    dialect: str | Call = "json",
    *,
    prompts: str = "",
    pixels: int = 1024 * 1024,
    room: int = 8192,
    timeout: float = 120.0,
    retries: int = 4,
    patience: float = 30.0,
    structured: bool | None = None,
) -> PromptedReasoner:
    """Return a reasoner and comparer on a chat model of LangChain.

    Args:
        model: A chat model with its own key, or a text such as ``openai:gpt-5``. A copy of it is called, without its
            own retries; a model that has no ``max_retries`` keeps those that it may have.
        dialect: ``json``, ``reasonedit``, ``editthinker``, or one with settings: ``reasonedit(judge=rewritten)``.
        prompts: A file with words of your own.
        pixels: Most pixels of a picture that is sent; larger ones are made smaller.
        room: Most tokens of a reply, also when it was cut off and is asked for again.
        timeout: Seconds that one attempt may take; the model's own limit counts too.
        retries: Further attempts after a fault that may pass.
        patience: Seconds that a server which answered before and is gone is waited for, beside the retries.
        structured: Whether the model is held to a schema by ``response_format``. None: where its profile in LangChain
            says that it has structured output. Otherwise the schema is written under the question.

    Raises:
        UsageError: It is no chat model, a package is missing, or there is no such dialect.
    """
    backend = LangChainBackend(
        model, pixels=pixels, room=room, timeout=timeout, retries=retries, patience=patience, structured=structured
    )
    return PromptedReasoner(backend, make_dialect(dialect, prompts))


@dataclass(frozen=True)
class _Shape:
    """How a prompt is put to the model; ``without`` is what it refused."""

    pixels: int
    room: int
    without: frozenset[str] = frozenset()


class LangChainBackend:
    """Calls a chat model of LangChain; the arguments are those of `langchain_reasoner`.

    Raises:
        UsageError: It is none, or a package is missing.
    """

    def __init__(
        self,
        model: BaseChatModel | str,
        *,
        pixels: int = 1024 * 1024,
        room: int = 8192,
        timeout: float = 120.0,
        retries: int = 4,
        patience: float = 30.0,
        structured: bool | None = None,
    ) -> None:
        self._model = chat_model(model)
        self._profile: dict[str, Any] = dict(self._model.profile or {})
        self._structured = bool(self._profile.get("structured_output")) if structured is None else structured
        self._named = str(getattr(self._model, "model_name", "") or getattr(self._model, "model", ""))
        self._named = self._named or type(self._model).__name__
        self._pixels, self._room = pixels, room
        self._timeout, self._retries, self._patience = timeout, retries, patience
        self._refused: frozenset[str] = frozenset()
        self._answered = False

    @property
    def info(self) -> PartInfo:
        """Name, version, and what changes the answers; no key."""
        kind = type(self._model).__name__
        settings: dict[str, Any] = {"class": kind, "model": self._named, "pixels": self._pixels}
        return PartInfo(name="langchain", version="1", settings={**settings, "structured": self._structured})

    async def complete(self, prompt: Prompt, ctx: Context) -> Reply:
        """Ask until there is a reply, or nothing is left to change.

        Raises:
            UsageError: The key or the model's name is wrong.
            TimedOut: There was no answer in time.
            Lost: The model gave none.
            BackendError: The request does not fit into the model's context.
            Refused: The model declined.
            Malformed: The reply was cut off, however much room it had.
        """
        answer: Reply | _Shape = _Shape(self._pixels, min(prompt.max_tokens, self._room), self._refused)
        while isinstance(answer, _Shape):
            attempt = partial(self._attempt, prompt, answer, ctx)
            found = await insist(attempt, ctx, retries=self._retries, patience=self._patience)
            if isinstance(found, Fault):
                raise found.error
            answer = found
            if isinstance(answer, _Shape):
                self._refused |= answer.without  # others learn too, at the same time
        return answer

    async def _attempt(self, prompt: Prompt, shape: _Shape, ctx: Context, number: int) -> Reply | _Shape:
        started = time.monotonic()
        left = self._timeout if ctx.deadline is None else min(self._timeout, ctx.deadline - started)
        named = {"backend": self._named, "prompt": prompt.name, "prompt_sha256": prompt.sha256}
        bound = self._bound(prompt, shape)
        answer: AIMessage | Exception
        try:
            async with asyncio.timeout(max(left, 0.001)):
                messages = await asyncio.to_thread(_messages, prompt, shape, "response_format" in bound, ctx)
                answer = await self._model.bind(**bound).ainvoke(messages)
        except (Exception, asyncio.CancelledError) as error:
            usage = Usage(seconds=time.monotonic() - started)
            said = self._said(error)
            ctx.emit(Called(**named, error=said, usage=usage, note=f"attempt {number}"))
            if isinstance(error, ReasonEditError | asyncio.CancelledError):
                raise
            answer = error
        if isinstance(answer, Exception):  # not in the handler: what it says may hold the key, and would be chained
            return self._otherwise(answer, said, prompt, shape, bound, ctx)
        self._answered = True
        finish = _finish(answer)
        reasoning = "\n".join(str(b.get("reasoning", "")) for b in answer.content_blocks if b["type"] == "reasoning")
        text, usage = str(answer.text), _usage(answer, time.monotonic() - started, len(prompt.images))
        note = f"attempt {number}, ended by {finish or 'itself'}"
        ctx.emit(Called(**named, raw=text, reasoning=reasoning, usage=usage, note=note))
        refusal = answer.additional_kwargs.get("refusal")
        if refusal or finish in _DECLINED:
            raise Refused("The model declined.", raw=str(refusal or text))
        if finish in _CUT:
            return self._roomier(shape, bound, text)
        return Reply(text, _chances(prompt, answer))

    def _bound(self, prompt: Prompt, shape: _Shape) -> dict[str, Any]:
        """Return the call's keywords: those that the model's class declares, and the schema where it takes one."""
        wanted: dict[str, Any] = {"max_tokens": shape.room, "temperature": prompt.temperature}
        if prompt.top_p < 1:
            wanted["top_p"] = prompt.top_p
        if prompt.seed is not None:
            wanted["seed"] = prompt.seed % 2**31
        if prompt.choice is not None:
            wanted |= {"logprobs": True, "top_logprobs": 5}
        declared = type(self._model).model_fields
        bound = {name: value for name, value in wanted.items() if name in declared and self._profile.get(name, True)}
        if prompt.schema is not None and self._structured:
            name = re.sub(r"\W+", "_", prompt.name.split("@")[0])
            schema = unbounded(prompt.schema) if _BOUNDS in shape.without else prompt.schema
            form = {"name": name, "schema": schema, "strict": True}
            bound["response_format"] = {"type": "json_schema", "json_schema": form}
        return {name: value for name, value in bound.items() if name not in shape.without}

    def _otherwise(
        self, error: Exception, said: str, prompt: Prompt, shape: _Shape, bound: dict[str, Any], ctx: Context
    ) -> _Shape:
        """Return another shape that the model may take, or raise what the exception means."""
        from langchain_core.exceptions import ContextOverflowError

        if isinstance(error, openai.LengthFinishReasonError):  # what its client makes of a JSON reply that was cut off
            return self._roomier(shape, bound, error.completion.choices[0].message.content or "")
        if isinstance(error, openai.ContentFilterFinishReasonError):
            raise Refused("The model declined.")
        if isinstance(error, ContextOverflowError):
            return _smaller(prompt, shape, said, ctx)
        if _is_refusal_of_the_request(error):
            if (name := _named_in(str(error), bound)) is not None:
                bounded = name == "response_format" and _BOUNDS not in shape.without
                return replace(shape, without=shape.without | {_BOUNDS if bounded else name})
        raise Failed(_fault(error, self._named, said).of(self._answered))

    def _roomier(self, shape: _Shape, bound: dict[str, Any], text: str) -> _Shape:
        if shape.room >= self._room or "max_tokens" not in bound:
            limit = f"{shape.room} tokens" if "max_tokens" in bound else "the model's own limit"
            raise Malformed(f"The reply was cut off after {limit}.", raw=text)
        return replace(shape, room=min(2 * shape.room, self._room))

    def _said(self, error: BaseException) -> str:
        """Return an exception's message, without keys."""
        text = " ".join(str(error).split()) or type(error).__name__
        return scrubbed(text, *secrets_of(self._model))[:300]


# -- the request ------------------------------------------------------------------------------------------------------


def _messages(prompt: Prompt, shape: _Shape, held: bool, ctx: Context) -> list[BaseMessage]:
    """Return LangChain's messages; the schema stands in the last one where the model is not held to it."""
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    turns = list(prompt.turns)
    if prompt.schema is not None and not held:
        turns.append(Turn("user", (f"The format, as a JSON schema: {prompt.schema}",)))
    kinds = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    messages: list[BaseMessage] = []
    for turn in turns:
        parts: list[str | dict[str, Any]] = [_block(part, shape, ctx) for part in turn.parts]
        messages.append(kinds[turn.role](content=parts))
    return messages


def _block(part: str | ImageRef, shape: _Shape, ctx: Context) -> dict[str, Any]:
    """Return a content block of LangChain 1, which every provider's package translates."""
    if isinstance(part, str):
        return {"type": "text", "text": defused(part)}
    head, _, data = shown(part, shape.pixels).data_url(ctx.images).partition(";base64,")
    return {"type": "image", "base64": data, "mime_type": head.removeprefix("data:")}


def _smaller(prompt: Prompt, shape: _Shape, said: str, ctx: Context) -> _Shape:
    hint = "Use a model with more context."
    return replace(shape, pixels=fewer_pixels(prompt.images, shape.pixels, said, ctx, hint=hint))


# -- the answer -------------------------------------------------------------------------------------------------------


def _finish(answer: AIMessage) -> str:
    told = answer.response_metadata
    return str(told.get("finish_reason") or told.get("stop_reason") or told.get("done_reason") or "").lower()


def _usage(answer: AIMessage, seconds: float, images: int) -> Usage:
    counted = answer.usage_metadata
    if counted is None:
        return Usage(seconds=seconds, images=images)
    return Usage(
        seconds=seconds,
        prompt_tokens=counted["input_tokens"],
        cached_tokens=counted.get("input_token_details", {}).get("cache_read"),
        completion_tokens=counted["output_tokens"],
        images=images,
    )


def _chances(prompt: Prompt, answer: AIMessage) -> dict[str, float] | None:
    told = (answer.response_metadata.get("logprobs") or {}).get("content")
    if prompt.choice is None or not told:
        return None
    tokens = (
        (t["token"], {t["token"]: t["logprob"], **{o["token"]: o["logprob"] for o in t.get("top_logprobs", [])}})
        for t in told
    )
    return chances(prompt.choice, tokens)


# -- errors -----------------------------------------------------------------------------------------------------------


def _status(error: Exception) -> int:
    """Return the HTTP status that an exception carries, or that its kind in LangChain's tree stands for; or 0."""
    from langchain_core import exceptions as theirs

    found = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(found, int):
        return found
    kinds: dict[type[Exception], int] = {
        theirs.ModelAuthenticationError: 401,
        theirs.ModelPermissionDeniedError: 403,
        theirs.ModelNotFoundError: 404,
        theirs.ModelInvalidRequestError: 400,
        theirs.ModelRateLimitError: 429,
        theirs.ModelAPIError: 500,
    }
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), 0)


def _is_refusal_of_the_request(error: Exception) -> bool:
    return isinstance(error, TypeError) or _status(error) in (400, 422)


def _named_in(text: str, bound: dict[str, Any]) -> str | None:
    """Return the keyword of a call that a provider's message is about."""
    text = text.replace("max_completion_tokens", "max_tokens")  # OpenAI's name on the wire
    if "response_format" in bound and any(word in text for word in _OF_SCHEMAS):
        return "response_format"
    return next((name for name in sorted(bound, key=len, reverse=True) if name in text), None)


def _fault(error: Exception, name: str, said: str) -> Fault:
    """Return what an exception of a provider means: by its status, or by LangChain's tree."""
    from langchain_core.exceptions import ModelTimeoutError

    status = _status(error)
    if status in (401, 403):
        hint = "Set the key that LangChain reads for it."
        return Fault(UsageError(f"{name} refuses the API key: {said}", hint=hint), status=status)
    if status == 404:
        return Fault(UsageError(f"There is no model {name}: {said}"), status=status)
    if isinstance(error, TimeoutError | ModelTimeoutError):
        return Fault(TimedOut(f"{name} did not answer in time.", retryable=True))
    broken = isinstance(error, ConnectionError | json.JSONDecodeError)  # a body that is cut off, or none of an API
    passing = broken or may_pass(status) or bool(getattr(error, "is_retryable", False))
    lost = Lost(f"{name} gave no answer: {type(error).__name__}: {said}", retryable=passing)
    headers = getattr(getattr(error, "response", None), "headers", {})
    return Fault(lost, retry_after(headers), status=status)
