"""What is never encoded twice: prompts and pictures, by what was given to the encoder.

Every pipeline encodes its prompt by ``encode_prompt`` and its pictures by ``vae.encode``. `Encodings` stands before
both and answers from memory where it was asked the same before: the same text with the same picture, the same pixels.
"""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

__all__ = ["Encodings", "Tally"]


@dataclass(slots=True)
class Tally:
    """How often an encoder was asked since the last look, and how often memory knew."""

    asked: int = 0
    known: int = 0

    def __str__(self) -> str:
        return f"encodings: {self.known} of {self.asked} known"


class Encodings:
    """Remembers what encoders said, the least recently used forgotten first.

    Args:
        megabytes: Most memory of all that is remembered; 0 remembers nothing.
    """

    def __init__(self, megabytes: int) -> None:
        self._limit = megabytes * 2**20
        self._kept: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()
        self._tally = Tally()
        self._latents: OrderedDict[str, Any] = OrderedDict()
        self._base: Any = None
        self._decoded: Any = None
        self._factor = 0  # pixels per latent, along a side

    def clear(self) -> None:
        """Forget everything."""
        with self._guard:
            self._kept.clear()
            self._latents.clear()
            self._bytes, self._base, self._decoded = 0, None, None

    def tally(self) -> Tally:
        """Return the counts since the last call of this method."""
        with self._guard:
            told, self._tally = self._tally, Tally()
            return told

    @property
    def bytes(self) -> int:
        """Memory of what is remembered."""
        return self._bytes

    def stand_before(self, pipe: Any, *, rows: int = 0) -> None:
        """Let a pipeline ask here first.

        Args:
            pipe: Of diffusers. Its VAE may be another pipeline's as well.
            rows: How many values of its ``encode_prompt``, from the first, have an equal row for each picture of a
                prompt: these are encoded for one picture and repeated, so that any number of candidates shares them.
        """
        encode = self._remembering("prompt", pipe.encode_prompt)
        pipe.encode_prompt = _for_one(encode, inspect.signature(pipe.encode_prompt), rows) if rows else encode
        self._factor = getattr(pipe, "vae_scale_factor", 0)
        if not hasattr(pipe.vae.encode, "remembers"):
            pipe.vae.encode = self._encoding(self._remembering("picture", pipe.vae.encode))
            pipe.vae.decode = self._decoding(pipe.vae.decode)

    # -- the latents that drew a picture ------------------------------------------------------------------------------

    def take_decoded(self, count: int) -> list[Any]:
        """Return the latents that were decoded last, one for each of ``count`` pictures, or None for each.

        Called on the device's thread, before the next call decodes others.
        """
        decoded, self._decoded = self._decoded, None
        if decoded is None or len(decoded) != count:
            return [None] * count
        return [latents[None].detach() for latents in decoded]

    def keep_latents(self, image: str, latents: Any) -> None:
        """Remember latents as those of the picture with this hash; None is nothing to remember."""
        if latents is None:
            return
        with self._guard:
            self._latents[image] = latents
            while len(self._latents) > 64:
                self._latents.popitem(last=False)

    def start_from(self, image: str) -> bool:
        """Let the next picture that is encoded be the latents of ``image``; return whether they are known.

        It is encoded all the same where it has another size than the picture that they drew.

        Args:
            image: Hash of the picture; empty is none, and forgets one that was asked for.
        """
        self._base = self._latents.get(image)
        return self._base is not None

    def _encoding(self, encode: Callable[..., Any]) -> Callable[..., Any]:
        def encoding(pixels: Any, *args: Any, **kwargs: Any) -> Any:
            latents, self._base = self._base, None
            if latents is None or tuple(pixels.shape[-2:]) != tuple(side * self._factor for side in latents.shape[-2:]):
                return encode(pixels, *args, **kwargs)
            import torch
            from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
            from diffusers.models.modeling_outputs import AutoencoderKLOutput

            with self._guard:
                self._tally.asked += 1
                self._tally.known += 1
            # A posterior without spread, so that its mean and its samples are these latents.
            spread = torch.full_like(latents, -30.0)
            return AutoencoderKLOutput(latent_dist=DiagonalGaussianDistribution(torch.cat([latents, spread], dim=1)))

        encoding.remembers = True  # type: ignore[attr-defined]
        return encoding

    def _decoding(self, decode: Callable[..., Any]) -> Callable[..., Any]:
        def decoding(latents: Any, *args: Any, **kwargs: Any) -> Any:
            self._decoded = latents
            return decode(latents, *args, **kwargs)

        return decoding

    # -- what an encoder said -----------------------------------------------------------------------------------------

    def _remembering(self, kind: str, encode: Callable[..., Any]) -> Callable[..., Any]:
        def remembering(*args: Any, **kwargs: Any) -> Any:
            key = _digest((kind, args, sorted(kwargs.items())))
            with self._guard:
                self._tally.asked += 1
                if key in self._kept:
                    self._tally.known += 1
                    self._kept.move_to_end(key)
                    return self._kept[key][0]
            said = encode(*args, **kwargs)
            size = sum(tensor.numel() * tensor.element_size() for tensor in _tensors(said))
            if size <= self._limit:
                with self._guard:
                    self._kept[key] = (said, size)
                    self._bytes += size
                    while self._bytes > self._limit:
                        self._bytes -= self._kept.popitem(last=False)[1][1]
            return said

        return remembering


_COUNT = "num_images_per_prompt"


def _for_one(encode: Callable[..., Any], signature: inspect.Signature, rows: int) -> Callable[..., Any]:
    """Return an encoder that is always asked for one picture, and repeats the first ``rows`` values of the answer."""

    def encoding(*args: Any, **kwargs: Any) -> Any:
        asked = signature.bind(*args, **kwargs)
        count = asked.arguments.get(_COUNT, 1)
        asked.arguments[_COUNT] = 1
        said = encode(*asked.args, **asked.kwargs)
        return (*(_repeated(value, count) for value in said[:rows]), *said[rows:])

    return encoding


def _repeated(value: Any, count: int) -> Any:
    """Return a tensor of one row with ``count`` of them; what has another number is for all pictures together."""
    if count == 1 or value is None or value.shape[0] != 1:
        return value
    return value.repeat_interleave(count, dim=0)


def _digest(value: object) -> str:
    """Return a name of what was given: equal pixels, texts and numbers have equal names."""
    hasher = hashlib.blake2b(digest_size=20)
    for part in _parts(value):
        hasher.update(part)
    return hasher.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, Image.Image):
        yield f"picture {value.mode} {value.size}".encode()
        yield value.tobytes()
    elif isinstance(value, dict | list | tuple):
        items = sorted(value.items()) if isinstance(value, dict) else value
        yield f"{type(value).__name__} {len(items)}".encode()
        for item in items:
            yield from _parts(item)
    elif hasattr(value, "element_size"):
        import torch

        yield f"tensor {value.dtype} {tuple(value.shape)}".encode()
        yield value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes() if value.numel() else b""
    else:
        yield f"{type(value).__name__} {value!r}".encode()


def _tensors(value: Any) -> Iterator[Any]:
    if hasattr(value, "element_size"):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif hasattr(value, "latent_dist"):
        yield from _tensors([value.latent_dist.parameters])
