"""The steps from noise to a picture's latent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from reasonedit_agent.tools.step1x.encoding import PromptEmbeds
from reasonedit_agent.tools.step1x.guidance import Guidance

__all__ = ["Callback", "Steps", "denoise"]

Callback = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]

# One after the other and not as one batch: their texts differ in length, and a cache must keep them apart.
_CONTEXTS = ("cond", "uncond")


@dataclass(frozen=True)
class Steps:
    """What accompanies each step.

    Attributes:
        callback: Called after it, as diffusers' pipelines do.
        tensors: Names of what it is given.
        attention: Arguments of the attention; ``scale`` is that of the LoRAs.
    """

    callback: Callback | None
    tensors: Sequence[str]
    attention: dict[str, Any] | None


def denoise(
    pipe: Any,
    noise: torch.Tensor,
    reference: torch.Tensor | None,
    texts: Sequence[PromptEmbeds],
    places: torch.Tensor,
    guidance: Guidance,
    steps: Steps,
) -> torch.Tensor:
    """Run the scheduler's steps.

    Args:
        pipe: With a transformer and a scheduler whose steps are set; its ``interrupt`` ends the loop.
        noise: ``(batch, tokens, channels)``.
        reference: ``(batch, tokens, channels)``, or None.
        texts: The prompt, and the negative prompt where the guidance needs it.
        places: Positions of noise and reference, ``(tokens of both, 3)``.
        guidance: How the two are combined.
        steps: What accompanies each step.

    Returns:
        ``(batch, tokens, channels)``.
    """
    latents, count = noise, noise.shape[1]
    ready = [text.prepared(len(noise), noise.device, noise.dtype)._asdict() for text in texts]
    pipe.scheduler.set_begin_index(0)
    with pipe.progress_bar(total=len(pipe.scheduler.timesteps)) as bar:
        for index, time in enumerate(pipe.scheduler.timesteps):
            if pipe.interrupt:
                continue
            pipe._current_timestep = time
            seen = latents if reference is None else torch.cat((latents, reference), dim=1)
            # Rounded to the dtype before the division, as in training.
            sigma = time.expand(len(noise)).to(noise.dtype) / 1000
            velocities: list[torch.Tensor] = []
            for context, text in zip(_CONTEXTS, ready, strict=False):
                with pipe.transformer.cache_context(context):
                    velocity = pipe.transformer(
                        hidden_states=seen,
                        timestep=sigma,
                        img_ids=places,
                        joint_attention_kwargs=steps.attention,
                        return_dict=False,
                        **text,
                    )[0]
                velocities.append(velocity[:, :count])
            noise_pred = velocities[0]
            if guidance.needed:
                noise_pred = guidance.combine(noise_pred, velocities[1], float(time))
            latents = pipe.scheduler.step(noise_pred, time, latents, return_dict=False)[0].to(noise.dtype)
            if steps.callback is not None:
                known = {"latents": latents, "noise_pred": noise_pred}
                answer = steps.callback(pipe, index, time, {name: known[name] for name in steps.tensors})
                latents = answer.pop("latents", latents)
            bar.update()
    pipe._current_timestep = None
    return latents
