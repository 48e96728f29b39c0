"""What makes a pipeline faster or smaller, switched on as the settings ask."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Any

from reasonedit_agent.errors import UsageError
from reasonedit_agent.tools.diffusers.folder import first_line
from reasonedit_agent.tools.diffusers.loras import dress, loras
from reasonedit_agent.tools.diffusers.settings import Settings

__all__ = ["gguf_file", "pull_levers", "quantised", "read_gguf"]


def quantised(library: str, settings: Settings, dtype: str) -> dict[str, Any]:
    """Return what makes a library load a part with smaller weights.

    Args:
        library: ``diffusers`` or ``transformers``: each has classes of its own for it.
        settings: What is wanted.
        dtype: In which is computed.
    """
    if settings.quantise == "none":
        return {}
    import torch

    module: Any = importlib.import_module(library)
    if settings.quantise.startswith("torchao"):
        torchao: Any = importlib.import_module("torchao.quantization")
        int8 = settings.quantise.endswith("int8")
        made = torchao.Int8WeightOnlyConfig() if int8 else torchao.Float8WeightOnlyConfig()
        return {"quantization_config": module.TorchAoConfig(made)}
    four = settings.quantise.endswith("4bit")
    shape: dict[str, Any] = {"load_in_8bit": True}
    if four:
        shape = {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_compute_dtype": getattr(torch, dtype),
        }
    return {"quantization_config": module.BitsAndBytesConfig(**shape)}


def gguf_file(text: str) -> Path:
    """Return the file that the setting ``gguf`` names.

    Raises:
        UsageError: It is not there.
    """
    file = Path(text).expanduser()
    if not file.is_file() or file.suffix != ".gguf":
        raise UsageError(f"There is no file {file}.", hint="gguf= takes the path of a .gguf file.")
    return file


def read_gguf(kind: Any, file: Path, config: Path, dtype: str) -> Any:
    """Return a transformer whose weights are in a GGUF file.

    Args:
        kind: Its class.
        file: With the weights.
        config: The part's folder.
        dtype: In which is computed.

    Raises:
        UsageError: It has not all weights, or others.
    """
    import torch
    from diffusers import GGUFQuantizationConfig

    compute = getattr(torch, dtype)
    try:
        model = kind.from_single_file(
            str(file),
            config=str(config.parent),
            subfolder=config.name,
            quantization_config=GGUFQuantizationConfig(compute_dtype=compute),
            dtype=compute,
            local_files_only=True,
        )
    except Exception as error:  # a file can be wrong in more ways than diffusers has names for
        raise UsageError(
            f"{file} cannot be read as a {kind.__name__}: {first_line(error)}.", hint="It must be of the same model."
        ) from error
    lost = [name for name, weight in model.named_parameters() if weight.is_meta]
    if lost:
        raise UsageError(f"{file} lacks {len(lost)} weights, such as {lost[0]}.", hint="It must be of the same model.")
    return model.eval()


def pull_levers(pipe: Any, denoiser: Any, settings: Settings, device: str) -> None:
    """Switch on what the settings ask for, in the order in which diffusers wants it, and move the parts to the device.

    Args:
        pipe: Of diffusers.
        denoiser: Its part that is called once per step.
        settings: What is wanted; `check_settings` has let it pass.
        device: Where it runs.
    """
    import torch

    if settings.shift is not None:
        _fix_shift(pipe, settings.shift)
    dress(pipe, loras(settings.lora))
    if settings.attention:
        dispatch: Any = importlib.import_module("diffusers.models.attention_dispatch")
        with dispatch.attention_backend("native"):  # it would set the backend of every other model as well
            denoiser.set_attention_backend(settings.attention)
    if settings.layerwise:
        denoiser.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=denoiser.dtype)
    if settings.cache != "none":
        denoiser.enable_cache(_cache(settings))
    if settings.tiling:
        pipe.vae.enable_tiling()
    _place(pipe, settings, device)
    if settings.compile == "regional":
        denoiser.compile_repeated_blocks(fullgraph=True)


def _fix_shift(pipe: Any, shift: float) -> None:
    """Give every picture size the same shift, without the stretch to a last level above zero."""
    fixed = {"base_shift": math.log(shift), "max_shift": math.log(shift), "shift_terminal": None}
    kept = {"use_dynamic_shifting": True, "time_shift_type": "exponential"}
    pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, **fixed, **kept)


def _place(pipe: Any, settings: Settings, device: str) -> None:
    import torch

    if settings.offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    elif settings.offload == "group":
        pipe.enable_group_offload(
            onload_device=torch.device(device), offload_type="block_level", num_blocks_per_group=1
        )
    else:
        pipe.to(device)


def _cache(settings: Settings) -> Any:
    hooks: Any = importlib.import_module("diffusers.hooks")
    if settings.cache == "first_block":
        return hooks.FirstBlockCacheConfig(threshold=0.1 if settings.threshold is None else settings.threshold)
    return hooks.TaylorSeerCacheConfig(cache_interval=3, disable_cache_before_step=2, max_order=1)
