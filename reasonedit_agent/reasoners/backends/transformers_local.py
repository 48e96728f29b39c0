"""Any image-text-to-text model of transformers, in this process; Qwen2.5-VL first.

All that touches a model happens on its own thread, one call after another (`reasonedit_agent.loading`). How a token is
chosen is one small object, `_Decoder`, and not the process's random state: what the grammar forbids is struck out, what
is left is sampled with the prompt's temperature, top_p and seed. The grammar is llguidance's: of the well-kept
libraries it brings the least along, and its replies were the ones that always held to their schema.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from reasonedit_agent.errors import BackendError, Lost, Malformed, ReasonEditError, TimedOut, UsageError
from reasonedit_agent.events import Called, Noted, PartInfo
from reasonedit_agent.loading import Loaded, ModelKey, shared
from reasonedit_agent.protocols import Context
from reasonedit_agent.reasoners.backends.chances import chances
from reasonedit_agent.reasoners.backends.pictures import shown
from reasonedit_agent.reasoners.dialects import make_dialect
from reasonedit_agent.reasoners.dialects.base import Prompt, Reply
from reasonedit_agent.reasoners.prompted import PromptedReasoner
from reasonedit_agent.registry import Call
from reasonedit_agent.schemas import Usage

__all__ = ["TransformersBackend", "transformers_reasoner"]

_FEWEST_PIXELS = 112 * 112
_CANDIDATES = 20
"""Of how many tokens the probabilities are kept, where a prompt wants those of a few words."""


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
    """Return a reasoner and comparer that runs in this process.

    Args:
        path: A folder with the model (safetensors only), a pipeline's folder whose ``text_encoder`` is one, or a hub id.
        dialect: ``json``, ``reasonedit``, ``editthinker``, or one with settings: ``reasonedit(judge=rewritten)``.
        revision: The commit of a hub id, which must be named.
        adapter: A folder with a LoRA adapter (safetensors only). The weights under it stay shared with those who use
            the model without it, or with another.
        dtype: Of the weights; ``auto`` is the checkpoint's.
        device: Such as ``cuda:1`` or ``cpu``; ``auto`` is the first accelerator, else the CPU.
        prompts: A file with words of your own.
        pixels: Most pixels of a picture that the model is shown; larger ones are made smaller.
        room: Most tokens of a reply, also when it was cut off and is asked for again.

    Raises:
        UsageError: There is no model or adapter, transformers is not installed, or there is no such dialect.
    """
    backend = TransformersBackend(
        path, revision=revision, adapter=adapter, dtype=dtype, device=device, pixels=pixels, room=room
    )
    return PromptedReasoner(backend, make_dialect(dialect, prompts))


@dataclass(frozen=True)
class _Ready:
    """What answers, once it is loaded."""

    loaded: Loaded[Any]
    processor: Any
    tokens: Any
    ends: frozenset[int]
    context: int | None
    on_gpu: bool


@dataclass(frozen=True)
class _Shape:
    """How a prompt is put to the model."""

    pixels: int
    room: int


@dataclass(frozen=True)
class _Written:
    """What the model wrote, and why it ended there."""

    text: str
    prompt_tokens: int
    tokens: int
    ended: bool
    full: bool
    chances: dict[str, float] | None


class _TooLong(Exception):
    """The prompt leaves no room for the reply."""


class TransformersBackend:
    """Answers with a model in memory; the arguments are those of `transformers_reasoner`."""

    def __init__(
        self,
        path: str,
        *,
        revision: str = "",
        adapter: str = "",
        dtype: str = "auto",
        device: str = "auto",
        pixels: int = 1024 * 1024,
        room: int = 8192,
    ) -> None:
        absent = [name for name in ("torch", "transformers", "llguidance") if importlib.util.find_spec(name) is None]
        if absent:
            hint = "Install them: pip install 'reasonedit-agent[transformers]'."
            raise UsageError(f"The reasoner 'transformers' needs {', '.join(absent)}.", hint=hint)
        self._model, self._words = _places(path, revision)
        self._adapter = _adapter(adapter) if adapter else ""
        self._revision, self._dtype, self._device = revision, dtype, device
        self._pixels, self._room = pixels, room
        self._named = {"path": path, "revision": revision, "adapter": adapter, "dtype": dtype, "device": device}
        self._kept: _Ready | None = None
        self._gate = threading.Lock()

    @property
    def info(self) -> PartInfo:
        """Name, version, and what changes the answers."""
        return PartInfo(name="transformers", version="1", settings={**self._named, "pixels": self._pixels})

    async def complete(self, prompt: Prompt, ctx: Context) -> Reply:
        """Write until there is a whole reply, no room, or no time.

        Raises:
            UsageError: There is no such model, or it cannot be asked like this.
            TimedOut: The deadline came first.
            Lost: The run was given up, or memory ran out.
            BackendError: The prompt does not fit into the model's context.
            Malformed: The reply was cut off, however much room it had.
        """
        shape = _Shape(self._pixels, min(prompt.max_tokens, self._room))
        number = 1
        while True:
            answer = await self._attempt(prompt, shape, ctx, number)
            if isinstance(answer, Reply):
                return answer
            shape, number = answer, number + 1

    async def _attempt(self, prompt: Prompt, shape: _Shape, ctx: Context, number: int) -> Reply | _Shape:
        until, started = _Until(ctx), time.monotonic()
        emit = partial(self._emit, prompt, ctx, started, f"attempt {number}")
        try:
            async with asyncio.timeout(None if ctx.deadline is None else max(ctx.deadline - started, 0.001)):
                ready = self._kept or await asyncio.to_thread(self._load)
                work = partial(_write, ready, self._adapter, prompt, shape, ctx, until)
                written = await asyncio.wrap_future(ready.loaded.submit(work))
        except _TooLong as error:
            emit(error=str(error))
            return _smaller(prompt, shape, str(error), ctx)
        except (Exception, asyncio.CancelledError) as error:
            until.gone.set()
            emit(error=str(error) or type(error).__name__, tokens=until.tokens)
            raise _told(error) from error
        reason = "length" if written.full else "stop" if written.ended else "cancellation"
        thought, _, text = written.text.rpartition("</think>")
        reasoning = thought.strip().removeprefix("<think>").strip()
        emit(raw=text.strip(), reasoning=reasoning, written=written, gpu=ready.on_gpu, why=f", ended by {reason}")
        if written.ended:
            return Reply(text.strip(), written.chances)
        if not written.full:
            raise _given_up(ctx)
        if shape.room >= self._room:
            raise Malformed(f"The reply was cut off after {written.tokens} tokens.", raw=text)
        return replace(shape, room=min(2 * shape.room, self._room))

    def _emit(
        self,
        prompt: Prompt,
        ctx: Context,
        started: float,
        note: str,
        *,
        raw: str = "",
        reasoning: str = "",
        error: str = "",
        tokens: int | None = None,
        written: _Written | None = None,
        gpu: bool = False,
        why: str = "",
    ) -> None:
        seconds = time.monotonic() - started
        usage = Usage(
            seconds=seconds,
            gpu_seconds=seconds if gpu else None,
            prompt_tokens=written.prompt_tokens if written else None,
            completion_tokens=written.tokens if written else tokens,
            images=len(prompt.images) if written else None,
        )
        named = {"backend": self._named["path"], "prompt": prompt.name, "prompt_sha256": prompt.sha256}
        ctx.emit(Called(**named, raw=raw, reasoning=reasoning, error=error, usage=usage, note=note + why))

    # -- loading

    def _load(self) -> _Ready:
        with self._gate:
            if self._kept is None:
                self._kept = self._loaded()
            return self._kept

    def _loaded(self) -> _Ready:
        import torch
        from llguidance.hf import from_tokenizer
        from transformers import AutoConfig

        device = torch.device(_device(self._device))
        pinned = {"revision": self._revision or None, "trust_remote_code": False}
        try:
            config = AutoConfig.from_pretrained(self._model, **pinned)
            dtype = str(config.dtype or torch.float32) if self._dtype == "auto" else self._dtype
            dtype = dtype.removeprefix("torch.")
            key = ModelKey(self._model, self._revision, dtype, str(device))
            loaded = shared(key, partial(_weights, self._model, pinned, dtype, device))
            processor = _processor(type(config), self._words, pinned)
            model = loaded.model
            ends = model.generation_config.eos_token_id
            ends = [ends] if isinstance(ends, int) else list(ends or [processor.tokenizer.eos_token_id])
            text = model.config.get_text_config()
            tokens = from_tokenizer(processor.tokenizer, n_vocab=text.vocab_size, eos_token=ends)
        except torch.OutOfMemoryError:
            raise
        except (ImportError, OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise UsageError(
                f"{self._named['path']} cannot be loaded: {_first_line(error)}.",
                hint="It must be an image-text-to-text model that transformers knows, with weights in safetensors.",
            ) from error
        context = getattr(text, "max_position_embeddings", None)
        return _Ready(loaded, processor, tokens, frozenset(ends), context, device.type != "cpu")


# -- where things are -------------------------------------------------------------------------------------------------


def _places(path: str, revision: str) -> tuple[str, str]:
    """Return where the weights are and where the processor is."""
    folder = Path(path).expanduser()
    if (folder / "model_index.json").is_file():  # a diffusers pipeline
        words = folder / "processor"
        return str(folder / "text_encoder"), str(words if words.is_dir() else folder / "text_encoder")
    if folder.is_dir():
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            hint = "It needs config.json and weights in safetensors, as `save_pretrained` writes them."
            raise UsageError(f"The folder {path} holds no model of transformers.", hint=hint)
        return str(folder), str(folder)
    if not re.fullmatch(r"\w[\w.-]*/[\w.-]+", path):
        raise UsageError(f"There is no folder {path}.", hint="Give one that holds a model, or a hub id.")
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        hint = "Name the commit: revision=, 40 hexadecimal digits."
        raise UsageError(f"{path} is no folder, and as a hub id it is not pinned.", hint=hint)
    return path, path


def _adapter(path: str) -> str:
    folder = Path(path).expanduser()
    if importlib.util.find_spec("peft") is None:
        raise UsageError("An adapter needs peft.", hint="Install it: pip install 'reasonedit-agent[transformers]'.")
    if not (folder / "adapter_config.json").is_file() or not (folder / "adapter_model.safetensors").is_file():
        hint = "It needs adapter_config.json and adapter_model.safetensors, as peft writes them."
        raise UsageError(f"The folder {path} holds no adapter.", hint=hint)
    return str(folder.resolve())


def _device(name: str) -> str:
    import torch

    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _weights(path: str, pinned: dict[str, Any], dtype: str, device: Any) -> Any:
    from transformers import AutoModelForImageTextToText

    model, told = AutoModelForImageTextToText.from_pretrained(
        path, **pinned, dtype=dtype, use_safetensors=True, output_loading_info=True
    )
    if missing := sorted(told["missing_keys"]):
        raise ValueError(f"{len(missing)} weights are missing, {missing[0]} first")
    return model.to(device).eval()


def _processor(config: type, path: str, pinned: dict[str, Any]) -> Any:
    """Return the processor; without torchvision, one that knows no videos."""
    from transformers import AutoProcessor
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    if importlib.util.find_spec("torchvision") is not None:
        return AutoProcessor.from_pretrained(path, **pinned)
    known = PROCESSOR_MAPPING[config]
    kept = [name for name in known.get_attributes() if name != "video_processor"]
    still = type(known.__name__, (known,), {"get_attributes": classmethod(lambda _: kept)})
    return still.from_pretrained(path, **pinned)  # type: ignore[attr-defined]


# -- one reply --------------------------------------------------------------------------------------------------------


class _Until:
    """Asked after every token whether to go on; a stopping criterion of transformers."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.gone = threading.Event()
        self.tokens = 0

    def over(self) -> bool:
        late = self.ctx.deadline is not None and time.monotonic() >= self.ctx.deadline
        return self.gone.is_set() or late or self.ctx.cancelled()

    def __call__(self, ids: Any, scores: Any) -> Any:
        import torch

        self.tokens += 1
        return torch.full((ids.shape[0],), self.over(), device=ids.device)


