"""How a folder becomes a pipeline: every part of it loaded and checked by itself.

Weights are read from safetensors only, and no code of a checkpoint runs.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reasonedit_agent.errors import UsageError
from reasonedit_agent.loading import Loaded, ModelKey, fingerprint, shared
from reasonedit_agent.tools.diffusers.adapters import Adapter
from reasonedit_agent.tools.diffusers.encodings import Encodings
from reasonedit_agent.tools.diffusers.folder import WORDS, Folder, first_line
from reasonedit_agent.tools.diffusers.levers import gguf_file, pull_levers, quantised, read_gguf
from reasonedit_agent.tools.diffusers.loras import loras
from reasonedit_agent.tools.diffusers.memory import ran_out
from reasonedit_agent.tools.diffusers.settings import Settings

__all__ = ["Engine", "device_name", "load_engine", "pick_device", "weights_beside"]


@dataclass
class Engine:
    """A pipeline in memory, and what goes with it.

    Attributes:
        pipe: Of diffusers.
        adapter: Of its class.
        device: Where it runs.
        encodings: What was encoded.
        inpaint: The same parts as the class that edits within a mask, where there is one.
        holds: What must live as long as this: parts that are shared with others.
        measures: What was done for good when memory ran out, in words: every later call draws in another way.
    """

    pipe: Any
    adapter: Adapter
    device: str
    encodings: Encodings
    inpaint: Any = None
    holds: list[Any] = field(default_factory=list)
    measures: list[str] = field(default_factory=list)

    @property
    def denoiser(self) -> Any:
        """The part that is called once per step."""
        return getattr(self.pipe, "transformer", None) or self.pipe.unet


def pick_device(name: str) -> str:
    """Return a device as torch names it; ``auto`` is the first accelerator, else the CPU.

    Raises:
        UsageError: This machine has no such device.
    """
    import torch

    kind = torch.accelerator.current_accelerator(check_available=True)
    count = torch.accelerator.device_count() if kind is not None else 0
    there = [f"{kind.type}:{number}" for number in range(count)] if kind is not None else []
    if kind is not None and kind.type == "mps":
        there = ["mps"]  # there is one, and a Reasoner that shares its model calls it so
    if name == "auto":
        return [*there, "cpu"][0]
    wanted, _, number = name.partition(":")
    if wanted == "cpu" and (not number or number.isdecimal()):
        return name
    # "cuda" is "cuda:0": two spellings of one device would be two lines before it, and two copies of the model.
    full = name if name in there else f"{wanted}:{number or 0}"
    if full not in there:
        raise UsageError(f"This machine has no device {name!r}.", hint=f"It has {', '.join(['cpu', *there])}; or auto.")
    return full


def device_name(device: str) -> str:
    """Return a device's name for people and the table of prices: ``NVIDIA H100 80GB HBM3 (cuda:0)``, or ``cpu``."""
    import torch

    library: Any = getattr(torch, device.partition(":")[0], None)
    asked = getattr(library, "get_device_name", None)
    return f"{asked(device)} ({device})" if asked else device


def load_engine(folder: Folder, settings: Settings, device: str) -> Loaded[Engine]:
    """Return the process's copy of a pipeline; who names the same folder, settings and device gets the same.

    Raises:
        UsageError: It cannot be loaded; the message says why.
        MemoryError: Memory ran out (or the library's own error for that).
    """
    settings = settings.on(device)
    loading = repr((settings.loading, weights_beside(settings)))
    digest = hashlib.sha256(loading.encode()).hexdigest()[:16]
    key = ModelKey(str(folder.path), f"{folder.fingerprint} {digest}", settings.dtype, device)
    return shared(key, lambda: _load(folder, settings, device))


def weights_beside(settings: Settings) -> dict[str, str]:
    """Return the fingerprints of weights that are not the folder's, by the setting that names them.

    Raises:
        UsageError: One is not there.
    """
    found: dict[str, str] = {}
    if settings.lora:
        found["lora"] = fingerprint({str(number): one.file for number, one in enumerate(loras(settings.lora))})
    if settings.gguf:
        found["gguf"] = fingerprint({"": gguf_file(settings.gguf)})
    return found


