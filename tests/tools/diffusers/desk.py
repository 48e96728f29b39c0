"""A context with a photo in it, and calls of a tool on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from reasonedit_agent.events import Called, Noted, Progress
from reasonedit_agent.protocols import EditTool
from reasonedit_agent.schemas import Candidate, EditCall, EditStep
from reasonedit_agent.testing import SimpleContext

PHOTO = Path(__file__).parents[3] / "examples/photos/coffee.jpg"
TEXT = "make the cup green"


class Desk(SimpleContext):
    """Calls a tool on the photo, and keeps what it said."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.source = self.images.put(PHOTO.read_bytes())

    def call(self, *seeds: int, base: Candidate | None = None, text: str = TEXT, **changes: Any) -> EditCall:
        fields: dict[str, Any] = {"steps": (EditStep(text=text),), "instruction": text, **changes}
        return EditCall(base=base or Candidate.of(self.source), seeds=seeds or (1,), **fields)

    async def edit(self, tool: EditTool, *seeds: int, **changes: Any) -> tuple[Candidate, ...]:
        return await tool.edit(self.call(*seeds, **changes), self)

    def pixels(self, candidate: Candidate) -> npt.NDArray[np.uint8]:
        return np.asarray(self.images.open(candidate.image))

    @property
    def photo(self) -> Image.Image:
        return self.images.open(self.source)

    @property
    def called(self) -> Called:
        return [event for event in self.events if isinstance(event, Called)][-1]

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Noted)]

    @property
    def progress(self) -> list[Progress]:
        return [event for event in self.events if isinstance(event, Progress)]