class _Decoder:
    """Chooses each token; a logits processor of transformers that leaves the choice no doubt.

    Sampling by adding Gumbel noise and taking the largest (Maddison et al. 2014) needs no random state but its own.
    """

    def __init__(self, prompt: Prompt, matcher: Any, decode: Any) -> None:
        import torch

        self._prompt, self._matcher, self._decode = prompt, matcher, decode
        self._random = torch.Generator()
        if prompt.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(prompt.seed % 2**63)
        self._begun = False
        self.seen: list[tuple[str, dict[str, float]]] = []

    def __call__(self, ids: Any, scores: Any) -> Any:
        """Take the ids so far, shape (1, n), and the logits (1, vocabulary); return the latter, changed."""
        allowed = self._struck(ids, scores.float())
        chosen = self._noisy(allowed)
        if self._prompt.choice is not None:
            self._watch(allowed, int(chosen.argmax()))
        return chosen

    def _struck(self, ids: Any, scores: Any) -> Any:
        import numpy as np
        import torch

        if self._matcher is None:
            return scores
        if self._begun:
            self._matcher.consume_token(int(ids[0, -1]))
        self._begun = True
        bits = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")
        if self._matcher.is_error():
            raise BackendError(f"The reply's grammar broke: {_first_line(self._matcher.get_error())}.")
        mask = torch.from_numpy(bits[: scores.shape[1]] == 0).to(scores.device)
        return scores.masked_fill(mask, float("-inf"))

    def _noisy(self, scores: Any) -> Any:
        import torch

        if self._prompt.temperature <= 0:
            return scores
        scores = scores / self._prompt.temperature
        if self._prompt.top_p < 1:
            ranked, order = scores.sort(dim=-1, descending=True)
            shares = ranked.softmax(dim=-1)
            beyond = shares.cumsum(dim=-1) - shares >= self._prompt.top_p
            scores = scores.masked_fill(beyond.scatter(1, order, beyond), float("-inf"))
        waits = torch.empty(scores.shape[1]).exponential_(generator=self._random)
        return scores - waits.log().to(scores.device)

    def _watch(self, scores: Any, chosen: int) -> None:
        logs = scores.log_softmax(dim=-1)[0]
        best = logs.topk(min(_CANDIDATES, len(logs)))
        found = dict(zip(best.indices.tolist(), best.values.tolist(), strict=True)) | {chosen: float(logs[chosen])}
        likely = {self._decode([token]): value for token, value in reversed(found.items()) if value > float("-inf")}
        self.seen.append((self._decode([chosen]), likely))


