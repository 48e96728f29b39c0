"""Tokenizer and picture processor of the text encoder, without torchvision.

Pictures are resized by Pillow, as for the golden vectors, and there are no videos.
"""

from __future__ import annotations

from typing import Any

import transformers
from transformers import AutoTokenizer, ProcessorMixin
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

__all__ = ["ProcessorMixin", "Qwen2_5_VLProcessor"]


# The name is that of transformers: it is written into saved folders, which others load.
class Qwen2_5_VLProcessor(transformers.Qwen2_5_VLProcessor):  # type: ignore[misc]
    """The processor of Qwen2.5-VL for text and still pictures.

    Args:
        image_processor: Cuts pictures into patches.
        tokenizer: Of Qwen2.5.
        chat_template: For those who chat with the model; Step1X-Edit writes its chats itself.
    """

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        super().__init__(image_processor, tokenizer, None, chat_template=chat_template)

    @classmethod
    def get_attributes(cls) -> list[str]:
        """What it is made of."""
        return ["image_processor", "tokenizer"]

    @classmethod
    def from_pretrained(cls, path: str, **options: Any) -> Qwen2_5_VLProcessor:
        """Read a folder that transformers 4 or 5 saved.

        Args:
            path: Of the folder.
            options: Passed on.
        """
        options["trust_remote_code"] = False
        tokenizer = AutoTokenizer.from_pretrained(path, **options)
        pictures = Qwen2VLImageProcessorPil.from_pretrained(path, **options)
        return cls(pictures, tokenizer, chat_template=tokenizer.chat_template)
