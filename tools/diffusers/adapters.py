"""One row per pipeline class: how it is called, and what works with it.

To add a class, add a row to `ADAPTERS` and, with a tiny pipeline of it, a case to the tests; without such a run the row
says ``untested``. Facts were read in diffusers 0.42.1 and, where a row is tested, run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from reasonedit_agent.errors import UsageError

__all__ = ["ADAPTERS", "Adapter", "adapter_for"]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

_NOT_REGISTERED: Final = "diffusers has not registered this class's blocks for it"
_NO_CONTEXT: Final = "this pipeline does not open the cache's context around its calls"


@dataclass(frozen=True)
class Adapter:
    """How one pipeline class edits.

    Attributes:
        pipeline: Name of the class.
        room: Package that holds the class and parts of it; empty is diffusers.
        image: The argument that takes the picture.
        references: How many further pictures it reads; they follow the base in a list.
        listed: Whether the picture is handed over in a list.
        guidance: The argument of the guidance scale, or empty.
        scale: The scale by default.
        negative: What guidance is measured against, where the class needs to be told; None where it does that itself.
        steps: Denoising steps by default, for full quality.
        distilled: Steps of a checkpoint whose configuration says ``is_distilled``: its guidance is ignored.
        multiple: Width and height are multiples of it, also those at which pictures are read.
        least: Shortest side that it draws.
        area: Pixels that the class draws best.
        sized: Whether it takes ``height`` and ``width``.
        callback: Whether it calls back after each step: progress, previews and cancellation need that.
        batch: Whether it draws several candidates at once, and each as it would alone.
        inpaint_batch: The same within a mask: the Qwen classes draw the source's noise for all by the first generator.
        resize: How the class is told the size of the pictures that it reads: ``area`` of a named argument, ``side`` of
            one, the ``globals`` of its module, or nothing.
        resize_name: The argument's or the globals' names.
        resizes: Whether it makes the picture smaller in a way that it was trained on, and is given the whole one.
        inpaint: The class that edits within a mask with the same parts, or empty.
        inpaint_extra: Arguments of that class alone.
        extra: Arguments that never change.
        alpha: Whether it reads and draws transparency.
        tokens: Longest prompt in tokens.
        tokenizer: The part that counts them, or empty where the class does.
        noise_last: Whether the tokens of the noise stand behind those of the pictures, and not before them.
        rows: Of what ``encode_prompt`` returns, how many values from the first have a row for each picture of a prompt,
            all of them equal; 0 where nobody has looked: then candidates do not share what is encoded for a single one.
        lora: Whether LoRA adapters load.
        shift: Whether the scheduler's shift of the noise levels can be fixed.
        caches: Of each lossy cache, why it does not work; an empty text where it does.
        tested: Whether the tests run it with tiny weights.
    """

    pipeline: str
    room: str = ""
    image: str = "image"
    references: int = 0
    listed: bool = False
    guidance: str = "guidance_scale"
    scale: float = 4.0
    negative: str | None = None
    steps: int = 50
    distilled: int | None = None
    multiple: int = 16
    least: int = 64
    area: int = 1024 * 1024
    sized: bool = True
    callback: bool = True
    batch: bool = True
    resize: Literal["area", "side", "globals", ""] = ""
    resize_name: tuple[str, ...] = ()
    resizes: bool = False
    inpaint: str = ""
    inpaint_batch: bool = True
    inpaint_extra: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    extra: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    alpha: bool = False
    tokens: int = 512
    tokenizer: str = "tokenizer"
    noise_last: bool = False
    rows: int = 0
    lora: bool = True
    shift: bool = False
    caches: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    tested: bool = False


_QWEN_CACHES: Final = {"first_block": "", "taylor": ""}

_ROWS: Final = (
    Adapter(
        "Flux2KleinPipeline",
        references=3,
        listed=True,
        distilled=4,
        inpaint="Flux2KleinInpaintPipeline",
        inpaint_extra={"strength": 1.0},
        caches={"first_block": "it fails in diffusers 0.42.1 (its issue 14280)", "taylor": ""},
        rows=2,
        tested=True,
    ),
    Adapter(
        "QwenImageEditPlusPipeline",
        references=2,
        listed=True,
        guidance="true_cfg_scale",
        negative=" ",
        multiple=32,
        resize="globals",
        resize_name=("VAE_IMAGE_SIZE", "CONDITION_IMAGE_SIZE"),
        shift=True,
        caches=_QWEN_CACHES,
        rows=2,
        tested=True,
    ),
    Adapter(
        "QwenImageEditPipeline",
        guidance="true_cfg_scale",
        negative=" ",
        multiple=32,
        resize="globals",
        resize_name=("calculate_dimensions",),
        inpaint="QwenImageEditInpaintPipeline",
        inpaint_batch=False,
        inpaint_extra={"strength": 1.0},
        shift=True,
        caches=_QWEN_CACHES,
        rows=2,
        tested=True,
    ),
    Adapter(
        "QwenImageEditInpaintPipeline",
        guidance="true_cfg_scale",
        negative=" ",
        multiple=32,
        resize="globals",
        resize_name=("calculate_dimensions",),
        inpaint="QwenImageEditInpaintPipeline",
        inpaint_batch=False,
        extra={"strength": 1.0},
        shift=True,
        caches=_QWEN_CACHES,
        rows=2,
        tested=True,
    ),
    Adapter(
        "QwenImage21Pipeline",
        references=2,
        listed=True,
        guidance="true_cfg_scale",
        scale=1.0,
        steps=40,
        multiple=32,
        resize="side",
        resize_name=("output_resolution",),
        alpha=True,
        noise_last=True,
        tokens=1024,
        tokenizer="processor.tokenizer",
        caches={"first_block": _NOT_REGISTERED, "taylor": ""},
        rows=2,
        tested=True,
    ),
    Adapter(
        "FluxKontextPipeline",
        scale=3.5,
        steps=28,
        resize="area",
        resize_name=("max_area",),
        inpaint="FluxKontextInpaintPipeline",
        inpaint_extra={"strength": 1.0},
        extra={"_auto_resize": False},
        tokenizer="tokenizer_2",
        caches={"first_block": _NO_CONTEXT, "taylor": _NO_CONTEXT},
        rows=2,
        tested=True,
    ),
    *(
        Adapter(
            name,
            room="reasonedit_agent.tools.step1x",
            guidance="true_cfg_scale",
            scale=6.0,
            steps=28,
            sized=False,
            resize="side",
            resize_name=("size_level",),
            resizes=True,
            tokenizer="",
            caches={"first_block": "", "taylor": ""},
            tested=True,
        )
        for name in ("Step1XEditPipeline", "Step1XEditPipelineV1P2")
    ),
    Adapter("Flux2Pipeline", references=9, listed=True),
    Adapter("Flux2KleinKVPipeline", references=3, listed=True, guidance="", steps=4),
    Adapter("LongCatImageEditPipeline", scale=4.5, negative="", sized=False, callback=False, lora=False),
    Adapter("JoyImageEditPipeline", steps=40, negative="", tokens=4096, lora=False),
    Adapter(
        "JoyImageEditPlusPipeline",
        image="images",
        references=3,
        listed=True,
        steps=30,
        negative="",
        batch=False,
        tokens=4096,
        lora=False,
    ),
    Adapter("BriaFiboEditPipeline", scale=5.0, steps=30, negative="", extra={"_auto_resize": False}, tokens=3000),
    Adapter("Kandinsky5I2IPipeline", scale=3.5, negative="", tokens=1024),
    Adapter("ZImageOmniPipeline", references=3, listed=True, scale=5.0, negative=""),
    Adapter("GlmImagePipeline", listed=True, scale=1.5, multiple=32, tokens=2048, lora=False),
    Adapter("OmniGenPipeline", image="input_images", references=2, listed=True, scale=2.5, lora=False),
    Adapter("StableDiffusionInstructPix2PixPipeline", scale=7.5, steps=100, area=512 * 512, sized=False, tokens=77),
    Adapter("StableDiffusionXLInstructPix2PixPipeline", scale=5.0, steps=100, callback=False, tokens=77),
)

ADAPTERS: Final[Mapping[str, Adapter]] = MappingProxyType({row.pipeline: row for row in _ROWS})
"""By the class's name, as ``model_index.json`` gives it."""


def adapter_for(pipeline: str) -> Adapter:
    """Return the row of a pipeline class.

    Raises:
        UsageError: There is none.
    """
    if pipeline not in ADAPTERS:
        raise UsageError(
            f"{pipeline} is no editing pipeline that this tool knows.",
            hint="It knows "
            + ", ".join(ADAPTERS)
            + ". For another class add a row to tools/diffusers/adapters.py (docs/tools.md shows how).",
        )
    return ADAPTERS[pipeline]
