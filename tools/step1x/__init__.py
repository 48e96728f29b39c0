"""Step1X-Edit v1.1 and v1p2 (the editor of ReasonEdit-S) as pipelines in the manner of diffusers, without remote code.

Their ``from_pretrained`` reads a published folder; the tool ``diffusers`` does so with checks. All is imported when it
is first named, since torch takes seconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reasonedit_agent.tools.step1x.encoding import PromptEmbeds
    from reasonedit_agent.tools.step1x.pipeline import Step1XEditPipeline, Step1XEditPipelineV1P2
    from reasonedit_agent.tools.step1x.processing import Qwen2_5_VLProcessor
    from reasonedit_agent.tools.step1x.transformer import Step1XEditTransformer2DModel

__all__ = [
    "PromptEmbeds",
    "Qwen2_5_VLProcessor",
    "Step1XEditPipeline",
    "Step1XEditPipelineV1P2",
    "Step1XEditTransformer2DModel",
]

_HOMES = {
    "PromptEmbeds": "encoding",
    "Qwen2_5_VLProcessor": "processing",
    "Step1XEditPipeline": "pipeline",
    "Step1XEditPipelineV1P2": "pipeline",
    "Step1XEditTransformer2DModel": "transformer",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
