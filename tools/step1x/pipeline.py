"""The pipelines of Step1X-Edit v1.1 and v1p2 (the editor of ReasonEdit-S), in the manner of diffusers.

They read the published folders without remote code. Thinking and reflecting are not in here: they are a Reasoner's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers import AutoencoderKL, DiffusionPipeline, FlowMatchEulerDiscreteScheduler, ImagePipelineOutput
from diffusers.callbacks import MultiPipelineCallbacks, PipelineCallback
from diffusers.image_processor import VaeImageProcessor
from diffusers.loaders import QwenImageLoraLoaderMixin
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image
from transformers import ProcessorMixin, Qwen2_5_VLForConditionalGeneration

from reasonedit_agent.tools.step1x import prompts, sizes, versions
from reasonedit_agent.tools.step1x.denoising import Callback, Steps, denoise
from reasonedit_agent.tools.step1x.encoding import PromptEmbeds, encode
from reasonedit_agent.tools.step1x.guidance import Guidance, time_shift
from reasonedit_agent.tools.step1x.positions import grid_positions
from reasonedit_agent.tools.step1x.processing import Qwen2_5_VLProcessor
from reasonedit_agent.tools.step1x.transformer import Step1XEditTransformer2DModel

__all__ = ["Step1XEditPipeline", "Step1XEditPipelineV1P2"]

# Where a class is said to be in the published folders, and where it is.
_HOMES = {
    "Step1XEditTransformer2DModel": ("diffusers", Step1XEditTransformer2DModel.__module__),
    "Qwen2_5_VLProcessor": ("transformers", Qwen2_5_VLProcessor.__module__),
}


class _Step1XEdit(DiffusionPipeline, QwenImageLoraLoaderMixin):  # type: ignore[misc]
    version: ClassVar[versions.Version]
    model_cpu_offload_seq = "text_encoder->transformer->vae"
    _callback_tensor_inputs: ClassVar[list[str]] = ["latents", "noise_pred"]

    def __init__(
        self,
        scheduler: FlowMatchEulerDiscreteScheduler,
        vae: AutoencoderKL,
        text_encoder: Qwen2_5_VLForConditionalGeneration,
        processor: ProcessorMixin,
        transformer: Step1XEditTransformer2DModel,
    ) -> None:
        super().__init__()
        self.register_modules(
            scheduler=scheduler, vae=vae, text_encoder=text_encoder, processor=processor, transformer=transformer
        )
        self.vae_scale_factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.image_processor = VaeImageProcessor(vae_scale_factor=self.vae_scale_factor * 2)
        self._interrupt = False
        self._num_timesteps = 0
        self._current_timestep: Any = None

    @classmethod
    def load_config(cls, *args: Any, **options: Any) -> Any:
        """Read ``model_index.json``; where it names classes of the published folders, ours are meant."""
        found = super().load_config(*args, **options)
        for entry in (found if isinstance(found, dict) else found[0]).values():
            if isinstance(entry, list) and entry[-1] in _HOMES:
                entry[0] = _HOMES[entry[-1]][1]
        return found

    def to_json_string(self) -> str:
        """What ``model_index.json`` will hold: the names that the published folders have."""
        index = json.loads(super().to_json_string())
        for entry in index.values():
            if isinstance(entry, list) and entry[-1] in _HOMES:
                entry[0] = _HOMES[entry[-1]][0]
        return json.dumps(index, indent=2, sort_keys=True) + "\n"

    @property
    def interrupt(self) -> bool:
        """Whether the remaining steps are to be left out."""
        return self._interrupt

    @property
    def num_timesteps(self) -> int:
        """Steps of the current call."""
        return self._num_timesteps

    @property
    def current_timestep(self) -> Any:
        """Time of the current step, 0 to 1000; None between calls."""
        return self._current_timestep

    def encode_prompt(self, image: Image.Image, prompt: str, device: torch.device | None = None) -> PromptEmbeds:
        """Return what the text encoder says; it depends on nothing but the arguments.

        Args:
            image: In the working size (`sizes.target_size`).
            prompt: The instruction.
            device: Where to compute; the pipeline's by default.

        Raises:
            Unsupported: The prompt holds a control token, or is too long.
        """
        device = device or self._execution_device
        return encode(self.version, self.text_encoder, self.processor, image, prompt, device)

    def prepare_latents(
        self,
        image: torch.Tensor | None,
        count: int,
        size: tuple[int, int],
        generator: torch.Generator | list[torch.Generator] | None,
        latents: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Draw the reference and the noise: for one picture after the other, first the reference, then the noise.

        Args:
            image: ``(1, 3, height, width)``, -1 to 1, or None.
            count: How many pictures are made.
            size: Width and height in pixels.
            generator: One for all, or one for each; None for torch's own.
            latents: ``(count or 1, tokens, channels)``, packed noise to start from instead.

        Returns:
            Noise and reference, packed, ``(count, tokens, channels)``; no reference without an image.
        """
        device, dtype, vae = self._execution_device, self.transformer.dtype, self.vae
        side = self.vae_scale_factor
        shape = (1, self.transformer.config.in_channels // 4, size[1] // side, size[0] // side)
        posterior = None
        if image is not None:
            posterior = vae.encode(image.to(device, vae.dtype)).latent_dist
        noises, references = [], []
        for index in range(count):
            own = generator[index] if isinstance(generator, list) else generator
            if posterior is not None:
                drawn = (posterior.sample(own) - vae.config.shift_factor) * vae.config.scaling_factor
                references.append(sizes.pack(drawn.to(dtype)))
            if latents is None:
                noises.append(sizes.pack(randn_tensor(shape, generator=own, device=device, dtype=dtype)))
        if latents is not None:
            tokens = (shape[2] // 2 * (shape[3] // 2), shape[1] * 4)
            if latents.ndim != 3 or latents.shape[0] not in (1, count) or latents.shape[1:] != tokens:
                raise ValueError(f"latents are {tuple(latents.shape)}, and must be {(count, *tokens)}.")
            noise = latents.to(device, dtype).expand(count, -1, -1)
        else:
            noise = torch.cat(noises)
        return noise, torch.cat(references) if references else None

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def __call__(
        self,
        image: Image.Image | None = None,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        true_cfg_scale: float = 6.0,
        height: int | None = None,
        width: int | None = None,
        size_level: int = 1024,
        num_inference_steps: int = 28,
        sigmas: Sequence[float] | None = None,
        num_images_per_prompt: int = 1,
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: torch.Tensor | None = None,
        prompt_embeds: PromptEmbeds | None = None,
        negative_prompt_embeds: PromptEmbeds | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        joint_attention_kwargs: dict[str, Any] | None = None,
        callback_on_step_end: Callback | PipelineCallback | MultiPipelineCallbacks | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
        timesteps_truncate: float = 0.93,
        process_norm_power: float = 0.4,
    ) -> Any:
        """Edit a picture, or make one from text alone.

        Args:
            image: The source; None to make a picture from nothing.
            prompt: The instruction. What stands in quotation marks is spelled.
            negative_prompt: Left out, an empty one for edits and a list of flaws without an image.
            true_cfg_scale: Above 1, each step also runs with the negative prompt.
            height: Without an image: of the picture, in pixels; ``size_level`` by default.
            width: As height.
            size_level: An edit works at about so many pixels squared.
            num_inference_steps: Steps.
            sigmas: Their noise levels before the shift; evenly spaced by default.
            num_images_per_prompt: How many candidates; each equals a run of its own with its generator.
            generator: One, or one for each candidate.
            latents: Noise to start from, packed: ``(candidates or 1, tokens, channels)``.
            prompt_embeds: What `encode_prompt` gave, instead of the prompt.
            negative_prompt_embeds: As prompt_embeds.
            output_type: ``pil`` in the source's size; ``np`` and ``pt`` in the working size; ``latent``, packed.
            return_dict: Whether to return an `ImagePipelineOutput`, else a tuple.
            joint_attention_kwargs: ``scale`` of the LoRAs.
            callback_on_step_end: Called with the pipeline, the step, its time and the tensors named below; a
                ``latents`` in what it returns replaces them.
            callback_on_step_end_tensor_inputs: ``latents``, ``noise_pred``.
            timesteps_truncate: Guidance is damped above this time, on the scale 0 to 1000.
            process_norm_power: How strongly.

        Raises:
            ValueError: The arguments contradict each other.
            Unsupported: The prompt holds a control token, or is too long.
        """
        if isinstance(callback_on_step_end, PipelineCallback | MultiPipelineCallbacks):
            callback_on_step_end_tensor_inputs = callback_on_step_end.tensor_inputs
        self._check(prompt, prompt_embeds, num_images_per_prompt, generator, callback_on_step_end_tensor_inputs)
        if sigmas is None:
            if num_inference_steps < 1:
                raise ValueError(f"num_inference_steps is {num_inference_steps}: it must be 1 or more.")
            sigmas = np.linspace(1.0, 1 / num_inference_steps, num_inference_steps).tolist()
        self._interrupt = False
        source = None if image is None else image.convert("RGB")
        working, size = self._working(source, width, height, size_level)
        if negative_prompt is None:
            negative_prompt = prompts.NEGATIVE_WITHOUT_IMAGE if source is None else prompts.NEGATIVE_WITH_IMAGE
        guidance = Guidance(true_cfg_scale, timesteps_truncate, process_norm_power)
        texts = [prompt_embeds or self.encode_prompt(image=working, prompt=str(prompt))]
        if guidance.needed:
            texts.append(negative_prompt_embeds or self.encode_prompt(image=working, prompt=negative_prompt))
        pixels = None if source is None else self.version.vae_input(source, working)
        noise, reference = self.prepare_latents(pixels, num_images_per_prompt, size, generator, latents)
        mu = time_shift(noise.shape[1], self.scheduler.config)
        self.scheduler.set_timesteps(sigmas=list(sigmas), device=noise.device, mu=mu)
        self._num_timesteps = len(self.scheduler.timesteps)
        steps = Steps(callback_on_step_end, callback_on_step_end_tensor_inputs, joint_attention_kwargs)
        places = self._places(size, reference is not None).to(noise.device)
        final = denoise(self, noise, reference, texts, places, guidance, steps)
        made = self._shown(final, size, source, output_type)
        self.maybe_free_model_hooks()
        return ImagePipelineOutput(images=made) if return_dict else (made,)

    def _check(
        self,
        prompt: str | None,
        embeds: PromptEmbeds | None,
        count: int,
        generator: torch.Generator | list[torch.Generator] | None,
        names: Sequence[str],
    ) -> None:
        if (prompt is None) == (embeds is None):
            raise ValueError("Give a prompt or prompt_embeds, and not both.")
        if prompt is not None and not isinstance(prompt, str):
            raise ValueError("Give one prompt, a text; more pictures of it come by num_images_per_prompt.")
        if count < 1 or (isinstance(generator, list) and len(generator) != count):
            raise ValueError(f"num_images_per_prompt is {count}: it must be 1 or more, and so many generators.")
        if odd := set(names) - set(self._callback_tensor_inputs):
            raise ValueError(f"A callback can be given {self._callback_tensor_inputs}, not {sorted(odd)}.")

    def _working(
        self, source: Image.Image | None, width: int | None, height: int | None, level: int
    ) -> tuple[Image.Image, tuple[int, int]]:
        """Return the text encoder's picture before its own resizing, and the width and height of what is made."""
        if source is not None:
            size = sizes.target_size(*source.size, level)
            return sizes.resized(source, size), size
        unit = self.vae_scale_factor * 2
        wide, high = (max(unit, (side or level) // unit * unit) for side in (width, height))
        return Image.new("RGB", (level, level)), (wide, high)

    def _places(self, size: tuple[int, int], reference: bool) -> torch.Tensor:
        columns, rows = (side // (self.vae_scale_factor * 2) for side in size)
        places = [grid_positions(rows, columns)]
        if reference:
            places.append(grid_positions(rows, columns, axis0=1, shift=self.version.reference_shift))
        return torch.cat(places)

    def decode_latents(self, tokens: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """Return what the VAE makes of packed latents.

        Args:
            tokens: ``(batch, tokens, channels)``.
            size: Width and height in pixels.

        Returns:
            ``(batch, 3, height, width)``, about -1 to 1.
        """
        vae, side = self.vae, self.vae_scale_factor
        latents = sizes.unpack(tokens, size[1] // side, size[0] // side).to(vae.dtype)
        decoded: torch.Tensor = vae.decode(
            latents / vae.config.scaling_factor + vae.config.shift_factor, return_dict=False
        )[0]
        return decoded

    def _shown(self, tokens: torch.Tensor, size: tuple[int, int], source: Image.Image | None, output_type: str) -> Any:
        if output_type == "latent":
            return tokens
        made = self.image_processor.postprocess(self.decode_latents(tokens, size), output_type=output_type)
        return [picture.resize(source.size) for picture in made] if source and output_type == "pil" else made


class Step1XEditPipeline(_Step1XEdit):
    """Step1X-Edit v1.1."""

    version = versions.V1P1


class Step1XEditPipelineV1P2(_Step1XEdit):
    """Step1X-Edit v1p2: spells quoted text, and knows where the text encoder looks."""

    version = versions.V1P2
