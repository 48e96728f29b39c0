"""The probabilities of a few words at one place of a reply, from a server's log-probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterable

from reasonedit_agent.reasoners.dialects.base import Choice

__all__ = ["chances"]


def chances(choice: Choice, tokens: Iterable[tuple[str, dict[str, float]]]) -> dict[str, float] | None:
    """Return the probability of each word of a choice; they sum to 1.

    Args:
        choice: The words, and what stands before them.
        tokens: The reply's tokens in order, each with the log-probabilities (natural) of what could have stood there,
            itself included.

    Returns:
        None where the place is not in the reply, or no token there begins one of the words. A token that begins two of
        them ("re" of "refine" and "reject") counts half for each.
    """
    text = ""
    for token, others in tokens:
        found = text.rfind(choice.before)
        rest = text[found + len(choice.before) :] if found >= 0 else None
        if rest is not None and not rest.strip(' "\n') and _begins(token, choice.words):
            return _shares(choice.words, others)
        text += token
    return None


def _begins(token: str, words: tuple[str, ...]) -> list[str]:
    bare = token.strip(' "\n')
    return [word for word in words if bare and (word.startswith(bare) or bare.startswith(word))]


def _shares(words: tuple[str, ...], seen: dict[str, float]) -> dict[str, float] | None:
    shares = dict.fromkeys(words, 0.0)
    for token, logarithm in seen.items():
        begun = _begins(token, words)
        for word in begun:
            shares[word] += math.exp(logarithm) / len(begun)
    total = sum(shares.values())
    return {word: share / total for word, share in shares.items()} if total > 0 else None