def _write(
    ready: _Ready, adapter: str, prompt: Prompt, shape: _Shape, ctx: Context, until: _Until, model: Any
) -> _Written:
    """Run on the model's thread: read the prompt, write the reply."""
    if until.over():
        raise _given_up(ctx)
    inputs = ready.processor.apply_chat_template(
        _messages(prompt, shape, ctx),
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        sanitize_control_tokens=True,  # a user's text cannot end its turn or stand for a picture
    ).to(model.device)
    asked = inputs["input_ids"].shape[1]
    left = shape.room if ready.context is None else ready.context - asked
    if left < min(prompt.max_tokens, shape.room):
        raise _TooLong(f"{asked} prompt tokens leave no room for {prompt.max_tokens} of {ready.context}.")
    room = min(shape.room, left)
    decoder = _Decoder(prompt, _matcher(ready, prompt), ready.processor.tokenizer.decode)
    with _wearing(model, adapter):
        ids = model.generate(
            **inputs,
            max_new_tokens=room,
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            logits_processor=[decoder],
            stopping_criteria=[until],
        )[0, asked:].tolist()
    ended = bool(ids) and ids[-1] in ready.ends
    text = ready.processor.tokenizer.decode(ids, skip_special_tokens=True)
    spread = chances(prompt.choice, decoder.seen) if prompt.choice else None
    return _Written(text, asked, len(ids), ended, not ended and len(ids) >= room, spread)


