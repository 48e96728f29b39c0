"""What each kind of server takes in ``POST /v1/images/edits``, and what it means by it.

Read in the sources of vLLM-Omni 0.30.0 (``entrypoints/openai/api_server.py``), SGLang 0.5.23
(``multimodal_gen/runtime/entrypoints/openai/image_api.py``) and LightX2V (``server/api/openai_images.py``), and in the
types of the OpenAI client 3.54.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reasonedit_agent.errors import UsageError

__all__ = ["DIALECTS", "OWNERS", "Dialect", "dialect_named"]


@dataclass(frozen=True)
class Dialect:
    """One kind of server.

    Attributes:
        name: As the user writes it.
        seeds: Whether a request has a seed. No server takes one seed per picture, so with seeds each candidate is a
            request of its own; without, the candidates of a call are one request, and nobody knows their seeds.
        pictures: Most pictures in one request, the base among them.
        most: Most candidates in one request.
        mask: The form's field for a mask; empty where there is none or where it is read by nobody.
        mask_is: Where the model may draw: ``white``, or ``clear`` (transparent).
        mask_alone: Whether a mask goes with one picture only.
        fields: The form's field of each of our settings that it takes.
        constant: What is sent always.
        longest: Most times that a picture is longer than wide; others get a border.
        fixed: Beginnings of the names of models that draw only ``sizes``.
        sizes: Those sizes.
        bytes_by: How to make it answer with pictures and not with addresses.
    """

    name: str
    seeds: bool
    pictures: int
    most: int = 1
    mask: str = ""
    mask_is: Literal["white", "clear"] = "white"
    mask_alone: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    constant: Mapping[str, str] = field(default_factory=dict)
    longest: float = 8.0
    fixed: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()
    bytes_by: str = "Its response_format must be b64_json: the setting dialect=plain asks for it."


_PNG = {"response_format": "b64_json", "output_format": "png"}
_SAMPLING = {
    "steps": "num_inference_steps",
    "guidance": "guidance_scale",
    "cfg": "true_cfg_scale",
    "negative": "negative_prompt",
}

DIALECTS: Mapping[str, Dialect] = {
    row.name: row
    for row in (
        # Of its pipelines only FLUX.2-klein reads the mask; the others ignore it.
        Dialect(
            "vllm-omni",
            seeds=True,
            pictures=4,
            mask="mask_image",
            fields={**_SAMPLING, "strength": "strength"},
            constant=_PNG,
            bytes_by="vLLM-Omni has no other answer than b64_json: is there a proxy before it?",
        ),
        # It takes a field "mask" and reads it nowhere.
        Dialect(
            "sglang",
            seeds=True,
            pictures=4,
            fields=_SAMPLING,
            constant=_PNG,
            bytes_by="SGLang answers with bytes for response_format=b64_json: is there a proxy before it?",
        ),
        Dialect(
            "lightx2v",
            seeds=True,
            pictures=4,
            mask="mask",
            mask_alone=True,
            fields={"negative": "negative_prompt", "strength": "i2i_denoise_strength"},
            constant={"response_format": "b64_json"},
            bytes_by="LightX2V answers with bytes for response_format=b64_json: is there a proxy before it?",
        ),
        # GPT image models always answer with bytes, and refuse to be asked for them.
        Dialect(
            "openai",
            seeds=False,
            pictures=16,
            most=10,
            mask="mask",
            mask_is="clear",
            fields={"quality": "quality"},
            longest=3.0,
            fixed=("gpt-image-1", "chatgpt-image"),
            sizes=((1024, 1024), (1536, 1024), (1024, 1536)),
        ),
        # Any other one, such as LiteLLM before somebody's model.
        Dialect(
            "plain",
            seeds=False,
            pictures=16,
            most=10,
            mask="mask",
            mask_is="clear",
            fields={"quality": "quality"},
            constant={"response_format": "b64_json"},
            longest=3.0,
            bytes_by="It was asked for response_format=b64_json: see whether the server has a setting for it.",
        ),
    )
}
"""By name."""

OWNERS: Mapping[str, str] = {
    "vllm": "vllm-omni",
    "vllm-omni": "vllm-omni",
    "sglang": "sglang",
    "openai": "openai",
    "openai-internal": "openai",
    "system": "openai",
}
"""What a server's list of models says of who owns them, and the dialect that follows."""


def dialect_named(name: str) -> Dialect | None:
    """Return a dialect, or None for ``auto``.

    Raises:
        UsageError: There is no such dialect.
    """
    if name == "auto":
        return None
    if name not in DIALECTS:
        raise UsageError(f"There is no dialect {name!r}.", hint=f"Dialects are auto, {', '.join(DIALECTS)}.")
    return DIALECTS[name]
