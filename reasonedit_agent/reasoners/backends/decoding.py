"""How the next token is chosen: what a grammar forbids is struck out, the rest is sampled as the prompt says.

The grammar is llguidance's. Of the well-kept libraries it brings the least along (one wheel of 3 MB and nothing else;
xgrammar wants triton, outlines nine packages), and its replies were the ones that always held to their schema.
"""

from __future__ import annotations

import json
from typing import Any

from reasonedit_agent.errors import BackendError
from reasonedit_agent.reasoners.dialects.base import Prompt

__all__ = ["Decoder"]

_CANDIDATES = 20
"""Of how many tokens the probabilities are kept, where a prompt wants those of a few words."""


class Decoder:
    """A logits processor of transformers that leaves greedy decoding one choice: the one that was drawn here.

    Sampling by adding Gumbel noise and taking the largest (Maddison, Tarlow and Minka 2014) has the same distribution
    as a softmax, and needs no random state but its own: what else the process draws changes nothing.

    Args:
        prompt: Whose schema, temperature, top_p and seed hold.
        vocabulary: The tokenizer as llguidance reads it.
        tokenizer: Of transformers.

    Attributes:
        seen: Each chosen token as text, with the log-probabilities (natural) of those that could have stood there;
            filled where the prompt has a choice.

    Raises:
        BackendError: There is no grammar for the schema.
    """

    def __init__(self, prompt: Prompt, vocabulary: Any, tokenizer: Any) -> None:
        import torch

        self._prompt, self._tokenizer = prompt, tokenizer
        self._matcher = _matcher(prompt, vocabulary) if prompt.schema is not None else None
        self._random = torch.Generator()
        if prompt.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(prompt.seed % 2**63)
        self._begun = False
        self.seen: list[tuple[str, dict[str, float]]] = []

    def __call__(self, ids: Any, scores: Any) -> Any:
        """Take the ids so far, shape (1, n), and the logits, shape (1, vocabulary); return new logits."""
        allowed = self._allowed(ids, scores.float())
        drawn = self._drawn(allowed)
        if self._prompt.choice is not None:
            self._watch(allowed, int(drawn.argmax()))
        return drawn

    def _allowed(self, ids: Any, scores: Any) -> Any:
        import numpy as np
        import torch

        if self._matcher is None:
            return scores
        if self._begun:
            self._matcher.consume_token(int(ids[0, -1]))
        self._begun = True
        packed = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        if self._matcher.is_error():
            raise BackendError(f"{self._prompt.name}: the grammar broke: {self._matcher.get_error()[:200]}")
        bits = np.unpackbits(packed, bitorder="little")[: scores.shape[1]]
        return scores.masked_fill(torch.from_numpy(bits == 0).to(scores.device), float("-inf"))

    def _drawn(self, scores: Any) -> Any:
        import torch

        if self._prompt.temperature <= 0:
            return scores
        scores = scores / self._prompt.temperature
        if self._prompt.top_p < 1:
            ranked, order = scores.sort(dim=-1, descending=True)
            shares = ranked.softmax(dim=-1)
            beyond = shares.cumsum(dim=-1) - shares >= self._prompt.top_p
            scores = scores.masked_fill(torch.zeros_like(beyond).scatter(1, order, beyond), float("-inf"))
        waits = torch.empty(scores.shape[1]).exponential_(generator=self._random)
        return scores - waits.log().to(scores.device)

    def _watch(self, scores: Any, chosen: int) -> None:
        logs = scores.log_softmax(dim=-1)[0]
        best = logs.topk(min(_CANDIDATES, len(logs)))
        found = dict(zip(best.indices.tolist(), best.values.tolist(), strict=True)) | {chosen: float(logs[chosen])}
        # Two tokens can have one text; the likelier stands.
        texts = {self._tokenizer.decode([token]): value for token, value in sorted(found.items(), key=lambda i: i[1])}
        self.seen.append((self._tokenizer.decode([chosen]), {t: v for t, v in texts.items() if v > float("-inf")}))


def _matcher(prompt: Prompt, vocabulary: Any) -> Any:
    from llguidance import LLMatcher

    # Without blanks: a weak model would fill its room with them. What the grammar cannot express, `prompt.read` checks.
    options: Any = {"whitespace_flexible": False, "lenient": True}
    grammar = LLMatcher.grammar_from_json_schema(json.dumps(prompt.schema), overrides=options)
    matcher = LLMatcher(vocabulary, grammar, log_level=0)
    if matcher.is_error():
        raise BackendError(f"{prompt.name}: its schema has no grammar: {matcher.get_error()[:200]}")
    return matcher