def _messages(prompt: Prompt, shape: _Shape, ctx: Context) -> list[dict[str, Any]]:
    def part(piece: Any) -> dict[str, Any]:
        if isinstance(piece, str):
            return {"type": "text", "text": piece}
        picture = shown(piece, shape.pixels)
        image = ctx.images.open(piece).convert("RGB")
        return {"type": "image", "image": image.resize((picture.width, picture.height))}

    return [{"role": turn.role, "content": [part(piece) for piece in turn.parts]} for turn in prompt.turns]


def _matcher(ready: _Ready, prompt: Prompt) -> Any:
    if prompt.schema is None:
        return None
    from llguidance import LLMatcher

    # Without blanks: a weak model would fill its room with them. What the grammar cannot express, `prompt.read` checks.
    loose: Any = {"whitespace_flexible": False, "lenient": True}
    grammar = LLMatcher.grammar_from_json_schema(json.dumps(prompt.schema), overrides=loose)
    matcher = LLMatcher(ready.tokens, grammar, log_level=0)
    if matcher.is_error():
        raise BackendError(f"{prompt.name}: no grammar of its schema: {_first_line(matcher.get_error())}.")
    return matcher


@contextmanager
def _wearing(model: Any, adapter: str) -> Iterator[None]:
    """Put an adapter on, and take it off again: the model is shared."""
    if not adapter:
        yield
        return
    name = f"lora_{hashlib.sha256(adapter.encode()).hexdigest()[:12]}"
    try:
        if name not in getattr(model, "peft_config", {}):
            told = model.load_adapter(adapter, adapter_name=name, use_safetensors=True, local_files_only=True)
            if odd := sorted({*told.missing_keys, *told.unexpected_keys}):
                model.delete_adapter(name)
                raise ValueError(f"{len(odd)} weights do not fit the model, {odd[0]} first")
        model.enable_adapters()
        model.set_adapter(name)
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        raise UsageError(f"The adapter {adapter} cannot be used: {_first_line(error)}.") from error
    try:
        yield
    finally:
        model.disable_adapters()


