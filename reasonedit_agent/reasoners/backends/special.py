"""Words that chat templates give a meaning; in what people, pictures and models write they have none."""

from __future__ import annotations

import re

__all__ = ["defused"]

_SPECIAL = re.compile(
    r"<(?=[|\uff5c][^|<>\uff5c]{1,40}[|\uff5c]>)"
    r"|<(?=/?(?:s|image|img|video|bos|eos|pad|start_of_turn|end_of_turn|start_of_image|end_of_image|image_soft_token)>)"
    r"|<(?=</?SYS>>)|\[(?=/?(?:INST|IMG|IMG_END|IMG_BREAK)\])",
    re.IGNORECASE,
)


def defused(text: str) -> str:
    """Return the text with a blank in every word that would end a turn or stand for a picture."""
    return _SPECIAL.sub(lambda found: found.group() + " ", text)
