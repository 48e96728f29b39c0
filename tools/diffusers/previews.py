"""Unfinished pictures, without a decoder.

The pixels of the base and its tokens are both known, so the linear map from a token to the mean colour of its block of
pixels is a small least-squares problem. The same map shows what the noise is becoming.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from reasonedit_agent.events import Progress
from reasonedit_agent.tools.watch import Watch

__all__ = ["Previews"]


class Previews:
    """Shows what a transformer is drawing.

    Args:
        transformer: Reads the tokens of the noise and those of the pictures, of which the base is the first.
        base: The picture at the size that is drawn.
        noise_last: Whether the noise stands behind the pictures.
    """

    def __init__(self, transformer: Any, base: Image.Image, *, noise_last: bool) -> None:
        self._base, self._noise_last = base, noise_last
        self._seen: Any = None
        self._hook = transformer.register_forward_pre_hook(self._look, with_kwargs=True)

    def close(self) -> None:
        """Look no longer."""
        self._hook.remove()

    def _look(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        tokens = kwargs.get("hidden_states", args[0] if args else None)
        if tokens is not None:
            self._seen = tokens.detach()

    def show(self, latents: Any, scheduler: Any, step: int, watch: Watch) -> None:
        """Emit what the first candidate would be if the rest went straight on; where that can't be shown, say so.

        Args:
            latents: After the step, shape (batch, tokens, channels).
            scheduler: Of the flow, which knows how much noise is left.
            step: That has ended, from 0.
            watch: Takes it.
        """
        picture = self._picture(latents, scheduler, step)
        if picture is None:
            watch.note("No unfinished picture can be shown: the model's tokens are no grid over the base.")
            return
        image = watch.context.images.save(picture)
        watch.emit(Progress(fraction=None, message="preview", preview=image))

    def _picture(self, latents: Any, scheduler: Any, step: int) -> Image.Image | None:
        count = latents.shape[1]
        if self._seen is None or self._seen.shape[1] < 2 * count:
            return None
        tokens = self._seen[0].float()
        noise, base = (
            (tokens[-count:], tokens[:count]) if self._noise_last else (tokens[:count], tokens[count : 2 * count])
        )
        left, before = float(scheduler.sigmas[step + 1]), float(scheduler.sigmas[step])
        velocity = (latents[0].float() - noise) / (left - before)
        clean = (latents[0].float() - left * velocity).cpu().numpy()
        return _coloured(clean, base.cpu().numpy(), self._base)


def _coloured(
    tokens: npt.NDArray[np.float32], reference: npt.NDArray[np.float32], base: Image.Image
) -> Image.Image | None:
    count = len(tokens)
    wide = round((count * base.width / base.height) ** 0.5)
    if wide == 0 or count % wide:
        return None
    size = (wide, count // wide)
    colours = np.asarray(base.convert("RGB").resize(size, Image.Resampling.BOX), np.float32).reshape(count, 3)
    known = np.hstack([reference, np.ones((count, 1), np.float32)])
    # A little ridge: a small picture has fewer blocks than a token has channels.
    weights = known.T @ known + 1e-2 * np.eye(known.shape[1], dtype=np.float32)
    fit = np.linalg.solve(weights, known.T @ colours)
    shown = np.hstack([tokens, np.ones((count, 1), np.float32)]) @ fit
    return Image.fromarray(np.uint8(np.clip(np.rint(shown), 0, 255)).reshape(size[1], size[0], 3))
