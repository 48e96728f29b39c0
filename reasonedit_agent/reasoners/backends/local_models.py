"""Image-text-to-text models of transformers in this process: where they are, how they get into memory, adapters.

Weights are read from safetensors only, no code of a checkpoint runs, and a hub id is pinned to a commit.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from reasonedit_agent.errors import UsageError
from reasonedit_agent.loading import Loaded, ModelKey, shared

__all__ = ["LocalModel", "Source", "first_line", "wearing"]

_INSTALL = "Install it: pip install 'reasonedit-agent[transformers]'."


@dataclass(frozen=True)
class LocalModel:
    """A model in memory, and what turns texts and pictures into its numbers and back.

    Attributes:
        loaded: The model, shared with all who use these weights.
        processor: Chat template, tokenizer and image processor of transformers.
        vocabulary: The tokenizer as llguidance reads it.
        ends: Ids of the tokens that end a reply.
        context: Most tokens of prompt and reply together; None where the model does not say.
        on_gpu: Whether it runs on an accelerator.
    """

    loaded: Loaded[Any]
    processor: Any
    vocabulary: Any
    ends: frozenset[int]
    context: int | None
    on_gpu: bool


class Source:
    """Where a model comes from; nothing is loaded yet.

    Args:
        path: A folder that `save_pretrained` wrote, a diffusers pipeline's whose ``text_encoder`` is one, or a hub id.
        revision: The commit of a hub id.
        adapter: A folder that peft wrote, or empty.
        dtype: Of the weights; ``auto`` is the checkpoint's.
        device: ``auto`` is the first accelerator, else the CPU.

    Raises:
        UsageError: There is no such folder, it holds none, a hub id is not pinned, or a library is missing.
    """

    def __init__(self, path: str, *, revision: str, adapter: str, dtype: str, device: str) -> None:
        wanted = ["torch", "transformers", "llguidance", *(["peft"] if adapter else [])]
        if absent := [name for name in wanted if importlib.util.find_spec(name) is None]:
            raise UsageError(f"A model in this process needs {', '.join(absent)}.", hint=_INSTALL)
        self.path, self.adapter = path, _adapter(adapter) if adapter else ""
        self._weights, self._words = _places(path, revision)
        self._revision, self._dtype, self._device = revision, dtype, device

    def load(self) -> LocalModel:
        """Return the model; the first call of the process reads the weights.

        Raises:
            UsageError: It cannot be loaded; the message says why.
            MemoryError: An accelerator's memory ran out (`torch.OutOfMemoryError` is passed on as it is).
        """
        import torch

        try:
            return self._load()
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # a folder can be wrong in more ways than transformers has names for
            raise UsageError(
                f"{self.path} cannot be loaded: {first_line(error)}.",
                hint="It must be an image-text-to-text model that transformers knows, with all weights in safetensors.",
            ) from error

    def _load(self) -> LocalModel:
        import torch
        from llguidance.hf import from_tokenizer
        from transformers import AutoConfig

        pinned = {"revision": self._revision or None, "trust_remote_code": False}
        config = AutoConfig.from_pretrained(self._weights, **pinned)
        device = torch.device(_device(self._device))
        dtype = str(config.dtype or torch.float32) if self._dtype == "auto" else self._dtype
        key = ModelKey(self._weights, self._revision, dtype.removeprefix("torch."), str(device))
        loaded = shared(key, partial(_read, self._weights, pinned, key.dtype, device))
        processor = _processor(type(config), self._words, pinned)
        ends = loaded.model.generation_config.eos_token_id
        ends = [ends] if isinstance(ends, int) else list(ends or [processor.tokenizer.eos_token_id])
        text = config.get_text_config()
        vocabulary = from_tokenizer(processor.tokenizer, n_vocab=text.vocab_size, eos_token=ends)
        context = getattr(text, "max_position_embeddings", None)
        return LocalModel(loaded, processor, vocabulary, frozenset(ends), context, device.type != "cpu")


def first_line(error: object) -> str:
    """Return what a library's message says first, without the full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


def _places(path: str, revision: str) -> tuple[str, str]:
    """Return where the weights are and where the processor is."""
    folder = Path(path).expanduser()
    if folder.is_dir():
        pipeline = (folder / "model_index.json").is_file()
        weights = folder / "text_encoder" if pipeline else folder
        words = folder / "processor" if pipeline and (folder / "processor").is_dir() else weights
        if not (weights / "config.json").is_file() or not any(weights.glob("*.safetensors")):
            hint = "It needs config.json and weights in safetensors, as `save_pretrained` writes them."
            raise UsageError(f"The folder {path} holds no model of transformers.", hint=hint)
        return str(weights), str(words)
    if not re.fullmatch(r"\w[\w.-]*/[\w.-]+", path):
        raise UsageError(f"There is no folder {path}.", hint="Give one that holds a model, or a hub id.")
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        hint = "Name the commit: revision=, 40 hexadecimal digits."
        raise UsageError(f"{path} is no folder here, and as a hub id it is not pinned.", hint=hint)
    return path, path


def _adapter(path: str) -> str:
    folder = Path(path).expanduser()
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


def _read(path: str, pinned: dict[str, Any], dtype: str, device: Any) -> Any:
    from transformers import AutoModelForImageTextToText

    model, told = AutoModelForImageTextToText.from_pretrained(
        path, **pinned, dtype=dtype, use_safetensors=True, output_loading_info=True
    )
    if missing := sorted(told["missing_keys"]):  # transformers only warns, and fills in random numbers
        raise ValueError(f"{len(missing)} weights are missing, such as {missing[0]}")
    return model.to(device).eval()


def _processor(config: type, path: str, pinned: dict[str, Any]) -> Any:
    """Return the processor; without torchvision, one that knows no videos and resizes pictures with Pillow."""
    from transformers import AutoProcessor
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    if importlib.util.find_spec("torchvision") is not None:
        return AutoProcessor.from_pretrained(path, **pinned)
    known = PROCESSOR_MAPPING[config]
    kept = [name for name in known.get_attributes() if name != "video_processor"]
    still: Any = type(known.__name__, (known,), {"get_attributes": classmethod(lambda _: kept)})
    return still.from_pretrained(path, **pinned)


@contextmanager
def wearing(model: Any, adapter: str) -> Iterator[None]:
    """Put an adapter on a model, and take it off again: the model is shared.

    Args:
        model: Of transformers; on its own thread.
        adapter: A folder, or empty for none.

    Raises:
        UsageError: It does not fit the model.
    """
    if not adapter:
        yield
        return
    name = f"lora_{hashlib.sha256(adapter.encode()).hexdigest()[:12]}"
    try:
        if name not in getattr(model, "peft_config", {}):
            told = model.load_adapter(adapter, adapter_name=name, use_safetensors=True)
            # What other adapters have counts as missing as well.
            missing = {key for key in told.missing_keys if name in key}
            if odd := sorted({*missing, *told.unexpected_keys}):
                raise ValueError(f"{len(odd)} weights are missing or have no place, such as {odd[0]}")
        model.enable_adapters()
        model.set_adapter(name)
    except (ValueError, KeyError, TypeError, RuntimeError, OSError) as error:
        if name in getattr(model, "peft_config", {}):
            model.delete_adapter(name)
            if model.peft_config:
                model.disable_adapters()
        raise UsageError(f"The adapter {adapter} cannot be used: {first_line(error)}.") from error
    try:
        yield
    finally:
        model.disable_adapters()
