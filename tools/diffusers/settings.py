"""What a user can set, the presets, and the table of what is known not to work."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Final, Literal

from reasonedit_agent.errors import UsageError
from reasonedit_agent.tools.diffusers.adapters import Adapter
from reasonedit_agent.tools.values import Between, checked

__all__ = ["PRESETS", "Settings", "check_settings"]

Dtype = Literal["auto", "bfloat16", "float16", "float32"]
Offload = Literal["none", "auto", "model", "group"]
Quantise = Literal["none", "torchao-int8", "torchao-fp8", "bnb-4bit", "bnb-8bit"]
Cache = Literal["none", "first_block", "taylor"]
Compile = Literal["none", "regional"]
Paste = Literal["auto", "always", "never"]
Steps = Annotated[int, Between(1, 1000)]  # the schedulers know a thousand


@dataclass(frozen=True)
class Settings:
    """How a pipeline draws; a field of None is the adapter's.

    Attributes:
        dtype: Of the weights in use; ``auto`` is bfloat16 on an accelerator and float32 on the CPU.
        device: ``auto``, one such as ``cuda:1``, or several with ``+`` between them, each with a copy of the model.
        offload: What waits in main memory while it is not used: whole ``model`` parts, or a ``group`` of layers;
            ``auto`` is ``model`` on an accelerator and ``none`` on the CPU, where nothing could be moved.
        layerwise: Whether layers are kept in 8 bits and computed in ``dtype``.
        tiling: Whether the VAE works tile by tile.
        attention: The backend of attention, by diffusers' name; empty is the default.
        compile: ``regional`` compiles the repeated blocks: the first call takes much longer.
        quantise: How weights are made smaller when they are loaded.
        gguf: A file with the transformer's weights in that format, instead of the folder's.
        shift: A fixed shift of the noise levels, which step-distilled adapters are trained for (3 for Lightning).
        cache: A lossy cache of blocks between steps.
        threshold: Of the cache ``first_block``: the larger, the more is skipped; None is 0.1.
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
    shift: Annotated[float, Between(1, 100)] | None = None
    cache: Cache = "none"
    threshold: Annotated[float, Between(0)] | None = None
    lora: str = ""
    steps: Steps | None = None
    draft: Steps | None = None
    share: Annotated[float, Between(0.01, 1)] = 1.0
    guidance: Annotated[float, Between(0, 1000)] | None = None
    area: Annotated[int, Between(1024, 2**26)] | None = None
    batch: Annotated[int, Between(0, 1024)] = 0
    paste: Paste = "auto"
    previews: Annotated[int, Between(0, 1000)] = 0
    memory: Annotated[int, Between(0)] = 256
    reuse: bool = False

    @classmethod
    def of(cls, preset: str, given: dict[str, Any]) -> Settings:
        """Return a preset with changes.

        Raises:
            UsageError: There is no such preset or setting, or a value is not one of those that it can have.
        """
        if preset not in PRESETS:
            raise UsageError(f"There is no preset {preset!r}.", hint=f"Presets are {', '.join(PRESETS)}.")
        return replace(PRESETS[preset], **checked(cls, given))

    def on(self, device: str) -> Settings:
        """Return what ``auto`` means on a device, beside the device itself."""
        cpu = device.startswith("cpu")
        dtype: Dtype = "float32" if cpu else "bfloat16"
        offload: Offload = "none" if cpu else "model"
        return replace(
            self,
            dtype=dtype if self.dtype == "auto" else self.dtype,
            offload=offload if self.offload == "auto" else self.offload,
        )

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

PRESETS: Final[dict[str, Settings]] = {
    # All steps, nothing lossy.
    "quality": Settings(),
    # Fewer steps before any cache: at half the steps a model loses less than at half of its blocks.
    "balanced": Settings(share=0.56),
    "fast": Settings(share=0.28),
    "low-memory": Settings(share=0.56, offload="auto", tiling=True, batch=1),
}
"""``balanced`` is the default."""

_NEEDED: Final = {
    "torchao-int8": "torchao",
    "torchao-fp8": "torchao",
    "bnb-4bit": "bitsandbytes",
    "bnb-8bit": "bitsandbytes",
}


_NARROW: Final = ("flash", "sage", "cudnn")
_ATTENTION_OF_A_CPU: Final = ("native", "flex", "_native_flash", "_native_math")


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
    settings = settings.on(device)
    cpu = device.startswith("cpu")
    quantised = settings.quantise != "none"
    if settings.attention:
        _check_attention(settings.attention)
    refused: list[tuple[bool, str, str]] = [
        (cpu and settings.offload != "none", "offload", "it does nothing on a CPU"),
        (cpu and settings.layerwise, "layerwise", "it makes a CPU slower and saves nothing that is short"),
        (
            cpu and settings.quantise.startswith("bnb"),
            f"quantise={settings.quantise}",
            "diffusers wants a GPU for it; torchao-int8 and torchao-fp8 work here",
        ),
        (quantised and settings.layerwise, "layerwise", "quantised weights are small already"),
        (quantised and bool(settings.gguf), "quantise", "the weights of a gguf file are small already"),
        (settings.shift is not None and not adapter.shift, "shift", "this class works its shift out by itself"),
        (
            settings.quantise.startswith("bnb") and bool(settings.lora),
            "lora",
            "nobody has run an adapter over weights of bitsandbytes; over those of torchao it works",
        ),
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
        (
            cpu and settings.attention not in ("", *_ATTENTION_OF_A_CPU),
            f"attention={settings.attention}",
            f"its kernels need a GPU; here there are {', '.join(_ATTENTION_OF_A_CPU)}",
        ),
        (
            not cpu and settings.dtype == "float32" and any(name in settings.attention for name in _NARROW),
            f"attention={settings.attention}",
            "its kernels on a GPU read bfloat16 and float16 only",
        ),
        (
            settings.threshold is not None and settings.cache != "first_block",
            "threshold",
            "only cache=first_block has one",
        ),
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


def _check_attention(name: str) -> None:
    """Refuse a backend that diffusers does not know, or whose package is not here, before gigabytes are loaded."""
    from diffusers.models import attention_dispatch as known

    names = [one.value for one in known.AttentionBackendName if not one.value.endswith("_hub")]
    if name.endswith("_hub"):
        raise UsageError(f"attention={name!r} is not possible: it would load code from a hub.", hint="Leave it out.")
    if name not in names:
        raise UsageError(f"attention={name!r} is not possible.", hint=f"It is one of {', '.join(names)}.")
    try:  # nothing public asks for it, and `set_attention_backend` only once the weights are there
        known._check_attention_backend_requirements(known.AttentionBackendName(name))
    except RuntimeError as error:
        raise UsageError(f"attention={name!r} is not possible here: {error}", hint="Leave it out.") from error
