"""From an instruction to token ids, as both versions of Step1X-Edit were trained.

Text in quotation marks is cut into single characters, so that the model can spell it: quotes matter in an instruction
that changes lettering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from reasonedit_agent.errors import Unsupported

__all__ = [
    "NEGATIVE_WITHOUT_IMAGE",
    "NEGATIVE_WITH_IMAGE",
    "V1P1",
    "V1P2",
    "PromptTokens",
    "Template",
    "quoted_characters",
    "tokens_v1p1",
    "tokens_v1p2",
]

IMAGE_PAD = "<|image_pad|>"
_VISION_END = "<|vision_end|>"
_PICTURE = f"Picture 1: <|vision_start|>{IMAGE_PAD}{_VISION_END}"
_CHAT = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"
)
_CLOSING = {'"': '"', "“": "”"}
_ALL_QUOTES = str.maketrans({"'": '"', "“": '"', "”": '"'})

# What stands in for a missing negative prompt. Like the templates below, these are inputs of published weights.
NEGATIVE_WITH_IMAGE = ""
NEGATIVE_WITHOUT_IMAGE = (
    "worst quality, wrong limbs, unreasonable limbs, normal quality, low quality, low res, blurry, text, watermark, "
    "logo, banner, extra digits, cropped, jpeg artifacts, signature, username, error, sketch ,duplicate, ugly, "
    "monochrome, horror, geometry, mutation, disgusting"
)


@dataclass(frozen=True)
class Template:
    """How an instruction is put to the vision-language model.

    Attributes:
        prefix: Stands before the instruction.
        picture_last: Whether the picture follows the instruction, else it stands before it.
        dropped: How many leading tokens the transformer does not see.
        kept: How many tokens it sees at most.
    """

    prefix: str
    picture_last: bool
    dropped: int
    kept: int

    def render(self, instruction: str) -> str:
        """Return the chat, with one mark for the whole picture."""
        body = f" {instruction}{_PICTURE}" if self.picture_last else f"{_PICTURE}{instruction}"
        return _CHAT.format(user=self.prefix + body)


V1P1 = Template(
    prefix=(
        'Given a user prompt, generate an "Enhanced prompt" that provides detailed visual descriptions suitable for '
        "image generation. Evaluate the level of detail in the user prompt:\n"
        "- If the prompt is simple, focus on adding specifics about colors, shapes, sizes, textures, and spatial "
        "relationships to create vivid and concrete scenes.\n"
        "- If the prompt is already detailed, refine and enhance the existing details slightly without "
        "overcomplicating.\n\n"
        "Here are examples of how to transform or refine prompts:\n"
        "- User Prompt: A cat sleeping -> Enhanced: A small, fluffy white cat curled up in a round shape, sleeping "
        "peacefully on a warm sunny windowsill, surrounded by pots of blooming red flowers.\n"
        "- User Prompt: A busy city street -> Enhanced: A bustling city street scene at dusk, featuring glowing street "
        "lamps, a diverse crowd of people in colorful clothing, and a double-decker bus passing by towering glass "
        "skyscrapers.\n\n"
        "Please generate only the enhanced description for the prompt below and avoid including any additional "
        "commentary or evaluations:\nUser Prompt:"
    ),
    picture_last=False,
    dropped=217,
    kept=640,
)
V1P2 = Template(
    prefix=(
        "Given a reference image and a user editing instruction.\n"
        "You need to understand the information of the reference image and the content of the editing instruction,\n"
        "and then generate a detailed description of the edited target image based on the reference image and the "
        "editing instruction. \n"
        "The description should include the requirements in the editing instruction and try to closely match the "
        "content of the target image.\n"
        "The editing instruction is:"
    ),
    picture_last=True,
    dropped=90,
    kept=2048,
)


class PromptTokens(NamedTuple):
    """Token ids of a chat, and for each whether it spells quoted text."""

    ids: list[int]
    quoted: list[bool]


def tokens_v1p2(tokenizer: Any, template: Template, instruction: str, vision_tokens: int) -> PromptTokens:
    """Return the tokens of a chat in the manner of v1p2.

    Args:
        tokenizer: Of transformers, with the control tokens of Qwen2.5-VL.
        template: Of the version.
        instruction: Any text without control tokens.
        vision_tokens: How many tokens the picture takes.

    Raises:
        Unsupported: The instruction holds a control token.
    """
    _refuse_control(tokenizer, instruction)
    ids: list[int] = []
    quoted: list[bool] = []
    for piece, special in _by_special(tokenizer, template.render(instruction)):
        for part, is_quoted in [(piece, False)] if special else quoted_characters(piece):
            found = _ids(tokenizer, part) * (vision_tokens if part == IMAGE_PAD else 1)
            ids += found
            quoted += [is_quoted] * len(found)
    return PromptTokens(ids, quoted)


def tokens_v1p1(tokenizer: Any, template: Template, instruction: str, vision_tokens: int) -> PromptTokens:
    """Return the tokens of a chat in the manner of v1.1, where an apostrophe is a quotation mark too.

    The arguments are those of `tokens_v1p2`.

    Raises:
        Unsupported: The instruction holds a control token.
    """
    _refuse_control(tokenizer, instruction)
    head, mark, tail = template.render(instruction).partition(_VISION_END)
    pad = tokenizer.convert_tokens_to_ids(IMAGE_PAD)
    ids = [token for found in _ids(tokenizer, head) for token in [found] * (vision_tokens if found == pad else 1)]
    ids += _ids(tokenizer, mark)
    parts = tail.translate(_ALL_QUOTES).split('"')
    for index, part in enumerate(parts):
        # An unclosed quote reaches to the end, control tokens included: so it was in training.
        if index % 2:
            ids += [token for character in part for token in _spelled(tokenizer, character)]
        else:
            ids += _ids(tokenizer, ('"' if index else "") + part + ('"' if index + 1 < len(parts) else ""))
    return PromptTokens(ids, [False] * len(ids))


def quoted_characters(text: str) -> list[tuple[str, bool]]:
    """Cut a text into unquoted stretches and the single characters between quotation marks (v1p2).

    Quotation marks are ``"`` and the pair “ ”; one kind is ordinary text inside the other. The marks themselves belong
    to the stretches around; a quote that does not end is no quote.
    """
    cut: list[tuple[str, bool]] = []
    stretch = ""
    at = 0
    while at < len(text):
        mark = text[at]
        end = text.find(_CLOSING[mark], at + 1) if mark in _CLOSING else -1
        if mark in _CLOSING and end < 0:
            stretch += text[at:]
            break
        if end < 0:
            stretch, at = stretch + mark, at + 1
            continue
        # A typographic mark that opens a text was lost in training.
        if stretch or mark == '"':
            cut.append((stretch + mark, False))
        cut += [(character, True) for character in text[at + 1 : end]]
        stretch, at = text[end], end + 1
    return [*cut, (stretch, False)] if stretch else cut


def _by_special(tokenizer: Any, text: str) -> list[tuple[str, bool]]:
    """Cut a text at its control tokens; each of these is a piece of its own."""
    specials = _specials(tokenizer)
    pieces: list[tuple[str, bool]] = []
    start = at = 0
    while at < len(text):
        found = next((special for special in specials if text.startswith(special, at)), "")
        if found:
            pieces += [(text[start:at], False)] if at > start else []
            pieces.append((found, True))
            start = at = at + len(found)
        else:
            at += 1
    return [*pieces, (text[start:], False)] if start < len(text) else pieces


def _specials(tokenizer: Any) -> list[str]:
    return [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]


def _refuse_control(tokenizer: Any, instruction: str) -> None:
    if found := next((special for special in _specials(tokenizer) if special in instruction), None):
        raise Unsupported(f"The instruction holds {found}, which controls the model.", hint="Leave it out.")


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []


def _spelled(tokenizer: Any, character: str) -> list[int]:
    """Return the ids of a character as it is between typographic marks, without these where they are tokens."""
    ids = _ids(tokenizer, f"“{character}”")
    opening, closing = _ids(tokenizer, "“"), _ids(tokenizer, "”")
    if ids[: len(opening)] == opening and ids[-len(closing) :] == closing:
        return ids[len(opening) : len(ids) - len(closing)]
    return ids
