"""Sentence embeddings: all-MiniLM-L6-v2 (Wang et al., "MiniLM", 2020; sentence-transformers) in NumPy."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from reasonedit_agent.weights import weight_path

__all__ = ["DIMENSIONS", "embed"]

DIMENSIONS = 384
_LAYERS = 6
_HEADS = 12
_LONGEST = 256  # tokens; the model was trained with no more

_Array = npt.NDArray[np.float32]
_lock = threading.Lock()


@cache
def _model() -> tuple[dict[str, _Array], Tokenizer]:
    tensors: dict[str, _Array] = load_file(weight_path("minilm.safetensors"))
    tokenizer = Tokenizer.from_file(str(weight_path("minilm-tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_LONGEST)
    word = next(key for key in tensors if key.endswith("embeddings.word_embeddings.weight"))
    prefix = word.removesuffix("embeddings.word_embeddings.weight")
    return {key.removeprefix(prefix): value for key, value in tensors.items()}, tokenizer


def embed(texts: Sequence[str]) -> _Array:
    """Return one unit vector per text; the dot product of two is their cosine similarity.

    Args:
        texts: English words or sentences; beyond 256 tokens they are cut.

    Returns:
        Shape (len(texts), 384).

    Raises:
        UsageError: The weights are missing or damaged.
    """
    if not texts:
        return np.zeros((0, DIMENSIONS), np.float32)
    return np.stack([_embed_one(text) for text in texts])


@lru_cache(maxsize=4096)
def _embed_one(text: str) -> _Array:
    with _lock:
        weights, tokenizer = _model()
    ids = tokenizer.encode(text).ids
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = _norm(x + weights["embeddings.token_type_embeddings.weight"][0], weights, "embeddings.LayerNorm")
    for layer in range(_LAYERS):
        x = _layer(x, weights, f"encoder.layer.{layer}.")
    mean = x.mean(axis=0)
    vector = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)
    vector.setflags(write=False)  # it is shared by the cache
    return vector


def _layer(x: _Array, weights: dict[str, _Array], prefix: str) -> _Array:
    tokens = len(x)
    query, key, value = (
        _linear(x, weights, f"{prefix}attention.self.{part}").reshape(tokens, _HEADS, -1).transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(DIMENSIONS // _HEADS)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    heads = (scores @ value).transpose(1, 0, 2).reshape(tokens, DIMENSIONS)
    x = _norm(
        x + _linear(heads, weights, prefix + "attention.output.dense"), weights, prefix + "attention.output.LayerNorm"
    )
    hidden = _gelu(_linear(x, weights, prefix + "intermediate.dense"))
    return _norm(x + _linear(hidden, weights, prefix + "output.dense"), weights, prefix + "output.LayerNorm")


def _linear(x: _Array, weights: dict[str, _Array], name: str) -> _Array:
    return np.asarray(x @ weights[name + ".weight"].T + weights[name + ".bias"], np.float32)


def _norm(x: _Array, weights: dict[str, _Array], name: str) -> _Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    return np.asarray(scaled * weights[name + ".weight"] + weights[name + ".bias"], np.float32)


def _gelu(x: _Array) -> _Array:
    """The exact form, with the error function by Abramowitz and Stegun 7.1.26 (error below 1.5e-7)."""
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - series * np.exp(-z * z))
    return np.asarray(x * 0.5 * (1 + erf), np.float32)
