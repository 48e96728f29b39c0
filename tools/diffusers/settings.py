"""What a user can set, the presets, and the table of what is known not to work."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, get_args

from reasonedit_agent.errors import UsageError
from reasonedit_agent.tools.diffusers.adapters import Adapter

__all__ = ["PRESETS", "Settings", "check_settings"]

Dtype = Literal["auto", "bfloat16", "float16", "float32"]
Offload = Literal["none", "model", "group"]
Quantise = Literal["none", "torchao-int8", "torchao-fp8", "bnb-4bit", "bnb-8bit"]
Cache = Literal["none", "first_block", "taylor"]
Compile = Literal["none", "regional"]
Paste = Literal["auto", "always", "never"]


@dataclass(frozen=True)
class Settings:
    """How a pipeline draws; a field of None is the adapter's.

    Attributes:
        dtype: Of the weights in use; ``auto`` is bfloat16 on an accelerator and float32 on the CPU.
        device: ``auto``, one such as ``cuda:1``, or several with ``+`` between them, each with a copy of the model.
        offload: What waits in main memory while it is not used: whole ``model`` parts, or a ``group`` of layers.
        layerwise: Whether layers are kept in 8 bits and computed in ``dtype``.
        tiling: Whether the VAE works tile by tile.
        attention: The backend of attention, by diffusers' name; empty is the default.
        compile: ``regional`` compiles the repeated blocks: the first call takes much longer.
        quantise: How weights are made smaller when they are loaded.
        gguf: A file with the transformer's weights in that format, instead of the folder's.
        shift: A fixed shift of the noise levels, which step-distilled adapters are trained for (3 for Lightning).
        cache: A lossy cache of blocks between steps.
        threshold: Of the cache ``first_block``: the larger, the more is skipped.
        lora: Files or folders with LoRA adapters, with ``+`` between them, each with an optional ``@scale``.
        steps: Denoising steps of a final edit.
        draft: Steps of a draft.
        share: Of the adapter's steps, where ``steps`` is None.
        guidance: The guidance scale.
        area: Pixels that are drawn.
        batch: Most candidates in one call of the pipeline; 0 is no limit.
        paste: Whether what is outside of a region is taken from the base: ``auto`` does so where the class has no
            inpainting of its own.
        previews: Every how many steps an unfinished picture is shown; 0 is never.
        memory: Most megabytes of encodings that are kept.
        reuse: Whether a round after Refine starts from the latents that drew its base, instead of from its pixels.
    """

    dtype: Dtype = "auto"
    device: str = "auto"
    offload: Offload = "none"
    layerwise: bool = False
    tiling: bool = False
    attention: str = ""
    compile: Compile = "none"
    quantise: Quantise = "none"
    gguf: str = ""
    shift: float | None = None
    cache: Cache = "none"
    threshold: float = 0.1
    lora: str = ""
    steps: int | None = None
    draft: int | None = None
    share: float = 1.0
    guidance: float | None = None
    area: int | None = None
    batch: int = 0
    paste: Paste = "auto"
    previews: int = 0
    memory: int = 256
    reuse: bool = False

    @classmethod
    def of(cls, preset: str, given: dict[str, Any]) -> Settings:
        """Return a preset with changes.

        Raises:
            UsageError: There is no such preset or setting, or a value is not one of those that it can have.
        """
        if preset not in PRESETS:
            raise UsageError(f"There is no preset {preset!r}.", hint=f"Presets are {', '.join(PRESETS)}.")
        names = [item.name for item in fields(cls)]
        if unknown := [name for name in given if name not in names]:
            raise UsageError(f"There is no setting {unknown[0]!r}.", hint=f"Settings are {', '.join(names)}.")
        made = replace(PRESETS[preset], **given)
        for name, kind in _CHOICES.items():
            if getattr(made, name) not in get_args(kind):
                choices = ", ".join(get_args(kind))
                raise UsageError(f"{name}={getattr(made, name)!r} is not possible.", hint=f"It is one of {choices}.")
        for name, low in _LOWEST.items():
            value = getattr(made, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < low):
                raise UsageError(f"{name}={value!r} is not possible.", hint=f"It is a number, at least {low}.")
        return made

    @property
    def loading(self) -> tuple[Any, ...]:
        """What changes the pipeline itself; tools that differ in other settings share one."""
        return tuple(getattr(self, name) for name in _LOADING)

    def told(self) -> dict[str, Any]:
        """Return what differs from the defaults, for the trace."""
        plain = asdict(Settings())
        return {name: value for name, value in asdict(self).items() if value != plain[name]}


_LOADING: Final = (
    "dtype",
    "offload",
    "layerwise",
    "tiling",
    "attention",
    "compile",
    "quantise",
    "gguf",
    "shift",
    "cache",
    "threshold",
    "lora",
    "memory",
)
_CHOICES: Final[dict[str, Any]] = {
    "dtype": Dtype,
    "offload": Offload,
    "compile": Compile,
    "quantise": Quantise,
    "cache": Cache,
    "paste": Paste,
}
_LOWEST: Final = {
    "shift": 1,
    "steps": 1,
    "draft": 1,
    "share": 0.01,
    "guidance": 0,
    "area": 1024,
    "batch": 0,
    "threshold": 0,
}

PRESETS: Final[dict[str, Settings]] = {
    # All steps, nothing lossy.
    "quality": Settings(),
    # Fewer steps before any cache: at half the steps a model loses less than at half of its blocks.
    "balanced": Settings(share=0.56),
    "fast": Settings(share=0.28),
    "low-memory": Settings(share=0.56, offload="model", tiling=True, batch=1),
}
"""``balanced`` is the default."""

_NEEDED: Final = {
    "torchao-int8": "torchao",
    "torchao-fp8": "torchao",
    "bnb-4bit": "bitsandbytes",
    "bnb-8bit": "bitsandbytes",
}


def check_settings(settings: Settings, adapter: Adapter, device: str, *, distilled: bool = False) -> None:
    """Refuse what is known to do nothing, or to break, with this class on this device.

    Args:
        settings: What is wanted.
        adapter: Of the class.
        device: Where it shall run.
        distilled: Whether the checkpoint says that it is distilled.

    Raises:
        UsageError: With the reason.
    """
    cpu = device.startswith("cpu")
    quantised = settings.quantise != "none"
    refused: list[tuple[bool, str, str]] = [
        (cpu and settings.offload != "none", "offload", "it does nothing on a CPU"),
        (cpu and settings.layerwise, "layerwise", "it makes a CPU slower and saves nothing that is short"),
        (cpu and quantised, f"quantise={settings.quantise}", "its kernels need a GPU"),
        (quantised and settings.layerwise, "layerwise", "quantised weights are small already"),
        (quantised and bool(settings.gguf), "quantise", "the weights of a gguf file are small already"),
        (settings.shift is not None and not adapter.shift, "shift", "this class works its shift out by itself"),
        (quantised and bool(settings.lora), "lora", "adapters do not load onto quantised weights here"),
        (
            settings.offload == "group" and settings.compile != "none",
            "compile",
            "moving layers breaks what was compiled",
        ),
        (
            settings.cache != "none" and settings.compile != "none",
            "compile",
            "a cache hooks into what would be compiled",
        ),
        (bool(settings.lora) and not adapter.lora, "lora", "this class loads none"),
        (distilled and settings.guidance is not None, "guidance", "a distilled checkpoint ignores it"),
        (not adapter.guidance and settings.guidance is not None, "guidance", "this class has none"),
        (settings.attention.endswith("_hub"), f"attention={settings.attention}", "it would load code from a hub"),
        (not adapter.callback and settings.previews > 0, "previews", "this class does not call back between steps"),
    ]
    if settings.cache != "none":
        why = adapter.caches.get(settings.cache, "nobody has run it with this class")
        refused.append((bool(why), f"cache={settings.cache}", why))
    for wrong, name, reason in refused:
        if wrong:
            raise UsageError(
                f"{name} cannot be used with {adapter.pipeline} on {device}: {reason}.", hint="Leave it out."
            )
    wanted = [_NEEDED[settings.quantise]] if quantised else ["gguf"] if settings.gguf else []
    for package in wanted:
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"This setting needs {package}.", hint=f"Install it: pip install {package}.")