# -- what an attempt becomes ------------------------------------------------------------------------------------------


def _smaller(prompt: Prompt, shape: _Shape, problem: str, ctx: Context) -> _Shape:
    largest = max((s.width * s.height for s in (shown(ref, shape.pixels) for ref in prompt.images)), default=0)
    if largest // 2 < _FEWEST_PIXELS:
        raise BackendError(f"The request does not fit into the model's context: {problem}", hint="Use another model.")
    ctx.emit(Noted(text=f"The pictures were shown with at most {largest // 2} pixels: the context was too small."))
    return replace(shape, pixels=largest // 2)


def _given_up(ctx: Context) -> BackendError:
    if ctx.deadline is not None and time.monotonic() >= ctx.deadline:
        return TimedOut("The reply did not end before the deadline.")
    return Lost("The call was given up.", retryable=True)


def _told(error: BaseException) -> BaseException:
    """Return what an exception of an attempt means to the caller."""
    import torch

    if isinstance(error, ReasonEditError | asyncio.CancelledError):
        return error
    if isinstance(error, TimeoutError):
        return TimedOut("The reply did not end before the deadline.")
    if isinstance(error, torch.OutOfMemoryError):
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return Lost("The accelerator's memory ran out.", hint="Show fewer pixels (pixels=) or use another device=.")
    return Lost(f"The model failed: {type(error).__name__}: {_first_line(error)}.")


def _first_line(error: object) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[0].strip().rstrip(".") if lines else type(error).__name__
