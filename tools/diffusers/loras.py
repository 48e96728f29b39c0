"""LoRA adapters: which files a setting names, and how a pipeline wears them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasonedit_agent.errors import UsageError
from reasonedit_agent.tools.diffusers.folder import first_line, tensor_names

__all__ = ["Lora", "dress", "loras"]


@dataclass(frozen=True)
class Lora:
    """An adapter's file, and how strongly it is worn."""

    file: Path
    scale: float


def loras(text: str) -> tuple[Lora, ...]:
    """Return the adapters that a setting names: files or folders with ``+`` between them, each with ``@scale`` or 1.

    Raises:
        UsageError: One is not there, not in safetensors, not whole, or no LoRA adapter.
    """
    return tuple(_lora(part.strip()) for part in text.split("+") if part.strip())


def _lora(text: str) -> Lora:
    name, scale = _parted(text)
    path = Path(name).expanduser()
    file = path if path.is_file() else next(iter(sorted(path.glob("*.safetensors"))), None)
    if file is None or file.suffix != ".safetensors":
        raise UsageError(
            f"{path} holds no LoRA adapter in safetensors.", hint="Give a .safetensors file or its folder."
        )
    if not _pairs(file):
        raise UsageError(f"{file} is no LoRA adapter: no layer of one is in it.", hint="Give one that peft can load.")
    return Lora(file, scale)


def _parted(text: str) -> tuple[str, float]:
    path, _, last = text.rpartition("@")
    try:
        scale = float(last)
    except ValueError:
        return text, 1.0
    return (path, scale) if path and math.isfinite(scale) else (text, 1.0)


def dress(pipe: Any, worn: tuple[Lora, ...]) -> None:
    """Load adapters into a pipeline of diffusers, one over the other.

    Raises:
        UsageError: One does not fit.
    """
    names = [f"lora_{number}" for number in range(len(worn))]
    for name, lora in zip(names, worn, strict=True):
        _wear(pipe, name, lora.file)
    if names:
        pipe.set_adapters(names, [lora.scale for lora in worn])


def _wear(pipe: Any, name: str, file: Path) -> None:
    try:
        pipe.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name, local_files_only=True)
    except Exception as error:  # what peft and diffusers raise here has many names
        raise UsageError(
            f"The adapter {file} does not fit {type(pipe).__name__}: {first_line(error)}.",
            hint="It must have been trained for this model.",
        ) from error
    wanted, found = _pairs(file), _layers(pipe, name)
    if found < wanted:  # diffusers at most warns when weights have no place
        raise UsageError(
            f"Of the adapter {file}, {found} of {wanted} layers fit {type(pipe).__name__}.",
            hint="It must have been trained for this model.",
        )


def _pairs(file: Path) -> int:
    """Return how many layers an adapter is for; the formats that are about fuse some, and split none."""
    return sum("lora_A" in name or "lora_down" in name or "lora.down" in name for name in tensor_names(file))


def _layers(pipe: Any, name: str) -> int:
    """Return how many layers of a pipeline wear an adapter."""
    parts = [part for part in pipe.components.values() if hasattr(part, "modules")]
    return sum(name in getattr(module, "lora_A", ()) for part in parts for module in part.modules())
