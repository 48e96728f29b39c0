"""What the tests of the classical editor share: real photos, a context, and one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage import color, data
from sklearn.datasets import load_sample_image

from reasonedit_agent.events import AnyEvent
from reasonedit_agent.images import FolderStore
from reasonedit_agent.operations import PlainOperation
from reasonedit_agent.schemas import Candidate, EditCall, EditStep, ImageRef, Mask, Region
from reasonedit_agent.tools import ClassicalEditor

Array = npt.NDArray[Any]


def photo(name: str) -> Array:
    """Return a photo as RGB bytes."""
    if name in ("china", "flower"):
        return np.asarray(load_sample_image(f"{name}.jpg"))
    return np.asarray(getattr(data, name)())[..., :3]


def lab(rgb: Array) -> Array:
    return np.asarray(color.rgb2lab(rgb[..., :3]))


def change(before: Array, after: Array) -> Array:
    return np.asarray(color.deltaE_ciede2000(lab(before), lab(after)))


def disc(shape: tuple[int, ...], row: float, column: float, radius: float) -> Array:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    inside: Array = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    return inside


@dataclass
class Studio:
    """A store, the editor, and the context that it is handed."""

    images: FolderStore
    editor: ClassicalEditor = field(default_factory=ClassicalEditor)
    events: list[AnyEvent] = field(default_factory=list)
    deadline: float | None = None
    given_up: Callable[[], bool] = lambda: False

    def emit(self, event: AnyEvent) -> None:
        self.events.append(event)

    def cancelled(self) -> bool:
        return self.given_up()

    def save(self, pixels: Array | Image.Image, kind: str = "image/png") -> ImageRef:
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        like = ImageRef(sha256="0" * 64, width=1, height=1, media_type=kind)
        return self.images.save(image, like=like)

    def mask(self, inside: Array) -> Mask:
        return Mask(image=self.save(np.rint(np.clip(inside, 0, 1) * 255).astype(np.uint8)))

    def call(self, base: Candidate, *steps: EditStep, **more: Any) -> EditCall:
        return EditCall(base=base, instruction="", steps=steps, **{"seeds": (7,), **more})

    def edit(
        self, source: Array | Candidate, operation: PlainOperation, place: Region | None = None, **more: Any
    ) -> tuple[Array, Candidate]:
        """Run one operation and return the pixels and the candidate."""
        base = source if isinstance(source, Candidate) else Candidate.of(self.save(source))
        step = EditStep(text="edit", operation=operation, region=place)
        (made,) = asyncio.run(self.editor.edit(self.call(base, step, **more), self))
        return np.asarray(self.images.open(made.image)), made


def studio(folder: Path) -> Studio:
    return Studio(FolderStore(folder))
