"""Any image-text-to-text model of transformers, in this process; Qwen2.5-VL first.

All that touches a model happens on its own thread, one call after another (`reasonedit_agent.loading`). What a prompt
asks of the sampling holds here whatever the checkpoint's own settings say, and nothing else is applied.
"""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PIL.Image import Resampling

from reasonedit_agent.errors import BackendError, Lost, Malformed, ReasonEditError, TimedOut
from reasonedit_agent.events import Called, Noted, PartInfo
from reasonedit_agent.protocols import Context
from reasonedit_agent.reasoners.backends.chances import chances
from reasonedit_agent.reasoners.backends.decoding import Decoder
from reasonedit_agent.reasoners.backends.local_models import LocalModel, Source, first_line, wearing
from reasonedit_agent.reasoners.backends.pictures import fewer_pixels, shown
from reasonedit_agent.reasoners.dialects import make_dialect
from reasonedit_agent.reasoners.dialects.base import Prompt, Reply
from reasonedit_agent.reasoners.prompted import PromptedReasoner
from reasonedit_agent.registry import Call
from reasonedit_agent.schemas import ImageRef, Usage

__all__ = ["TransformersBackend", "transformers_reasoner"]


def transformers_reasoner(
    path: str,
    dialect: str | Call = "json",
    *,
    revision: str = "",
    adapter: str = "",
    dtype: str = "auto",
    device: str = "auto",
    prompts: str = "",
    pixels: int = 1024 * 1024,
    room: int = 8192,
) -> PromptedReasoner:
    """Return a reasoner and comparer that runs in this process; the model is loaded when it is first asked.

    Args:
        path: A folder with the model (weights in safetensors), a diffusers pipeline's whose ``text_encoder`` is one, or
            a hub id.
        dialect: ``json``, ``reasonedit``, ``editthinker``, or one with settings: ``reasonedit(judge=rewritten)``.
        revision: The commit of a hub id, which must be named.
        adapter: A folder with a LoRA adapter (safetensors). The weights under it stay shared with those who use the
            model without it, or with another.
        dtype: Of the weights; ``auto`` is the checkpoint's.
        device: Such as ``cuda:1`` or ``cpu``; ``auto`` is the first accelerator, else the CPU.
        prompts: A file with words of your own.
        pixels: Most pixels of a picture that the model is shown; larger ones are made smaller.
        room: Most tokens of a reply, also when it was cut off and is asked for again.

    Raises:
        UsageError: There is no such model, adapter or dialect, or a library is missing.
    """
    source = Source(path, revision=revision, adapter=adapter, dtype=dtype, device=device)
    settings = {"path": path, "revision": revision, "adapter": adapter, "dtype": dtype, "device": device}
    info = PartInfo(name="transformers", version="1", settings={**settings, "pixels": pixels})
    return PromptedReasoner(TransformersBackend(source, info, pixels=pixels, room=room), make_dialect(dialect, prompts))


@dataclass(frozen=True)
class _Shape:
    """How a prompt is put to the model."""

    pixels: int
    room: int


@dataclass(frozen=True)
class _Written:
    """What the model wrote. It ``ended`` by itself, it was ``cut`` off for want of room, or it was stopped."""

    text: str
    prompt_tokens: int
    tokens: int
    ended: bool
    cut: bool
    chances: dict[str, float] | None


class _TooLong(Exception):
    """The prompt leaves no room for the reply."""


class TransformersBackend:
    """Answers with a model in memory.

    Args:
        source: Of the model.
        info: Name, version, and what changes the answers.
        pixels: Most pixels of a picture that the model is shown.
        room: Most tokens of a reply.
    """

    def __init__(self, source: Source, info: PartInfo, *, pixels: int = 1024 * 1024, room: int = 8192) -> None:
        self.info = info
        self._source, self._pixels, self._room = source, pixels, room
        self._model: LocalModel | None = None
        self._gate = threading.Lock()

    async def complete(self, prompt: Prompt, ctx: Context) -> Reply:
        """Write until there is a whole reply, no room, or no time.

        Raises:
            UsageError: The model cannot be loaded, or the adapter does not fit it.
            TimedOut: The deadline came first.
            Lost: The run was given up, memory ran out, or the model failed.
            BackendError: The prompt does not fit into the model's context.
            Malformed: The reply was cut off, however much room it had.
        """
        answer: Reply | _Shape = _Shape(self._pixels, min(prompt.max_tokens, self._room))
        number = 0
        while not isinstance(answer, Reply):
            number += 1
            answer = await self._attempt(prompt, answer, ctx, number)
        return answer

    async def _attempt(self, prompt: Prompt, shape: _Shape, ctx: Context, number: int) -> Reply | _Shape:
        until, started = _Until(ctx), time.monotonic()
        named: dict[str, Any] = {
            "backend": self._source.path,
            "prompt": prompt.name,
            "prompt_sha256": prompt.sha256,
        }
        left = None if ctx.deadline is None else max(ctx.deadline - started, 0.0)
        try:
            async with asyncio.timeout(left):
                model = self._model if self._model is not None else await asyncio.to_thread(self._load)
                work = partial(_write, model, self._source.adapter, prompt, shape, ctx, until)
                written = await asyncio.wrap_future(model.loaded.submit(work))
        except (Exception, asyncio.CancelledError) as error:
            until.gone.set()  # the thread cannot be stopped: it stops itself after its next token
            usage = Usage(seconds=time.monotonic() - started, completion_tokens=until.tokens)
            ctx.emit(Called(**named, error=first_line(error), usage=usage, note=f"attempt {number}"))
            if isinstance(error, _TooLong):
                return _smaller(prompt, shape, str(error), ctx)
            if isinstance(error, ReasonEditError | asyncio.CancelledError):
                raise
            raise _meaning(error) from error
        seconds = time.monotonic() - started
        usage = Usage(
            seconds=seconds,
            gpu_seconds=seconds if model.on_gpu else None,
            prompt_tokens=written.prompt_tokens,
            completion_tokens=written.tokens,
            images=len(prompt.images),
        )
        reasoning, text = _apart(written.text, prompt)
        note = f"attempt {number}, ended by {'stop' if written.ended else 'length' if written.cut else 'cancellation'}"
        ctx.emit(Called(**named, raw=text, reasoning=reasoning, usage=usage, note=note))
        if written.ended:
            return Reply(text, written.chances)
        if not written.cut:
            raise _given_up(ctx)
        if written.tokens < shape.room:
            return _smaller(prompt, shape, f"The context of {model.context} tokens is full.", ctx)
        if shape.room >= self._room:
            raise Malformed(f"The reply was cut off after {written.tokens} tokens.", raw=text)
        more = min(2 * shape.room, self._room)
        ctx.emit(
            Noted(text=f"The reply did not end within {written.tokens} tokens: it is asked for again, with {more}.")
        )
        return replace(shape, room=more)

    def _load(self) -> LocalModel:
        with self._gate:
            if self._model is None:
                self._model = self._source.load()
            return self._model