def _load(folder: Folder, settings: Settings, device: str) -> Engine:

    dtype = settings.dtype
    holds: list[Any] = []
    try:
        _quiet()
        parts = {
            name: _part(folder.path / name, _found(folder.adapter, library, kind), dtype, device, settings, holds)
            for name, (library, kind) in folder.parts.items()
        }
        kind = _found(folder.adapter, "diffusers", folder.adapter.pipeline)
        pipe = kind.from_pretrained(folder.path, **parts, local_files_only=True)
        pipe.set_progress_bar_config(disable=True)
        engine = Engine(pipe, folder.adapter, device, Encodings(settings.memory), holds=holds)
        pull_levers(pipe, engine.denoiser, settings, device)
        engine.encodings.stand_before(pipe, rows=folder.adapter.rows)
        if folder.adapter.inpaint not in ("", folder.adapter.pipeline):
            engine.inpaint = _found(folder.adapter, "diffusers", folder.adapter.inpaint)(**pipe.components)
            engine.inpaint.set_progress_bar_config(disable=True)
            engine.encodings.stand_before(engine.inpaint, rows=folder.adapter.rows)
    except UsageError:
        raise
    except Exception as error:  # a folder can be wrong in more ways than diffusers has names for
        if ran_out(error):
            raise
        raise UsageError(
            f"{folder.path} cannot be loaded: {first_line(error)}.",
            hint="It must be a whole pipeline in the format of diffusers, with all weights in safetensors.",
        ) from error
    return engine


def _quiet() -> None:
    """Let the libraries draw no bars of their own: the tool tells its progress as events."""
    for library in ("diffusers", "transformers"):
        importlib.import_module(f"{library}.utils.logging").disable_progress_bar()


def _found(adapter: Adapter, library: str, name: str) -> Any:
    """Return a class by its name: the adapter's own room is looked at first."""
    for module in filter(None, (adapter.room, library)):
        if found := getattr(importlib.import_module(module), name, None):
            return found
    raise ValueError(f"{library} has no {name}")


def _part(path: Path, kind: Any, dtype: str, device: str, settings: Settings, holds: list[Any]) -> Any:
    """Load one part; a text encoder is the process's copy, which a Reasoner may use as well."""
    import torch

    name: str = kind.__name__
    if name.endswith("Processor"):
        return _still(kind).from_pretrained(path, local_files_only=True)
    if name.endswith(WORDS):
        return kind.from_pretrained(path, local_files_only=True)
    if settings.gguf and path.name == "transformer":
        return read_gguf(kind, gguf_file(settings.gguf), path, dtype)
    library = "transformers" if kind.__module__.startswith("transformers") else "diffusers"
    large = path.name == "transformer" or path.name.startswith("text_encoder")
    smaller = quantised(library, settings, dtype) if large else {}

    def load() -> Any:
        model, told = kind.from_pretrained(
            path,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            **smaller,
        )
        if missing := sorted(told["missing_keys"]):  # the libraries only warn, and fill in random numbers
            raise ValueError(f"{len(missing)} weights of {path.name} are missing, such as {missing[0]}")
        return model.eval()

    alone = bool(smaller) or settings.offload != "none" or bool(settings.lora) or library != "transformers"
    if alone:
        return load()
    loaded = shared(ModelKey(str(path), "", dtype, device), lambda: load().to(device))
    holds.append(loaded)
    return loaded.model


def _still(kind: Any) -> Any:
    """Return a processor's class; without torchvision, one that knows no videos and resizes with Pillow."""
    if importlib.util.find_spec("torchvision") is not None or not hasattr(kind, "get_attributes"):
        return kind
    kept = [name for name in kind.get_attributes() if name != "video_processor"]
    names = {"get_attributes": classmethod(lambda _: kept), "__module__": kind.__module__}
    return type(kind.__name__, (kind,), names)