class _Until:
    """Whether to stop, asked after every token; a stopping criterion of transformers."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.gone = threading.Event()
        self.tokens = 0

    def over(self) -> bool:
        """Return whether the caller went away, or the run was given up or is late."""
        late = self._ctx.deadline is not None and time.monotonic() >= self._ctx.deadline
        return late or self.gone.is_set() or self._ctx.cancelled()

    def __call__(self, ids: Any, scores: Any) -> Any:
        import torch

        self.tokens += 1
        return torch.full((ids.shape[0],), self.over(), device=ids.device)


def _write(
    local: LocalModel, adapter: str, prompt: Prompt, shape: _Shape, ctx: Context, until: _Until, model: Any
) -> _Written:
    """Read the prompt and write the reply; on the model's thread."""
    if until.over():
        raise _given_up(ctx)
    tokenizer = local.processor.tokenizer
    inputs = local.processor.apply_chat_template(
        [{"role": turn.role, "content": [_part(piece, shape, ctx) for piece in turn.parts]} for turn in prompt.turns],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        sanitize_control_tokens=True,  # what a user wrote cannot end a turn or stand for a picture
    ).to(model.device)
    asked = inputs["input_ids"].shape[1]
    room = shape.room if local.context is None else min(shape.room, local.context - asked)
    if room < min(prompt.max_tokens, shape.room):
        raise _TooLong(f"{asked} prompt tokens and {prompt.max_tokens} for the reply are more than {local.context}.")
    decoder = Decoder(prompt, local.vocabulary, tokenizer)
    with wearing(model, adapter):
        ids = model.generate(
            **inputs,
            max_new_tokens=room,
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            logits_processor=[decoder],
            stopping_criteria=[until],
        )[0, asked:].tolist()
    ended = bool(ids) and ids[-1] in local.ends
    text = tokenizer.decode(ids, skip_special_tokens=True)
    spread = chances(prompt.choice, decoder.seen) if prompt.choice else None
    return _Written(text, asked, len(ids), ended, not ended and len(ids) >= room, spread)


def _part(piece: str | ImageRef, shape: _Shape, ctx: Context) -> dict[str, Any]:
    if isinstance(piece, str):
        return {"type": "text", "text": piece}
    picture = shown(piece, shape.pixels)
    image = ctx.images.open(piece).convert("RGB")
    size = (picture.width, picture.height)
    return {"type": "image", "image": image if image.size == size else image.resize(size, Resampling.LANCZOS)}


def _smaller(prompt: Prompt, shape: _Shape, problem: str, ctx: Context) -> _Shape:
    hint = "Use a model with more context."
    return replace(shape, pixels=fewer_pixels(prompt.images, shape.pixels, problem, ctx, hint=hint))


def _given_up(ctx: Context) -> BackendError:
    if ctx.deadline is not None and time.monotonic() >= ctx.deadline:
        return TimedOut("The reply did not end before the deadline.")
    return Lost("The call was given up.", retryable=True)


def _meaning(error: Exception) -> BackendError:
    """Return ours for a foreign exception."""
    import torch

    if isinstance(error, TimeoutError):
        return TimedOut("The reply did not end before the deadline.")
    if isinstance(error, torch.OutOfMemoryError):
        return Lost("The accelerator's memory ran out.", hint="Show fewer pixels (pixels=), or name another device=.")
    return Lost(f"The model failed: {type(error).__name__}: {first_line(error)}.")


def _apart(text: str, prompt: Prompt) -> tuple[str, str]:
    """Return reasoning and reply; where the prompt asks for the tag itself, it is part of the reply."""
    asked = any("<think>" in part for turn in prompt.turns for part in turn.parts if isinstance(part, str))
    if asked:
        return "", text.strip()
    thought, _, said = text.rpartition("</think>")
    return thought.strip().removeprefix("<think>").strip(), said.strip()
